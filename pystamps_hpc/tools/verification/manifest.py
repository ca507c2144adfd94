"""The audited workflows: which golden data are run through which stages, and what must hold."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from pystamps_kernels.dispatch import Backend

from ...config import RunConfig, parse_config
from ...config.sections import PROFILES
from ...errors import ConfigError
from ...pipeline import LAST_STAGE
from ...stages.base import Mode
from .compare.policy import Profile

MANIFEST_VERSION = 1
DATA_ROOT_VARIABLE = "PYSTAMPS_HPC_DATA_ROOT"
_REQUIRED = ("id", "mode", "layers", "golden", "golden_sha256", "start_step", "end_step")


@dataclass(frozen=True)
class Target:
    """One audited workflow.

    Parameters
    ----------
    id : str
        Unique name.
    mode : {"ps", "sb"}
        Single master or small baselines.
    layers : tuple of str
        Trees copied over each other into a run copy: inputs, the ``parms.mat`` of the last layer
        that has one, and artifacts of stages before `start_step`.
    golden : str
        Expected tree.
    golden_sha256 : str
        Its digest, see :func:`tree_digest`.
    start_step, end_step : int
        Window of stages.
    isolated : bool
        Every stage of the window on its own, on golden inputs.
    feedback : bool
        Whether the smoothed look-angle error of a first pass comes along.
    profile : str
        Profile of the comparison.
    config : mapping
        Configuration of the run, by section.
    parameters : mapping
        Processing parameters set in the run copy before it runs.
    backends : tuple of str
        Kernel backends to run.
    ranks : tuple of int
        MPI sizes to run.
    timeout_sec : float
        Longest time of one run.
    oracle : {"stamps", "regression"}
        What made the golden tree: the original StaMPS, or this program at an earlier commit. Only
        the first is evidence of parity.
    required : bool
        Whether its absence fails the audit.
    gate_default : bool
        Whether the native gate takes it without arguments.
    notes : str
        What it shows.
    """

    id: str
    mode: Mode
    layers: tuple[str, ...]
    golden: str
    golden_sha256: str
    start_step: int
    end_step: int
    isolated: bool = False
    feedback: bool = False
    profile: Profile = "strict"
    config: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    backends: tuple[str, ...] = ("native",)
    ranks: tuple[int, ...] = (1,)
    timeout_sec: float = 1800.0
    oracle: str = "stamps"
    required: bool = False
    gate_default: bool = False
    notes: str = ""

    @property
    def run_config(self) -> RunConfig:
        """The configuration of its runs."""
        return parse_config(self.config)


def load_manifest(path: str | Path | None = None) -> tuple[Target, ...]:
    """Read a manifest.

    Parameters
    ----------
    path : str or Path, optional
        JSON file; by default the one of the package.

    Raises
    ------
    ConfigError
        All problems together, one line each.
    """
    name = str(path) if path else "audited_workflow_manifest.json"
    source = Path(path) if path else files("pystamps_hpc").joinpath(f"data/{name}")
    try:
        tree = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name}: cannot be read: {error}") from None
    problems: list[str] = []
    if not isinstance(tree, dict) or set(tree) != {"manifest_version", "targets"}:
        raise ConfigError(f"{name}: must hold manifest_version and targets, nothing else")
    if tree["manifest_version"] != MANIFEST_VERSION:
        problems.append(f"manifest_version {tree['manifest_version']}, expected {MANIFEST_VERSION}")
    rows = tree["targets"] if isinstance(tree["targets"], list) else []
    found = [_target(row, number, problems) for number, row in enumerate(rows)]
    targets = [target for target in found if target is not None]
    ids = [target.id for target in targets]
    problems += [f"id '{one}' is not unique" for one in sorted(set(ids)) if ids.count(one) > 1]
    if sum(target.gate_default for target in targets) > 1:
        problems.append("gate_default is true for more than one target")
    if problems:
        raise ConfigError("\n".join(f"{name}: {problem}" for problem in problems))
    return tuple(targets)


def _target(row: Any, number: int, problems: list[str]) -> Target | None:
    """Check one target; what is wrong is added to the problems."""
    if not isinstance(row, dict):
        problems.append(f"target {number}: must be a mapping")
        return None
    name = f"target '{row.get('id', number)}'"
    known = {item.name for item in fields(Target)}
    found = [f"unknown key '{key}'" for key in sorted(set(row) - known)]
    found += [f"key '{key}' is missing" for key in _REQUIRED if key not in row]
    if not found:
        found = _wrong_values(row)
    if found:
        problems += [f"{name}: {problem}" for problem in found]
        return None
    lists = {key: tuple(row[key]) for key in ("layers", "backends", "ranks") if key in row}
    target = Target(**{**row, **lists})
    try:
        target.run_config  # noqa: B018  a wrong section is an error of the manifest
    except ConfigError as error:
        problems.append(f"{name}: config: {error}")
    return target


def _wrong_values(row: Mapping[str, Any]) -> list[str]:
    def texts(value: Any) -> bool:
        return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)

    def whole(value: Any, least: int) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    ranks, backends = row.get("ranks", [1]), row.get("backends", ["native"])
    steps = [row["start_step"], row["end_step"]]
    checks = {
        "id": isinstance(row["id"], str) and bool(row["id"]),
        "mode": row["mode"] in get_args(Mode),
        "layers": texts(row["layers"]),
        "golden": isinstance(row["golden"], str),
        "golden_sha256": isinstance(row["golden_sha256"], str) and len(row["golden_sha256"]) == 64,
        "start_step": all(whole(step, 1) for step in steps) and steps[0] <= steps[1] <= LAST_STAGE,
        "oracle": row.get("oracle", "stamps") in ("stamps", "regression"),
        "profile": row.get("profile", "strict") in PROFILES,
        "config": isinstance(row.get("config", {}), dict),
        "parameters": isinstance(row.get("parameters", {}), dict),
        "backends": texts(backends) and set(backends) <= set(get_args(Backend)),
        "ranks": isinstance(ranks, list) and bool(ranks) and all(whole(n, 1) for n in ranks),
        "timeout_sec": isinstance(row.get("timeout_sec", 1.0), int | float),
    }
    checks |= {
        flag: isinstance(row.get(flag, False), bool)
        for flag in ("isolated", "feedback", "required", "gate_default")
    }
    return [f"'{key}' has an unusable value" for key, good in checks.items() if not good]


def locate(place: str) -> Path | None:
    """Return a tree of a target: below ``$PYSTAMPS_HPC_DATA_ROOT``, else shipped with the package.

    Returns
    -------
    Path or None
        None when it is nowhere.
    """
    root = os.environ.get(DATA_ROOT_VARIABLE)
    shipped = Path(str(files("pystamps_hpc").joinpath("data")))
    candidates = [Path(root) / place] if root else []
    return next((path for path in (*candidates, shipped / place) if path.is_dir()), None)


def tree_digest(root: Path) -> str:
    """Return the SHA-256 of a tree: sorted relative paths, each with the SHA-256 of its file."""
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            whole.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()
