"""The phasors of stage 2, computed when they are asked for, so that no stack of them is held."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataset.rows import AnyArray, ComplexArray, FloatArray, IntArray, Rows

if TYPE_CHECKING:
    from pystamps_kernels.dispatch import KernelTable


@dataclass(frozen=True)
class UnitPhasors:
    """Phasors without the master column, divided by their modulus."""

    phase: Rows  # (n_ps, n_ifg) complex64
    master_ix: int
    kernels: "KernelTable"
    dtype = np.dtype(np.complex64)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of candidates and of interferograms without the master."""
        return self.phase.shape[0], self.phase.shape[1] - 1

    def __getitem__(self, key: Any, /) -> AnyArray:
        """Read rows, ``a[rows]``, or columns, ``a[:, ifgs]``."""
        if isinstance(key, tuple):
            rows, ifgs = key
            columns = np.delete(np.arange(self.phase.shape[1]), self.master_ix)
            observed = self.phase[rows, columns[ifgs]]
        else:
            observed = np.delete(self.phase[key], self.master_ix, axis=1)
        return self.kernels.stage2_unit_phasors(np.ascontiguousarray(observed))


@dataclass(frozen=True)
class Weighted:
    """Unit phasors without look-angle error, times the weight of their candidate."""

    ph: UnitPhasors
    bperp_mat: Rows  # (n_ps, m) [m]
    slope: FloatArray  # (n_ps,) [rad/m]
    weight: FloatArray  # (n_ps,)
    dtype = np.dtype(np.complex64)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of candidates and of interferograms without the master."""
        return self.ph.shape

    def __getitem__(self, key: Any, /) -> AnyArray:
        """Read rows, ``a[rows]``, or columns, ``a[:, ifgs]``."""
        rows = key[0] if isinstance(key, tuple) else key
        bperp = np.ascontiguousarray(self.bperp_mat[key])
        return self.ph.kernels.stage2_ph_weight(
            self.ph[key], bperp, self.slope[rows], self.weight[rows]
        )


@dataclass(frozen=True)
class PatchPhase:
    """Unit phasors of the filtered phase where the candidates are."""

    filtered: ComplexArray  # (n_cell, m) complex64, of the cells that hold candidates
    cell: IntArray  # (n_ps,)
    kernels: "KernelTable"
    dtype = np.dtype(np.complex64)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of candidates and of interferograms without the master."""
        return len(self.cell), self.filtered.shape[1]

    def __getitem__(self, key: Any, /) -> AnyArray:
        """Read rows, ``a[rows]``, or columns, ``a[:, ifgs]``."""
        rows, ifgs = key if isinstance(key, tuple) else (key, slice(None))
        unit = self.kernels.stage2_unit_phasors(self.filtered[self.cell[rows]])
        return unit[:, ifgs]
