"""A scene in few cells: what the picture of a preparation shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...dataset.rows import AnyArray, IntArray
from ...stages.prepare.patches import Patch
from .layout import Layout

MOST = 1200  # cells of the longer side


@dataclass(frozen=True)
class Overview:
    """Cells of `step` x `step` pixels; patches are added to it.

    Parameters
    ----------
    step : int
        Pixels of a side of a cell.
    amplitude : (n_row, n_column) float64
        Sum over the images of the calibrated amplitude of the first pixel.
    density : (n_row, n_column) int64
        Candidates.
    """

    step: int
    amplitude: AnyArray
    density: IntArray

    @classmethod
    def of(cls, layout: Layout) -> "Overview":
        """Return the empty overview of a scene."""
        length, width = layout.stack.length, layout.stack.width
        step = max(-(-max(length, width) // MOST), 1)
        shape = -(-length // step), -(-width // step)
        return cls(step, np.zeros(shape), np.zeros(shape, np.int64))

    @property
    def extent(self) -> tuple[int, int, int, int]:
        """Left, right, lower and upper edge [pixel]."""
        rows, columns = self.density.shape
        return 0, columns * self.step, rows * self.step, 0

    def add(self, layout: Layout, patch: Patch, folder: Path) -> None:
        """Add what a patch owns, made in `folder`."""
        lines, (first, stop) = layout.lines(patch), patch.full.range
        if not len(lines):
            return
        step, (top, bottom), (left, right) = self.step, patch.own.azimuth, patch.own.range
        rows = slice(-(-top // step), -(-bottom // step))
        columns = slice(-(-left // step), -(-right // step))
        whole = np.memmap(folder / "mean_amp.flt", "f4", "r", shape=(len(lines), stop - first))
        self.amplitude[rows, columns] = whole[
            rows.start * step - lines.start : bottom - lines.start : step,
            columns.start * step - first : right - first : step,
        ]
        sample, line = (
            np.fromfile(folder / "pscands.1.ij.int", ">i4").astype(np.int32).reshape(-1, 2).T
        )
        inside = (sample >= left) & (sample < right) & (line >= top) & (line < bottom)
        cells = line[inside] // step * self.density.shape[1] + sample[inside] // step
        found = np.bincount(cells, minlength=self.density.size)
        self.density[...] += found.reshape(self.density.shape)


def show_patches(
    overview: Overview,
    layout: Layout,
    folders: Mapping[str, Path],
    warn: Callable[[str], None],
) -> None:
    """Add patches, each made in its folder; one that cannot be read is left out with a warning."""
    for patch in layout.patches:
        if patch.name in folders:
            try:
                overview.add(layout, patch, folders[patch.name])
            except (OSError, ValueError) as error:
                warn(f"{patch.name}: is missing in the picture of the candidates: {error}")
