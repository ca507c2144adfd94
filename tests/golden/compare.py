"""How far one array is from another, by the kind of quantity it holds."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

Kind = Literal["exact", "float", "wrapped", "phasor", "row", "cycle", "ignore"]


@dataclass(frozen=True)
class Policy:
    """What counts as equal.

    Parameters
    ----------
    kind : str
        ``exact``: equal values. ``float``: ``|r - g| <= atol + rtol |g|``. ``wrapped``: phases
        modulo 2 pi. ``phasor``: complex difference against ``rtol max(|g|, median |g|)``; ``row``:
        against ``rtol`` times the largest modulus of the row.
        ``cycle``: as ``float``, and tells how many samples are on another cycle. ``ignore``:
        recorded only.
    atol, rtol : float
        Absolute and relative tolerance.
    bulk : tuple of float or None
        ``(q, t)``: the q-quantile of the difference must also be at most t.
    why : str
        Where the tolerance comes from.
    """

    kind: Kind = "exact"
    atol: float = 0.0
    rtol: float = 0.0
    bulk: tuple[float, float] | None = None
    why: str = ""


@dataclass(frozen=True)
class Difference:
    """Result of one comparison.

    Parameters
    ----------
    ok : bool
        Whether the policy holds.
    max_abs : float
        Largest difference, in the measure of the kind; infinite for shape or class mismatches.
    where : tuple of int
        0-based index of the worst element.
    outliers, total : int
        Elements beyond the tolerance, and all.
    problem : str
        Empty when ok.
    """

    ok: bool
    max_abs: float
    where: tuple[int, ...] = ()
    outliers: int = 0
    total: int = 0
    problem: str = ""


def compare(run: Any, golden: Any, policy: Policy) -> Difference:
    """Compare one value of a run with the golden one.

    Parameters
    ----------
    run, golden : ndarray, str or sparse array
        MATLAB values as read from a MAT file.
    policy : Policy
        What counts as equal.
    """
    if isinstance(run, str) or isinstance(golden, str):
        same = isinstance(run, str) and isinstance(golden, str) and run.rstrip() == golden.rstrip()
        return Difference(same, 0.0 if same else np.inf, problem="" if same else "text differs")
    if scipy.sparse.issparse(run) or scipy.sparse.issparse(golden):
        run, golden = _dense(run), _dense(golden)
    if run.shape != golden.shape:
        return Difference(
            policy.kind == "ignore", np.inf, problem=f"shape {run.shape}, golden {golden.shape}"
        )
    mismatch = _class_mismatch(run, golden)
    if mismatch and policy.kind != "ignore":
        return Difference(False, np.inf, problem=mismatch)
    if run.size == 0:
        return Difference(True, 0.0)
    distance, limit = _measure(run, golden, policy)
    return _judge(distance, limit, policy)


def _dense(value: Any) -> NDArray[Any]:
    return value.toarray() if scipy.sparse.issparse(value) else np.asarray(value)


def _class_mismatch(run: NDArray[Any], golden: NDArray[Any]) -> str:
    """Say how the classes differ; zeros in an imaginary part make no difference."""
    first, second = run.dtype, golden.dtype
    if first.kind == "c" and second.kind != "c" and not run.imag.any():
        first = run.real.dtype
    if second.kind == "c" and first.kind != "c" and not golden.imag.any():
        second = golden.real.dtype
    logical = {first.kind, second.kind} <= {"b", "u", "i"}
    return "" if first == second or logical else f"class {run.dtype}, golden {golden.dtype}"


def _measure(
    run: NDArray[Any], golden: NDArray[Any], policy: Policy
) -> tuple[NDArray[np.float64], NDArray[np.float64] | float]:
    if policy.kind == "exact":
        same = (run == golden) | (_is_nan(run) & _is_nan(golden))
        return _size_of_difference(run, golden, same), 0.0
    wide = np.complex128 if run.dtype.kind == "c" or golden.dtype.kind == "c" else np.float64
    r, g = run.astype(wide), golden.astype(wide)
    same = (r == g) | (np.isnan(r) & np.isnan(g))
    with np.errstate(invalid="ignore"):
        difference = r - g
        if policy.kind == "wrapped":
            if wide is np.complex128:
                distance = np.abs(np.angle(r * np.conj(g)))
                distance[(r == 0) != (g == 0)] = np.inf
            else:
                distance = np.abs(difference - 2 * np.pi * np.rint(difference / (2 * np.pi)))
        else:
            distance = np.abs(difference)
    distance = np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))
    size = np.abs(g)
    if policy.kind == "phasor":
        size = np.maximum(size, np.nanmedian(size))
    elif policy.kind == "row":
        size = np.broadcast_to(size.max(axis=-1, keepdims=True), size.shape)
    limit = policy.atol + policy.rtol * np.where(np.isfinite(size), size, 0.0)
    return distance, limit


def _size_of_difference(
    run: NDArray[Any], golden: NDArray[Any], same: NDArray[np.bool_]
) -> NDArray[np.float64]:
    if run.dtype == bool or golden.dtype == bool:
        return np.where(same, 0.0, 1.0)
    with np.errstate(invalid="ignore"):
        distance = np.abs(run.astype(np.complex128) - golden.astype(np.complex128))
    return np.where(same, 0.0, np.where(np.isfinite(distance), distance, np.inf))


def _is_nan(value: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isnan(value) if value.dtype.kind in "fc" else np.zeros(value.shape, bool)


def _judge(
    distance: NDArray[np.float64], limit: NDArray[np.float64] | float, policy: Policy
) -> Difference:
    beyond = distance > limit
    outliers = int(np.count_nonzero(beyond))
    worst = int(np.argmax(distance))
    where = tuple(int(i) for i in np.unravel_index(worst, distance.shape))
    largest = float(distance.reshape(-1)[worst])
    problem = ""
    if outliers and policy.kind != "ignore":
        problem = f"{outliers} of {distance.size} beyond the tolerance"
        cycles = int(np.count_nonzero(distance > np.pi))
        if policy.kind == "cycle" and cycles:
            problem += f", {cycles} on another cycle"
    elif policy.bulk is not None:
        quantile = float(np.quantile(distance, policy.bulk[0]))
        if quantile > policy.bulk[1]:
            problem = f"{policy.bulk[0]:.1%} quantile {quantile:.2g} > {policy.bulk[1]:.2g}"
    return Difference(not problem, largest, where, outliers, distance.size, problem)
