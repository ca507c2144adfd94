"""The patches that are merged, and which of their rows survive where they overlap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, Any

import numpy as np

from ...dataset.rows import BoolArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ..shared.gathered import gathered
from ..shared.ifgs import Ifgs
from ..shared.projection import continuous
from ..shared.version2 import Version2


@dataclass(frozen=True)
class PatchPS(Version2):
    """What stage 5 left in one patch."""

    name: Annotated[str, "patch.name"]  # "PATCH_1"
    core: Annotated[IntArray | None, "patch_noover.box"]  # (4,) first, last range; azimuth; from 1

    @property
    def n_ps(self) -> int:
        """Number of points."""
        return len(self.ij)


@dataclass(frozen=True)
class Merged:
    """Variables of the patches, by field name of :class:`PatchPS`, in the order of the merge.

    Parameters
    ----------
    patches : sequence of PatchPS
        What is merged.
    where : (n_ps,) int64
        Row of the patches, counted one after the other, that stands in each merged row.
    """

    patches: Sequence[PatchPS]
    where: IntArray

    @property
    def per_patch(self) -> dict[str, int]:
        """How many of the rows come from each patch."""
        ends = np.cumsum([patch.n_ps for patch in self.patches])
        source = np.searchsorted(ends, self.where, side="right")
        counts = np.bincount(source, minlength=len(self.patches)).tolist()
        return dict(zip((patch.name for patch in self.patches), counts, strict=True))

    def rows(self, name: str) -> Rows:
        """Return a variable that is read when it is asked for."""
        return gathered(tuple(getattr(patch, name) for patch in self.patches), self.where)

    def rows_if_all(self, name: str) -> Rows:
        """Return a variable, 0 x 0 unless all patches have it."""
        return self.rows(name) if self._all_have(name) else np.zeros((0, 0))

    def values(self, name: str) -> FloatArray:
        """Return a variable in memory."""
        whole: FloatArray = np.concatenate([getattr(patch, name) for patch in self.patches])
        return whole[self.where]

    def values_if_all(self, name: str) -> FloatArray:
        """Return a variable in memory, 0 x 0 unless all patches have it."""
        return self.values(name) if self._all_have(name) else np.zeros((0, 0))

    def _all_have(self, name: str) -> bool:
        return all(getattr(patch, name) is not None for patch in self.patches)


def check(patches: tuple[PatchPS, ...]) -> None:
    """Refuse no patch, several without their core, and patches of different stacks."""
    if not patches:
        raise StageError(
            "no patch has PS left after stages 3-5; relax the selection or weeding parameters"
        )
    for patch in patches:
        if patch.core is None and len(patches) > 1:
            raise StageError(
                f"{patch.name}/patch_noover.in: does not exist; the merge needs its four lines: "
                "first and last range, first and last azimuth of the patch without overlap"
            )
    for one, other in pairwise(patches):
        for key, left, right in _compared(one.ifgs, other.ifgs):
            if left != right:
                raise StageError(
                    f"ps2.mat: {key} is {left} in {one.name} and {right} in {other.name}; "
                    "the patches belong to different stacks"
                )


def _compared(one: Ifgs, other: Ifgs) -> Iterator[tuple[str, Any, Any]]:
    """Yield what must be the same in two networks: name, value of each."""
    yield "n_ifg", one.n_columns, other.n_columns
    yield "master_ix", one.keys["master_ix"] + 1, other.keys["master_ix"] + 1
    yield "day", one.day.tolist(), other.day.tolist()
    for column in one.columns:
        yield f"ifgday of interferogram {column + 1}", one.date_of(column), other.date_of(column)


def side_by_side(patches: Sequence[PatchPS]) -> Sequence[PatchPS]:
    """Let no whole turn of longitude lie between patches on both sides of the date line."""
    longitude = np.concatenate([patch.lonlat[:, 0] for patch in patches])
    moved = continuous(longitude)
    if moved is longitude:
        return patches
    parts = np.split(moved, np.cumsum([patch.n_ps for patch in patches])[:-1])
    return [
        replace(patch, lonlat=np.column_stack((part, patch.lonlat[:, 1])))
        for patch, part in zip(patches, parts, strict=True)
    ]


def in_core(patch: PatchPS) -> BoolArray:
    """Return which points lie in the part of the scene that the patch owns."""
    if patch.core is None:
        return np.ones(patch.n_ps, np.bool_)
    line, sample = patch.ij[:, 1], patch.ij[:, 2]
    first_range, last_range, first_azimuth, last_azimuth = patch.core - 1
    inside: BoolArray = (
        (line >= first_azimuth)
        & (line <= last_azimuth)
        & (sample >= first_range)
        & (sample <= last_range)
    )
    return inside


def without_overlap(patches: Sequence[PatchPS]) -> BoolArray:
    """Keep one of the rows of each pixel: that of the patch whose core it is, else the first.

    Parameters
    ----------
    patches : sequence of PatchPS
        In the order of the patch list.

    Returns
    -------
    (n,) bool
        Rows that stay, the patches one after the other. The first row of a pixel gives way to any
        later core row; where cores overlap all of these stay. docs/science/merging.md,
        Overlap.
    """
    pixel = _pixel_numbers(np.concatenate([patch.ij[:, 1:3] for patch in patches]))
    core = np.concatenate([in_core(patch) for patch in patches])
    _, first, group = np.unique(pixel, return_index=True, return_inverse=True)
    is_first = np.zeros(len(pixel), np.bool_)
    is_first[first] = True
    later = core & ~is_first
    replaced = np.zeros(len(first), np.bool_)
    replaced[group[later]] = True
    keep: BoolArray = later | (is_first & ~replaced[group])
    return keep


def _pixel_numbers(place: IntArray) -> IntArray:
    """Return a number for each pixel (line, sample): those are sorted ten times as fast."""
    if not len(place):
        return place[:, 0]
    line, sample = (place - place.min(axis=0)).T
    numbers: IntArray = line * (sample.max() + 1) + sample
    return numbers
