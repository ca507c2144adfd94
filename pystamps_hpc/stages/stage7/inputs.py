"""What stage 7 reads of every stack: parameters, and the base of its inputs."""

from dataclasses import dataclass
from typing import Annotated

from ...dataset.rows import FloatArray, Rows
from ..shared.external_phase import phase_method
from ..shared.ifgs import Ifgs
from ..shared.reference_area import ReferenceArea


@dataclass(frozen=True)
class Params(ReferenceArea):
    """StaMPS parameters of stage 7; index lists are 1-based."""

    drop_ifg_index: tuple[int, ...]
    scla_drop_index: tuple[int, ...]
    scla_method: str
    scla_deramp: bool
    subtr_tropo: bool
    tropo_method: str

    def __post_init__(self) -> None:
        """Refuse a tropospheric method that is none."""
        if self.subtr_tropo:
            phase_method(self.tropo_method)


@dataclass(frozen=True)
class CommonInputs:
    """Merged arrays; rows are PS, n_col columns include that of the master."""

    unwrapped: Annotated[Rows, "phuw2.ph_uw"]  # (n_ps, n_col) float32 [rad]
    bperp_mat: Annotated[Rows | None, "bp2.bperp_mat"]  # (n_ps, n_ifg) float32 [m]
    ifgs: Annotated[Ifgs, "ps2"]  # the network
    lonlat: Annotated[FloatArray, "ps2.lonlat"]  # (n_ps, 2) float64 [deg]
    xy: Annotated[FloatArray, "ps2.xy"]  # (n_ps, 2) float32 [m]
    origin: Annotated[FloatArray | None, "ps2.ll0"]  # (2,) float64 [deg]
    deramp_degree: Annotated[float | None, "deramp_degree.degree"]  # 1, 1.5, 2 or 3
    tropo: Annotated[tuple[Rows, ...] | None, "tropo.phase"]  # parts, (n_ps, n_col) [rad]
