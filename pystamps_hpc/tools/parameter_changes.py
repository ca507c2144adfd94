"""Processing parameters for people: shown with what they mean, typed in, changed under the lock."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..config import RunConfig
from ..dataset import parameters
from ..dataset.parameter_advice import ADVICE
from ..dataset.parameter_table import TABLE, Value, text_of
from ..dataset.parameters import Foreign, Parameters
from ..dataset.tree import Dataset
from ..errors import ConfigError, DatasetError
from ..pipeline import LAST_STAGE
from ..pipeline.acceptance import require_value
from ..pipeline.table import mode_of, readers
from .consequences import after_change
from .locking import locked, logged

Row = dict[str, Any]

MOST_INDICES = 10_000
"""Indices that the ranges of a typed list may name in all."""

_RANGE = re.compile(r"\b(\d{1,6}):(\d{1,6})\b")


def parameters_of(dataset: Dataset, patch: str | None) -> Parameters:
    """Read the parameters of a dataset, or those that hold in a patch.

    Raises
    ------
    DatasetError
        There is no such patch, or a file cannot be read.
    """
    if patch is None:
        return parameters.load(dataset.root)
    if patch not in dataset.patches:
        raise DatasetError(f"{dataset.root} has no patch {patch}")
    return parameters.load(dataset.directory(patch), dataset.root)


def described(known: Parameters, name: str) -> Row:
    """Return value, source and, of a parameter that is in the table, what it means."""
    row = {"value": _plain(known.value(name)), "source": known.source(name)}
    declared = TABLE.get(name)
    if declared is None:
        return {**row, "default": None, "unit": "", "allowed": "", "stages": [], "meaning": ""}
    default = declared.default_sb if known.small_baselines else declared.default
    return {
        **row,
        "default": _plain(default),
        "unit": declared.unit,
        "allowed": declared.form,
        "stages": [str(number) for number in readers(name, mode_of(known))],
        "meaning": declared.meaning,
    }


def explained(known: Parameters, name: str) -> Row:
    """Return a parameter by its full name with what it is changed for, and what runs again then."""
    row = described(known, name)
    first = int(row["stages"][0]) if row["stages"] else None
    again = "nothing" if first is None else f"stage {first}"
    if first is not None and first < LAST_STAGE:
        again = f"stages {first} to {LAST_STAGE}"
    return {**row, "change_it": ADVICE.get(name, ""), "runs_again": again}


def typed_value(name: str, words: Sequence[str]) -> tuple[Value, list[str]]:
    """Turn what somebody has typed into a parameter value; ``3:5`` in a list is 3 4 5.

    Returns
    -------
    (str, float or tuple of float; list of str)
        The value, and what should be known about how it was read.

    Raises
    ------
    ConfigError
        The ranges of a list name too many indices.
    """
    text = " ".join(words).strip().strip("[]").replace(",", " ")
    listed = name in TABLE and TABLE[name].kind == "indices"
    if listed:
        ranges = [range(int(a), int(b) + 1) for a, b in re.findall(_RANGE, text)]
        if sum(map(len, ranges)) > MOST_INDICES:
            raise ConfigError(f"{name}: ranges of more than {MOST_INDICES:,} indices; name fewer")
        text = re.sub(_RANGE, _range, text)
    try:
        numbers = tuple(float(word) for word in text.split())
    except ValueError:
        return " ".join(words), []
    if listed and len(distinct := tuple(sorted(set(numbers)))) < len(numbers):
        return distinct, [f"{name}: indices named twice count once"]
    return (numbers[0] if len(numbers) == 1 else numbers), []


def changed_value(
    dataset: Dataset, known: Parameters, name: str, value: Value | None, local: bool
) -> Parameters:
    """Return parameters with one changed, None being the default, if a run would take it.

    Raises
    ------
    ConfigError
        Unknown name, or a value that is not allowed or does not fit the stack.
    """
    if value is None:
        return known.reset(name, local)
    changed = known.set_value(name, value, local)
    try:
        require_value(dataset, changed, name)
    except DatasetError as error:  # of what was typed, not of what lies there
        raise ConfigError(str(error)) from None
    return changed


def change(
    dataset: Dataset,
    patch: str | None,
    name: str,
    words: Sequence[str] | None,
    local: bool,
    command: Sequence[str],
    config: RunConfig,
    config_file: str,
) -> tuple[str, Row]:
    """Change a parameter on the disk, under the lock.

    Parameters
    ----------
    dataset : Dataset
        Tree.
    patch : str or None
        Patch whose parameters are meant.
    name : str
        Name, or a unique beginning of it.
    words : sequence of str or None
        The value as it was typed; None for the default.
    local : bool
        Whether it is to hold in this directory alone.
    command : sequence of str
        For who meets the lock.
    config, config_file : RunConfig, str
        Configuration of a run, and where it comes from.

    Returns
    -------
    (str, dict)
        Full name, and the parameter as it is now; ``notes`` says what follows.

    Raises
    ------
    ConfigError
        Unknown name, or a value that is not allowed or does not fit the stack.
    DatasetError
        The dataset is in use or cannot be written.
    """
    with locked(dataset, command):
        known = parameters_of(dataset, patch)
        name = known.resolve(name)
        value, notes = (None, []) if words is None else typed_value(name, words)
        changed = changed_value(dataset, known, name, value, local)
        if changed.file.parent == dataset.root:  # what the site of a patch says holds there alone
            parameters.save(replace(changed, site=parameters.load(dataset.root).site))
        else:
            parameters.save(changed)
        folder = changed.local_file.parent if local else changed.file.parent
        told = f"{name} {text_of(known.value(name))} -> {text_of(changed.value(name))}"
        failed = logged(config, folder, "reset" if words is None else "set", told)
        follows = after_change(dataset, config, name, config_file)
        return name, {**described(changed, name), "notes": [*follows, *failed, *notes]}


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: as text what it has no form for."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return str(value)
    return str(value) if isinstance(value, Foreign) else value


def _range(found: re.Match[str]) -> str:
    first, last = map(int, found.groups())
    return " ".join(map(str, range(first, last + 1)))
