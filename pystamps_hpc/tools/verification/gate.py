"""The native gate: a clean copy, the whole chain natively, verified, with reports beside it.

Five steps, each timed, the first failure ends them: compile, copy, coverage, run, verify.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...config import RunConfig
from ...dataset import parameters
from ...dataset.publish import write_text
from ...dataset.tree import discover_dataset
from ...errors import ConfigError, DatasetError, Exit, PystampsError
from ...pipeline import LAST_STAGE
from ...pipeline.documents import json_ready, json_text
from ...pipeline.table import mode_of, tasks
from ...stages.base import Mode
from .. import child_run
from ..warmup import warm_up
from .compare import Policy, VerifyReport, Window, conditions_of, verify_run_against_golden
from .compare.policy import Condition, Profile
from .coverage import native_coverage, native_scopes
from .manifest import Target, locate, tree_digest
from .run_copies import seed_copy

REPORTS = "_native_gate_reports"
PACKAGES = ("pystamps-hpc", "numpy", "scipy", "numba")

NATIVE: tuple[tuple[str, Condition], ...] = (
    ("triangulator", "qhull"),
    ("unwrapper", "native unwrapper"),
)
"""The tool whose native form may move a result, and the condition that allows for it."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class GateOptions:
    """What the gate runs.

    Parameters
    ----------
    layers : tuple of Path
        Inputs: a dataset, or trees that are copied over each other.
    golden, run : Path
        Expected tree; where the copy is made.
    threads : int
        Threads of the kernels; 0: all.
    ranks : int
        MPI ranks; more than one are started with mpirun.
    profile : {"strict", "scientific"}
        Profile of the verification.
    config : RunConfig
        Configuration of the run; the choices that make it native are laid over it.
    """

    layers: tuple[Path, ...]
    golden: Path
    run: Path
    threads: int = 0
    ranks: int = 1
    profile: Profile = "strict"
    config: RunConfig = field(default_factory=RunConfig)


