"""Stage 6: phase unwrapping in space and time.

The wrapped phase is gridded and filtered (:mod:`.grid`), neighbouring grid cells are joined to arcs
(:mod:`.graph`), the phase history of every arc tells which cycles are likely
(:mod:`.arcs`, :mod:`.costs`), a solver finds the cheapest cycles of each interferogram
(:mod:`.unwrap`, :mod:`.solvers`), and the points take over their cell's cycles (:mod:`.transfer`).
"""

from dataclasses import dataclass
from typing import Annotated

from ...dataset.rows import FloatArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared.external_phase import phase_method
from .arcs import ALIASES
from .on_grid import GridOutputs, require_points, unwrap_on_grid
from .prepare import Feedback, PhaseInputs, wrapped_stack
from .transfer import in_all_columns, unwrapped_points

__all__ = ["SPEC", "Inputs", "Outputs", "Params", "solve"]


@dataclass(frozen=True)
class Params:
    """StaMPS parameters of stage 6 (names as in parms.mat).

    ``unwrap_hold_good_values`` belongs to small baselines; it is here because a result counts as
    made with it.
    """

    drop_ifg_index: tuple[int, ...]
    lambda_: float
    max_topo_err: float
    scla_deramp: bool
    subtr_tropo: bool
    tropo_method: str
    unwrap_method: str
    unwrap_patch_phase: bool
    unwrap_prefilter_flag: bool
    unwrap_grid_size: float
    unwrap_gold_n_win: int
    unwrap_gold_alpha: float
    unwrap_time_win: float
    unwrap_la_error_flag: bool
    unwrap_spatial_cost_func_flag: bool
    unwrap_hold_good_values: bool

    def __post_init__(self) -> None:
        """Refuse what is not built and what cannot work."""
        if self.subtr_tropo:
            phase_method(self.tropo_method)
        if self.unwrap_spatial_cost_func_flag:
            raise StageError(
                "unwrap_spatial_cost_func_flag=y is not supported in stage 6; supported: n"
            )
        if self.unwrap_method.upper() not in ALIASES:
            raise StageError(
                f"unwrap_method={self.unwrap_method} is unknown; supported: {', '.join(ALIASES)}"
            )
        if self.unwrap_gold_n_win < 2 or self.unwrap_gold_n_win % 2:
            raise StageError(
                f"unwrap_gold_n_win={self.unwrap_gold_n_win} must be even and at least 2"
            )
        for name in ("unwrap_grid_size", "unwrap_time_win", "lambda_"):
            if not getattr(self, name) > 0:
                raise StageError(f"{name.rstrip('_')}={getattr(self, name)} must be above 0")


@dataclass(frozen=True)
class Inputs(PhaseInputs):
    """Merged arrays that stage 6 reads of a single-master stack."""

    smooth_slope: Annotated[FloatArray | None, "scla_smooth2.K_ps_uw"]  # (n_ps,) [rad/m]
    smooth_offset: Annotated[FloatArray | None, "scla_smooth2.C_ps_uw"]  # (n_ps,) [rad]
    smooth_ramp: Annotated[Rows | None, "scla_smooth2.ph_ramp"]  # (n_ps, n_col) float64 [rad]


@dataclass(frozen=True, kw_only=True)
class Outputs(GridOutputs):
    """What stage 6 writes of a single-master stack."""

    unwrapped: Annotated[Rows, "phuw2.ph_uw"]  # (n_ps, n_col) float32 [rad]
    msd: Annotated[FloatArray, "phuw2.msd"]  # (n_col,) float32 [rad^2]


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Unwrap the phase of a single-master stack.

    Raises
    ------
    StageError
        Too few PS or interferograms, a zero or missing phase, a grid that does not fit the filter
        window or the points, or an interferogram that is not unwrapped.

    Notes
    -----
    StaMPS ``ps_unwrap``.
    """
    require_points(inputs.n_ps)
    inputs.ifgs.require_master_at_its_day("rerun stage 5")
    used = inputs.ifgs.used(params.drop_ifg_index, fewest=2)
    stack = wrapped_stack(inputs, params, used, _feedback(inputs, params, ctx), ctx)
    grid = unwrap_on_grid(inputs, params, inputs.ifgs.only(used), stack, ctx)

    corrected = inputs.corrected if params.unwrap_patch_phase else None
    outputs = grid.outputs
    unwrapped = unwrapped_points(
        stack, outputs.psi, outputs.node_unwrapped, grid.point_node, corrected, ctx
    )
    n_columns = inputs.ifgs.n_columns
    return Outputs(
        **vars(outputs),
        unwrapped=in_all_columns(unwrapped, stack.columns, n_columns, ctx),
        msd=grid.msd_of(stack.columns, n_columns),
    )


def _feedback(inputs: Inputs, params: Params, ctx: Context) -> Feedback | None:
    """Return the phases that an earlier stage 7 found for these points."""
    if inputs.smooth_slope is None or inputs.smooth_offset is None:
        return None
    ramp = inputs.smooth_ramp if params.scla_deramp else None
    found = Feedback(inputs.smooth_slope, inputs.smooth_offset, ramp)
    return found.of_points(inputs.n_ps, "scla_smooth2", ctx)


SPEC = StageSpec(
    number=6,
    name="Unwrap phase",
    scope="merged",
    marker="phuw2",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=(
        "stage6_wrapped_phase",
        "stage6_subtract_phase",
        "stage6_cell_sums",
        "stage6_goldstein",
        "stage6_nearest_node",
        "stage6_arc_phasors",
        "stage6_phase_steps",
        "stage6_look_angle",
        "stage6_star_smooth",
        "stage6_network_smooth",
        "stage6_arc_noise",
        "stage6_arc_variance",
        "stage6_edge_costs",
        "stage6_cost_records",
        "stage6_residues",
        "stage6_chains",
        "stage6_cheapest_flow",
        "stage6_share_free_chains",
        "stage6_solution_cost",
        "stage6_to_points",
    ),
    keeps=Keeps(value=30, point=500),
    config=("compat.arithmetic", "runtime.stage6_solver"),
    tools=("unwrapper",),
    spares=("scla_smooth2",),
)
