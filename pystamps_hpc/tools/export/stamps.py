"""The files that StaMPS' ``ps_output`` writes: positions, phases, velocities as text and floats."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...dataset.mat import read_mat
from ...dataset.rows import (
    AnyArray,
    ComplexArray,
    ComputedRows,
    FloatArray,
    IntArray,
    Rows,
    applied,
    block,
    filled_columns,
)
from ...stages.shared.ifgs import date_of
from ...stages.shared.value_types import value_type
from ...stages.shared.velocity import reference_of
from ..products.files import ROWS, in_blocks, product_folder
from ..products.fixed_point import table_text
from ..products.points import Points
from ..products.series import stack_of

COLUMNS = ("height", "velocity_deviation", "dem_error")
"""Columns of the table of points that the set needs."""

Fields = Sequence[tuple[AnyArray, int]]
"""Columns of a text file, and their decimals."""

ERS = {"near": 831_265.0, "spacing": 7.9048902811596, "orbit": 794_141.0, "wavelength": 0.0565647,
       "earth": 6_345_245.0}  # fmt: skip
"""What StaMPS takes for the geometry of every sensor [m]: ``K2q``."""

FIXED = partial(table_text, separator=" ", void="NaN")
"""Writes columns with a fixed number of decimals."""

DEGREES, MILLIMETRES, METRES = 7, 4, 3
"""Decimals."""


@dataclass(frozen=True)
class Content:
    """What the files hold.

    Attributes
    ----------
    lines : callable
        Writes columns of numbers as lines of text.
    velocity, dem_error : (n_ps,) float
        [mm/yr], [m].
    deviation : (n_ps,) float or None
        Of the velocity [mm/yr].
    table : list of ((n_ps,) float, int)
        Columns of ``ps_data.xy`` behind the position, and their decimals.
    wrapped, unwrapped : Rows, float32
        Phase relative to the reference area [rad].
    displacement : Rows, (n_ps, n_image)
        [mm], positive towards the satellite.
    images : (k,) int64
        Those whose displacement is written, 0-based.
    """

    lines: Callable[[Fields], bytes]
    velocity: FloatArray
    dem_error: FloatArray
    deviation: FloatArray | None
    table: Fields
    wrapped: Rows
    unwrapped: Rows
    displacement: Rows
    images: IntArray


def write_stamps_set(points: Points, folder: Path) -> None:
    """Write the files of ``ps_output``.

    ``ps_ij.txt`` (line, pixel), ``ps_ll.txt`` (longitude, latitude), ``date.txt``; ``ph_w.flt``,
    ``ph_uw.flt`` (float32 of this machine, all columns of the first PS, then of the next);
    ``ps_mean_v.xy``, ``ps_mean_v_std.xy``, ``dem_error.xy`` and, of each image, ``ps_u-dm.K.xy``
    (longitude, latitude, value); ``ps_data.xy`` (longitude, latitude, velocity, height, DEM error,
    deviation). ``ref_velocity`` is added to velocities.

    Parameters
    ----------
    points : Points
        With ``COLUMNS``. ``compat.exports`` of their configuration says whether the files are as
        StaMPS writes them with all its oddities, docs/exports.md.
    folder : Path
        Directory for the files.

    Raises
    ------
    DatasetError, MatError
        ``rc2``, ``phuw2`` or ``scla2`` is missing or damaged.
    PublishError
        A file cannot be written.
    """
    found = points.found
    found.require("rc2", "the corrected phasors")
    found.require("phuw2", "the unwrapped phase")
    reference = found.ctx.config.compat.exports == "reference"
    content = _as_stamps(points) if reference else _sound(points)
    position = found.points["lonlat"]
    with product_folder(folder) as new:
        (new / "date.txt").write_bytes(_dates(found.series.day, reference))
        _write(new / "ps_ij.txt", content.lines, (found.points["ij"][:, 1:], 0))
        _write(new / "ps_ll.txt", content.lines, (position, DEGREES))
        for name, values, decimals in (
            ("ps_mean_v.xy", content.velocity, MILLIMETRES),
            ("ps_mean_v_std.xy", content.deviation, MILLIMETRES),
            ("dem_error.xy", content.dem_error, METRES),
        ):
            if values is not None:
                _write(new / name, content.lines, (position, DEGREES), (values, decimals))
        _write(new / "ps_data.xy", FIXED, (position, 6), *content.table)
        for image in content.images:
            moved = (content.displacement[:, image], MILLIMETRES)
            _write(new / f"ps_u-dm.{image + 1}.xy", content.lines, (position, DEGREES), moved)
        for name, phase in (("ph_w.flt", content.wrapped), ("ph_uw.flt", content.unwrapped)):
            with (new / name).open("wb") as file:
                for _, values in in_blocks(phase):
                    file.write(np.ascontiguousarray(values, np.float32).tobytes())


def _sound(points: Points) -> Content:
    """Return what the names of the files say."""
    found, known = points.found, points.known
    deviation = np.concatenate([part.values["velocity_deviation"] for part in points.blocks()])
    velocity, error = _shown_velocity(points), known["dem_error"]
    kind = value_type("u-dm", found.small_baselines)
    phasors, total = _phasors(points)
    unwrapped = found.stack("phuw2.ph_uw", found.series.n_columns)
    every = np.arange(unwrapped.shape[1])
    phase = stack_of(found, kind).corrected(kind.operations, every, found.ctx)
    return Content(
        lines=FIXED,
        velocity=velocity,
        dem_error=error,
        deviation=deviation,
        table=[(velocity, MILLIMETRES), (known["height"], METRES), (error, METRES),
               (deviation, MILLIMETRES)],
        wrapped=_wrapped(phasors, total, found.network.master),
        unwrapped=_relative(unwrapped, _mean(unwrapped, points)),
        displacement=_millimetres(_relative(phase, _mean(phase, points)), found.wavelength),
        images=np.union1d(found.used(of_pairs=False), [found.series.master_image]),
    )  # fmt: skip


def _as_stamps(points: Points) -> Content:
    """Return what StaMPS writes: see docs/exports.md for what of it is odd."""
    found = points.found
    velocity, deviation = _shown_velocity(points), None
    if found.has("mv2"):
        deviation = _clipped(read_mat(found.root / "mv2.mat")["mean_v_std"].ravel())
    error = _dem_error_of_ers(found.value("scla2.K_ps_uw"), found.points["ij"][:, 2])
    phasors, total = _phasors(points)
    if _has_one_point(points):
        total[:] = total.sum()
    unwrapped = found.stack("phuw2.ph_uw", found.series.n_columns)
    every = np.arange(unwrapped.shape[1])
    kind = value_type("u-dm", found.small_baselines)
    phase = stack_of(found, kind, drift=False).corrected("dm", every, found.ctx)
    return Content(
        lines=_exponents,
        velocity=velocity,
        dem_error=_clipped(error),
        deviation=deviation,
        table=[(velocity if deviation is None else deviation, 4),
               (np.zeros(found.n_ps), 4), (error, 4)],
        wrapped=_wrapped(phasors, total, found.series.master_image),
        unwrapped=_relative(unwrapped, _mean_of_stamps(unwrapped, points)),
        displacement=_millimetres(
            _relative(phase, _mean_of_stamps(phase, points)), found.wavelength
        ),
        images=every,
    )  # fmt: skip


def _shown_velocity(points: Points) -> FloatArray:
    offset = points.found.parameters.value("ref_velocity")
    return points.velocities.velocity + 1000 * float(offset or 0)


def _mean(phase: Rows, points: Points) -> FloatArray:
    """Return the mean of each column over the reference area; zeros without one."""
    return reference_of(phase, points.velocities.reference, points.found.ctx)


def _mean_of_stamps(phase: Rows, points: Points) -> FloatArray:
    """Return the same; of one point the mean of all its columns, for each."""
    if _has_one_point(points):
        return np.full(phase.shape[1], phase[points.velocities.reference].mean())
    return _mean(phase, points)


def _relative(phase: Rows, mean: FloatArray) -> ComputedRows:
    return ComputedRows(
        phase.shape, phase.dtype, lambda rows, columns: block(phase, rows, columns) - mean[columns]
    )


def _millimetres(phase: Rows, wavelength: float) -> ComputedRows:
    return applied(partial(np.multiply, -wavelength * 1000 / (4 * np.pi)), phase, phase.dtype)


def _wrapped(phasors: Rows, total: ComplexArray, master: int | None) -> ComputedRows:
    """Return the phase of phasors relative to that of their totals [rad], zero in one column."""

    def angles(rows: Any, columns: Any) -> AnyArray:
        phase: AnyArray = np.angle(block(phasors, rows, columns) * np.conj(total[columns]))
        return phase.astype(np.float32)

    phase = ComputedRows(phasors.shape, np.dtype(np.float32), angles)
    return phase if master is None else filled_columns(phase, np.array([master]), 0)


def _phasors(points: Points) -> tuple[Rows, ComplexArray]:
    """Return the corrected phasors, and their sum over the reference area; ones without one."""
    found, reference = points.found, points.velocities.reference
    phasors = found.stack("rc2.ph_rc", found.network.n_columns)
    if reference is None:
        return phasors, np.ones(phasors.shape[1], np.complex128)
    counts = np.zeros(found.n_ps, np.bool_)
    counts[reference] = True
    parts = [np.nansum(values[counts[rows]], axis=0) for rows, values in in_blocks(phasors)]
    return phasors, np.sum(parts, axis=0, dtype=np.complex128)


def _has_one_point(points: Points) -> bool:
    """Whether the reference area is one point, whose row MATLAB takes for a column."""
    reference = points.velocities.reference
    return reference is not None and len(reference) == 1


def _dem_error_of_ers(slope: FloatArray, pixel: FloatArray) -> FloatArray:
    """Return the DEM error that StaMPS finds, (n_ps,) [m], whatever the sensor; ``K2q``."""
    slant = ERS["near"] + pixel * ERS["spacing"]
    to_orbit = ERS["earth"] + ERS["orbit"]
    cosine = (slant**2 + ERS["earth"] ** 2 - to_orbit**2) / (2 * slant * ERS["earth"])
    leverage = ERS["wavelength"] * slant * np.sin(np.pi - np.arccos(cosine)) / (4 * np.pi)
    error: FloatArray = -(slope.ravel() - np.nanmean(slope)) * leverage
    return np.asarray(error - np.nanmean(error))


def _clipped(values: FloatArray) -> FloatArray:
    """Return values without their farthest thousandths, as StaMPS cuts them."""
    known = np.sort(values[np.isfinite(values)])
    if not len(known):
        return values
    low, high = math.ceil(0.001 * len(known)), max(1, math.floor(0.999 * len(known)))
    return np.clip(values, known[low - 1], known[high - 1])


def _exponents(fields: Fields) -> bytes:
    """Write numbers as MATLAB's ``save -ascii`` does."""
    table = np.concatenate([values for values, _ in fields], axis=1)
    line = "%16.7e" * table.shape[1] + "\n"
    text: str = line * len(table) % tuple(table.ravel().tolist())
    return text.replace("nan", "NaN").encode()


def _dates(day: FloatArray, reference: bool) -> bytes:
    numbers = [int(date_of(each).replace("-", "")) for each in day]
    return "".join(f"{n:25.16e}\n" if reference else f"{n}\n" for n in numbers).encode()


def _write(path: Path, lines: Callable[[Fields], bytes], *fields: tuple[AnyArray, int]) -> None:
    """Write columns as text, a block of rows at a time."""
    n_rows = len(fields[0][0])
    sized = [(values, kept, values.size // n_rows) for values, kept in fields]
    with path.open("wb") as file:
        for first in range(0, n_rows, ROWS):
            rows = slice(first, first + ROWS)
            file.write(lines([(values[rows].reshape(-1, n), kept) for values, kept, n in sized]))
