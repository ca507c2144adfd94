"""Contracts of what is weeded: adjacent pixels and duplicates."""

from .model import Array, Kernel

_COHERENCE = Array("coherence", "n_ps", "f64", "temporal coherence gamma; the larger one is kept")
_KEEP = Array("keep", "n_ps", "bool", "points that stay")

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage4_adjacent_keep",
        "best point of each group of adjacent pixels",
        (Array("ij", "n_ps 2", "i64", "azimuth line and range sample"), _COHERENCE),
        (_KEEP,),
    ),
    Kernel(
        "stage4_duplicate_keep",
        "best point of those at the same position",
        (Array("position", "n_ps 2", "f32 f64", "coordinates, any unit"), _COHERENCE),
        (_KEEP,),
    ),
)
