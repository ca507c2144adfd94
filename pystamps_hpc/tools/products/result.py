"""What the products show: the velocities of a finished dataset, and what they refer to."""

import os
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from ...config import OutputConfig
from ...dataset.rows import FloatArray, IntArray
from ...errors import DatasetError
from ...stages.shared.ifgs import date_of
from ...stages.shared.value_types import LETTERS, ValueType
from ...stages.shared.value_types import value_type as value_type_of
from ...stages.shared.velocity import PhaseSeries, fit_line, line_of_sight_velocity
from ..drawing.frame import degrees
from .artifacts import MergedArtifacts
from .files import read_artifact
from .series import phase_series

USUAL_TYPE = OutputConfig().mean_v_type

KINDS = {
    "ps": "persistent scatterers",
    "sb": "points of small baselines",
    "both": "points of PS and small baselines",
}
"""What the points of a dataset are called."""


@dataclass(frozen=True)
class Velocities:
    """Mean velocities of all PS and their meaning.

    Attributes
    ----------
    lonlat : (n_ps, 2) float64
        Longitude, latitude [deg].
    velocity : (n_ps,) float64
        Line-of-sight velocity [mm/yr], positive towards the satellite.
    value_type : str
        How the phase was corrected (StaMPS' names, ``v-do``).
    reference : (n_ref,) int64 or None
        Rows of the reference area; None if the phase is not referenced (``ref_radius`` -Inf).
    days : tuple of date
        Acquisitions, master included, ascending.
    master : date
        The master.
    wavelength : float
        Radar wavelength [m].
    heading : float
        Flight direction, clockwise from north [deg]; NaN where unknown.
    kind : str
        What the points are, see ``KINDS``.
    """

    lonlat: FloatArray
    velocity: FloatArray
    value_type: str
    reference: IntArray | None
    days: tuple[date, ...]
    master: date
    wavelength: float
    heading: float
    kind: str = KINDS["ps"]

    @property
    def reference_centre(self) -> FloatArray:
        """Longitude, latitude of the middle of the reference area, (2,) [deg]; NaN without one."""
        if self.reference is None:
            return np.full(2, np.nan)
        return np.asarray(np.nanmean(self.lonlat[self.reference], axis=0))

    @property
    def reference_text(self) -> str:
        """Say what the velocities are relative to."""
        return reference_text(self.lonlat, self.reference, self.kind)

    @property
    def correction_text(self) -> str:
        """Say what was taken off the phase before the velocities were fitted."""
        parts = LETTERS | {"d": "DEM and look-angle error", "o": "orbital ramps"}
        taken = [parts[letter] for letter in self.value_type.partition("-")[2] if letter in parts]
        return f"{', '.join(taken)} removed" if taken else "nothing removed from the phase"


def reference_text(lonlat: FloatArray, reference: IntArray | None, kind: str) -> str:
    """Say what values are relative to.

    Parameters
    ----------
    lonlat : (n_ps, 2) float64
        Longitude, latitude [deg].
    reference : (n_ref,) int64 or None
        Rows of the reference area.
    kind : str
        What the points are, see ``KINDS``.
    """
    if reference is None:
        return "no reference area"
    noun = "PS" if kind == KINDS["ps"] else "points"
    if len(reference) == len(lonlat):
        return f"the mean of all {len(lonlat):,} {noun}"
    centre = np.nanmean(lonlat[reference], axis=0)
    return (
        f"the mean of {len(reference):,} {noun} around"
        f" {degrees(centre[0], 'EW', 4)}, {degrees(centre[1], 'NS', 4)}"
    )


def read_velocities(root: str | os.PathLike[str], value_type: str = USUAL_TYPE) -> Velocities:
    """Read the velocities that stage 8 left, or fit them where it did not.

    A ``mean_v.mat`` that StaMPS wrote holds the fit alone, and StaMPS finishes without writing one;
    the velocities are then made from what is there.

    Parameters
    ----------
    root : path
        Dataset.
    value_type : str
        How the phase is corrected where no ``mean_v.mat`` says it.

    Raises
    ------
    MatError
        ``ps2.mat``, or what the velocities are in or made from, is missing or damaged.
    DatasetError
        They do not belong together, or the wavelength is not known.
    """
    return stored_velocities(MergedArtifacts(root), value_type)


