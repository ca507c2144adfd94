"""Candidates made with DORIS, single master: text files of days, baselines and angle grids."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ..problems import Problems
from ..rows import AnyArray, IntArray
from ..text import lines_of, shown
from .model import Grid, GridGeometry, Scene
from .pscands import NATIVE_ORDER
from .text import (
    dates_in,
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
    "master_day.1.in", "reference_day.1.in", "day.1.in", "bperp.1.in", "look_angle.1.in",
    "bperp_*.1.in", "width.txt", "len.txt", "calamp.out",
)  # fmt: skip
NODES = 50  # grid nodes along range and along azimuth


def scene(patch: Path) -> Scene:
    """Read what patches share; StaMPS ``ps_load_initial``.

    See docs/science/loading.md, Processors.

    Raises
    ------
    DatasetError
        Files are missing, contradict each other, or do not hold what they should.
    """
    found = Problems()
    look_angle = locate_optional("look_angle.1.in", patch, patch.parent)
    grid = None if look_angle is None else found.tried(_read_grid, look_angle)
    return assemble(
        patch,
        found,
        lambda days: _baseline_grids(patch, days),
        look_angle=grid,
        warnings=() if look_angle else (without_angles("look_angle.1.in"),),
    )


def assemble(
    patch: Path,
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
        days = stack[1]
        bperp = found.tried(read_bperp, patch, len(days))
        grids = found.tried(baselines, days)
        calibrated = found.tried(read_calibration, patch, days)
    found.require_none()
    assert stack
    assert width
    assert length
    assert calibrated
    assert bperp is not None
    return Scene(
        master_day=stack[0],
        slave_day=days,
        n_file=len(days),
        columns=np.arange(len(days)),
        geometry=GridGeometry(
            width=width,
            length=length,
            bperp=bperp,
            baselines=grids,
            look_angle=look_angle,
            incidence=incidence,
            calibration=calibrated[0],
        ),
        baseline_files=(locate("bperp.1.in", patch, patch.parent),),
        warnings=warnings + calibrated[1],
    )


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


def read_calibration(patch: Path, days: IntArray) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Read the calibration constant of each image from ``calamp.out``, by the date in its path.

    Returns
    -------
    calibration : (n_days,) float64
        One without the file, and for a date that it lacks.
    warnings : tuple of str
        The dates that it lacks.

    Raises
    ------
    DatasetError
        A line that is no path and number, or a constant that nothing can be divided by.
    """
    path = locate_optional("calamp.out", patch, patch.parent)
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


def _baseline_grids(patch: Path, days: IntArray) -> tuple[Grid, ...] | None:
    """Read ``bperp_<yyyymmdd>.1.in`` of the patch, else of its parent; None if there are none."""
    for directory in (patch, patch.parent):
        if any(directory.glob("bperp_*.1.in")):
            names = (f"bperp_{day_text(day)}.1.in" for day in days)
            return tuple(_read_grid(locate(name, directory)) for name in names)
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
