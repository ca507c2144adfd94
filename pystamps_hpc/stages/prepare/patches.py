"""Patches of a scene: the part that each owns, and the part that it processes."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Box:
    """Pixels ``first <= index < stop``, from 0."""

    azimuth: tuple[int, int]
    range: tuple[int, int]

    @property
    def lines(self) -> tuple[int, int, int, int]:
        """First and last range, first and last azimuth, from 1, as StaMPS writes them."""
        return self.range[0] + 1, self.range[1], self.azimuth[0] + 1, self.azimuth[1]


@dataclass(frozen=True)
class Patch:
    """One patch: the part of the scene that it owns, and the part that it processes."""

    name: str
    own: Box
    full: Box


def cut_scene(
    length: int, width: int, count: tuple[int, int], overlap: tuple[int, int], whole: bool = True
) -> tuple[Patch, ...]:
    """Cut a scene into patches; azimuth counts fastest.

    Parameters
    ----------
    length, width : int
        Azimuth lines and range samples.
    count, overlap : (int, int)
        In azimuth and in range: number of patches, at most one per pixel, and pixels that a patch
        reaches beyond its own part on each inner side.
    whole : bool
        Whether the last patch of a direction ends at the edge. StaMPS leaves the lines and columns
        that are left over by a division to nobody.

    Returns
    -------
    tuple of Patch
        ``PATCH_1`` and so on.

    Notes
    -----
    StaMPS ``mt_prep_snap``; docs/science/preparation.md, Patches.

    Examples
    --------
    >>> [patch.full.range for patch in cut_scene(9, 10, (1, 3), (0, 2))]
    [(0, 5), (1, 8), (4, 10)]
    >>> [patch.own.range[1] for patch in cut_scene(9, 10, (1, 3), (0, 2), whole=False)]
    [3, 6, 9]
    """
    along = _cuts(length, count[0], overlap[0], whole)
    across = _cuts(width, count[1], overlap[1], whole)
    return tuple(
        Patch(f"PATCH_{r * len(along) + a + 1}", Box(own_a, own_r), Box(full_a, full_r))
        for r, (own_r, full_r) in enumerate(across)
        for a, (own_a, full_a) in enumerate(along)
    )


def _cuts(
    size: int, count: int, overlap: int, whole: bool
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    edges = [k * size // count if whole else k * (size // count) for k in range(count + 1)]
    return [
        ((first, stop), (max(0, first - overlap), min(size, stop + overlap)))
        for first, stop in pairwise(edges)
    ]
