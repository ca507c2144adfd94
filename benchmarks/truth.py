"""Velocities against the truth of simulated datasets: noise-free, with noise, with everything.

    python -m benchmarks.truth [--candidates 20000] [--images 30] [--span-days 1096] [--ranks 2]
        [--page docs/accuracy.md]

Of one scene: a single master, from candidates and from images in which ``prep`` chooses them; small
baselines without resampling, both combined, and small baselines as they are by default, in cells of
100 m. The bounds: noise-free, deformation and DEM
error alone, the root mean square error of a single master stays below 0.05 mm/yr; with noise but
neither atmosphere, orbit errors nor a yearly term, below 1.2 times what least squares leaves of the
simulated noise. Of small baselines both stay below 0.3 mm/yr. With everything on, combined and in
cells, errors are reported. All after the plane and the reference that the velocity product removes.
Exits 1 if a bound is missed.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import machine
from pystamps_hpc.dataset import parameters
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.combine import combine_datasets
from pystamps_hpc.tools.simulate import (
    Options,
    VelocityError,
    simulate,
    truth_velocity_error,
    write_joined_truth,
)

NOISE_FREE_RMSE = 0.05  # mm/yr
NOISE_RATIO = 1.2  # of the least-squares bound
PAIRS_RMSE = 0.3  # mm/yr, small baselines without atmosphere

STILL = {"atmosphere": 0.0, "orbit": 0.0, "seasonal": 0.0}
CASES: dict[str, dict[str, Any]] = {
    "noise-free": {**STILL, "noise": False},
    "noise": STILL,
    "everything": {},
}
HEAD = ["case", "points of", "points", "false", "RMSE", "bound", "bias", "least squares",
        "correlation", "seconds", "verdict"]  # fmt: skip
HEAD_COMBINED = ["case", "on the points of", "points", "alone", "combined"]

BOUND = ("single master", "single master, from images", "small baselines")
"""Kinds of points whose velocities have a bound."""

PIXELS = {"merge_resample_size": 0.0}
"""Parameter with which points of small baselines are pixels."""


@dataclass(frozen=True)
class Outcome:
    """One case: its errors and the bound that they must keep."""

    case: str
    error: VelocityError
    seconds: float
    kind: str = "single master"

    @property
    def bound(self) -> float | None:
        """Largest root mean square error [mm/yr]; None: only reported."""
        if self.case == "everything" or self.kind not in BOUND:
            return None
        if self.kind == "small baselines":
            return PAIRS_RMSE
        return (
            NOISE_FREE_RMSE if self.case == "noise-free" else (NOISE_RATIO * self.error.noise_bound)
        )

    @property
    def ok(self) -> bool:
        """Whether the bound is kept."""
        return self.bound is None or self.error.rmse < self.bound

    def row(self) -> list[str]:
        """Return the outcome as a line of the table."""
        error, bound = self.error, self.bound
        verdict = "reported" if bound is None else "ok" if self.ok else "MISSED"
        return [
            self.case, self.kind, str(error.n_ps), str(error.n_false), f"{error.rmse:.4f}",
            "-" if bound is None else f"{bound:.4f}", f"{error.bias:+.4f}",
            f"{error.noise_bound:.4f}", f"{error.correlation:.5f}", f"{self.seconds:.0f}", verdict,
        ]  # fmt: skip


def options_of(case: str, whole: Options) -> Options:
    """Return the options of a case."""
    return replace(whole, **CASES[case])


def of_pairs(whole: Options) -> Options:
    """Return the options of small baselines of the same images."""
    return replace(whole, small_baseline=True)


def run_case(
    case: str, whole: Options, root: Path, ranks: int = 1, resampled: bool = False
) -> Outcome:
    """Simulate a case, run the chain as a command and compare it with the truth."""
    simulate(root, options_of(case, whole))
    if not resampled:
        parameters.save(parameters.load(root).with_values(PIXELS))
    kind = "small baselines" if whole.small_baseline else "single master"
    kind = "cells of pairs" if resampled else kind
    seconds = 0.0
    if whole.slc:
        kind = f"{kind}, from images"
        seconds = _run(["prep", "--dataset", root, "--azimuth-patches", 2], ranks)
    seconds += _run(["run", "--dataset", root], ranks)
    return Outcome(case, truth_velocity_error(root), seconds, kind)


def run_combined(case: str, folder: Path, ranks: int = 1) -> tuple[Outcome, list[list[str]]]:
    """Combine two datasets that have been run; return errors, and rows of alone and combined."""
    ps, sb, both = (folder / name for name in ("ps", "sb", "both"))
    combine_datasets(ps, sb, both)
    seconds = _run(["run", "--dataset", both], ranks)
    write_joined_truth(ps, sb, both)
    rows = []
    for name, root in (("single master", ps), ("small baselines", sb)):
        alone, error = truth_velocity_error(root), truth_velocity_error(both, among=root)
        rows.append([case, name, str(error.n_ps), f"{alone.rmse:.4f}", f"{error.rmse:.4f}"])
    return Outcome(case, truth_velocity_error(both), seconds, "both"), rows


def _run(words: Sequence[object], ranks: int) -> float:
    """Run a command; return the seconds that it took."""
    ended = child_run.run(["--quiet", *words], ranks, machine.child_environment(os.environ))
    if ended.code:
        raise RuntimeError(child_run.last_message(ended.err))
    return ended.seconds


def measure(whole: Options, ranks: int) -> tuple[list[Outcome], list[list[str]]]:
    """Return all outcomes, and the rows that hold combined velocities beside those alone."""
    outcomes, combined = [], []
    for case in CASES:
        with tempfile.TemporaryDirectory(prefix="pystamps-truth-") as name:
            folder = Path(name)
            outcomes.append(run_case(case, whole, folder / "ps", ranks))
            of_images = replace(whole, patches=(2, 1), slc="snap")
            outcomes.append(run_case(case, of_images, folder / "slc", ranks))
            outcomes.append(run_case(case, of_pairs(whole), folder / "sb", ranks))
            outcomes.append(run_case(case, of_pairs(whole), folder / "cells", ranks, True))
            both, rows = run_combined(case, folder, ranks)
            outcomes.append(both)
            combined += rows
    return outcomes, combined


def page(whole: Options, outcomes: Sequence[Outcome], combined: list[list[str]]) -> str:
    """Return the page of the documentation that shows the figures."""
    return f"""# How exact velocities are

