"""Candidates made with SNAP or GAMMA: baselines and geometry from orbit files."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DatasetError
from ..problems import Problems
from ..rows import IntArray
from ..text import lines_of, shown
from .model import OrbitGeometry, Scene
from .network import Network, single_master, small_baselines
from .pscands import Order
from .text import (
    KeyFile,
    date_pairs_in,
    dates_in,
    day_text,
    days_of,
    key_file,
    locate,
    locate_optional,
    locate_reference,
    plain_reference,
    plausible_wavelength,
)

SPEED_OF_LIGHT = 299792458.0  # [m/s]
BYTE_ORDER: Order = "big"
SCENE_NAMES: tuple[str, ...] = ("rsc.txt", "pscphase.in", "day.1.in")

_GEOMETRY = {
    "near_range_slc": (1.0, 1e8),
    "range_pixel_spacing": (1e-3, 1e4),
    "center_range_slc": (1.0, 1e8),
    "sar_to_earth_center": (6.3e6, 1e8),
    "earth_radius_below_sensor": (6.3e6, 6.5e6),
    "azimuth_lines": (1.0, 1e8),
    "prf": (1e-3, 1e6),
}
"""What the keys of the master's parameter file can be [m, m, m, m, m, 1, Hz]."""


@dataclass(frozen=True)
class Listing:
    """The interferograms of ``pscphase.in``, in file order.

    Parameters
    ----------
    file : Path
        Where they are listed.
    paths : tuple of str
        As written in the file.
    ifgday : (n, 2) int64
        Day numbers of the images of each, as its name has them.
    """

    file: Path
    paths: tuple[str, ...]
    ifgday: IntArray


def scene(patch: Path) -> Scene:
    """Read what patches with a single master share; StaMPS ``ps_load_initial_gamma``.

    See docs/science/loading.md, Processors.

    Raises
    ------
    DatasetError
        Files are missing, contradict each other, or do not hold what they should.
    """
    return _scene(patch, _star)


def scene_sb(patch: Path) -> Scene:
    """Read what patches with small baselines share, as :func:`scene`; ``sb_load_initial_gamma``."""
    return _scene(patch, _pairs)


def _scene(patch: Path, network_of: Callable[[Path, Listing], Network]) -> Scene:
    found = Problems()
    listing = found.tried(read_listing, patch)
    master = found.tried(master_parameters, patch.parent, patch)
    orbit = None if master is None else _orbit(master, found)
    network = listing and found.tried(network_of, patch, listing)
    if listing and network:
        baselines = [found.tried(_baseline, listing.paths[k], patch) for k in network.columns]
    found.require_none()
    assert listing
    assert network
    assert master
    assert orbit
    vectors = np.array([item[1:] for item in baselines if item], np.float64).reshape(-1, 2, 2)
    return Scene(
        network=network,
        n_file=len(listing.paths),
        geometry=OrbitGeometry(
            near_range=orbit["near_range_slc"],
            range_spacing=orbit["range_pixel_spacing"],
            center_range=orbit["center_range_slc"],
            sar_to_earth_center=orbit["sar_to_earth_center"],
            earth_radius=orbit["earth_radius_below_sensor"],
            azimuth_lines=orbit["azimuth_lines"],
            prf=orbit["prf"],
            baseline=np.ascontiguousarray(vectors[:, 0]),
            baseline_rate=np.ascontiguousarray(vectors[:, 1]),
        ),
        baseline_files=tuple(item[0] for item in baselines if item),
        warnings=(*_contradictions(patch, network, master), *network.warnings),
    )


def _star(_: Path, listing: Listing) -> Network:
    """Return the network of a single master; its interferogram with itself is left out."""
    days = listing.ifgday
    masters, slaves = np.unique(days[:, 0]), np.unique(days[:, 1])
    if len(masters) > 1 and len(slaves) == 1:
        raise DatasetError(
            f"{listing.file}: all interferograms end with {day_text(slaves[0])}, as if the master "
            "came second; form them with the master first, yyyymmdd_yyyymmdd.diff"
        )
    if len(masters) > 1:
        raise DatasetError(
            f"{listing.file}: interferograms have more than one master "
            f"({', '.join(map(day_text, masters))}); of small baselines set small_baseline_flag y"
        )
    if len(slaves) < len(days):
        listed = days[:, 1].tolist()
        twice = ", ".join(day_text(day) for day in slaves if listed.count(day) > 1)
        raise DatasetError(f"{listing.file}: names an image twice: {twice}")
    kept = np.flatnonzero(days[:, 1] != masters[0])  # stage 1 puts ones in the place of the other
    null = ("interferogram of the master with itself replaced by ones",)
    warnings = null if len(kept) < len(days) else ()
    return single_master(int(masters[0]), days[kept, 1], kept, warnings)


def _pairs(patch: Path, listing: Listing) -> Network:
    """Return the network of small baselines; the name of the master's file has its day."""
    path = master_parameters(patch.parent, patch).path
    master_day = next(dates_in(path.name), None)
    if master_day is None:
        raise DatasetError(
            f"{path}: no date in its name, which tells the master; name it yyyymmdd.rslc.par"
        )
    return small_baselines(np.unique(listing.ifgday), listing.ifgday, master_day, listing.file)


