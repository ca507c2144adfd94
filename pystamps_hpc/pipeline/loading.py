"""Inputs of a stage from the disk, by their annotations."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any, get_args

from ..dataset import border, candidates
from ..dataset.finite import FiniteRows, require_finite
from ..dataset.mat import MatFile
from ..dataset.parameters import Parameters
from ..dataset.rows import AnyArray, Rows
from ..dataset.schema import ARTIFACTS, Key
from ..dataset.tree import Dataset, patch_core
from ..errors import MatError
from ..stages.base import EACH_PATCH, Field, artifact_fields
from ..stages.shared.external_phase import keys_of, phase_method
from ..stages.shared.ifgs import Ifgs
from .presence import Look

_SHARED_LENGTHS = frozenset({"n_ps", "n_ifg", "n_pm", "n_image", "n_sel", "n_edge", "n_uw"})

_SINGLE_MASTER = {"n_ifg": 0, "n_image": 0, "n_pm": 1}
"""Lengths of a single-master stack: how many less than the images."""


@dataclass(frozen=True)
class _Virtual:
    """An input that is no MAT file: how it is read, and the files it comes from."""

    read: Callable[[Path, Parameters], Any]
    sources: Callable[[Path, Parameters, Look], Iterable[Path]]


def _parent(directory: Path, parameters: Parameters, look: Look) -> tuple[Path, ...]:
    """Return what says where the images of small baselines are, if that counts: ``../ps2.mat``."""
    path = directory.parent / "ps2.mat"
    return (path,) if parameters.holds_good_values and look.file(str(path)) else ()


def _image_baselines(directory: Path, parameters: Parameters) -> AnyArray | None:
    """Read the baselines of all images, which the single-master dataset above has."""
    for path in _parent(directory, parameters, Look()):
        with MatFile(path) as file:
            baselines: AnyArray | None = border.inside(
                ARTIFACTS["ps2"].keys["bperp"], file.read("bperp")
            )
            return baselines
    return None


def _tropospheric_file(directory: Path, parameters: Parameters) -> tuple[Path, ...]:
    """Return the file of the tropospheric phase, if that is subtracted."""
    if not parameters.subtracts_troposphere:
        return ()
    return (directory / ("tca_sb2.mat" if parameters.small_baselines else "tca2.mat"),)


def _tropospheric_phase(directory: Path, parameters: Parameters) -> tuple[Rows, ...] | None:
    """Return the parts of the tropospheric phase that ``tropo_method`` names; they stay on disk."""
    for path in _tropospheric_file(directory, parameters):
        if not path.exists():
            raise MatError(
                f"{path}: file does not exist; subtr_tropo is 'y' and needs the tropospheric phase "
                "that TRAIN writes there; estimate it, or set subtr_tropo n"
            )
        names = keys_of(phase_method(str(parameters.value("tropo_method"))))
        with MatFile(path) as file:
            return tuple(FiniteRows(file.rows(name), path, name) for name in names)
    return None


_VIRTUAL = {
    "candidates.*": _Virtual(
        candidates.read,
        lambda directory, parameters, look: look.candidates.of(directory, parameters),
    ),
    "patch.name": _Virtual(lambda directory, _: directory.name, lambda *_: ()),
    "parent.bperp": _Virtual(_image_baselines, _parent),
    "tropo.phase": _Virtual(
        _tropospheric_phase,
        lambda directory, parameters, _: _tropospheric_file(directory, parameters),
    ),
    "patch_noover.box": _Virtual(
        lambda directory, _: patch_core(directory),
        lambda directory, *_: (directory / "patch_noover.in",),
    ),
}


class _Files:
    """The artifacts of one directory, each opened once."""

    def __init__(self, directory: Path, stack: ExitStack, withheld: Collection[str]) -> None:
        self.directory = directory
        self.stack = stack
        self.withheld = withheld
        self.open: dict[str, MatFile | None] = {}

    def __getitem__(self, artifact: str) -> MatFile | None:
        if artifact not in self.open:
            path = self.directory / f"{artifact}.mat"
            found = path.name not in self.withheld and path.exists()
            self.open[artifact] = self.stack.enter_context(MatFile(path)) if found else None
        return self.open[artifact]


@dataclass(frozen=True)
class _Lengths:
    """What is known of the dimensions that the keys of one directory share."""

    single_master: bool
    known: dict[str, int]

    def learn(self, dim: str, length: int) -> None:
        """Take a length over, if it is the first of its dimension."""
        if self.single_master and dim in _SINGLE_MASTER:
            for other, less in _SINGLE_MASTER.items():
                self.known.setdefault(other, length + _SINGLE_MASTER[dim] - less)
        elif dim in _SHARED_LENGTHS:
            self.known.setdefault(dim, length)


@dataclass(frozen=True)
class Found:
    """What the files of a directory hold for the fields of a dataclass; can be sent to other ranks.

    Large variables stay on disk. The columns are those of the files.
    """

    values: dict[str, Any]
    network: dict[str, Any]

    def filled(self, cls: type) -> Any:
        """Return an instance of the dataclass `cls`, without the master's null column."""
        values = dict(self.values)
        for field in artifact_fields(cls):
            if f"{field.artifact}.{field.key}" == EACH_PATCH:
                nested = get_args(field.type)[0]
                values[field.name] = tuple(each.filled(nested) for each in values[field.name])
        return cls(**_without_null(values, self.network, cls))


