"""The merged artifacts of one run, and what checks say of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....dataset.mat import MatFile
from ....dataset.parameters import Parameters
from ....dataset.rows import AnyArray, IntArray, with_column
from ....errors import MatError
from .comparison import Difference
from .values import Value, stored

CONGRUENCE = 1e-3
"""Largest deviation of the unwrapped phase from the input phase modulo 2 pi [rad]."""

SCLA_IDENTITY = 1e-3
"""Largest deviation of the look-angle error phase from slope times baseline [rad]."""


@dataclass(frozen=True)
class Checked:
    """One key that a check looked at."""

    artifact: str
    key: str
    what: str
    difference: Difference


@dataclass(frozen=True)
class Merged:
    """The artifacts of the root of a run, opened when asked for."""

    root: Path
    stack: ExitStack
    parms: Parameters

    def has(self, *artifacts: str) -> bool:
        """Whether all these artifacts exist."""
        return all((self.root / f"{artifact}.mat").exists() for artifact in artifacts)

    def holds(self, artifact: str, key: str) -> bool:
        """Whether an artifact has a key."""
        file = self.stack.enter_context(MatFile(self.root / f"{artifact}.mat"))
        return key in file.variables

    def value(self, artifact: str, key: str) -> Value:
        """Return one key, read in blocks."""
        file = self.stack.enter_context(MatFile(self.root / f"{artifact}.mat"))
        if key not in file.variables:
            raise MatError(f"{file.path}: no variable '{key}'")
        return stored(file, key)

    @property
    def master(self) -> int | None:
        """Column of the master, from 0; None when it is outside."""
        column = self.number("ps2", "master_ix") - 1
        return column if 0 <= column < self.number("ps2", "n_image") else None

    def number(self, artifact: str, key: str) -> int:
        """Return a whole number."""
        return int(self.value(artifact, key).array().item())


def first_bad(
    value: Value, bad: Callable[[AnyArray], AnyArray], what: str, first_row: int = 0
) -> Difference:
    """Count the elements for which `bad` holds."""
    count, where = 0, (0, 0)
    for rows in value.blocks():
        wrong = bad(value.read(rows))
        if wrong.any() and not count:
            row, column = np.argwhere(wrong)[0]
            where = (first_row + rows.start + int(row), int(column))
        count += int(np.count_nonzero(wrong))
    if not count:
        return Difference(True, 0.0, compared=value.size)
    return Difference(False, np.inf, where, count, value.size, f"{count} {what}", "value_mismatch")


def largest(
    distance: AnyArray,
    start: int,
    limit: float,
    worst: Difference,
    columns: IntArray | None = None,
    unit: str = "rad",
) -> Difference:
    """Return the worse of two differences, the second given by a block of distances."""
    picked = np.arange(distance.shape[1]) if columns is None else columns
    distance = distance[:, picked]
    if not distance.size or float(distance.max()) <= worst.max_abs:
        return worst
    row, column = divmod(int(np.argmax(distance)), distance.shape[1])
    most = float(distance.max())
    problem = "" if most <= limit else f"off by {most:.3g} {unit}, allowed {limit:g}"
    return Difference(not problem, most, (start + row, int(picked[column])), problem=problem)


def congruence(merged: Merged, artifact: str, master: int | None) -> Iterator[Checked]:
    """Hold an unwrapped phase against the wrapped one, and its idle columns against zero.

    A combined dataset has no look-angle error of its own (``pm2.K_ps``) that stage 6 adds back.
    """
    elsewhere = ("unwrap_patch_phase", "subtr_tropo")  # unwraps another phase than rc2.ph_rc
    if any(merged.parms.value(name) == "y" for name in elsewhere):
        return
    unwrapped, wrapped = merged.value(artifact, "ph_uw"), merged.value("rc2", "ph_rc")
    bperp = merged.value("bp2", "bperp_mat")
    slope = merged.value("pm2", "K_ps") if merged.holds("pm2", "K_ps") else None
    n_ifg = unwrapped.n_columns
    unused = {int(ifg) - 1 for ifg in listed(merged, "drop_ifg_index")}
    unused |= set() if master is None else {master}
    used = np.setdiff1d(np.arange(n_ifg), sorted(unused))
    idle = np.array(sorted(unused), np.int64)
    of_master = "" if master is None else "master and "
    congruent = zero = Difference(True, 0.0)
    for rows in unwrapped.blocks():
        phase = unwrapped.read(rows).astype(np.float64)
        look = bperp.read(rows).astype(np.float32)
        look *= 0 if slope is None else slope.read(rows).astype(np.float32)
        if master is not None and look.shape[1] < n_ifg:
            look = with_column(look, master, 0)
        turned = np.exp(1j * (phase - look)) * np.conj(wrapped.read(rows))
        off = np.where(turned == 0, 0.0, np.abs(np.angle(turned)))
        congruent = largest(off, rows.start, CONGRUENCE, congruent, used)
        zero = largest(np.abs(phase), rows.start, 0.0, zero, idle)
    yield Checked(artifact, "ph_uw", "congruence with rc2.ph_rc", congruent)
    yield Checked(artifact, "ph_uw", f"{of_master}dropped columns are zero", zero)


def listed(merged: Merged, parameter: str) -> list[float]:
    """Return the numbers that a list of the parameters holds."""
    numbers: list[float] = np.atleast_1d(np.asarray(merged.parms.value(parameter) or ())).tolist()
    return numbers
