"""Inputs of a stage from the disk, outputs of a stage to the disk, by their annotations."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

from ..dataset import border, candidates
from ..dataset.mat import MatFile
from ..dataset.parameters import Parameters
from ..dataset.schema import ARTIFACTS, Key
from ..dataset.tree import Dataset, patch_core
from ..errors import MatError
from ..stages.base import EACH_PATCH, Field, artifact_fields

_SHARED_LENGTHS = frozenset({"n_ps", "n_ifg", "n_pm", "n_image"})

_VIRTUAL: dict[str, Callable[[Path, Parameters], Any]] = {
    "candidates.*": lambda directory, parameters: candidates.read(directory, parameters),
    "patch.name": lambda directory, parameters: directory.name,
    "patch_noover.box": lambda directory, parameters: patch_core(directory),
}


class _Files:
    """The artifacts of one directory, each opened once."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self.stack = stack
        self.open: dict[str, MatFile | None] = {}

    def __getitem__(self, artifact: str) -> MatFile | None:
        if artifact not in self.open:
            path = self.directory / f"{artifact}.mat"
            found = path.exists()
            self.open[artifact] = self.stack.enter_context(MatFile(path)) if found else None
        return self.open[artifact]


def load_inputs(
    cls: type,
    directory: Path,
    parameters: Parameters,
    dataset: Dataset | None = None,
    patches: tuple[str, ...] = (),
) -> Any:
    """Fill a dataclass of annotated fields from the artifacts of a directory.

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

    Returns
    -------
    object
        An instance of `cls`.

    Raises
    ------
    MatError
        A required file or key is missing, unreadable or of the wrong shape.
    """
    lengths: dict[str, int] = {}
    values: dict[str, Any] = {}
    all_fields = artifact_fields(cls)
    with ExitStack() as stack:
        files = _Files(directory, stack)
        for field in all_fields:
            name = f"{field.artifact}.{field.key}"
            if name == EACH_PATCH:
                assert dataset is not None
                nested = get_args(field.type)[0]
                values[field.name] = tuple(
                    load_inputs(nested, dataset.directory(patch), parameters) for patch in patches
                )
            elif name in _VIRTUAL:
                values[field.name] = _VIRTUAL[name](directory, parameters)
            elif field.key == "*":
                values[field.name] = _rest(files[field.artifact], field, all_fields)
            else:
                values[field.name] = _load(files, field, lengths)
    return cls(**values)


def _rest(file: MatFile | None, field: Field, all_fields: tuple[Field, ...]) -> dict[str, Any]:
    if file is None:
        return {}
    named = {other.key for other in all_fields if other.artifact == field.artifact}
    return {name: file.read(name) for name in file.variables if name not in named}


def _load(files: _Files, field: Field, lengths: dict[str, int]) -> Any:
    file = files[field.artifact]
    path = files.directory / f"{field.artifact}.mat"
    if file is None:
        if field.optional:
            return None
        raise MatError(f"{path}: file does not exist")
    if field.key not in file.variables:
        if field.optional:
            return None
        raise MatError(f"{path}: key '{field.key}' is missing; the file holds "
                       f"{', '.join(file.variables) or 'nothing'}")  # fmt: skip
    key = ARTIFACTS[field.artifact].keys[field.key]
    shape = file.variables[field.key].shape
    if shape[:2] == (0, 0):
        if field.optional:
            return None
    elif not field.optional:
        _check_shape(path, key, shape, lengths)
    if field.lazy:
        return file.rows(field.key)
    try:
        return border.inside(key, file.read(field.key))
    except MatError as error:
        raise MatError(f"{path}: {error}") from None


def _check_shape(path: Path, key: Key, shape: tuple[int, ...], lengths: dict[str, int]) -> None:
    if key.classes == ("char",):
        return
    expected = tuple(
        int(dim) if dim.isdigit() else lengths.get(dim, found) if dim in _SHARED_LENGTHS else found
        for dim, found in zip(key.dims, shape, strict=False)
    )
    if len(key.dims) > 2 and len(shape) == 2:
        return  # a last dimension of one is not stored
    if expected != shape and not (key.vector and sorted(expected) == sorted(shape)):
        raise MatError(f"{path}: key '{key.name}' has shape {shape}, expected {expected}")
    for dim, found in zip(key.dims, shape, strict=False):
        if dim in _SHARED_LENGTHS:
            lengths.setdefault(dim, found)


def input_files(cls: type, directory: Path) -> Iterator[Path]:
    """Yield the artifact files of a directory that fields of `cls` name and that exist."""
    seen = set()
    for field in artifact_fields(cls):
        name = f"{field.artifact}.{field.key}"
        if name == EACH_PATCH or name in _VIRTUAL or field.artifact in seen:
            continue
        seen.add(field.artifact)
        path = directory / f"{field.artifact}.mat"
        if path.exists():
            yield path
