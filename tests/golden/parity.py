"""Golden sets: layered trees, stages run in isolation or as a chain, and the table of keys."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import border, parameters
from pystamps_hpc.dataset.mat import read_mat
from pystamps_hpc.dataset.schema import ARTIFACTS
from pystamps_hpc.dataset.tree import ROOT, Dataset
from pystamps_hpc.parallel.context import Context, QuietLog
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline.choices import resolve_choices
from pystamps_hpc.pipeline.loading import load_inputs
from pystamps_hpc.pipeline.saving import bundle_of
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.table import feedback_artifacts, maker, task, tasks
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.stages.base import Mode
from pystamps_hpc.tools.verification.compare import Difference, Policy, Rule, compare
from pystamps_hpc.tools.verification.manifest import Target, load_manifest
from pystamps_kernels import dispatch

REPOSITORY = Path(__file__).resolve().parents[2]

LAYERS = {
    "ps-small": ["ps-small"],
    "iterate": ["ps-small", "ps-small-variants/iterate"],
    "selection": ["ps-small", "ps-small-variants/selection"],
    "residues": ["ps-small", "ps-small-variants/residues"],
    "doris": ["loaders/doris"],
    "isce": ["loaders/isce"],
    "sb-small": ["sb-small"],
    "doris-sb": ["loaders/doris-sb"],
}
"""Set -> layers: input and expected of the first, expected of the others."""

FIRST_STAGE = {"iterate": 6, "selection": 3, "residues": 3}
"""First stage whose result is the set's own, where that is not 1."""

CUT_BEFORE = {"sb-small": 5}
"""Stage that starts from golden inputs in the middle of a chain too.

The single-precision transform of StaMPS leaves 5e-7 in the coherence of stage 3. Resampling weighs
positions with it and stores them in single, 0.5 m apart: points change places in the merge.
"""

LAST_STAGE = {"doris": 1, "isce": 1, "doris-sb": 1}


@cache
def workflow(set_name: str) -> Target:
    """Return what the audit manifest says about a set: its own tolerances and parameters."""
    return next(target for target in load_manifest() if target.id == set_name)


def golden_root() -> Path:
    """Return where the golden sets lie: ``$PYSTAMPS_HPC_DATA_ROOT`` or beside the repository."""
    given = os.environ.get("PYSTAMPS_HPC_DATA_ROOT")
    return Path(given) if given else REPOSITORY.parent / "shared" / "golden"


def config_of(arithmetic: str, solver: str = "snaphu", backend: str = "auto") -> RunConfig:
    """Return the configuration of the original: Octave's random numbers, one arithmetic, SNAPHU."""
    values = {"random_generator": "octave", "arithmetic": arithmetic}
    compat = {f"compat.{name}": value for name, value in values.items()}
    runtime = {"runtime.stage6_solver": solver, "runtime.backend": backend}
    return RunConfig().with_values({**compat, **runtime})


