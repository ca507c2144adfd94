"""A chain of nine stages with the real names and files but no science.

Every output holds one key of its artifact; its value is a number that the test can set. What a
stage does before it returns (raise, wait, count) is set per stage and target in ``Stubs.acts``.
"""

import hashlib
from dataclasses import dataclass, field, make_dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np

from pystamps_hpc.dataset.schema import ARTIFACTS
from pystamps_hpc.pipeline import run_parameters, session, table
from pystamps_hpc.stages.base import EACH_PATCH, StageSpec

# number, scope, required (marker last), optional, inputs read, optional inputs read, parameters
CHAIN = (
    (1, "patch", "ph1 bp1 ps1", "da1 hgt1 la1 inc1", "", "", {}),
    (2, "patch", "pm1", "", "ps1 bp1", "", {"clap_win": int}),
    (3, "patch", "select1", "", "pm1", "", {}),
    (4, "patch", "weed1", "", "select1", "", {"weed_time_win": float}),
    (5, "patch", "ps2 pm2 bp2 rc2 ph2", "hgt2 la2 inc2", "weed1", "", {}),
    (5, "merged", "ps2 ph2 pm2 bp2 rc2 ifgstd2", "hgt2 la2 inc2", "", "", {}),
    (6, "merged", "uw_grid uw_interp uw_space_time uw_phaseuw phuw2", "", "ph2", "scla_smooth2",
     {"unwrap_grid_size": float}),
    (7, "merged", "scla_smooth2 scla2", "", "phuw2", "", {}),
    (8, "merged", "mean_v scn2",
     "modeled_defo_edges unwrapping_errors_edges temp_vario uw_space_time", "scla2",
     "uw_space_time", {"scn_wavelength": float}),
)  # fmt: skip
COUNTS = {1: "candidates", 3: "kept", 4: "weeded", 5: "promoted"}
SINGLE_MASTER = tuple(name for name in table.MODULES if not name.endswith("_sb"))
"""Stage modules whose places the stubs take."""
FACTS = ("begins", "psver", "spares", "foreign", "stamps_lacks", "none_left")
"""What a stub says of its stage as the real one does."""


OF_KRIGING = frozenset(("modeled_defo_edges", "unwrapping_errors_edges", "temp_vario"))


@dataclass
class Stubs:
    """What the stub stages do, and what they have done."""

    calls: list[tuple[int, str, str]] = field(default_factory=list)
    acts: dict[tuple[int, str], Any] = field(default_factory=dict)
    empty: set[tuple[int, str]] = field(default_factory=set)
    absent: set[str] = field(default_factory=lambda: set(OF_KRIGING))
    value: float = 1.0

    def solve(self, number, scope, outputs, inputs, ctx):
        target = getattr(inputs, "patch", "root")
        self.calls.append((number, scope, target))
        act = self.acts.get((number, target))
        if act is not None:
            act(ctx)
        if scope == "patch" and number in COUNTS:
            ctx.fact(COUNTS[number], 0 if (number, target) in self.empty else 5)
        values = {}
        for name in outputs.__dataclass_fields__:
            values[name] = None if name in self.absent else value_of(name, self.value)
        return outputs(**values)


def key_of(artifact):
    """Return the first numeric key that is neither an index nor sparse."""
    if artifact == "uw_space_time":
        return ARTIFACTS[artifact].keys["stage"]
    keys = ARTIFACTS[artifact].keys.values()
    return next(k for k in keys if not k.index and k.classes[0] not in ("char", "sparse"))


def value_of(artifact, number):
    key = key_of(artifact)
    if key.scalar:
        return number
    shape = tuple(int(dim) if dim.isdigit() else 3 for dim in key.dims)
    array = np.full(shape, number)
    return array.reshape(-1) if key.vector else array


def _fields(names, optional=False):
    kind = Any | None if optional else Any
    return [(name, Annotated[kind, f"{name}.{key_of(name).name}"]) for name in names.split()]


def stub_modules(stubs):
    """Return module name -> module with a SPEC."""
    modules = {}
    nested = make_dataclass("PatchInputs", _fields("ph2"), frozen=True)
    for name, row in zip(SINGLE_MASTER, CHAIN, strict=True):
        number, scope, required, optional, reads, may_read, params = row
        inputs = [*_fields(reads), *_fields(may_read, optional=True)]
        if scope == "patch":
            inputs.append(("patch", Annotated[str, "patch.name"]))
        if (number, scope) == (5, "merged"):
            inputs.append(("patches", Annotated[tuple[nested, ...], EACH_PATCH]))
        outputs = make_dataclass(
            "Outputs", [*_fields(optional, optional=True), *_fields(required)], frozen=True
        )

        def solve(inputs, params, ctx, number=number, scope=scope, outputs=outputs):
            return stubs.solve(number, scope, outputs, inputs, ctx)

        real = import_module(f"pystamps_hpc.stages.{name}").SPEC
        spec = StageSpec(
            number, f"stage {number}", scope, required.split()[-1],
            make_dataclass("Inputs", inputs, frozen=True),
            make_dataclass("Params", list(params.items()), frozen=True),
            outputs, solve, counts=COUNTS.get(number, "") if scope == "patch" else "",
            **{fact: getattr(real, fact) for fact in FACTS},
        )  # fmt: skip
        modules[f"..stages.{name}"] = SimpleNamespace(SPEC=spec)
    return modules


def install(monkeypatch, stubs):
    """Put the stub chain in the place of the real one, until the test ends."""
    modules = stub_modules(stubs)
    monkeypatch.setattr(table, "MODULES", SINGLE_MASTER)
    monkeypatch.setattr(table, "import_module", lambda name, package: modules[name])
    sensor = {"heading": -168.0}
    monkeypatch.setattr(run_parameters, "sensor_parameters", lambda root, known, patches: sensor)
    monkeypatch.setattr(session, "require_tools", lambda config, specs, mode: None)
    forget()


def forget():
    """Drop what the stage table remembers."""
    table._tables.cache_clear()
    table.maker.cache_clear()


def make_tree(root: Path, patches=("PATCH_1", "PATCH_2")) -> Path:
    for name in patches:
        (root / name).mkdir(parents=True)
    return root


def tree_digest(root: Path, without=()) -> dict[str, str]:
    """Return the content of every file, the state directories included unless left out."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not any(part in without for part in path.parts)
    }


def artifacts(root: Path) -> dict[str, str]:
    """Return the content of the artifacts and nothing else."""
    return {
        name: digest
        for name, digest in tree_digest(root, without=(".pystamps-hpc",)).items()
        if name.endswith(".mat")
    }


def statuses(report):
    return [(row.stage_id, row.scope, row.target, row.status) for row in report.results]
