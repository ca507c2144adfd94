"""What stage 8 reads of every stack: parameters, and the base of its inputs."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ...dataset.rows import FloatArray, Rows
from ...errors import StageError
from ..shared.ifgs import Ifgs
from ..shared.reference_area import ReferenceArea


@dataclass(frozen=True)
class Params(ReferenceArea):
    """StaMPS parameters of stage 8; index lists are 1-based."""

    drop_ifg_index: tuple[int, ...]
    scn_deramp_ifg: tuple[int, ...] | str
    scn_kriging_flag: bool
    scn_time_win: float
    scn_wavelength: float
    lambda_: float

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        for name in ("scn_time_win", "scn_wavelength"):
            if not 0 < getattr(self, name) < np.inf:
                raise StageError(f"parameter {name}: {getattr(self, name)} is not positive")
        if not 0 < self.lambda_ < np.inf:
            raise StageError(
                f"parameter lambda: {self.lambda_}, wavelength not set (lambda); rerun stage 1"
            )


@dataclass(frozen=True)
class CommonInputs:
    """What both stage tables read; rows are PS, n_col columns include that of the master."""

    unwrapped: Annotated[Rows, "phuw2.ph_uw"]  # (n_ps, n_col) float32 [rad]
    scla_phase: Annotated[Rows | None, "scla2.ph_scla"]  # (n_ps, n_col) float32 [rad]
    offset: Annotated[FloatArray | None, "scla2.C_ps_uw"]  # (n_ps,) float32 [rad]
    ramp: Annotated[Rows | None, "scla2.ph_ramp"]  # (n_ps, n_col) float64 [rad]
    lonlat: Annotated[FloatArray, "ps2.lonlat"]  # (n_ps, 2) float64 [deg]
    xy: Annotated[FloatArray, "ps2.xy"]  # (n_ps, 2) float32 [m]
    origin: Annotated[FloatArray | None, "ps2.ll0"]  # (2,) float64 [deg]
    ifgs: Annotated[Ifgs, "ps2"]  # the network
    deramp_degree: Annotated[float | None, "deramp_degree.degree"]  # 1, 1.5, 2 or 3
    arc_phase: Annotated[Rows | None, "uw_space_time.dph_space_uw"]  # (n_edge, n_uw) [rad]
    arc_noise: Annotated[Rows | None, "uw_space_time.dph_noise"]  # (n_edge, n_uw) [rad]
    arcs: Annotated[dict[str, Any], "uw_space_time.*"]  # the other keys of stage 6