class _StepError(Exception):
    """A step did not succeed."""

    def __init__(self, message: str, exit_code: int = Exit.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass
class _Gate:
    """One passage through the gate."""

    options: GateOptions
    config: RunConfig
    tell: Tell
    steps: list[dict[str, Any]] = field(default_factory=list)
    allowed: list[dict[str, Any]] = field(default_factory=list)
    started: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")

    @cached_property
    def mode(self) -> Mode:
        return mode_of(parameters.load(self.options.golden))

    @property
    def reports(self) -> Path:
        return self.options.run / REPORTS

    def write(self, name: str, document: Any) -> None:
        write_text(self.reports / name, json_text(json_ready(document)))

    def document(self, ok: bool = False) -> dict[str, Any]:
        """Return what is known so far."""
        options = self.options
        return {
            "schema": "pystamps-hpc/gate/1",
            "ok": ok,
            "steps": self.steps,
            "allowed": self.allowed,
            "dataset": [str(layer) for layer in options.layers],
            "golden": str(options.golden),
            "golden_sha256": tree_digest(options.golden),
            "run": str(options.run),
            "profile": options.profile,
            "versions": {name: version(name) for name in PACKAGES},
            "started_utc": self.started,
        }

    def step(self, name: str, act: Callable[[], None]) -> bool:
        """Run a step and note how it went; a known error ends the gate, not the program."""
        self.tell(f"gate: {name}")
        began = time.perf_counter()
        code, message = int(Exit.OK), ""
        try:
            act()
        except (_StepError, PystampsError) as error:
            code, message = error.exit_code, str(error)
            self.tell(f"gate: {name} failed: {message}")
        seconds = round(time.perf_counter() - began, 3)
        row = {"name": name, "ok": code == Exit.OK, "exit_code": code, "sec": seconds}
        self.steps.append(row | ({"message": message} if message else {}))
        return code == 0

    def compile(self) -> None:
        found = warm_up(config=self.config, threads=self.options.threads)
        if found["problems"]:
            raise _StepError("; ".join(found["problems"]))

    def copy(self) -> None:
        try:
            seed_copy(self.options.run, self.options.layers, tasks(self.mode)[0])
        except OSError as error:
            raise _StepError(f"{error.filename}: {error.strerror}", Exit.DATASET) from None
        self.write("gate.json", self.document())  # so that an interrupted gate can be repeated
        self.write("config.json", self.config.to_dict())

    def cover(self) -> None:
        self.write("coverage.json", native_coverage())
        lacking = [
            f"stage {scope.row.spec.number} {scope.row.spec.scope}: {reason}"
            for scope in native_scopes()
            if scope.row.mode == self.mode
            for reason in scope.lacking
        ]
        if lacking:
            raise _StepError(f"not native: {'; '.join(lacking)}", Exit.MISSING)

    def run(self) -> None:
        arguments = _run_arguments(self.options, self.reports)
        log = self.reports / "native_run.log"
        ended = child_run.run(arguments, self.options.ranks, log=log)
        if ended.problem:
            raise _StepError(ended.problem, ended.code or Exit.FAILED)

    def verify(self) -> None:
        options = self.options
        conditions = conditions_of(self.config.resolved())
        policy = Policy(options.profile, conditions, self.config.tolerance)
        found = verify_run_against_golden(options.run, options.golden, policy)
        self.write("verification.json", found.to_json(detail=True))
        for row in found.failed:
            self.tell(f"gate: {row['path']}: {row['message']}")
        failing = {row["path"] for row in found.failed}
        self.allowed = [
            {"step": "verify", "path": row["path"], "allowed": f"native {tool}: {row['message']}"}
            for tool, condition in NATIVE
            for row in self._without(condition, conditions, _moved_by(tool, self.mode)).failed
            if row["path"] not in failing
        ]
        if not found.ok:
            raise _StepError(found.failed[0]["path"] + ": " + found.failed[0]["message"])

    def _without(
        self, condition: Condition, conditions: list[Condition], window: Window
    ) -> VerifyReport:
        """Verify some stages without what is allowed for one condition."""
        options = self.options
        others = [each for each in conditions if each != condition]
        policy = Policy(options.profile, others, self.config.tolerance)
        return verify_run_against_golden(options.run, options.golden, policy, window)


def _moved_by(tool: str, mode: Mode) -> Window:
    """Return the stages whose results a tool moves: of a merged one also all that follow."""
    spec = next(row.spec for row in tasks(mode) if tool in row.spec.tools)
    return Window(spec.number, spec.number if spec.scope == "patch" else LAST_STAGE)


def target_options(targets: Sequence[Target], run: Path, **more: Any) -> GateOptions:
    """Return the options for the manifest's target with ``gate_default``.

    Raises
    ------
    ConfigError
        No target is the default.
    DatasetError
        Its data are not there.
    """
    target = next((target for target in targets if target.gate_default), None)
    if target is None:
        raise ConfigError("the manifest has no target with gate_default: name DATASET and GOLDEN")
    found = {place: locate(place) for place in (*target.layers, target.golden)}
    absent = [place for place, path in found.items() if path is None]
    if absent:
        raise DatasetError(f"no golden data {', '.join(absent)}: set PYSTAMPS_HPC_DATA_ROOT")
    paths = {place: path for place, path in found.items() if path is not None}
    layers = tuple(paths[layer] for layer in target.layers)
    given = {"profile": target.profile, "config": target.run_config, **more}
    return GateOptions(layers, paths[target.golden], run, **given)


def run_gate(options: GateOptions, tell: Tell) -> dict[str, Any]:
    """Pass a dataset through the gate.

    Returns
    -------
    dict
        The document ``pystamps-hpc/gate/1``, also in ``RUN/_native_gate_reports/gate.json``. It
        lists in ``allowed`` what only the allowance for a native solver or triangulator accepts.

    Raises
    ------
    DatasetError
        A tree does not exist, or RUN may not be deleted.
    """
    require_safe(options.layers, options.golden, options.run)
    gate = _Gate(options, native_config(options.config), tell)
    discard(options.run)
    began = time.perf_counter()
    ok = (
        gate.step("warmup", gate.compile)
        and gate.step("copy", gate.copy)
        and gate.step("coverage", gate.cover)
        and gate.step("run", gate.run)
        and gate.step("verify", gate.verify)
    )
    gate.write("timings.json", _timings(gate, time.perf_counter() - began))
    document = gate.document(ok)
    gate.write("gate.json", document)
    return document


def native_config(config: RunConfig) -> RunConfig:
    """Return the configuration of a native run."""
    return config.with_values(
        {
            "runtime.backend": "native",
            "runtime.stage2_kernel_backend": "native",
            "runtime.triangulator": "native",
            "runtime.stage6_solver": "native",
        }
    )


def require_safe(layers: Sequence[Path], golden: Path, run: Path) -> None:
    """Refuse trees that do not exist, and a RUN that touches them or is not the gate's own.

    Raises
    ------
    DatasetError
        Says which and why.
    """
    for tree in (*layers, golden):
        discover_dataset(tree, need_patches=False)
    made = run.resolve()
    trees = [("DATASET", layer.resolve()) for layer in layers] + [("GOLDEN", golden.resolve())]
    for what, tree in trees:
        if made == tree or made in tree.parents or tree in made.parents:
            raise DatasetError(f"RUN {made} and {what} {tree} overlap: choose another RUN")
    if made.exists() and not (made / REPORTS / "gate.json").is_file():
        raise DatasetError(f"RUN exists and was not made by the gate: {made}")


def discard(run: Path) -> None:
    """Remove the tree of an earlier passage."""
    if run.is_symlink():
        run.unlink()
    elif run.exists():
        shutil.rmtree(run)


def _run_arguments(options: GateOptions, reports: Path) -> list[object]:
    return [
        "run", "--dataset", options.run, "--config", reports / "config.json",
        "--report", reports / "native_run.json", "--progress", "plain",
        "--native-only", "--backend", "native", "--stage2-kernel-backend", "native",
        "--cpu-workers", options.threads, "--stage2-native-threads", options.threads,
    ]  # fmt: skip


def _timings(gate: _Gate, wall: float) -> dict[str, Any]:
    seconds = {step["name"]: step["sec"] for step in gate.steps}
    path = gate.reports / "native_run.json"
    run = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    ranks = run.get("mpi", {}).get("ranks", [])
    return {
        "schema": "pystamps-hpc/gate-timings/1",
        "wall_sec": round(wall, 3),
        "warmup_sec": seconds.get("warmup"),
        "copy_sec": seconds.get("copy"),
        "run_sec": seconds.get("run"),
        "verify_sec": seconds.get("verify"),
        "stages": run.get("stages", []),
        "ranks": [
            {name: rank.get(name) for name in ("rank", "busy_sec", "peak_rss_mib")}
            for rank in ranks
        ],
        "machine": dict(_machine(ranks)),
    }


def _machine(ranks: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name in ("host", "cpu", "visible_cpus"):
        yield name, sorted({str(rank.get(name)) for rank in ranks})