def load_inputs(
    cls: type, directory: Path, parameters: Parameters, *more: Any, **options: Any
) -> Any:
    """Fill a dataclass of annotated fields; takes and raises what :func:`find_inputs` does."""
    return find_inputs(cls, directory, parameters, *more, **options).filled(cls)


def find_inputs(
    cls: type,
    directory: Path,
    parameters: Parameters,
    dataset: Dataset | None = None,
    patches: tuple[str, ...] = (),
    feedback: frozenset[str] = frozenset(),
    workers: int = 1,
    withheld: Collection[str] = (),
) -> Found:
    """Find what the annotated fields of a dataclass hold in the artifacts of a directory.

    Parameters
    ----------
    cls : type
        ``Inputs`` of a stage.
    directory : Path
        Patch or root.
    parameters : Parameters
        Parameters of the directory.
    dataset : Dataset, optional
        Needed for a field of every patch.
    patches : tuple of str
        Patches that still have PS, in order; for a field of every patch.
    feedback : frozenset of str
        File names of an earlier pass, whose shapes the stage judges itself.
    workers : int
        How many patches are read side by side.
    withheld : collection of str
        File names that count as missing.

    Returns
    -------
    Found
        What makes an instance of `cls`.

    Raises
    ------
    MatError
        A required file or key is missing, unreadable, of the wrong shape, or not finite where the
        schema wants it; large variables are looked at when they are read. Or the network is of
        another mode than the parameters.
    """
    lengths = _Lengths(not parameters.small_baselines, {})
    values: dict[str, Any] = {}
    network: dict[str, Any] = {}
    with ExitStack() as stack:
        files = _Files(directory, stack, withheld)
        _require_mode(files, artifact_fields(cls), parameters)
        for field in artifact_fields(cls):
            name = f"{field.artifact}.{field.key}"
            if name == EACH_PATCH:
                values[field.name] = _of_patches(field, dataset, patches, parameters, workers)
            elif name in _VIRTUAL:
                values[field.name] = _VIRTUAL[name].read(directory, parameters)
            elif field.key == "*":
                values[field.name] = _rest(files[field.artifact], field, cls)
            else:
                judge = None if f"{field.artifact}.mat" in feedback else lengths
                into, name = (network, field.key) if field.type is Ifgs else (values, field.name)
                into[name] = _load(files, field, judge)
    return Found(values, network)


def _require_mode(files: _Files, all_fields: tuple[Field, ...], parameters: Parameters) -> None:
    name = next((field.artifact for field in all_fields if field.type is Ifgs), None)
    file = None if name is None else files[name]
    if file is not None:
        require_mode(file, parameters)


def require_mode(points: MatFile, parameters: Parameters) -> None:
    """Refuse ``ps1`` or ``ps2`` of pairs in a single-master dataset, and the other way round.

    Raises
    ------
    MatError
        ``small_baseline_flag`` says otherwise than the file.
    """
    pairs = "ifgday_ix" in points.variables
    if pairs != parameters.small_baselines:
        flag = "y" if parameters.small_baselines else "n"
        raise MatError(
            f"{points.path}: {'holds' if pairs else 'lacks'} ifgday_ix, the images of each pair, "
            f"but small_baseline_flag is '{flag}'; correct the parameter, or run stage 1 again"
        )


