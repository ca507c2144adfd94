"""Processing parameters: ``parms.mat``, ``localparms.mat`` and what StaMPS makes of them.

:func:`load` reads a snapshot; reading never writes. Changes make a new snapshot, :func:`save`
brings it to disk.
"""

import difflib
import math
import os
import secrets
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ConfigError, DatasetError, MatError, StageError, is_damage
from .parameter_table import TABLE, Parameter, Value, defaults, is_reset, text_of
from .text import shown, words_of

if TYPE_CHECKING:
    from .mat import MatFile
    from .tree import Dataset

__all__ = [
    "TABLE",
    "Foreign",
    "Parameter",
    "Parameters",
    "disagreements",
    "load",
    "load_all",
    "save",
]

Params = TypeVar("Params")

_LONGEST = 100_000  # numbers or characters of a value

CREATED = "Created"
_FILES = ("parms.mat", "localparms.mat", "processor.txt", "lambda.1.in", "heading.1.in")
_NOT_SET = "is not set: rerun stage 1 or set it"


@dataclass(frozen=True)
class Foreign:
    """A value that is no text, number or list of numbers; it is kept as it lies in its file.

    Parameters
    ----------
    matlab_class : str
        For people.
    shape : tuple of int
        Its dimensions.
    """

    matlab_class: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"<{' x '.join(map(str, self.shape))} {self.matlab_class}>"


