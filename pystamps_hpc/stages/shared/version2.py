"""The points that are left, "version 2": their keys, of a patch and merged."""

from dataclasses import dataclass
from typing import Annotated, Any

from ...dataset.rows import FloatArray, Rows
from .ifgs import Ifgs


@dataclass(frozen=True)
class Version2:
    """Arrays of the points that stages 3 and 4 left; n_col columns include that of the master.

    A merge that resamples has them in double.
    """

    record: Annotated[dict[str, Any], "ps2.*"]  # everything else, as on disk
    ij: Annotated[FloatArray, "ps2.ij"]  # (n_ps, 3) id, azimuth line, range sample from 0
    xy: Annotated[FloatArray, "ps2.xy"]  # (n_ps, 2) float32, in the local frame [m]
    lonlat: Annotated[FloatArray, "ps2.lonlat"]  # (n_ps, 2) [deg]
    ifgs: Annotated[Ifgs, "ps2"]  # the network
    phase: Annotated[Rows, "ph2.ph"]  # (n_ps, n_col) complex64
    patch_phase: Annotated[Rows, "pm2.ph_patch"]  # (n_ps, n_ifg) complex64
    residual: Annotated[Rows | None, "pm2.ph_res"]  # (n_ps, n_ifg) float32 [rad]
    slope: Annotated[FloatArray, "pm2.K_ps"]  # (n_ps,) [rad/m]
    offset: Annotated[FloatArray, "pm2.C_ps"]  # (n_ps,) [rad]
    coherence: Annotated[FloatArray, "pm2.coh_ps"]  # (n_ps,)
    bperp_mat: Annotated[Rows, "bp2.bperp_mat"]  # (n_ps, n_ifg) float32 or float64 [m]
    corrected: Annotated[Rows, "rc2.ph_rc"]  # (n_ps, n_col) complex64; merged: of unit modulus
    patch_phase_reref: Annotated[Rows | None, "rc2.ph_reref"]  # (n_ps, n_col) complex64
    height: Annotated[FloatArray | None, "hgt2.hgt"]  # (n_ps,) [m], 0 x 0 if a patch lacks it
    look_angle: Annotated[FloatArray | None, "la2.la"]  # (n_ps,) [rad]
    incidence: Annotated[FloatArray | None, "inc2.inc"]  # (n_ps,) [rad]