def _of_patches(
    field: Field,
    dataset: Dataset | None,
    patches: tuple[str, ...],
    parameters: Parameters,
    workers: int,
) -> tuple[Found, ...]:
    assert dataset is not None
    folders = map(dataset.directory, patches)
    nested = get_args(field.type)[0]
    with ThreadPoolExecutor(workers) as pool:
        return tuple(pool.map(find_inputs, repeat(nested), folders, repeat(parameters)))


def _without_null(values: dict[str, Any], network: dict[str, Any], cls: type) -> dict[str, Any]:
    """Join the keys of the network, and take the master's null column off the others."""
    if not network:
        return values
    ifgs = Ifgs.of_keys(network)
    for field in artifact_fields(cls):
        if field.type is Ifgs:
            values[field.name] = ifgs
        elif field.artifact in ARTIFACTS and field.key != "*":
            key = ARTIFACTS[field.artifact].keys[field.key]
            values[field.name] = border.without_null(key, values[field.name], ifgs.master)
    return values


def _rest(file: MatFile | None, field: Field, cls: type) -> dict[str, Any]:
    if file is None:
        return {}
    named = {other.key for other in artifact_fields(cls) if other.artifact == field.artifact}
    return {
        name: file.read(name)
        for name, variable in file.variables.items()
        if name not in named and variable.writable
    }


def _load(files: _Files, field: Field, lengths: _Lengths | None) -> Any:
    file = files[field.artifact]
    if file is None:
        if field.optional:
            return None
        raise MatError(f"{files.directory / field.artifact}.mat: file does not exist")
    path = file.path
    if field.key not in file.variables:
        if field.optional:
            return None
        raise MatError(f"{path}: key '{field.key}' is missing; the file holds "
                       f"{', '.join(file.variables) or 'nothing'}")  # fmt: skip
    key = ARTIFACTS[field.artifact].keys[field.key]
    shape = file.variables[field.key].shape
    if shape[:2] == (0, 0) and field.optional:
        return None
    if shape[:2] != (0, 0) and lengths is not None:
        _check_shape(path, key, shape, lengths)
    if field.lazy:
        rows = file.rows(field.key)
        return rows if key.may_be_nan else FiniteRows(rows, path, key.name)
    value = file.read(field.key)
    if not key.may_be_nan:
        require_finite(path, key.name, value)
    try:
        return border.inside(key, value)
    except MatError as error:
        raise MatError(f"{path}: {error}") from None


def _check_shape(path: Path, key: Key, shape: tuple[int, ...], lengths: _Lengths) -> None:
    if key.classes == ("char",):
        return
    expected = tuple(
        int(dim) if dim.isdigit() else lengths.known.get(dim, found)
        for dim, found in zip(key.dims, shape, strict=False)
    )
    if len(key.dims) > 2 and len(shape) == 2:
        return  # a last dimension of one is not stored
    if expected != shape and not (key.vector and sorted(expected) == sorted(shape)):
        raise MatError(f"{path}: key '{key.name}' has shape {shape}, expected {expected}")
    for dim, found in zip(key.dims, shape, strict=False):
        lengths.learn(dim, found)


def input_files(
    cls: type, directory: Path, parameters: Parameters, look: Look
) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the existing files, and their status, that fields of `cls` come from.

    They lie in a directory, and beside it.
    """
    for name in _sources(cls):
        paths: Iterable[str] = (f"{directory}/{name}.mat",)
        if name in _VIRTUAL:
            paths = map(str, _VIRTUAL[name].sources(directory, parameters, look))
        for path in paths:
            if status := look.file(path):
                yield path, status


@cache
def _sources(cls: type) -> tuple[str, ...]:
    """Return the artifacts, and what is none, that fields of `cls` come from, each once."""
    found: dict[str, str] = {}
    for field in artifact_fields(cls):
        name = f"{field.artifact}.{field.key}"
        if name != EACH_PATCH:
            found.setdefault(field.artifact, name if name in _VIRTUAL else field.artifact)
    return tuple(found.values())