@dataclass(frozen=True)
class GoldenSet:
    """One golden set as a directory of links: inputs, and the artifacts of earlier stages."""

    name: str
    scratch: Path

    @property
    def mode(self) -> Mode:
        """Single master or small baselines."""
        return workflow(self.name).mode

    @property
    def patches(self) -> tuple[str, ...]:
        """Patches in order."""
        listing = golden_root() / LAYERS[self.name][0] / "input" / "patch.list"
        return tuple(listing.read_text().split())

    def targets(self, stage: int, scope: str) -> tuple[str, ...]:
        """Return the targets of a stage."""
        return self.patches if scope == "patch" else (ROOT,)

    def artifact(self, target: str, name: str) -> dict[str, Any]:
        """Read an expected artifact, ``artifact("PATCH_1", "pm1")``."""
        return read_mat(self._expected(target, name))

    def has(self, target: str, name: str) -> bool:
        """Whether the set, or what it is based on, holds an artifact."""
        return self._expected(target, name).exists()

    def _expected(self, target: str, name: str) -> Path:
        inside = Path() if target == ROOT else Path(target)
        layers = [golden_root() / layer / "expected" for layer in LAYERS[self.name]]
        paths = [layer / inside / f"{name}.mat" for layer in reversed(layers)]
        return next((path for path in paths if path.exists()), paths[0])

    def _input(self, target: str, name: str) -> Path:
        """Return an artifact that a stage of this set starts from."""
        if self.name == "iterate" and name == "scla_smooth2":  # feedback of the first pass
            return GoldenSet("ps-small", self.scratch)._expected(target, name)
        return self._expected(target, name)

    def tree(self, before: int, scope: str = "patch", copy: bool = False) -> Dataset:
        """Make a tree that holds the inputs and the artifacts of all stages before `before`.

        Later artifacts are left out, but for the smoothed SCLA of a second pass.
        """
        root = self.scratch / f"{self.name}-{before}-{scope}"
        if not root.exists():
            place = shutil.copy2 if copy else os.symlink
            first = golden_root() / LAYERS[self.name][0] / "input"
            for path in first.rglob("*"):
                goal = root / path.relative_to(first)
                if path.is_file():
                    goal.parent.mkdir(parents=True, exist_ok=True)
                    place(path, goal)
            for target in (ROOT, *self.patches):
                folder = root if target == ROOT else root / target
                for name in self._artifacts_before(target, before, scope):
                    goal = folder / f"{name}.mat"
                    goal.unlink(missing_ok=True)
                    place(self._input(target, name), goal)
        return Dataset(root, self.patches)

    def _artifacts_before(self, target: str, before: int, scope: str) -> Iterator[str]:
        own = "merged" if target == ROOT else "patch"
        for name in [*ARTIFACTS, "parms"]:
            source = maker(name, own, self.mode)  # type: ignore[arg-type]
            feedback = self.name == "iterate" and name == "scla_smooth2"
            later = name in feedback_artifacts(self.mode) and not feedback
            if name in ("psver", "no_ps_info") or later or not self.has(target, name):
                continue
            earlier = source is None or source.spec.number < before
            same = source is not None and source.spec.number == before and own != scope
            if earlier or feedback or (same and own == "patch"):
                yield name

    def run(
        self,
        stage: int,
        target: str = ROOT,
        arithmetic: str = "single",
        backend: str = "native",
        log: QuietLog | None = None,
        solver: str = "snaphu",
        values: Mapping[str, Any] | None = None,
    ) -> dict[str, dict[str, Any]]:
        """Run one stage on the golden artifacts of the earlier stages, perhaps by other parameters.

        Returns
        -------
        dict
            Artifact -> key -> MATLAB value, as it would be written.
        """
        scope = "merged" if target == ROOT else "patch"
        row = task(stage, scope, self.mode)  # type: ignore[arg-type]
        dataset = self.tree(stage, scope)
        directory = dataset.directory(target)
        parms = parameters.load(directory, dataset.root if target != ROOT else None)
        parms = parms.with_values({**workflow(self.name).parameters, **(values or {})})
        config = config_of(arithmetic, solver)
        inputs = load_inputs(row.spec.inputs, directory, parms, dataset, self.patches)
        table = dispatch.table(backend, arithmetic)  # type: ignore[arg-type]
        context = Context(table, resolve_choices(config), log=log or QuietLog())
        outputs = row.spec.solve(inputs, parms.to_params(row.spec.params), context)
        return values_of(outputs)


def values_of(outputs: Any) -> dict[str, dict[str, Any]]:
    """Return outputs as MATLAB values in memory, rows on disk or elsewhere read whole."""
    bundle = bundle_of(outputs)
    return {
        artifact: {
            key: border.outside(value.key, value.rows[:]) if hasattr(value, "rows") else value
            for key, value in keys.items()
        }
        for artifact, keys in bundle.items()
    }


@dataclass(frozen=True)
class Line:
    """One line of the table: a key of a set and how far it is from golden."""

    set_name: str
    where: str
    key: str
    difference: Difference
    policy: Rule

    def __str__(self) -> str:
        verdict = "ok" if self.difference.ok else f"FAILED: {self.difference.problem}"
        tolerance = f"{self.policy.atol:g}+{self.policy.rtol:g}|g|"
        return (
            f"{self.set_name:10} {self.where:24} {self.key:18} {self.difference.max_abs:10.3g} "
            f"{self.policy.kind:8} {tolerance:16} {verdict}"
        )


