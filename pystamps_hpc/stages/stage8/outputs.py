"""What kriging tells of the arcs beside the noise; StaMPS writes it for who wants to look at it."""

from dataclasses import dataclass
from typing import Annotated

from ...dataset.rows import FloatArray, IntArray, Rows


@dataclass(frozen=True, kw_only=True)
class OfArcs:
    """Files of arcs; all None without kriging, all but the first file without kriging in time."""

    motion: Annotated[Rows | None, "modeled_defo_edges.modeled_defo_edges"] = None  # (n_arc, 5)
    motion_terms: Annotated[FloatArray | None, "modeled_defo_edges.A_time"] = None  # (n_use, 5)
    model_range: Annotated[FloatArray | None, "modeled_defo_edges.a"] = None  # (n_arc,) [years]
    model_sill: Annotated[FloatArray | None, "modeled_defo_edges.c1"] = None  # (n_arc,) [rad^2]
    model_nugget: Annotated[FloatArray | None, "modeled_defo_edges.c2"] = None  # (n_arc,) [rad^2]
    years: Annotated[FloatArray | None, "modeled_defo_edges.years"] = None  # (n_use,) since 2000
    mean_std: Annotated[float | None, "modeled_defo_edges.mean_std"] = None  # of arcs [rad]
    arc_x: Annotated[FloatArray | None, "unwrapping_errors_edges.x_edges"] = None  # (n_arc,) [m]
    arc_y: Annotated[FloatArray | None, "unwrapping_errors_edges.y_edges"] = None  # (n_arc,) [m]
    arc_errors: Annotated[Rows | None, "unwrapping_errors_edges.unwrapping_errors"] = (
        None  # (n_arc, n_use) int8 [cycles]
    )
    accepted_arcs: Annotated[IntArray | None, "temp_vario.ind_in"] = None  # (n_fit,) 0-based
    arc_range: Annotated[FloatArray | None, "temp_vario.a"] = None  # (n_arc,) [years]
    arc_sill: Annotated[FloatArray | None, "temp_vario.c1"] = None  # (n_arc,) [rad^2]
    arc_nugget: Annotated[FloatArray | None, "temp_vario.c2"] = None  # (n_arc,) [rad^2]
    arc_years: Annotated[FloatArray | None, "temp_vario.years"] = None  # (n_use,) since 2000
    arc_low_pass: Annotated[Rows | None, "temp_vario.dph_lpt"] = None  # (n_arc, n_use) [rad]
    arc_residual: Annotated[Rows | None, "temp_vario.dph"] = None  # (n_arc, n_use) [rad]
    arc_corrected: Annotated[Rows | None, "temp_vario.corrected_dph"] = None  # (n_arc, n_use) [rad]