def stored_velocities(found: MergedArtifacts, value_type: str = USUAL_TYPE) -> Velocities:
    """Return the velocities that stage 8 left; see :func:`read_velocities`."""
    fit: dict[str, Any] = {"value_type": value_type}
    fitted = found.has("mean_v")
    if fitted:
        found.require("mean_v", "velocities")
        fit = read_artifact(found.root, "mean_v", "m", "mean_v", "value_type", "ref_ps", "lambda")
    kind = value_type_of(fit.get("value_type") or "v", found.small_baselines)
    wavelength = fit.get("lambda") or found.wavelength
    reference = fit.get("ref_ps")
    if reference is None:
        reference = found.ref_ps
    velocity = fit.get("mean_v")
    if velocity is None:
        series = None if fitted else series_of(found, kind.name, found.ref_ps)
        rates = fit["m"][1] if series is None else _fitted_rates(found, kind, series)
        velocity = line_of_sight_velocity(rates, wavelength)
    if len(velocity) != found.n_ps:
        raise DatasetError(
            f"{found.root / 'mean_v.mat'}: {len(velocity)} velocities for {found.n_ps} PS;"
            " run stage 8 again"
        )
    return _velocities(found, kind, velocity, reference, wavelength)


def fitted_velocities(found: MergedArtifacts, kind: ValueType) -> Velocities:
    """Return the velocities of a type as ``values`` shows them, whatever stage 8 left.

    Raises
    ------
    DatasetError, MatError, StageError
        An artifact is missing or does not fit the others; an empty reference area.
    """
    series = phase_series(found, kind, found.ref_ps)
    velocity = line_of_sight_velocity(_fitted_rates(found, kind, series), found.wavelength)
    return _velocities(found, kind, velocity, found.ref_ps, found.wavelength)


def _velocities(
    found: MergedArtifacts,
    kind: ValueType,
    velocity: FloatArray,
    reference: IntArray | None,
    wavelength: float,
) -> Velocities:
    points, heading = found.points, found.parameters.value("heading")
    return Velocities(
        lonlat=points["lonlat"],
        velocity=velocity,
        value_type=kind.name,
        reference=reference,
        days=tuple(date.fromisoformat(date_of(day)) for day in points["day"]),
        master=date.fromisoformat(date_of(points["master_day"])),
        wavelength=wavelength,
        heading=heading if isinstance(heading, float) else np.nan,
        kind=kind_of_points(found),
    )


def kind_of_points(found: MergedArtifacts) -> str:
    """Return what the points of a dataset are called."""
    if found.has("merge2"):
        return KINDS["both"]
    return KINDS["sb" if found.small_baselines else "ps"]


def series_of(found: MergedArtifacts, value_type: str, ref_ps: IntArray | None) -> PhaseSeries:
    """Return the series that a velocity is fitted to as in stage 8, relative to some PS."""
    kind = value_type_of(value_type, found.small_baselines)
    fitted = fitted_columns(found, kind.of_pairs)
    return phase_series(found, kind, ref_ps, fitted, drift=False)


def fitted_columns(found: MergedArtifacts, of_pairs: bool) -> IntArray:
    """Return the images or pairs that a line is fitted to, 0-based.

    Those that ``mean_v.mat`` says, if its line is through the same; else those that
    ``drop_ifg_index`` leaves.
    """
    if found.has("mean_v"):
        fit = read_artifact(found.root, "mean_v", "value_type", "unwrap_ifg_index")
        kind = value_type_of(fit.get("value_type") or "v", found.small_baselines)
        listed: IntArray | None = fit.get("unwrap_ifg_index")
        if listed is not None and kind.of_pairs == of_pairs:
            return listed
    return found.fitted(of_pairs)


def _fitted_rates(found: MergedArtifacts, kind: ValueType, series: PhaseSeries) -> FloatArray:
    """Return the rate of every PS [rad/day]."""
    fit: FloatArray = found.ctx.share(fit_line(kind.operations, series, found.ctx))
    return fit[:, 1]
