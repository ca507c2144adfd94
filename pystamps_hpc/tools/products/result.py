"""What the products show: the velocities of a finished dataset, and what they refer to."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from ...config import OutputConfig
from ...dataset import parameters
from ...dataset.rows import FloatArray, IntArray
from ...errors import DatasetError
from ...stages.shared.ifgs import date_of
from ...stages.shared.reference_area import ReferenceArea, reference_ps
from ...stages.shared.velocity import fit_velocity, line_of_sight_velocity, series_type
from .files import read_artifact
from .series import plain_context, read_series

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
    def reference_text(self) -> str:
        """Say what the velocities are relative to."""
        if self.reference is None:
            return "no reference area"
        noun = "PS" if self.kind == KINDS["ps"] else "points"
        if len(self.reference) == len(self.velocity):
            return f"the mean of all {len(self.velocity):,} {noun}"
        centre = np.nanmean(self.lonlat[self.reference], axis=0)
        return (
            f"the mean of {len(self.reference):,} {noun} around"
            f" {degrees(centre[0], 'EW', 4)}, {degrees(centre[1], 'NS', 4)}"
        )

    @property
    def correction_text(self) -> str:
        """Say what was taken off the phase before the velocities were fitted."""
        parts = {"d": "DEM and look-angle error", "o": "orbital ramps"}
        taken = [parts[letter] for letter in self.value_type.partition("-")[2] if letter in parts]
        return f"{', '.join(taken)} removed" if taken else "nothing removed from the phase"


def degrees(value: float, sides: str, decimals: int) -> str:
    """Write an angle with the letter of its side: ``degrees(-3.5, "EW", 1)`` is 3.5°W."""
    return f"{abs(value):.{decimals}f}°{sides[int(value < 0)]}"


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
    folder = Path(root)
    points = read_artifact(folder, "ps2", "lonlat", "xy", "ll0", "day", "master_day")
    known = parameters.load(folder)
    names = ("m", "mean_v", "value_type", "ref_ps", "lambda")
    fitted = (folder / "mean_v.mat").exists()
    fit: dict[str, Any] = {
        "value_type": series_type(value_type) if known.small_baselines else value_type
    }
    if fitted:
        fit = read_artifact(folder, "mean_v", *names)
    wavelength = fit.get("lambda") or known.value("lambda")
    if not (isinstance(wavelength, float) and np.isfinite(wavelength) and wavelength > 0):
        raise DatasetError(f"{folder}: the wavelength is not known; run stage 1 or set lambda")
    reference = fit.get("ref_ps")
    if reference is None:
        area = known.to_params(ReferenceArea)
        reference = reference_ps(area, points["lonlat"], points["xy"], points.get("ll0"))
    velocity = fit.get("mean_v")
    if velocity is None:
        rates = fit["m"][1] if fitted else _fitted_rates(folder, value_type, reference)
        velocity = line_of_sight_velocity(rates, wavelength)
    if len(velocity) != len(points["lonlat"]):
        raise DatasetError(
            f"{folder / 'mean_v.mat'}: {len(velocity)} velocities for {len(points['lonlat'])} PS;"
            " run stage 8 again"
        )
    heading = known.value("heading")
    return Velocities(
        lonlat=points["lonlat"],
        velocity=velocity,
        value_type=fit.get("value_type") or "v",
        reference=reference,
        days=tuple(date.fromisoformat(date_of(day)) for day in points["day"]),
        master=date.fromisoformat(date_of(points["master_day"])),
        wavelength=wavelength,
        heading=heading if isinstance(heading, float) else np.nan,
        kind=KINDS[_kind(folder, known.small_baselines)],
    )


def _kind(folder: Path, small_baselines: bool) -> str:
    if (folder / "merge2.mat").exists():
        return "both"
    return "sb" if small_baselines else "ps"


def _fitted_rates(folder: Path, value_type: str, reference: IntArray | None) -> FloatArray:
    """Return the rate of every PS [rad/day], fitted as stage 8 does."""
    ctx = plain_context()
    fit: FloatArray = ctx.share(fit_velocity(value_type, read_series(folder, reference), ctx))
    return fit[:, 1]
