"""Processing parameters: ``parms.mat``, ``localparms.mat`` and what StaMPS makes of them.

:func:`load` reads a snapshot; reading never writes. Changes make a new snapshot, :func:`save`
brings it to disk.
"""

import math
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DatasetError, MatError, is_damage
from .parameter_snapshot import CREATED, Foreign, Parameters, dated
from .parameter_table import TABLE, Parameter, Value, text_of
from .schema import POINTS
from .text import shown, words_of

if TYPE_CHECKING:
    from .mat import MatFile
    from .tree import Dataset

__all__ = [
    "CREATED",
    "TABLE",
    "Foreign",
    "Parameter",
    "Parameters",
    "disagreements",
    "load",
    "load_all",
    "save",
]

_LONGEST = 100_000  # numbers or characters of a value
_FILES = ("parms.mat", "localparms.mat", "processor.txt", "lambda.1.in", "heading.1.in")


def load(target: Path, parent: Path | None = None) -> Parameters:
    """Read the parameters that hold in a directory.

    Parameters
    ----------
    target : Path
        Patch or root. Its ``parms.mat`` is used if it has one, its ``localparms.mat`` in any case.
    parent : Path or None
        Directory whose ``parms.mat`` is used otherwise, and written if there is none; its
        ``localparms.mat`` never is.

    Raises
    ------
    DatasetError
        A file cannot be read.
    """
    above = [parent, parent.parent] if parent is not None else []
    file = target / "parms.mat"
    if not file.exists() and parent is not None:
        file = parent / "parms.mat"
    local_file = target / "localparms.mat"
    stored = _migrated(_read(file), target) if file.exists() else {}
    return Parameters(
        stored=stored,
        local=_read(local_file) if local_file.exists() else {},
        site=_site([target, *above]),
        file=file,
        local_file=local_file,
    )


def load_all(dataset: "Dataset") -> dict[str, Parameters]:
    """Read the parameters of the root and of every patch.

    Patches without files of their own share one snapshot, so that the root's file is read once for
    all of them.

    Returns
    -------
    dict
        Target -> parameters, the root first.

    Raises
    ------
    DatasetError
        A file cannot be read.
    """
    from .tree import ROOT

    found = {ROOT: load(dataset.root)}
    shared: Parameters | None = None
    for name in dataset.patches:
        folder = dataset.directory(name)
        if any(os.path.exists(f"{folder}/{own}") for own in _FILES):
            found[name] = load(folder, dataset.root)
        else:
            shared = shared or load(folder, dataset.root)
            found[name] = shared
    return found


def save(parameters: Parameters) -> None:
    """Write ``parms.mat``, filled with defaults, and ``localparms.mat``; each atomically.

    Fields that are no known parameters are kept. Local values that are gone are taken away;
    a ``localparms.mat`` that would hold nothing but its date is removed.

    Raises
    ------
    MatError, OSError
        A file cannot be written.
    """
    _write(parameters.file, dated(parameters.complete))
    if set(parameters.local) - {CREATED}:
        _write(parameters.local_file, dated(parameters.local))
    else:
        parameters.local_file.unlink(missing_ok=True)


def disagreements(one: Parameters, other: Parameters) -> dict[str, tuple[Any, Any]]:
    """Return the fields whose values differ between two ``parms.mat``, with both values."""
    first, second = one.complete, other.complete
    names = [name for name in {**first, **second} if name != CREATED]
    pairs = {name: (first.get(name), second.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if text_of(pair[0]) != text_of(pair[1])}


def _read(path: Path) -> dict[str, Any]:
    from .mat import MatFile

    try:
        with MatFile(path) as file:
            return {name: _value(file, name) for name in file.variables}
    except MatError as error:
        if not is_damage(error.__cause__):
            raise DatasetError(str(error)) from error
        raise DatasetError(
            f"{error}; restore it from a copy or save it anew, or move it aside to go on with "
            "default parameters"
        ) from None


def _value(file: "MatFile", name: str) -> Any:
    """Read a text, a number or a list of numbers; leave anything else where it is."""
    from .mat import is_name
    from .matvalues import REAL_DTYPES, TEXT_CLASSES

    variable = file.variables[name]
    foreign = Foreign(variable.matlab_class, variable.shape)
    count = math.prod(variable.shape)
    numeric = variable.matlab_class in REAL_DTYPES and not variable.complex
    text = variable.matlab_class in TEXT_CLASSES
    if not (numeric or text) or count > _LONGEST or not is_name(name):
        return foreign
    if text:
        try:
            value = file.read(name)
        except MatError:
            if variable.matlab_class == "char":
                raise
            return foreign  # MATLAB may store objects in another way one day
        return value if isinstance(value, str) else foreign
    if count not in (0, max(variable.shape)):
        return foreign
    numbers = tuple(float(number) for number in file.read(name).reshape(-1))
    return numbers[0] if count == 1 else numbers


def _write(path: Path, values: Mapping[str, Any]) -> None:
    from .mat import rewrite_mat, write_mat
    from .publish import staging_root

    staging = staging_root(path.parent)
    staging.mkdir(parents=True, exist_ok=True)
    temporary = staging / f"{path.stem}.{secrets.token_hex(8)}.mat"
    foreign = [name for name, value in values.items() if isinstance(value, Foreign)]
    own = {name: _matlab(value) for name, value in values.items() if name not in foreign}
    try:
        if foreign:
            rewrite_mat(path, temporary, own, foreign)
        else:
            write_mat(temporary, own)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _matlab(value: Any) -> Any:
    import numpy as np

    if isinstance(value, float):
        return np.array([[value]])
    if isinstance(value, tuple):
        return np.array([value], np.float64) if value else np.zeros((0, 0))
    return value


def _site(directories: list[Path]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, kind in (("processor.txt", str), ("lambda.1.in", float), ("heading.1.in", float)):
        path = next((path / name for path in directories if (path / name).exists()), None)
        words = words_of(path) if path else []
        parameter = "insar_processor" if kind is str else name.split(".")[0]
        try:
            values |= {parameter: kind(words[0])} if words else {}
        except ValueError:
            told = shown(words[0])
            raise DatasetError(f"{path}: holds {told!r}, expected a number") from None
    return values


def _migrated(values: dict[str, Any], directory: Path) -> dict[str, Any]:
    new = {k: v for k, v in values.items() if k not in ("weed_alpha", "pixel_aspect_ratio")}
    if isinstance(new.get("plot_pixel_size"), float):
        new["plot_scatterer_size"] = 25 * new.pop("plot_pixel_size")
    small_baselines = text_of(new.get("small_baseline_flag")).lower() == "'y'"
    counted = {
        "unwrap_ifg_index": ("drop_ifg_index", "n_ifg"),
        "recalc_index": ("scla_drop_index", "n_image" if small_baselines else "n_ifg"),
        "sb_recalc_index": ("sb_scla_drop_index", "n_ifg"),
    }
    for old, (name, count) in counted.items():
        used = new.pop(old, "all")
        n = _count(directory, count) if isinstance(used, float | tuple) else None
        if n is not None:
            kept = {used} if isinstance(used, float) else set(used)
            new[name] = tuple(float(i) for i in range(1, n + 1) if i not in kept)
    return new


def _count(directory: Path, name: str) -> int | None:
    from .mat import MatFile

    for artifact in POINTS:
        path = directory / f"{artifact}.mat"
        if path.exists():
            with MatFile(path) as file:
                count = file.count(name)
            if count > _LONGEST:
                raise DatasetError(f"{path}: '{name}' is not the number of interferograms")
            return count
    return None
