"""The stage table: nine tasks in order, and what follows from what each reads and makes.

A row of the table (:class:`Task`) answers every question about its stage that depends on the
others: what it owns, what running it outdates, whose results it gathers. Nothing else in the
pipeline or the tools knows a stage by its number or an artifact by its name. A new stage is a
module in ``MODULES``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache, cached_property
from importlib import import_module
from typing import Any, get_args

from ..dataset.parameters import Parameters
from ..stages.base import EACH_PATCH, Field, Mode, Scope, StageSpec, artifact_fields

MODULES = (
    "stage1", "stage2", "stage3", "stage4", "stage5_promote",
    "stage5_merge", "stage6", "stage6_sb", "stage7", "stage7_sb",
    "stage8", "stage8_sb",
)  # fmt: skip

VERSION_FILE, NO_PS_FILE = "psver", "no_ps_info"
BOOKKEEPING = (VERSION_FILE, NO_PS_FILE)
"""Files written with a bundle for StaMPS; no part of completeness, never removed."""


@dataclass(frozen=True, eq=False)
class Task:
    """A stage among the others of its mode; there is one object for each row.

    Parameters
    ----------
    spec : StageSpec
        What the stage says of itself.
    mode : {"ps", "sb"}
        Whose table this row belongs to.
    required, optional : tuple of str
        Artifacts that it publishes, the marker last.
    """

    spec: StageSpec
    mode: Mode
    required: tuple[str, ...]
    optional: tuple[str, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes as a place in the table."""
        return task, (self.spec.number, self.spec.scope, self.mode)

    @cached_property
    def bundle(self) -> tuple[str, ...]:
        """All artifacts in publication order; the marker is the last."""
        return (*self.optional, *self.required)

    @property
    def marker_file(self) -> str:
        """The file whose presence tells that the stage is finished, ``pm1.mat``."""
        return f"{self.spec.marker}.mat"

    @property
    def bookkeeping(self) -> tuple[str, ...]:
        """Files for StaMPS that a run without losses writes beside the bundle."""
        written = {VERSION_FILE: self.spec.psver > 0, NO_PS_FILE: self.spec.begins}
        return tuple(name for name in BOOKKEEPING if written[name])

    @property
    def reads(self) -> tuple[Field, ...]:
        """Fields of the inputs."""
        return artifact_fields(self.spec.inputs)

    @cached_property
    def parameters(self) -> frozenset[str]:
        """Names of the StaMPS parameters that are read; the kind of stack counts in all."""
        names = (item.name.rstrip("_") for item in fields(self.spec.params))
        return frozenset(["small_baseline_flag", *names])

    @cached_property
    def patch_inputs(self) -> type | None:
        """The nested dataclass of a task that reads every patch, None for the others."""
        for field in self.reads:
            if f"{field.artifact}.{field.key}" == EACH_PATCH:
                nested: type = get_args(field.type)[0]
                return nested
        return None

    @cached_property
    def gathers(self) -> "Task | None":
        """The patch task whose results this one reads of every patch, None for the others."""
        nested = self.patch_inputs
        if nested is None:
            return None
        makers = [maker(item.artifact, "patch", self.mode) for item in artifact_fields(nested)]
        return max(filter(None, makers), key=lambda row: row.spec.number)

    def reads_of(self, scope: Scope) -> tuple[Field, ...]:
        """Fields that it reads in directories of a scope; a merged task also those of patches."""
        if scope == self.spec.scope:
            return self.reads
        nested = self.patch_inputs
        return artifact_fields(nested) if nested and scope == "patch" else ()

    @cached_property
    def needs(self) -> dict[Scope, dict[str, tuple[int, ...]]]:
        """Files of a scope that the task cannot do without, and the stages that write each."""
        return {
            scope: {
                f"{field.artifact}.mat": stages
                for field in self.reads_of(scope)
                if not field.optional and (stages := writers(field.artifact, scope, self.mode))
            }
            for scope in get_args(Scope)
        }

    def _asks_for(self, artifact: str) -> bool:
        """Whether the task reads an artifact, of its own directory or of every patch."""
        fields = (field for scope in get_args(Scope) for field in self.reads_of(scope))
        return any(field.artifact == artifact for field in fields)

    @property
    def reads_candidates(self) -> bool:
        """Whether it reads the files of the processor."""
        return self._asks_for("candidates")

    @property
    def reads_baselines(self) -> bool:
        """Whether it reads the baselines of the candidates, which then have to differ."""
        return self._asks_for("bp1")

    @property
    def reads_cores(self) -> bool:
        """Whether it reads which part of the scene is a patch's own."""
        return self._asks_for("patch_noover")

    @cached_property
    def feedback(self) -> frozenset[str]:
        """Files that the task reads although later stages write them."""
        names = set()
        for item in self.reads:
            source = maker(item.artifact, self.spec.scope, self.mode)
            if source is not None and source.spec.number > self.spec.number:
                names.add(f"{item.artifact}.mat")
        return frozenset(names)

    @cached_property
    def held(self) -> frozenset[str]:
        """Files of its own that the task reads: values of the run before, which it may hold."""
        own = self.first_made
        return frozenset(f"{item.artifact}.mat" for item in self.reads if item.artifact in own)

    @cached_property
    def judged(self) -> frozenset[str]:
        """Files of an earlier pass, whose shapes the task judges itself."""
        return self.feedback | self.held

    def read_back(self, parameters: Parameters) -> frozenset[str]:
        """Return the files of an earlier pass that count with these parameters."""
        return self.judged if parameters.holds_good_values else self.feedback

    @cached_property
    def passed_on(self) -> frozenset[str]:
        """Artifacts that another task cannot do without."""
        others = tasks(self.mode)
        inputs = [row.spec.inputs for row in others if row.spec.scope == self.spec.scope]
        if self.spec.scope == "patch":
            inputs += [row.patch_inputs for row in others if row.patch_inputs is not None]
        read = {item.artifact for cls in inputs for item in artifact_fields(cls)
                if not item.optional}  # fmt: skip
        return frozenset(read.intersection(self.required))

    @cached_property
    def first_made(self) -> tuple[str, ...]:
        """The artifacts of the bundle that no earlier stage makes, markers first.

        A file that an earlier stage makes and a later one extends belongs to the earlier.
        """
        scope = self.spec.scope
        return tuple(n for n in reversed(self.bundle) if maker(n, scope, self.mode) is self)

    @cached_property
    def extends(self) -> tuple[str, ...]:
        """The artifacts of earlier tasks to which it adds keys."""
        return tuple(name for name in self.bundle if name not in self.first_made)

    @cached_property
    def owned(self) -> tuple[str, ...]:
        """What belongs to the task: what it makes first, then what StaMPS makes with it."""
        return (*self.first_made, *self.spec.foreign)

    @cached_property
    def outdates(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The artifacts that running the task outdates, of the root and of its own patch.

        Markers come first, in descending stage order.
        """
        number = self.spec.number
        if self.spec.scope == "patch":
            return tuple(self._owned_after("merged", 0)), tuple(self._owned_after("patch", number))
        after = self._owned_after("merged", number)
        return tuple(name for name in after if name not in self.spec.spares), ()

    def _owned_after(self, scope: Scope, number: int) -> Iterator[str]:
        for row in reversed(tasks(self.mode)):
            if row.spec.scope == scope and row.spec.number > number:
                yield from row.owned


def mode_of(parameters: Parameters) -> Mode:
    """Return the mode of a dataset with these parameters: whose table tells of its artifacts."""
    return "sb" if parameters.small_baselines else "ps"


def tasks(mode: Mode) -> tuple[Task, ...]:
    """Return the stage table of a mode: stages 1-5 of a patch, then the merge and stages 6-8."""
    return _tables()[mode]


def stage_numbers(scope: Scope | None = None, tool: str = "") -> tuple[int, ...]:
    """Return the numbers of the stages, of a scope or that may need a tool, of either mode."""
    specs = [row.spec for table in _tables().values() for row in table]
    found = {each.number for each in specs
             if scope in (None, each.scope) and tool in ("", *each.tools)}  # fmt: skip
    return tuple(sorted(found))


@cache
def _tables() -> dict[Mode, tuple[Task, ...]]:
    specs = [import_module(f"..stages.{name}", __package__).SPEC for name in MODULES]
    return {
        mode: tuple(_task(spec, mode) for spec in specs if mode in spec.modes)
        for mode in get_args(Mode)
    }


def _task(spec: StageSpec, mode: Mode) -> Task:
    names: dict[str, bool] = {}
    for field in artifact_fields(spec.outputs):
        names[field.artifact] = names.get(field.artifact, True) and field.optional
    optional = tuple(name for name, absent in names.items() if absent)
    required = [name for name, absent in names.items() if not absent and name != spec.marker]
    return Task(spec, mode, (*required, spec.marker), optional)


def task(stage: int, scope: Scope, mode: Mode) -> Task:
    """Return one row of the stage table.

    Raises
    ------
    LookupError
        The stage has no such scope.
    """
    for row in tasks(mode):
        if row.spec.number == stage and row.spec.scope == scope:
            return row
    raise LookupError(f"stage {stage} has no {scope} scope")


def expected_stage_artifact(stage: int, scope: Scope, mode: Mode = "ps") -> str:
    """Return the file whose presence tells that a stage is finished, ``pm1.mat``."""
    return task(stage, scope, mode).marker_file


@cache
def maker(artifact: str, scope: Scope, mode: Mode) -> Task | None:
    """Return the first task of a scope that publishes `artifact`, None for raw inputs."""
    for row in tasks(mode):
        if row.spec.scope == scope and artifact in row.bundle:
            return row
    return None


def writers(artifact: str, scope: Scope, mode: Mode) -> tuple[int, ...]:
    """Return the numbers of the stages of a scope that publish `artifact`, in order."""
    rows = (row for row in tasks(mode) if row.spec.scope == scope)
    return tuple(row.spec.number for row in rows if artifact in row.bundle)


def read_by(artifact: str, scope: Scope, mode: Mode, key: str = "") -> tuple[Task, ...]:
    """Return the tasks that read an artifact of a scope, or one key of it, in order.

    What a task copies as it is (``ps1.*``) is the artifact that it reads, but none of its keys.
    """
    return tuple(
        row
        for row in tasks(mode)
        if any(
            field.artifact == artifact and key in ("", field.key) for field in row.reads_of(scope)
        )
    )


def feedback_artifacts(mode: Mode) -> tuple[str, ...]:
    """Return the artifacts that an earlier stage reads in its next pass."""
    return tuple(name for row in tasks(mode) for name in row.spec.spares)


def readers(parameter: str, mode: Mode) -> tuple[int, ...]:
    """Return the numbers of the stages that read a parameter."""
    return tuple(sorted({row.spec.number for row in tasks(mode) if parameter in row.parameters}))
