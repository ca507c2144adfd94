"""Candidates made with DORIS, single master: text files of days, baselines and angle grids."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ..parameters import Parameters
from ..rows import IntArray
from .model import Candidates, Grid, GridGeometry
from .pscands import NATIVE_ORDER, read_patch
from .text import (
    day_number,
    day_text,
    days_of,
    lines_of,
    locate,
    locate_optional,
    number_of,
    numbers_of,
)

NODES = 50  # grid nodes along range and along azimuth


def read(patch: Path, parameters: Parameters) -> Candidates:
    """Read the candidates of a patch; StaMPS ``ps_load_initial``, specification B.3.

    Raises
    ------
    DatasetError
        Files are missing, contradict each other, or do not hold what they should.
    """
    master, days = read_days(patch)
    calibration, uncalibrated = read_calibration(patch, days)
    look_angle = locate_optional("look_angle.1.in", patch, patch.parent)
    return assemble(
        patch,
        "doris",
        master,
        days,
        GridGeometry(
            width=int(number_of(locate("width.txt", patch, patch.parent))),
            length=int(number_of(locate("len.txt", patch, patch.parent))),
            bperp=read_bperp(patch, len(days)),
            baselines=_baseline_grids(patch, days),
            look_angle=None if look_angle is None else _read_grid(look_angle),
            incidence=None,
            calibration=calibration,
        ),
        uncalibrated,
    )


def sensor_values(root: Path, patches: Sequence[Path] = ()) -> dict[str, str | float]:
    """Read heading [deg], wavelength [m] and oversampling factor of the SLCs.

    Raises
    ------
    DatasetError
        A file is missing or empty.
    """
    places = (root, *patches)
    return {
        "heading": number_of(locate("heading.1.in", *places)),
        "lambda": number_of(locate("lambda.1.in", *places)),
        "slc_osf": number_of(locate("slc_osfactor.1.in", *places)),
    }


def scene_files(patch: Path) -> Iterator[Path]:
    """Yield the files of the scene that :func:`read` may use."""
    names = ("master_day", "reference_day", "day", "bperp", "look_angle", "bperp_*")
    patterns = [f"{name}.1.in" for name in names] + ["width.txt", "len.txt", "calamp.out"]
    for directory in (patch, patch.parent):
        for pattern in patterns:
            yield from sorted(directory.glob(pattern))


def assemble(
    patch: Path,
    processor: str,
    master: int,
    days: IntArray,
    geometry: GridGeometry,
    uncalibrated: tuple[str, ...],
) -> Candidates:
    """Join the patch files with what is known of the stack."""
    files = read_patch(patch, len(days), NATIVE_ORDER, processor)
    outside = (files.azimuth >= geometry.length) | (files.range_sample >= geometry.width)
    if outside.any():
        p = int(np.flatnonzero(outside)[0])
        raise DatasetError(
            f"{patch / 'pscands.1.ij'}: candidate {p + 1} at line {files.azimuth[p]}, sample "
            f"{files.range_sample[p]} is outside the scene of {geometry.length} x {geometry.width} "
            "(len.txt, width.txt)"
        )
    return Candidates(
        azimuth=files.azimuth,
        range_sample=files.range_sample,
        lonlat=files.lonlat,
        phase=files.phase,
        amplitude_dispersion=files.amplitude_dispersion,
        height=files.height,
        master_day=master,
        slave_day=days,
        geometry=geometry,
        warnings=files.warnings + uncalibrated,
    )


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
        dates = re.findall(r"\d{8}", words[0])
        try:
            constant = float(words[1])
        except (IndexError, ValueError):
            raise DatasetError(f"{path}: '{line}' is not a path and a constant") from None
        if dates:
            constants[day_number(dates[-1], words[0])] = constant
    missing = [day for day in days.tolist() if path and day not in constants]
    bad = [day for day in days.tolist() if not constants.get(day, 1.0) > 0]
    if bad:
        raise DatasetError(
            f"{path}: the calibration constant of {', '.join(map(day_text, bad))} is not above 0; "
            "that SLC has no valid pixel"
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
