"""Points, cells and edges of two trees that hold different selections, matched by position.

Rows are matched by what they are, not by their number: points by (azimuth, range), grid nodes by
their cell, edges by the cells of their two ends.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from ....dataset.mat import MatFile
from ....dataset.rows import AnyArray, IntArray
from ....dataset.schema import Key
from ....errors import MatError

RowKind = Literal["candidates", "selected", "kept", "nodes", "points", "cells", "edges"]

_AXES: dict[str, dict[str, RowKind]] = {
    **{name: {"n_ps": "candidates"} for name in
       ("ps1", "ph1", "bp1", "la1", "inc1", "da1", "hgt1", "pm1")},
    "select1": {"n_sel": "selected", "k": "selected"},
    "weed1": {"n_keep": "kept", "n_node": "nodes"},
    "uw_interp": {"n_edge": "edges"},
    "uw_space_time": {"n_edge": "edges", "n_node": "cells"},
    "uw_phaseuw": {"n_node": "cells"},
}  # fmt: skip
_MERGED: dict[str, RowKind] = {"n_ps": "points", "n_node": "cells"}

DEFINED_BY: dict[RowKind, str] = {
    "candidates": "ps1", "selected": "select1", "kept": "weed1", "nodes": "weed1",
    "points": "ps2", "cells": "uw_grid", "edges": "uw_interp",
}  # fmt: skip
"""Rows -> the artifact that says what they are."""

NUMBERED_KEYS = frozenset({"ij", "xy"})
"""Keys whose first column counts the rows."""

INDEX_KEYS = frozenset({"sort_ix", "ref_ps", "edgs", "rowix", "colix", "Z", "n_ps", "n_edge"})
"""Keys whose values are row numbers or counts of the selection itself."""


@dataclass(frozen=True)
class Matching:
    """Rows that both trees have.

    Parameters
    ----------
    run, golden : (n,) int64
        Row numbers in the run and in golden, pairwise the same point, in golden's order.
    n_run, n_golden : int
        Rows of both.
    """

    run: IntArray
    golden: IntArray
    n_run: int
    n_golden: int

    @property
    def unmatched(self) -> int:
        """Points that only one side has."""
        return self.n_run + self.n_golden - 2 * len(self.golden)

    @property
    def is_identity(self) -> bool:
        """Whether both sides hold the same points in the same order."""
        return not self.unmatched and np.array_equal(self.run, self.golden)

    @property
    def fraction(self) -> float:
        """Unmatched points as a fraction of all distinct points."""
        union = self.n_run + self.n_golden - len(self.golden)
        return self.unmatched / union if union else 0.0


def row_kind(artifact: str, key: Key) -> tuple[int, RowKind] | None:
    """Return the axis of a key that runs over points and what its rows are; None without one."""
    axes = _AXES.get(artifact, _MERGED)
    for axis, name in enumerate(key.dims):
        if name in axes:
            return axis, axes[name]
    return None


def match(run: IntArray, golden: IntArray) -> Matching:
    """Match rows by identity.

    Parameters
    ----------
    run, golden : (n, k) int64
        One line per row that says what it is.
    """
    both = np.concatenate([run, golden])
    _, code = np.unique(both, axis=0, return_inverse=True)
    code = code.ravel()
    first, second = code[: len(run)], code[len(run) :]
    _, at_run, at_golden = np.intersect1d(first, second, return_indices=True)
    order = np.argsort(at_golden)
    return Matching(at_run[order], at_golden[order], len(run), len(golden))


class Identities:
    """What the rows of one directory are, read when asked for.

    Parameters
    ----------
    folder : Path
        Patch or root of a tree.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, kind: RowKind) -> IntArray | None:
        """Return the identity of every row, ``(n, k)`` int64; None where it cannot be known."""
        try:
            rows: IntArray = getattr(self, kind)
        except MatError:
            return None
        return rows

    @cached_property
    def candidates(self) -> IntArray:
        """Azimuth and range of the candidates."""
        return _whole(self._read("ps1", "ij")[:, 1:3])

    @cached_property
    def points(self) -> IntArray:
        """Azimuth and range of the points of version 2."""
        return _whole(self._read("ps2", "ij")[:, 1:3])

    @cached_property
    def selected(self) -> IntArray:
        """Azimuth and range of the selected candidates."""
        return self.candidates[_whole(self._read("select1", "ix").ravel()) - 1]

    @cached_property
    def kept(self) -> IntArray:
        """Azimuth and range of what stage 4 starts from."""
        kept: IntArray = self.selected[self._read("select1", "keep_ix").ravel().astype(bool)]
        return kept

    @cached_property
    def nodes(self) -> IntArray:
        """Azimuth and range of the nodes of the weeding network, when all points are nodes."""
        rows = self.kept
        if len(self._read("weed1", "ps_std")) != len(rows):
            raise MatError(f"{self.folder}/weed1.mat: the nodes are not all kept points")
        return rows

    @cached_property
    def cells(self) -> IntArray:
        """Row and column of the grid nodes."""
        return _whole(self._read("uw_grid", "ij"))

    @cached_property
    def edges(self) -> IntArray:
        """Cells of the low and the high node of each edge."""
        ends = _whole(self._read("uw_interp", "edgs")[:, 1:3]) - 1
        return np.concatenate([self.cells[ends[:, 0]], self.cells[ends[:, 1]]], axis=1)

    def _read(self, artifact: str, key: str) -> AnyArray:
        with MatFile(self.folder / f"{artifact}.mat") as file:
            value: AnyArray = file.read(key)
        return value


class Matcher:
    """Matchings of one directory, each worked out once.

    Parameters
    ----------
    run, golden : Path
        The directory in both trees.
    """

    def __init__(self, run: Path, golden: Path) -> None:
        self.run, self.golden = Identities(run), Identities(golden)
        self.found: dict[RowKind, Matching | None] = {}

    def matching(self, kind: RowKind) -> Matching | None:
        """Return how rows are matched; None when both hold the same rows in the same order."""
        if kind not in self.found:
            run, golden = self.run.of(kind), self.golden.of(kind)
            matching = None
            if run is not None and golden is not None:
                matching = match(run, golden)
                if matching.is_identity:
                    matching = None
            self.found[kind] = matching
        return self.found[kind]


def _whole(values: AnyArray) -> IntArray:
    return np.rint(values).astype(np.int64)
