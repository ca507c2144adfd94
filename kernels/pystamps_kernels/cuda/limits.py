"""How large a stack may be: a block has to hold a row of it in its shared memory.

What follows from the numbers of interferograms and images alone is here, so that it is known
before work. ``stage6_look_angle`` and ``stage3_bootstrap_deviation`` depend on a range of search
and a number of samples besides; they come after kernels with a lower limit.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from . import annealing, arcs, edge_stats, held, topofit
from .series import DOUBLE


@dataclass(frozen=True)
class Limit:
    """What a kernel needs for one row.

    Parameters
    ----------
    counted : {"interferograms", "images"}
        What there may be too many of.
    room : callable
        ``room(n_ifg, n_image)`` is the shared memory of a block [bytes].
    """

    counted: Literal["interferograms", "images"]
    room: Callable[[int, int], int]

    def exceeded(self, n_ifg: int, n_image: int, shared_bytes: int) -> str:
        """Say what does not fit into a block, and how much would; an empty string if all does."""
        if self.room(n_ifg, n_image) <= shared_bytes:
            return ""
        if self.counted == "images":
            count, room = n_image, lambda images: self.room(n_ifg, images)
        else:
            count, room = n_ifg, lambda ifgs: self.room(ifgs, n_image)
        most = bisect_right(range(count), shared_bytes, key=room) - 1
        needed = self.room(n_ifg, n_image)
        return (
            f"{count} {self.counted} take {needed} bytes of the shared memory of a block, "
            f"the device has {shared_bytes}, enough for {max(most, 0)}"
        )


def _of_ifgs(room: Callable[[int], int]) -> Limit:
    return Limit("interferograms", lambda n_ifg, _: room(n_ifg))


_FIT, _NOISE, _SPREAD = map(_of_ifgs, (topofit.room, edge_stats.room, edge_stats.spread_room))
_ROW = _of_ifgs(lambda n_ifg: n_ifg * DOUBLE)

LIMITS = {
    "stage2_topofit": _FIT,
    "stage2_topofit_row_invariant": _FIT,
    "stage2_topofit_coh_row_invariant": _FIT,
    "stage4_edge_stats": _NOISE,
    "stage4_edge_stats_undirected": _NOISE,
    "stage4_pair_edge_stats": _SPREAD,
    "stage4_pair_edge_stats_undirected": _SPREAD,
    "stage6_star_smooth": _of_ifgs(lambda n_ifg: arcs.STAR * n_ifg * DOUBLE),
    "stage6_network_smooth": Limit("interferograms", arcs.network_room),
    "stage6_held_smooth": Limit("images", lambda _, n_image: held.room(n_image)),
    "stage6_anneal": Limit("interferograms", annealing.room),
    "stage6_arc_noise": _ROW,
    "stage6_arc_variance": _ROW,
    "stage7_scla": _ROW,
    "stage7_scla_of_slope": _ROW,
    "stage7_scla_of_pairs": _ROW,
}
"""Kernel -> its limit."""