@dataclass(frozen=True)
class Parameters:
    """A snapshot of all parameters of a target directory.

    Parameters
    ----------
    stored : mapping
        Content of ``parms.mat``, obsolete fields migrated. Numbers are float, vectors tuples of
        float, text str; what is none of these is :class:`Foreign`.
    local : mapping
        Content of ``localparms.mat``, which takes precedence.
    site : mapping
        Defaults that files beside the dataset give (``processor.txt``, ``lambda.1.in``,
        ``heading.1.in``).
    file, local_file : Path
        Where changes go.
    """

    stored: Mapping[str, Any] = field(default_factory=dict)
    local: Mapping[str, Any] = field(default_factory=dict)
    site: Mapping[str, Value] = field(default_factory=dict)
    file: Path = Path("parms.mat")
    local_file: Path = Path("localparms.mat")

    @property
    def small_baselines(self) -> bool:
        """Whether the defaults of small-baseline mode hold."""
        return text_of(self.stored.get("small_baseline_flag", "n")).lower() == "'y'"

    @property
    def complete(self) -> dict[str, Any]:
        """``parms.mat`` with every missing field filled by its default, in StaMPS order."""
        values = {**defaults(self.small_baselines), **self.site, **self.stored}
        order = [CREATED, *TABLE]
        known = {name: values[name] for name in order if name in values}
        return {**known, **values}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all fields but the creation date."""
        return tuple(name for name in self.complete if name != CREATED)

    def value(self, name: str) -> Any:
        """Return the value of a parameter by its full name; None if it is absent."""
        return {**self.complete, **self.local}.get(name)

    def source(self, name: str) -> str:
        """Say where the value comes from: ``localparms``, ``parms`` or ``default``."""
        if name in self.local and name in self.complete:
            return "localparms"
        return "parms" if name in self.stored else "default"

    def resolve(self, prefix: str) -> str:
        """Complete an abbreviated name as StaMPS does.

        Raises
        ------
        ConfigError
            More than one field begins with `prefix` (also when one equals it), or none.
        """
        matches = [name for name in self.names if name.startswith(prefix)]
        if not matches and prefix in TABLE:
            return prefix
        if len(matches) > 1:
            raise ConfigError(f"parameter '{prefix}' is not unique: {', '.join(matches)}")
        if not matches:
            near = difflib.get_close_matches(prefix, {*self.names, *TABLE}, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ConfigError(f"parameter '{prefix}' is unknown{hint}")
        return matches[0]

    def set_value(self, name: str, value: Any, local: bool = False) -> "Parameters":
        """Return a snapshot with one value changed (StaMPS ``setparm``).

        Parameters
        ----------
        name : str
            Name or unique beginning of it.
        value : str, float or tuple of float
            NaN in every element resets; ``()`` is an empty list.
        local : bool
            Whether the value holds in this directory only. A name that already has a local value
            is changed there in any case.

        Raises
        ------
        ConfigError
            Unknown name.
        DatasetError
            A value that is not allowed.
        """
        name = self.resolve(name)
        if is_reset(value):
            return self.reset(name, local)
        if name in TABLE and not _some_nan(value):
            try:
                value = TABLE[name].check(value)
            except ValueError as error:
                raise DatasetError(f"parameter {name}={text_of(value)}: {error}") from None
        if local or name in self.local:
            return replace(self, local={**_dated(self.local), name: value})
        return replace(self, stored={**self.stored, name: value})

    def reset(self, name: str, local: bool = False) -> "Parameters":
        """Return a snapshot in which a parameter has its default again.

        Parameters
        ----------
        name : str
            Name or unique beginning of it.
        local : bool
            Only take away the local value.

        Raises
        ------
        ConfigError
            Unknown name.
        DatasetError
            ``small_baseline_flag`` has no default to go back to.
        """
        name = self.resolve(name)
        if name == "small_baseline_flag" and not local:
            raise DatasetError("parameter small_baseline_flag cannot be reset: set it to y or n")
        without = {key: value for key, value in self.local.items() if key != name}
        if local:
            return replace(self, local=without)
        stored = {key: value for key, value in self.stored.items() if key != name}
        return replace(self, stored=stored, local=without)

    def with_values(self, values: Mapping[str, Any]) -> "Parameters":
        """Return a snapshot with values of ``parms.mat`` replaced by full name, unchecked."""
        return replace(self, stored={**self.stored, **values})

    def to_params(self, cls: type[Params]) -> Params:
        """Build the parameters of a stage.

        Parameters
        ----------
        cls : type
            Dataclass whose fields carry StaMPS names (``lambda_`` for ``lambda``). ``bool`` fields
            are flags, ``tuple[int, ...]`` 1-based lists (``| str`` where 'all' is allowed),
            ``... | None`` may be absent.

        Raises
        ------
        DatasetError
            A value is missing or not allowed; names file, parameter, value and what is allowed.
        """
        hints = typing.get_type_hints(cls)
        values = {
            item.name: self._fitted(item.name.rstrip("_"), hints[item.name])
            for item in fields(cls)  # type: ignore[arg-type]
        }
        try:
            return cls(**values)
        except StageError as error:  # a value that the stage does not have
            raise DatasetError(str(error)) from None

    def _fitted(self, name: str, hint: Any) -> Any:
        parameter, value = TABLE[name], self.value(name)
        if value is None and types.NoneType in typing.get_args(hint):
            return None
        if value is None and parameter.kind == "indices":
            return ()
        where = self.local_file if self.source(name) == "localparms" else self.file
        if value is None or (name in ("lambda", "heading") and is_reset(value)):
            raise DatasetError(f"parameter {name} {_NOT_SET} ({where})")
        if isinstance(value, Foreign):
            raise DatasetError(
                f"parameter {name} in {where} is {value}, which is not read; set it with"
                f" pystamps-hpc parms set {name} ({parameter.form})"
            )
        try:
            checked = parameter.check(value)
        except ValueError as error:
            raise DatasetError(f"parameter {name}={text_of(value)} in {where}: {error}") from None
        return _as_type(parameter, checked, hint)


def _as_type(parameter: Parameter, value: Value, hint: Any) -> Any:
    if parameter.kind == "flag":
        return value == "y" if hint is bool else value
    if isinstance(value, tuple):
        return tuple(map(int, value)) if parameter.kind == "indices" else value
    if isinstance(value, float) and hint is int:
        return int(value)
    return value


def _some_nan(value: Any) -> bool:
    return isinstance(value, tuple) and any(math.isnan(number) for number in value)


def _dated(values: Mapping[str, Any]) -> dict[str, Any]:
    return {CREATED: date.today().strftime("%d-%b-%Y"), **values}


def load(target: Path, parent: Path | None = None) -> Parameters:
    """Read the parameters that hold in a directory.

    Parameters
    ----------
    target : Path
        Patch or root. Its ``parms.mat`` is used if it has one, its ``localparms.mat`` in any case.
    parent : Path or None
        Directory whose ``parms.mat`` is used otherwise; its ``localparms.mat`` never is.

    Raises
    ------
    DatasetError
        A file cannot be read.
    """
    above = [parent, parent.parent] if parent is not None else []
    file = target / "parms.mat"
    if not file.exists() and parent is not None and (parent / "parms.mat").exists():
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
    MatError
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
    _write(parameters.file, _dated(parameters.complete))
    if set(parameters.local) - {CREATED}:
        _write(parameters.local_file, _dated(parameters.local))
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

    for artifact in ("ps2.mat", "ps1.mat"):
        path = directory / artifact
        if path.exists():
            with MatFile(path) as file:
                numbers = file.rows(name)[:].ravel()
            if numbers.size != 1 or not 0 <= numbers[0] <= _LONGEST:
                raise DatasetError(f"{path}: '{name}' is not the number of interferograms")
            return int(numbers[0])
    return None
