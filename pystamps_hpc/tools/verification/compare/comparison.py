"""One value of a run against the golden one."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse

from ....dataset.rows import AnyArray, FloatArray
from ....dataset.schema import Key
from . import kinds
from .policy import Rule
from .tally import Tally
from .values import Value, of, of_array

_REAL = {"double", "single"}


@dataclass(frozen=True)
class Difference:
    """Result of one comparison.

    Parameters
    ----------
    ok : bool
        Whether the rule holds.
    max_abs : float
        Largest difference, in the measure of the kind; infinite for shape or class mismatches.
    where : tuple of int
        Index of the worst element from 0, in MATLAB's dimensions.
    outliers, compared : int
        Elements beyond the tolerance, and elements that are not NaN on both sides.
    problem : str
        Empty when ok.
    failure_kind : str
        ``shape_mismatch``, ``class_mismatch``, ``value_mismatch``, ``wrap_mismatch``,
        ``cycle_mismatch`` or ``set_mismatch``; empty when ok.
    notes : tuple of str
        What was accepted: another class, a transposed vector, a narrowed imaginary part.
    rms, quantile : float
        Root mean square and 99.9 % quantile of the difference.
    """

    ok: bool
    max_abs: float
    where: tuple[int, ...] = ()
    outliers: int = 0
    compared: int = 0
    problem: str = ""
    failure_kind: str = ""
    notes: tuple[str, ...] = ()
    rms: float = 0.0
    quantile: float = 0.0


def compare(run: Any, golden: Any, rule: Rule, schema: Key | None = None) -> Difference:
    """Compare values in memory, as :func:`pystamps_hpc.dataset.mat.read_mat` gives them."""
    return compare_values(of(run), of(golden), rule, schema)


def compare_values(run: Value, golden: Value, rule: Rule, schema: Key | None = None) -> Difference:
    """Compare one value of a run with the golden one, block by block.

    Parameters
    ----------
    run, golden : Value
        The values.
    rule : Rule
        What counts as equal.
    schema : Key, optional
        Declaration of the key; its classes are allowed besides that of the golden value.
    """
    if "cell" in (run.matlab_class, golden.matlab_class):
        return Difference(True, 0.0, notes=("cells and structs are not compared",))
    if "char" in (run.matlab_class, golden.matlab_class):
        return _text_difference(run, golden)
    notes: list[str] = []
    as_sets = rule.kind == "set" and rule.scientific and golden.matlab_class != "logical"
    if run.shape != golden.shape and not as_sets:
        if rule.scientific and run.empty and golden.empty:
            return Difference(True, 0.0, notes=(f"empty {_size(run)}, golden {_size(golden)}",))
        turned = run.shape == golden.shape[::-1] and run.vector
        if not (rule.scientific and turned):
            problem = f"shape {_size(run)}, golden {_size(golden)}"
            return _refused(rule, "shape_mismatch", problem)
        notes.append("transposed")
        run = run.transposed()
    if run.empty and golden.empty:
        return Difference(True, 0.0, notes=tuple(notes))
    mismatch, note = _class_difference(run, golden, rule, schema)
    if mismatch:
        return _refused(rule, "class_mismatch", mismatch)
    notes += [note] if note else []
    if golden.matlab_class == "sparse":
        difference = _sparse_difference(run, golden, rule)
    elif rule.kind == "set" and rule.scientific:
        difference = set_difference(run, golden, rule)
    else:
        difference = _matrix_difference(run, golden, rule)
    return replace(difference, notes=(*notes, *difference.notes))


def set_difference(run: Value, golden: Value, rule: Rule) -> Difference:
    """Compare index lists or masks as sets: their overlap must reach 1 - f."""
    r, g = (_members(value) for value in (run, golden))
    union = len(np.union1d(r, g))
    different = len(np.setxor1d(r, g))
    fraction = different / union if union else 0.0
    problem = ""
    if fraction > rule.outliers:
        problem = f"{different} of {union} members differ, allowed {rule.outliers:g}"
    return Difference(
        not problem, float(different > 0), (), different, union, problem,
        "set_mismatch" if problem else "",
    )  # fmt: skip


def _members(value: Value) -> AnyArray:
    array = value.array()
    return np.flatnonzero(array) if value.matlab_class == "logical" else np.unique(array)


def _size(value: Value) -> str:
    return " x ".join(map(str, value.shape))


def _refused(rule: Rule, failure_kind: str, problem: str) -> Difference:
    if rule.kind == "ignore":
        return Difference(True, np.inf, notes=(problem,))
    return Difference(False, np.inf, problem=problem, failure_kind=failure_kind)


def _text_difference(run: Value, golden: Value) -> Difference:
    if run.matlab_class != golden.matlab_class:
        if run.empty and golden.empty:
            return Difference(True, 0.0)
        problem = f"class {run.matlab_class}, golden {golden.matlab_class}"
        return Difference(False, np.inf, problem=problem, failure_kind="class_mismatch")
    if run.whole.rstrip() == golden.whole.rstrip():
        return Difference(True, 0.0)
    problem = f"text {run.whole[:40]!r}, golden {golden.whole[:40]!r}"
    return Difference(False, np.inf, problem=problem, failure_kind="value_mismatch")


def _class_difference(run: Value, golden: Value, rule: Rule, schema: Key | None) -> tuple[str, str]:
    """Return a mismatch of classes, or a note on a difference that is allowed."""
    r, g = run.matlab_class, golden.matlab_class
    narrowed = ""
    if run.complex != golden.complex:
        wider = run if run.complex else golden
        if any(np.any(wider.read(rows).imag) for rows in wider.blocks()):
            return f"{_class(run)}, golden {_class(golden)}", ""
        narrowed = f"{_class(run)}, golden {_class(golden)}: the imaginary part is zero"
    if r == g:
        return "", narrowed
    note = f"class {_class(run)}, golden {_class(golden)}"
    if "sparse" in (r, g):
        return note, ""
    if {r, g} <= _REAL:
        declared = {"complex": "single", "complex double": "double"}
        allowed = {declared.get(name, name) for name in schema.classes} if schema else set()
        return ("", note) if rule.scientific or r in allowed else (note, "")
    integers = [value for value in (run, golden) if value.matlab_class not in _REAL]
    others = [value for value in (run, golden) if value.matlab_class in _REAL]
    if integers and all(_integral(value) for value in others):
        return "", note
    return note, ""


def _class(value: Value) -> str:
    return f"complex {value.matlab_class}" if value.complex else value.matlab_class


def _integral(value: Value) -> bool:
    return all(bool(np.all(b == np.rint(b))) for b in map(value.read, value.blocks()))


def _sparse_difference(run: Value, golden: Value, rule: Rule) -> Difference:
    """Compare sparse matrices: the same pattern without explicit zeros, then the values."""
    r, g = (scipy.sparse.csc_array(value.whole, copy=True) for value in (run, golden))
    for matrix in (r, g):
        matrix.eliminate_zeros()
        matrix.sort_indices()
    column_of = np.repeat(np.arange(g.shape[1]), np.diff(g.indptr))
    if not (np.array_equal(r.indptr, g.indptr) and np.array_equal(r.indices, g.indices)):
        for matrix in (r, g):
            matrix.data = np.ones_like(matrix.data, float)
        rows, columns = (r - g).nonzero()
        where = (int(rows[0]), int(columns[0]))
        problem = f"{len(rows)} elements of the sparse pattern differ"
        return Difference(False, np.inf, where, len(rows), g.nnz, problem, "set_mismatch")
    if not g.nnz:
        return Difference(True, 0.0)
    found = _matrix_difference(of_array(r.data[:, None]), of_array(g.data[:, None]), rule)
    at = found.where[0]
    return replace(found, where=(int(g.indices[at]), int(column_of[at])))


def _matrix_difference(run: Value, golden: Value, rule: Rule) -> Difference:
    scale = kinds.median_modulus(golden) if rule.kind == "phasor" and rule.rtol else 0.0
    whole_cycles = rule.kind == "cycle" and rule.scientific and not golden.complex
    offset = _cycle_offset(run, golden) if whole_cycles else None
    tally = Tally(rule.bulk[1] if rule.bulk else None)
    modulus, other_cycle, hard = 0.0, 0, 0
    for rows in golden.blocks():
        r, g = run.read(rows), golden.read(rows)
        if rule.kind == "cycle":
            turns = kinds.cycles(r, g) - (0.0 if offset is None else offset)
            other_cycle += int(np.count_nonzero(turns))
        if offset is not None:
            distance = kinds.modulus(
                r.astype(float) - 2 * np.pi * (turns + offset), g.astype(float)
            )
            beyond = turns != 0
            hard += int(np.count_nonzero(distance > rule.atol))
            hard += int(np.count_nonzero(np.abs(turns) > kinds.LARGEST_CYCLE_ERROR))
            distance = distance + 2 * np.pi * np.abs(turns)
        else:
            distance, limit = kinds.distances(r, g, rule, scale)
            beyond = distance > limit
        both_nan = 0
        if r.dtype.kind in "fc" and g.dtype.kind in "fc":
            both_nan = int(np.count_nonzero(np.isnan(r) & np.isnan(g)))
        if isinstance(rule.cap, str):
            size = np.abs(g[np.isfinite(g)])
            modulus = max(modulus, float(size.max(initial=0.0)))
        tally.add(rows.start, distance, beyond, both_nan)
    caps = {"modulus": modulus, "range": 2 * modulus}
    cap = caps[rule.cap] if isinstance(rule.cap, str) else rule.cap
    problem = _problem(tally, rule, cap, other_cycle, hard)
    return Difference(
        not problem or rule.kind == "ignore",
        tally.max_abs,
        golden.place(*tally.where),
        tally.outliers,
        tally.compared,
        "" if rule.kind == "ignore" else problem,
        _failure_kind(rule, other_cycle) if problem and rule.kind != "ignore" else "",
        rms=tally.rms,
        quantile=tally.quantile(0.999),
    )


def _problem(tally: Tally, rule: Rule, cap: float | None, other_cycle: int, hard: int) -> str:
    """Say what breaks the rule; empty when nothing does."""
    suffix = f", {other_cycle} on another cycle" if other_cycle else ""
    counts = f"{tally.outliers} of {tally.compared} beyond the tolerance{suffix}"
    if hard:
        return f"{hard} of {tally.compared} are not congruent or more than two cycles off"
    if tally.outliers > rule.outliers * tally.compared:
        return counts
    if cap is not None and tally.max_abs > cap:
        return f"{counts}, the largest above {cap:g}"
    if rule.bulk is not None and tally.above_bulk > (1 - rule.bulk[0]) * tally.compared:
        quantile = tally.quantile(rule.bulk[0])
        return f"{rule.bulk[0]:.1%} quantile {quantile:.2g} > {rule.bulk[1]:.2g}"
    return ""


def _failure_kind(rule: Rule, other_cycle: int) -> str:
    if rule.kind == "cycle" and other_cycle:
        return "cycle_mismatch"
    return {"wrapped": "wrap_mismatch", "set": "set_mismatch"}.get(rule.kind, "value_mismatch")


def _cycle_offset(run: Value, golden: Value) -> FloatArray:
    """Return the whole cycles by which each column is off as a whole.

    Rounding keeps the order, so the median of the rounded differences is the rounded median.
    """
    counts: list[Counter[float]] = [Counter() for _ in range(golden.n_columns)]
    for rows in golden.blocks():
        for column, turns in enumerate(kinds.cycles(run.read(rows), golden.read(rows)).T):
            values, n = np.unique(turns, return_counts=True)
            counts[column].update(dict(zip(values.tolist(), n.tolist(), strict=True)))
    return np.array([_median(count) for count in counts])


def _median(count: Counter[float]) -> float:
    values = np.array(sorted(count))
    reached = np.cumsum([count[value] for value in values.tolist()])
    return float(values[np.searchsorted(reached, reached[-1] / 2)]) if values.size else 0.0
