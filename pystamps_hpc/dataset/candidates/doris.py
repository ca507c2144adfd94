"""Candidates made with DORIS: text files of days, pairs, baselines and angle grids."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ..problems import Problems
from ..rows import AnyArray, IntArray
from ..text import lines_of, shown
from .model import Grid, GridGeometry, Scene
from .network import Network, single_master, small_baselines
from .pscands import NATIVE_ORDER
from .text import (
    dates_in,
    day_number,
    day_text,
    days_of,
    locate,
    locate_optional,
    number_of,
    numbers_of,
    plausible_wavelength,
    side_of,
)

BYTE_ORDER = NATIVE_ORDER
SCENE_NAMES: tuple[str, ...] = (
    "master_day.1.in", "reference_day.1.in", "day.1.in", "ifgday.1.in", "bperp.1.in",
    "look_angle.1.in", "bperp_*.1.in", "width.txt", "len.txt", "calamp.out",
)  # fmt: skip
NODES = 50  # grid nodes along range and along azimuth


@dataclass(frozen=True)
class Mode:
    """What tells a single master from small baselines, with DORIS and ISCE.

    Parameters
    ----------
    network : callable
        ``network(patch, master_day, days)`` returns the network; days are those of ``day.1.in``.
    calibration : callable
        ``calibration(patch, network)`` returns what phasors are divided by, and warnings.
    grid : callable
        Reads a baseline grid of DORIS.
    """

    network: Callable[[Path, int, IntArray], Network]
    calibration: Callable[[Path, Network], tuple[NDArray[np.float64] | None, tuple[str, ...]]]
    grid: Callable[[Path], Grid]


def scene(patch: Path) -> Scene:
    """Read what patches with a single master share; StaMPS ``ps_load_initial``.

    See docs/science/loading.md, Processors.

    Raises
    ------
    DatasetError
        Files are missing, contradict each other, or do not hold what they should.
    """
    return _scene(patch, SINGLE_MASTER)


def scene_sb(patch: Path) -> Scene:
    """Read what patches with small baselines share, as :func:`scene`; ``sb_load_initial``."""
    return _scene(patch, SMALL_BASELINES)


def _scene(patch: Path, mode: Mode) -> Scene:
    found = Problems()
    look_angle = locate_optional("look_angle.1.in", patch, patch.parent)
    grid = None if look_angle is None else found.tried(_read_grid, look_angle)
    return assemble(
        patch,
        mode,
        found,
        lambda days: _baseline_grids(patch, days, mode.grid),
        look_angle=grid,
        warnings=() if look_angle else (without_angles("look_angle.1.in"),),
    )


def assemble(
    patch: Path,
    mode: Mode,
    found: Problems,
    baselines: Callable[[IntArray], tuple[Grid, ...] | None],
    look_angle: Grid | None,
    incidence: AnyArray | None = None,
    warnings: tuple[str, ...] = (),
) -> Scene:
    """Join the files that DORIS and ISCE have in common with grids of baselines and angles.

    Raises
    ------
    DatasetError
        All that `found` holds, and what is wrong with the common files.
    """
    stack = found.tried(read_days, patch)
    width = found.tried(_side, "width.txt", patch)
    length = found.tried(_side, "len.txt", patch)
    if stack is not None:
        master_day, days = stack
        network = found.tried(mode.network, patch, master_day, days)
        bperp = found.tried(read_bperp, patch, len(days))
        grids = found.tried(baselines, days)
        calibrated = network and found.tried(mode.calibration, patch, network)
    found.require_none()
    assert width
    assert length
    assert network
    assert calibrated
    assert bperp is not None
    by_day = np.argsort(days, kind="stable")
    master = int(np.count_nonzero(days < master_day))
    return Scene(
        network=network,
        n_file=len(network.pairs),
        geometry=GridGeometry(
            width=width,
            length=length,
            day_ix=by_day,
            bperp=np.insert(bperp[by_day], master, 0),
            baselines=None if grids is None else _by_image(grids, by_day, master),
            look_angle=look_angle,
            incidence=incidence,
            calibration=calibrated[0],
        ),
        baseline_files=(locate("bperp.1.in", patch, patch.parent),),
        warnings=warnings + network.warnings + calibrated[1],
    )


def _by_image(grids: tuple[Grid, ...], by_day: IntArray, master: int) -> tuple[Grid | None, ...]:
    ordered = [grids[k] for k in by_day]
    return (*ordered[:master], None, *ordered[master:])


def _side(name: str, patch: Path) -> int:
    return side_of(locate(name, patch, patch.parent))


def without_angles(names: str) -> str:
    """Return the warning that stages 2 and 6 will take a default for the incidence."""
    return f"{names} not found: an incidence of 21 degrees is assumed; make the file if it is other"


def sensor_values(root: Path, patches: Sequence[Path] = ()) -> dict[str, str | float]:
    """Read heading [deg], wavelength [m] and oversampling factor of the SLCs.

    Raises
    ------
    DatasetError
        A file is missing, or holds no such value.
    """
    osf = number_of(locate("slc_osfactor.1.in", root, *patches))
    return {**orbit_values(root, patches), "slc_osf": osf}


def orbit_values(root: Path, patches: Sequence[Path]) -> dict[str, str | float]:
    """Read heading [deg] and wavelength [m]; raises as :func:`sensor_values`."""
    heading = number_of(locate("heading.1.in", root, *patches))
    wavelength = locate("lambda.1.in", root, *patches)
    return {"heading": heading, "lambda": plausible_wavelength(number_of(wavelength), wavelength)}


def scene_files(patch: Path) -> Iterator[Path]:
    """Yield the files that :func:`scene` may read."""
    for directory in (patch, patch.parent):
        for pattern in SCENE_NAMES:
            yield from sorted(directory.glob(pattern))


def read_days(patch: Path) -> tuple[int, IntArray]:
    """Read the day of the master and those of the other images, in file order.

    Raises
    ------
    DatasetError
        A day twice, or the master among the others.
    """
    name = locate_optional("reference_day.1.in", patch, patch.parent)
    master_file = name or locate("master_day.1.in", patch, patch.parent)
    listing = locate("day.1.in", patch, patch.parent)
    masters, days = days_of(master_file), days_of(listing)
    if len(masters) != 1:
        raise DatasetError(f"{master_file}: holds {len(masters)} dates, expected one")
    if not len(days):
        raise DatasetError(f"{listing}: holds no date")
    distinct, counts = np.unique(days, return_counts=True)
    if (counts > 1).any():
        twice = ", ".join(map(day_text, distinct[counts > 1]))
        raise DatasetError(f"{listing}: names a day twice: {twice}")
    if masters[0] in days:
        raise DatasetError(f"{listing}: names the master day {day_text(masters[0])}; remove it")
    return int(masters[0]), days


def read_bperp(patch: Path, n_days: int) -> NDArray[np.float64]:
    """Read the perpendicular baselines [m], one per line of ``day.1.in``.

    Raises
    ------
    DatasetError
        Another number of values than days.
    """
    path = locate("bperp.1.in", patch, patch.parent)
    bperp = numbers_of(path)
    if len(bperp) != n_days:
        raise DatasetError(f"{path}: {len(bperp)} baselines, expected {n_days}, one per day.1.in")
    return bperp


def _star(patch: Path, master_day: int, days: IntArray) -> Network:
    return single_master(master_day, days, np.arange(len(days)))


def read_pairs(patch: Path, master_day: int, days: IntArray) -> Network:
    """Read the days of each interferogram from ``ifgday.1.in``.

    Parameters
    ----------
    patch : Path
        Patch directory.
    master_day : int
        MATLAB day number.
    days : (n_image - 1,) int64
        Days of the other images.

    Raises
    ------
    DatasetError
        A line without two dates, or as :func:`.network.small_baselines`.
    """
    listing = locate("ifgday.1.in", patch, patch.parent)
    pairs = []
    for line in lines_of(listing):
        words = line.split()
        if len(words) != 2:
            raise DatasetError(
                f"{listing}: '{shown(line)}' is not the two dates of an interferogram, expected "
                "yyyymmdd yyyymmdd"
            )
        pairs.append([day_number(word, listing) for word in words])
    if not pairs:
        raise DatasetError(f"{listing}: names no interferogram")
    return small_baselines(
        np.sort(np.append(days, master_day)), np.array(pairs), master_day, listing
    )


def _by_own_amplitude(_: Path, _network: Network) -> tuple[None, tuple[str, ...]]:
    """Return that there are no constants: phasors of pairs are divided by their own amplitude."""
    return None, ()


def read_calibration(patch: Path, network: Network) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Read the calibration constant of each image from ``calamp.out``, by the date in its path.

    Returns
    -------
    calibration : (n_ifg,) float64
        Of the other image; one without the file, and for a date that it lacks.
    warnings : tuple of str
        The dates that it lacks.

    Raises
    ------
    DatasetError
        A line that is no path and number, or a constant that nothing can be divided by.
    """
    path = locate_optional("calamp.out", patch, patch.parent)
    days = network.day[network.pairs[:, 1]]
    constants: dict[int, float] = {}
    for line in lines_of(path) if path else []:
        words = line.rsplit(maxsplit=1)
        try:
            constant = float(words[1])
        except (IndexError, ValueError):
            told = shown(line)
            raise DatasetError(f"{path}: '{told}' is not a path and a constant") from None
        imaged = [day for day in dates_in(words[0]) if day in days]
        if imaged:
            constants[imaged[-1]] = constant
    missing = [day for day in days.tolist() if path and day not in constants]
    bad = [day for day in days.tolist() if not 0 < constants.get(day, 1.0) < np.inf]
    if bad:
        raise DatasetError(
            f"{path}: the calibration constant of {', '.join(map(day_text, bad))} is not above 0 "
            "and finite; that SLC has no valid pixel"
        )
    lacking = ", ".join(map(day_text, missing))
    warnings = (f"{path}: no calibration constant for {lacking}; 1 is used",) if missing else ()
    return np.array([constants.get(day, 1.0) for day in days.tolist()]), warnings