def _orbit(master: KeyFile, found: Problems) -> dict[str, float] | None:
    """Read the geometry of the master's parameter file; None after noting what is wrong."""
    values = {key: found.tried(master.number, key) for key in _GEOMETRY}
    for key, value in values.items():
        least, most = _GEOMETRY[key]
        if value is not None and not least <= value <= most:
            found.messages.append(
                f"{master.path}: {key} {value:g} is not possible, expected {least:g} to {most:g}; "
                "correct it (metres, lines, Hz)"
            )
    return None if None in values.values() else values  # type: ignore[return-value]


def read_listing(patch: Path) -> Listing:
    """Read ``pscphase.in``: a width, then one interferogram per line.

    Raises
    ------
    DatasetError
        No width, or a name without two dates.
    """
    listing = locate("pscphase.in", patch.parent, patch)
    width, *lines = lines_of(listing) or [""]
    if width and not re.fullmatch(r"\d+(\.0*)?", width):
        raise DatasetError(
            f"{listing}: begins with '{shown(width)}', expected a line with the width of the "
            "scene; put it before the interferograms"
        )
    if not lines:
        raise DatasetError(f"{listing}: names no interferogram")
    paths = tuple(map(plain_reference, lines))
    return Listing(listing, paths, np.array([_date_pair(path, listing) for path in paths]))


def master_parameters(root: Path, patch: Path | None = None) -> KeyFile:
    """Read the parameter file of the master that ``rsc.txt`` names, perhaps among others.

    Parameters
    ----------
    root : Path
        Dataset root.
    patch : Path or None
        Directory from which a relative path starts; None: any patch of the root.

    Raises
    ------
    DatasetError
        A file is missing.
    """
    start = root / "PATCH_1" if patch is None else patch
    listing = locate("rsc.txt", root, *([] if patch is None else [patch]))
    lines = [plain_reference(line) for line in lines_of(listing)]
    if not lines:
        raise DatasetError(f"{listing}: is empty, expected the path of the master's parameter file")
    chosen = lines[0]
    if len(lines) > 1:
        first = set(read_listing(start).ifgday[:, 0].tolist())
        if len(first) == 1:
            of_master = (line for line in lines if first & {*dates_in(Path(line).name)})
            chosen = next(of_master, chosen)
    return key_file(locate_reference(chosen, start, root))


def sensor_values(root: Path, patches: Sequence[Path] = ()) -> dict[str, str | float]:
    """Read heading [deg], wavelength [m] and platform from the master's parameter file.

    Raises
    ------
    DatasetError
        File or key missing.
    """
    orbit = master_parameters(root, patches[0] if patches else None)
    frequency = orbit.number("radar_frequency")
    if frequency <= 0:
        raise DatasetError(f"{orbit.path}: radar_frequency {frequency:g} must be above 0")
    return {
        "heading": orbit.number("heading"),
        "lambda": plausible_wavelength(SPEED_OF_LIGHT / frequency, orbit.path),
        "platform": orbit.words("sensor")[0],
    }


def scene_files(patch: Path) -> Iterator[Path]:
    """Yield the files that :func:`scene` reads, as far as they are found."""
    root = patch.parent
    yield from (root / "rsc.txt", root / "pscphase.in")
    with suppress(DatasetError):
        yield master_parameters(root, patch).path
        yield from (_baseline_file(path, patch) for path in read_listing(patch).paths)


def _contradictions(patch: Path, network: Network, orbit: KeyFile) -> Iterator[str]:
    """Yield where the dates of other files disagree with those of the interferograms."""
    named = re.match(r"(\d{8})\D", orbit.path.name)
    master = day_text(network.master_day)
    if named and named[1] != master:
        yield f"{orbit.path}: is of {named[1]}, the interferograms have the master {master}"
    listing = locate_optional("day.1.in", patch, patch.parent)
    if listing is not None:
        listed = set(days_of(listing).tolist())
        differing = sorted((listed ^ set(network.day.tolist())) - {network.master_day})
        if differing:
            days = ", ".join(map(day_text, differing))
            yield f"{listing}: differs from pscphase.in, which is used, in the days {days}"


def _date_pair(path: str, listing: Path) -> tuple[int, int]:
    pairs = list(dict.fromkeys(date_pairs_in(path.rpartition("/")[2])))
    if len(pairs) != 1:
        what = "more than one pair of dates" if pairs else "no pair of dates"
        raise DatasetError(
            f"{listing}: {what} in the name {shown(path)}, expected yyyymmdd_yyyymmdd.diff"
        )
    return pairs[0]


def _baseline_file(interferogram: str, patch: Path) -> Path:
    """Find the ``.base`` file beside an interferogram, with or without its other suffixes."""
    whole = re.sub(r"\.[^./]+$", ".base", interferogram)
    short = re.sub(r"(\.[^./]+)+$", ".base", interferogram)
    try:
        return locate_reference(whole, patch, patch.parent)
    except DatasetError:
        if short == whole:
            raise
        return locate_reference(short, patch, patch.parent)


def _baseline(interferogram: str, patch: Path) -> tuple[Path, list[float], list[float]]:
    """Read the cross-track and normal baseline [m] and their rates [m/s], and say where."""
    base = key_file(_baseline_file(interferogram, patch))
    vector = base.numbers("initial_baseline(TCN)", 3)
    rate = base.numbers("initial_baseline_rate", 3)
    return base.path, vector[1:], rate[1:]
