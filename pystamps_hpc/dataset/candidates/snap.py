"""Candidates made with SNAP or GAMMA, single master: baselines and geometry from orbit files."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DatasetError
from ..parameters import Parameters
from ..rows import IntArray
from .model import Candidates, OrbitGeometry
from .pscands import Order, read_patch
from .text import (
    KeyFile,
    day_number,
    day_text,
    days_of,
    key_file,
    lines_of,
    locate,
    locate_optional,
    locate_reference,
)

SPEED_OF_LIGHT = 299792458.0  # [m/s]
BYTE_ORDER: Order = "big"

_DATE_PAIR = re.compile(r"(\d{8})_(\d{8})\.[^.]+$")


@dataclass(frozen=True)
class Stack:
    """The interferograms of ``pscphase.in``.

    Parameters
    ----------
    paths : tuple of str
        As written in the file.
    master_day : int
        MATLAB day number.
    slave_day : (n,) int64
        Day number of the other image, in file order; the master's for a null interferogram.
    """

    paths: tuple[str, ...]
    master_day: int
    slave_day: IntArray


def read(patch: Path, parameters: Parameters) -> Candidates:
    """Read the candidates of a patch; StaMPS ``ps_load_initial_gamma``, specification B.2.

    Raises
    ------
    DatasetError
        Files are missing, contradict each other, or do not hold what they should.
    """
    stack = read_stack(patch)
    orbit = master_parameters(patch.parent, patch)
    files = read_patch(
        patch, len(stack.paths), BYTE_ORDER, str(parameters.value("insar_processor"))
    )
    # an interferogram of the master with itself holds nothing: stage 1 puts ones in its place
    kept = np.flatnonzero(stack.slave_day != stack.master_day)
    warnings = [*files.warnings, *_contradictions(patch, stack, orbit)]
    if len(kept) < len(stack.paths):
        warnings.append(f"{patch.name}: interferogram of the master with itself replaced by ones")
    baselines = [_baseline(stack.paths[k], patch) for k in kept]
    vectors = np.array(baselines, np.float64).reshape(-1, 2, 2)
    return Candidates(
        azimuth=files.azimuth,
        range_sample=files.range_sample,
        lonlat=files.lonlat,
        phase=files.phase if len(kept) == len(stack.paths) else files.phase[kept],
        amplitude_dispersion=files.amplitude_dispersion,
        height=files.height,
        master_day=stack.master_day,
        slave_day=stack.slave_day[kept],
        geometry=OrbitGeometry(
            near_range=orbit.number("near_range_slc"),
            range_spacing=orbit.number("range_pixel_spacing"),
            center_range=orbit.number("center_range_slc"),
            sar_to_earth_center=orbit.number("sar_to_earth_center"),
            earth_radius=orbit.number("earth_radius_below_sensor"),
            azimuth_lines=orbit.number("azimuth_lines"),
            prf=orbit.number("prf"),
            baseline=np.ascontiguousarray(vectors[:, 0]),
            baseline_rate=np.ascontiguousarray(vectors[:, 1]),
        ),
        warnings=tuple(warnings),
    )


def read_stack(patch: Path) -> Stack:
    """Read ``pscphase.in``: a width, then one interferogram per line.

    Raises
    ------
    DatasetError
        A name without two dates, several masters, or a date twice.
    """
    listing = locate("pscphase.in", patch.parent, patch)
    paths = lines_of(listing)[1:]
    if not paths:
        raise DatasetError(f"{listing}: names no interferogram")
    days = np.array([_date_pair(path, listing) for path in paths], np.int64)
    masters = np.unique(days[:, 0])
    if len(masters) > 1:
        raise DatasetError(
            f"{listing}: interferograms have more than one master "
            f"({', '.join(map(day_text, masters))}); is this a small-baseline data set?"
        )
    slaves, counts = np.unique(days[:, 1], return_counts=True)
    if (counts > 1).any():
        twice = ", ".join(map(day_text, slaves[counts > 1]))
        raise DatasetError(f"{listing}: names an image twice: {twice}")
    return Stack(tuple(paths), int(masters[0]), days[:, 1])


def master_parameters(root: Path, patch: Path | None = None) -> KeyFile:
    """Read the parameter file of the master that ``rsc.txt`` names.

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
    lines = lines_of(listing)
    if not lines:
        raise DatasetError(f"{listing}: is empty, expected the path of the master's parameter file")
    return key_file(locate_reference(lines[0], start, root))


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
        "lambda": SPEED_OF_LIGHT / frequency,
        "platform": orbit.words("sensor")[0],
    }


def scene_files(patch: Path) -> Iterator[Path]:
    """Yield the files of the scene that :func:`read` uses, as far as they are found."""
    root = patch.parent
    yield from (root / "rsc.txt", root / "pscphase.in")
    with suppress(DatasetError):
        yield master_parameters(root, patch).path
        yield from (_baseline_file(path, patch) for path in read_stack(patch).paths)


def _contradictions(patch: Path, stack: Stack, orbit: KeyFile) -> Iterator[str]:
    """Yield where the dates of other files disagree with those of the interferograms."""
    named = re.match(r"(\d{8})\D", orbit.path.name)
    master = day_text(stack.master_day)
    if named and named[1] != master:
        yield f"{orbit.path}: is of {named[1]}, the interferograms have the master {master}"
    listing = locate_optional("day.1.in", patch, patch.parent)
    if listing is not None:
        listed = set(days_of(listing).tolist()) - {stack.master_day}
        differing = sorted(listed ^ (set(stack.slave_day.tolist()) - {stack.master_day}))
        if differing:
            days = ", ".join(map(day_text, differing))
            yield f"{listing}: differs from pscphase.in, which is used, in the days {days}"


def _date_pair(path: str, listing: Path) -> tuple[int, int]:
    match = _DATE_PAIR.search(path)
    if match is None:
        raise DatasetError(
            f"{path} (in {listing}): no dates in the name, expected yyyymmdd_yyyymmdd.diff"
        )
    return day_number(match[1], path), day_number(match[2], path)


def _baseline_file(interferogram: str, patch: Path) -> Path:
    reference = re.sub(r"\.[^./]+$", ".base", interferogram)
    return locate_reference(reference, patch, patch.parent)


def _baseline(interferogram: str, patch: Path) -> tuple[list[float], list[float]]:
    """Read the cross-track and normal baseline [m] and their rates [m/s]."""
    base = key_file(_baseline_file(interferogram, patch))
    vector = base.numbers("initial_baseline(TCN)", 3)
    rate = base.numbers("initial_baseline_rate", 3)
    return vector[1:], rate[1:]