def compare_bundle(
    golden: GoldenSet,
    target: str,
    artifacts: dict[str, dict[str, Any]],
    arithmetic: str,
    chain: bool = False,
) -> Iterator[Line]:
    """Compare what a stage made with the golden artifacts, key by key.

    Artifacts and keys that StaMPS does not write are passed over.
    """
    conditions = {"chain": chain, "double": arithmetic == "double"}
    rules = Policy(
        "strict",
        [name for name, holds in conditions.items() if holds],  # type: ignore[misc]
        workflow(golden.name).run_config.tolerance,
    )
    for name, values in artifacts.items():
        if name in ("psver", "no_ps_info", "parms") or not golden.has(target, name):
            continue
        expected = golden.artifact(target, name)
        for key, value in expected.items():
            rule = rules.rule(name, key)
            if key in values:
                difference = compare(values[key], value, rule, ARTIFACTS[name].keys.get(key))
            else:
                difference = Difference(False, float("inf"), problem="missing")
            yield Line(golden.name, f"{target}/{name}", key, difference, rule)


def assert_agrees(golden: GoldenSet, target: str, run: dict, arithmetic: str) -> list[Line]:
    """Compare what a stage made with the golden artifacts; no key is off."""
    lines = list(compare_bundle(golden, target, run, arithmetic))
    assert lines
    wrong = [str(line) for line in lines if not line.difference.ok]
    assert not wrong, "\n".join(wrong)
    return lines


def isolated(golden: GoldenSet, arithmetic: str = "single") -> Iterator[Line]:
    """Run every stage of a set on its golden inputs and compare."""
    for row in tasks(golden.mode):
        number = row.spec.number
        if not FIRST_STAGE.get(golden.name, 1) <= number <= LAST_STAGE.get(golden.name, 8):
            continue
        for target in golden.targets(number, row.spec.scope):
            run = golden.run(number, target, arithmetic)
            yield from compare_bundle(golden, target, run, arithmetic)


def chained(
    golden: GoldenSet, arithmetic: str = "single", backend: str = "auto", solver: str = "snaphu"
) -> Iterator[Line]:
    """Run the stages of a set one after the other on their own results and compare.

    In double arithmetic the chain begins with the golden stage 1: the mean baseline of StaMPS is a
    sum in single precision and off by centimetres, which is more than double arithmetic changes.
    """
    first, last = FIRST_STAGE.get(golden.name, 1), LAST_STAGE.get(golden.name, 8)
    if arithmetic == "double" and last > 1:
        first = max(first, 2)
    cut = CUT_BEFORE.get(golden.name)
    legs = [(first, last)] if cut is None else [(first, cut - 1), (cut, last)]
    for leg in legs:
        yield from _leg(golden, *leg, arithmetic, config_of(arithmetic, solver, backend))


def _leg(
    golden: GoldenSet, first: int, last: int, arithmetic: str, config: RunConfig
) -> Iterator[Line]:
    """Run stages one after the other, the first on golden inputs, and compare."""
    dataset = golden.tree(first, "patch" if first < 6 else "merged", copy=True)
    for name, value in workflow(golden.name).parameters.items():
        parameters.save(parameters.load(dataset.root).set_value(name, value))
    context = PipelineContext(dataset.root, config, start_step=first, end_step=last, force=True)
    report = run_pipeline(context, team=SerialTeam())
    if not report.ok:
        raise RuntimeError("; ".join(row.details for row in report.failures))
    for row in tasks(golden.mode):
        if not first <= row.spec.number <= last:
            continue
        for target in golden.targets(row.spec.number, row.spec.scope):
            folder = dataset.directory(target)
            paths = {name: folder / f"{name}.mat" for name in row.bundle}
            found = {name: read_mat(path) for name, path in paths.items() if path.exists()}
            yield from compare_bundle(golden, target, found, arithmetic, chain=True)


def main() -> int:
    """Print the table of all sets; the exit code is 1 if a key is off."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sets", nargs="*", default=list(LAYERS), choices=list(LAYERS))
    parser.add_argument("--arithmetic", default="single", choices=("single", "double"))
    parser.add_argument("--mode", default="both", choices=("isolated", "chain", "both"))
    options = parser.parse_args()
    modes = {"isolated": isolated, "chain": chained}
    failed = count = 0
    with tempfile.TemporaryDirectory() as scratch:
        for mode, lines in modes.items():
            if options.mode not in (mode, "both"):
                continue
            print(f"== {mode}, {options.arithmetic} arithmetic")
            for name in options.sets:
                for line in lines(GoldenSet(name, Path(scratch) / mode), options.arithmetic):
                    print(line, flush=True)
                    count += 1
                    failed += not line.difference.ok
    print(f"{count} keys, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
