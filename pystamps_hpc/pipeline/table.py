"""The stage table: nine tasks in order, and which task makes which artifact."""

from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from typing import get_args

from ..stages.base import EACH_PATCH, Field, Scope, StageSpec, artifact_fields

MODULES = (
    "stage1", "stage2", "stage3", "stage4", "stage5_promote",
    "stage5_merge", "stage6", "stage7", "stage8",
)  # fmt: skip

BOOKKEEPING = ("psver", "no_ps_info")
"""Files written with a bundle for StaMPS; no part of completeness, never removed."""


@dataclass(frozen=True)
class Task:
    """A stage with the artifacts it publishes."""

    spec: StageSpec
    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def bundle(self) -> tuple[str, ...]:
        """All artifacts in publication order; the marker is the last."""
        return (*self.optional, *self.required)

    @property
    def reads(self) -> tuple[Field, ...]:
        """Fields of the inputs."""
        return artifact_fields(self.spec.inputs)

    @property
    def parameters(self) -> frozenset[str]:
        """Names of the StaMPS parameters that are read; the kind of stack counts in all."""
        names = (item.name.rstrip("_") for item in fields(self.spec.params))
        return frozenset(["small_baseline_flag", *names])


@cache
def tasks() -> tuple[Task, ...]:
    """Return the stage table: stages 1-5 of a patch, then the merge and stages 6-8."""
    modules = (import_module(f"..stages.{name}", __package__) for name in MODULES)
    return tuple(_task(module.SPEC) for module in modules)


def _task(spec: StageSpec) -> Task:
    names: dict[str, bool] = {}
    for field in artifact_fields(spec.outputs):
        names[field.artifact] = names.get(field.artifact, True) and field.optional
    optional = tuple(name for name, absent in names.items() if absent)
    required = [name for name, absent in names.items() if not absent and name != spec.marker]
    return Task(spec, (*required, spec.marker), optional)


def task(stage: int, scope: Scope) -> Task:
    """Return one row of the stage table.

    Raises
    ------
    LookupError
        The stage has no such scope.
    """
    for row in tasks():
        if row.spec.number == stage and row.spec.scope == scope:
            return row
    raise LookupError(f"stage {stage} has no {scope} scope")


def expected_stage_artifact(stage: int, scope: Scope) -> str:
    """Return the file whose presence tells that a stage is finished, ``pm1.mat``."""
    return f"{task(stage, scope).spec.marker}.mat"


@cache
def maker(artifact: str, scope: Scope) -> Task | None:
    """Return the first task of a scope that publishes `artifact`, None for raw inputs."""
    for row in tasks():
        if row.spec.scope == scope and artifact in row.bundle:
            return row
    return None


def readers(parameter: str) -> tuple[int, ...]:
    """Return the numbers of the stages that read a parameter."""
    return tuple(sorted({row.spec.number for row in tasks() if parameter in row.parameters}))


def patch_inputs(row: Task) -> type | None:
    """Return the nested dataclass of a task that reads every patch, None for the others."""
    for field in row.reads:
        if f"{field.artifact}.{field.key}" == EACH_PATCH:
            nested: type = get_args(field.type)[0]
            return nested
    return None