def _baseline_grids(
    patch: Path, days: IntArray, read: Callable[[Path], Grid]
) -> tuple[Grid, ...] | None:
    """Read ``bperp_<yyyymmdd>.1.in`` of the patch, else of its parent; None if there are none."""
    for directory in (patch, patch.parent):
        if any(directory.glob("bperp_*.1.in")):
            names = (f"bperp_{day_text(day)}.1.in" for day in days)
            return tuple(read(locate(name, directory)) for name in names)
    return None


def _read_grid(path: Path) -> Grid:
    """Read nodes with azimuth slowest, range fastest, the values at 0 m and 1000 m in turn."""
    numbers = numbers_of(path)
    if len(numbers) != 2 * NODES**2:
        raise DatasetError(
            f"{path}: {len(numbers)} numbers, expected {2 * NODES**2} "
            f"({NODES} x {NODES} nodes x 2 heights)"
        )
    nodes = numbers.reshape(NODES, NODES, 2)
    return Grid(np.ascontiguousarray(nodes[:, :, 0]), np.ascontiguousarray(nodes[:, :, 1]))


def _read_grid_at_zero(path: Path) -> Grid:
    return replace(_read_grid(path), at_1000=None)


SINGLE_MASTER = Mode(_star, read_calibration, _read_grid)
# StaMPS takes the baselines of pairs at a height of 0 m
SMALL_BASELINES = Mode(read_pairs, _by_own_amplitude, _read_grid_at_zero)
