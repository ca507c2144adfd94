"""What the products show: the velocities of a finished dataset, and what they refer to."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

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
        Longitude, latitude [deg]; longitudes go on beyond 180 where the scene does.
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
    fitted : (n_fit,) int64
        Images or pairs that the lines are fitted to, 0-based.
    dates : tuple of date
        Acquisitions of these, ascending; of a single master with the master.
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
    fitted: IntArray
    dates: tuple[date, ...]
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
    if len(reference) == len(lonlat):
        return mean_of_all(len(lonlat), kind)
    centre = np.nanmean(lonlat[reference], axis=0)
    return (
        f"the mean of {len(reference):,} {_noun(kind)} around"
        f" {degrees(centre[0], 'EW', 4)}, {degrees(centre[1], 'NS', 4)}"
    )


def mean_of_all(n_points: int, kind: str) -> str:
    """Say that values are relative to all points; see :func:`reference_text`."""
    return f"the mean of all {n_points:,} {_noun(kind)}"


def _noun(kind: str) -> str:
    return "PS" if kind == KINDS["ps"] else "points"


def stored_type(root: Path) -> str | None:
    """Return the value type of the velocities that stage 8 left.

    Parameters
    ----------
    root : Path
        Dataset.

    Returns
    -------
    str or None
        None where there is no ``mean_v.mat``, or it does not say its type, as those of StaMPS:
        velocities are then fitted anew, so that they fit the displacements beside them.

    Raises
    ------
    MatError
        The file is damaged.
    """
    if not (root / "mean_v.mat").exists():
        return None
    return read_artifact(root, "mean_v", "value_type").get("value_type") or None


def fitted_anew(value_type: str) -> str:
    """Say what becomes of a ``mean_v.mat`` that does not say its type."""
    return (
        f"mean_v.mat does not say the type of its velocities: they are fitted anew, as {value_type}"
    )


def read_velocities(root: str | os.PathLike[str], value_type: str = USUAL_TYPE) -> Velocities:
    """Read the velocities that stage 8 left, or fit them where it did not.

    StaMPS finishes without a ``mean_v.mat``, and one that it wrote does not say how its phase was
    corrected; the velocities are then fitted anew to the phase that is there.

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
    said = stored_type(found.root)
    kind = value_type_of(said or value_type, found.small_baselines)
    if said is None:
        if found.has("mean_v"):
            found.warnings.append(fitted_anew(kind.name))
        return _fitted(found, kind, series_of(found, kind.name, found.ref_ps))
    found.require("mean_v", "velocities")
    fit = read_artifact(found.root, "mean_v", "m", "mean_v", "ref_ps", "lambda")
    wavelength = fit.get("lambda") or found.wavelength
    reference = fit.get("ref_ps")
    if reference is None:
        reference = found.ref_ps
    velocity = fit.get("mean_v")
    if velocity is None:
        velocity = line_of_sight_velocity(fit["m"][1], wavelength)
    if len(velocity) != found.n_ps:
        raise DatasetError(
            f"{found.root / 'mean_v.mat'}: {len(velocity)} velocities for {found.n_ps} PS;"
            " run stage 8 again"
        )
    fitted = fitted_columns(found, kind.of_pairs)
    return _velocities(found, kind, velocity, reference, wavelength, fitted)


def fitted_velocities(found: MergedArtifacts, kind: ValueType) -> Velocities:
    """Return the velocities of a type as ``values`` shows them, whatever stage 8 left.

    Raises
    ------
    DatasetError, MatError, StageError
        An artifact is missing or does not fit the others; an empty reference area.
    """
    return _fitted(found, kind, phase_series(found, kind, found.ref_ps))


def _fitted(found: MergedArtifacts, kind: ValueType, series: PhaseSeries) -> Velocities:
    """Return the velocities of a series."""
    fit: FloatArray = found.ctx.share(fit_line(kind.operations, series, found.ctx))
    velocity = line_of_sight_velocity(fit[:, 1], found.wavelength)
    return _velocities(found, kind, velocity, series.ref_ps, found.wavelength, series.fitted)


def _velocities(
    found: MergedArtifacts,
    kind: ValueType,
    velocity: FloatArray,
    reference: IntArray | None,
    wavelength: float,
    fitted: IntArray,
) -> Velocities:
    points, heading = found.points, found.parameters.value("heading")
    ifgs, days = found.ifgs(kind.of_pairs), tuple(map(_date, points["day"]))
    images = np.unique(ifgs.pairs[np.isin(ifgs.columns, fitted)])
    return Velocities(
        lonlat=points["lonlat"],
        velocity=velocity,
        value_type=kind.name,
        reference=reference,
        days=days,
        master=_date(points["master_day"]),
        wavelength=wavelength,
        heading=heading if isinstance(heading, float) else np.nan,
        fitted=fitted,
        dates=tuple(days[image] for image in images),
        kind=kind_of_points(found),
    )


def _date(day: float) -> date:
    return date.fromisoformat(date_of(day))


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

    Those that ``mean_v.mat`` says, if it says its type and its line is through the same; else those
    that ``drop_ifg_index`` leaves.
    """
    said = stored_type(found.root)
    if said and value_type_of(said, found.small_baselines).of_pairs == of_pairs:
        fit = read_artifact(found.root, "mean_v", "unwrap_ifg_index")
        listed: IntArray | None = fit.get("unwrap_ifg_index")
        if listed is not None:
            return listed
    return found.fitted(of_pairs)
