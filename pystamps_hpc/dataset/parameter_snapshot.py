"""The parameters that hold in a directory, as a value: what is set, where, and what it means.

Changes make a new snapshot; :mod:`.parameters` reads one from the disk and brings it there.
"""

import difflib
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ConfigError, DatasetError, StageError
from .parameter_table import TABLE, Parameter, Value, defaults, is_reset, text_of

Params = TypeVar("Params")

CREATED = "Created"
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
    def holds_good_values(self) -> bool:
        """Whether unwrapping holds good values of the run before; with small baselines only."""
        wanted = text_of(self.value("unwrap_hold_good_values")).lower() == "'y'"
        return wanted and self.small_baselines

    @property
    def subtracts_troposphere(self) -> bool:
        """Whether the tropospheric phase that another program has estimated is subtracted."""
        return text_of(self.value("subtr_tropo")).lower() == "'y'"

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
        places = (self.local, self.stored, self.site, defaults(self.small_baselines))
        return next((place[name] for place in places if name in place), None)

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
            Unknown name, or a value that is not allowed.
        """
        name = self.resolve(name)
        if is_reset(value):
            return self.reset(name, local)
        if name in TABLE and not _some_nan(value):
            try:
                value = TABLE[name].check(value)
            except ValueError as error:
                raise ConfigError(f"parameter {name}={text_of(value)}: {error}") from None
        if local or name in self.local:
            return replace(self, local={**dated(self.local), name: value})
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
            Unknown name, or ``small_baseline_flag``, which has no default to go back to.
        """
        name = self.resolve(name)
        if name == "small_baseline_flag" and not local:
            raise ConfigError("parameter small_baseline_flag cannot be reset: set it to y or n")
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
        hints = _hints(cls)  # type: ignore[arg-type]
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


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


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


def dated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the day on which they are written, as StaMPS does."""
    return {CREATED: date.today().strftime("%d-%b-%Y"), **values}
