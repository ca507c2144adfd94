"""Velocities against the truth of simulated datasets: noise-free, with noise, with everything.

    python -m benchmarks.truth [--candidates 56000] [--images 30] [--span-days 1096] [--ranks 2]
        [--write]

Every case starts from candidates, and again from a whole stack of images in which ``prep`` chooses
them; ``--write`` puts the table into docs/preparation.md.

The bounds: noise-free, deformation and DEM error alone, the root
mean square error stays below 0.05 mm/yr; with noise but neither atmosphere, orbit errors nor a
yearly term, below 1.2 times what least squares leaves of the simulated noise. With everything on,
error and bias are reported. All after the plane and the reference that the velocity product
removes. Exits 1 if a bound is missed.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import machine
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.simulate import Options, VelocityError, simulate, truth_velocity_error
from tests.faults.campaign import renew

NOISE_FREE_RMSE = 0.05  # mm/yr
NOISE_RATIO = 1.2  # of the least-squares bound

PAGE = Path(__file__).parent.parent / "docs/preparation.md"
STILL = {"atmosphere": 0.0, "orbit": 0.0, "seasonal": 0.0}
CASES: dict[str, dict[str, Any]] = {
    "noise-free": {**STILL, "noise": False},
    "noise": STILL,
    "everything": {},
}
HEAD = ["case", "from", "PS", "false PS", "RMSE", "bound", "bias", "least squares", "correlation",
        "seconds", "verdict"]  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """One case: its errors and the bound that they must keep."""

    case: str
    start: str
    error: VelocityError
    seconds: float

    @property
    def bound(self) -> float | None:
        """Largest root mean square error [mm/yr]; None: only reported."""
        if self.case == "noise-free":
            return NOISE_FREE_RMSE
        return NOISE_RATIO * self.error.noise_bound if self.case == "noise" else None

    @property
    def ok(self) -> bool:
        """Whether the bound is kept."""
        return self.bound is None or self.error.rmse < self.bound

    def row(self) -> list[str]:
        """Return the outcome as a line of the table."""
        error, bound = self.error, self.bound
        verdict = "reported" if bound is None else "ok" if self.ok else "MISSED"
        return [
            self.case, self.start, str(error.n_ps), str(error.n_false), f"{error.rmse:.4f}",
            "-" if bound is None else f"{bound:.4f}", f"{error.bias:+.4f}",
            f"{error.noise_bound:.4f}", f"{error.correlation:.5f}", f"{self.seconds:.0f}", verdict,
        ]  # fmt: skip


def options_of(case: str, whole: Options) -> Options:
    """Return the options of a case."""
    return replace(whole, **CASES[case])


def run_case(case: str, whole: Options, folder: Path, ranks: int = 1) -> Outcome:
    """Simulate a case, run the chain as commands and compare it with the truth."""
    root = folder / case
    simulate(root, options_of(case, whole))
    environment = machine.child_environment(os.environ)
    seconds = 0.0
    if whole.slc:
        prep = ["--quiet", "prep", "--dataset", root, "--azimuth-patches", 2]
        ended = child_run.run(prep, ranks, environment)
        if ended.code:
            raise RuntimeError(child_run.last_message(ended.err))
        seconds = ended.seconds
    ended = child_run.run(["--quiet", "run", "--dataset", root], ranks, environment)
    if ended.problem:
        raise RuntimeError(ended.problem)
    seconds += ended.seconds
    start = "images" if whole.slc else "candidates"
    outcome = Outcome(case, start, truth_velocity_error(root), seconds)
    shutil.rmtree(root)
    return outcome


def markdown(rows: list[list[str]]) -> str:
    """Return the table as the documentation shows it: without times, which depend on the load."""
    time = HEAD.index("seconds")
    lines = [HEAD, ["---", "---", *["---:"] * (len(HEAD) - 2)], *rows]
    return "".join(f"| {' | '.join(line[:time] + line[time + 1 :])} |\n" for line in lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth")
    parser.add_argument("--candidates", type=int, default=56_000)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--span-days", type=int, default=1096)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="renew docs/preparation.md")
    chosen = parser.parse_args(argv)
    whole = Options(
        candidates=chosen.candidates, images=chosen.images, seed=chosen.seed,
        span_days=chosen.span_days,
    )  # fmt: skip
    starts = (replace(whole, patches=(2, 2)), replace(whole, slc="snap"))
    with tempfile.TemporaryDirectory(prefix="pystamps-truth-") as folder:
        outcomes = [run_case(case, start, Path(folder), chosen.ranks)
                    for case in CASES for start in starts]  # fmt: skip
    scene = f"{whole.candidates:,} candidates, {whole.images} images, {whole.span_days} days"
    rows = [outcome.row() for outcome in outcomes]
    print(f"{scene}; mm/yr,\nafter the plane and the reference that the velocity product removes\n")
    print(machine.table(HEAD, rows))
    if chosen.write:
        renew("truth", f"{scene}:\n\n{markdown(rows)}", PAGE)
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