Simulated scenes of {whole.candidates:,} candidates and {whole.images} images over {whole.span_days}
days, pairs of at most {whole.max_days} days and {whole.max_bperp:g} m, against their truth, after
the plane and the reference that the velocity product removes, in mm/yr (`make truth`). *Least
squares* is what the simulated noise leaves in the best fit of a single pixel. Of a single master
images count by their noise, of small baselines pairs by their covariance, as in StaMPS.
*Cells* are what small baselines are resampled to by default, 100 m, the means of several pixels;
those that hold clutter alone, which cannot be told, count too.

{markdown([HEAD, *(outcome.row() for outcome in outcomes)])}

Combined velocities beside those of either alone, on the same pixels. Why they are what they are:
[Combining](science/combining.md).

{markdown([HEAD_COMBINED, *combined])}
"""


def markdown(rows: list[list[str]]) -> str:
    """Return rows, the first of them the head, as a table of a page."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth")
    parser.add_argument("--candidates", type=int, default=20_000)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--span-days", type=int, default=1096)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--page", type=Path, help="also write the page of the documentation")
    chosen = parser.parse_args(argv)
    whole = Options(
        patches=(2, 2), candidates=chosen.candidates, images=chosen.images, seed=chosen.seed,
        span_days=chosen.span_days,
    )  # fmt: skip
    outcomes, combined = measure(whole, chosen.ranks)
    print(f"{whole.candidates} candidates, {whole.images} images, {whole.span_days} days; mm/yr,")
    print("after the plane and the reference that the velocity product removes\n")
    print(machine.table(HEAD, [outcome.row() for outcome in outcomes]))
    print("\n" + machine.table(HEAD_COMBINED, combined))
    if chosen.page:
        chosen.page.write_text(page(whole, outcomes, combined))
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
