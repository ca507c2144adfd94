"""What every stage declares: inputs, parameters, outputs, and one row of the stage table.

A field of ``Inputs`` or ``Outputs`` is annotated with its artifact key,
``Annotated[Rows, "ph1.ph"]``. The annotation is the whole mapping between a stage and the disk: the
pipeline loads and publishes from it. The type says how it arrives:

``Rows``
    read in pieces; everything else is loaded whole;
``Annotated[Rows | None, "pm1.ph_res"]``
    may be missing (or 0 x 0) on disk; as an output, ``None`` leaves an optional key out and writes
    0 x 0 for a required one;
``Annotated[dict[str, Any], "ps1.*"]``
    all keys of the file that no other field names, as they are on disk;
``Annotated[Ifgs, "ps1"]``
    the network of interferograms, which several keys of the file hold;
``Annotated[tuple[PatchInputs, ...], EACH_PATCH]``
    one nested dataclass per patch that still has PS, in patch order (merge).

How a key looks inside (0-based indices, bools, 1-D vectors, no null column of the master) is
declared once, in :mod:`pystamps_hpc.dataset.schema`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ..dataset.rows import Rows
from ..dataset.schema import ARTIFACTS
from ..errors import StageError
from .shared.ifgs import Ifgs

Scope = Literal["patch", "merged"]
Mode = Literal["ps", "sb"]
EACH_PATCH = "patches.*"


class NoPointsLeft(StageError):
    """A patch is too small for a stage; it is recorded as one that has lost its points."""


@dataclass(frozen=True)
class Field:
    """One annotated field of ``Inputs`` or ``Outputs``; a network has one for each of its keys."""

    name: str
    artifact: str
    key: str
    type: Any
    optional: bool

    @property
    def lazy(self) -> bool:
        """Whether the field is read in pieces."""
        return self.type is Rows


@dataclass(frozen=True)
class Keeps:
    """Memory that a stage keeps beside its pieces [bytes]; upper bounds, for points all selected.

    Parameters
    ----------
    value : float
        For a point in an interferogram, on the rank that has it.
    point : float
        For a point.
    cell : float
        For a cell of the filter grid in an interferogram.
    column_point, column_cell : float
        For a point and a cell while one interferogram is worked on.
    """

    value: float
    point: float
    cell: float = 0
    column_point: float = 0
    column_cell: float = 0


def _accept_any(params: Any, ifgs: Ifgs) -> None:
    """Accept every network."""


@dataclass(frozen=True, eq=False)
class StageSpec:
    """One row of the stage table: all that the pipeline and the tools know of a stage.

    Parameters
    ----------
    number : int
        1 to 8.
    name : str
        Title in reports.
    scope : {"patch", "merged"}
        Whether the stage runs in every patch or once in the root.
    marker : str
        Artifact whose presence, published last, says that the stage is complete.
    inputs, params, outputs : type
        Frozen dataclasses; ``params`` fields carry StaMPS names (``lambda_`` for ``lambda``).
    solve : callable
        ``solve(inputs, params, ctx) -> outputs``.
    accepts : callable
        ``accepts(params, ifgs)`` raises StageError where index lists leave less of a network than
        the stage needs; asked before any work.
    kernels : tuple of str
        Kernels that it calls, whatever the parameters; its context binds no others.
    only_if : mapping
        Kernel -> whether parameters let it be called at all, of those that most runs do without.
    keeps : Keeps
        Memory that it takes; measured by ``python -m benchmarks.memory``.
    config : tuple of str
        Configuration keys that change the result, ``"compat.random_generator"``.
    modes : tuple of str
        Stacks that this row is for: ``"ps"``, single master; ``"sb"``, small baselines. Where the
        two differ in inputs or outputs, the stage has a row for each.
    tools : tuple of str
        External programs that the stage may need: ``"triangulator"``, ``"unwrapper"``; the
        configuration decides who does it, and the pipeline checks before work that it is there.
    version : int
        Science version; raised by hand when the numbers of the stage change.
    counts : str
        The fact that counts the points which a patch stage leaves; a patch with none is given up.
        Empty of a stage that cannot leave none.
    counted_in : mapping
        Fact that counts points -> key of the outputs that tells it too, a number or flags.
    none_left : str
        What the user can do if no patch has points left after it.
    spreads : bool
        Whether several ranks share its work: its patches, or parts of the one task.
    begins : bool
        Whether the work on a dataset begins with it: heading, wavelength and platform are found in
        the files of the processor before it, and marks of patches without PS are cleared.
    spares : tuple of str
        Artifacts of later stages that a new run of it leaves standing, because it reads what they
        found the time before; earlier stages remove them.
    foreign : tuple of str
        Artifacts that StaMPS writes with it and we do not (yet); they go where its own go.
    stamps_lacks : mapping
        Required artifacts that a tree of StaMPS may lack -> why.
    psver : int
        Version suffix of the files from here on, which StaMPS reads in ``psver.mat``; 0: unchanged.
    """

    number: int
    name: str
    scope: Scope
    marker: str
    inputs: type
    params: type
    outputs: type
    solve: Callable[[Any, Any, Any], Any]
    accepts: Callable[[Any, Ifgs], None] = _accept_any
    kernels: tuple[str, ...] = ()
    only_if: Mapping[str, Callable[[Any], bool]] = field(default_factory=dict)
    keeps: Keeps = Keeps(0, 0)
    config: tuple[str, ...] = ("compat.arithmetic",)
    modes: tuple[Mode, ...] = ("ps",)
    tools: tuple[str, ...] = ()
    version: int = 1
    counts: str = ""
    counted_in: Mapping[str, str] = field(default_factory=dict)
    none_left: str = ""
    spreads: bool = True
    begins: bool = False
    spares: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    stamps_lacks: Mapping[str, str] = field(default_factory=dict)
    psver: int = 0


def _annotated_fields(cls: type) -> Iterator[Field]:
    hints = get_type_hints(cls, include_extras=True)
    for each in fields(cls):
        hint = hints[each.name]
        if get_origin(hint) is not Annotated:
            raise TypeError(f"{cls.__qualname__}.{each.name} has no artifact key")
        base, name = get_args(hint)[:2]
        optional = get_origin(base) in (Union, UnionType)
        if optional:
            base = next(member for member in get_args(base) if member is not NoneType)
        artifact, _, key = name.partition(".")
        if base is Ifgs:
            for part in map(ARTIFACTS[artifact].keys.__getitem__, Ifgs.KEYS):
                yield Field(each.name, artifact, part.name, base, part.optional)
        else:
            yield Field(each.name, artifact, key, base, optional)


@cache
def artifact_fields(cls: type) -> tuple[Field, ...]:
    """Return the annotated fields of an ``Inputs`` or ``Outputs`` dataclass, in order."""
    return tuple(_annotated_fields(cls))
