"""The commands ``parms`` and ``reset-scla``."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..dataset import parameters
from ..dataset.lock import DatasetLock, new_owner
from ..dataset.parameter_table import TABLE
from ..dataset.parameters import Foreign, Parameters
from ..dataset.tree import Dataset, discover_dataset
from ..errors import ConfigError, DatasetError
from ..parallel.team import Team
from ..pipeline.acceptance import require_value
from ..pipeline.table import feedback_artifacts, tasks

Answer = tuple[dict[str, Any] | None, int]


def parms(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Show, set or reset parameters."""

    def act() -> dict[str, Any]:
        dataset = discover_dataset(options.dataset, need_patches=False)
        if options.action != "show" and options.patch and not options.local:
            raise ConfigError(
                f"parms --patch {options.patch} {options.action} needs --local; without --patch "
                "the value holds for all patches"
            )
        if options.action == "show":
            return _shown(_load(dataset, options.patch), options.name)
        with _locked(dataset, words):
            known = _load(dataset, options.patch)
            if options.action == "set":
                changed = known.set_value(options.name, _value(options.value), options.local)
                require_value(dataset, changed, known.resolve(options.name))
            else:
                changed = known.reset(options.name, options.local)
            parameters.save(changed)
        return _shown(changed, options.name)

    return team.on_root(act), 0


def _load(dataset: Dataset, patch: str | None) -> Parameters:
    if patch is None:
        return parameters.load(dataset.root)
    if patch not in dataset.patches:
        raise DatasetError(f"{dataset.root} has no patch {patch}")
    return parameters.load(dataset.directory(patch), dataset.root)


def _shown(known: Parameters, name: str | None) -> dict[str, Any]:
    names = sorted(known.names, key=str.lower) if name is None else [known.resolve(name)]
    return {item: _described(known, item) for item in names}


def _described(known: Parameters, name: str) -> dict[str, Any]:
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
        "stages": list(declared.stages),
        "meaning": declared.meaning,
    }


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: as text what it has no form for."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return str(value)
    return str(value) if isinstance(value, Foreign) else value


def _value(words: list[str]) -> Any:
    """Turn the words of the command line into a parameter value."""
    text = " ".join(words).strip().strip("[]").replace(",", " ")
    try:
        numbers = tuple(float(word) for word in text.split())
    except ValueError:
        return " ".join(words)
    return numbers[0] if len(numbers) == 1 else numbers


@contextmanager
def _locked(dataset: Dataset, words: tuple[str, ...]) -> Iterator[None]:
    dataset.require_writable()
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-command"
    with DatasetLock(dataset.root, new_owner(run_id, words)):
        yield


def reset_scla(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Remove the SCLA estimates of the root and of the patches."""

    def act() -> dict[str, Any]:
        dataset = discover_dataset(options.dataset, need_patches=False)
        folders = [dataset.root]
        if not options.no_patches:
            folders += [dataset.directory(name) for name in dataset.patches]
        if options.dry_run:
            found = [path for path in _scla_files(folders) if path.exists()]
        else:
            with _locked(dataset, words):
                found = [path for path in _scla_files(folders) if path.exists()]
                for path in found:
                    path.unlink()
        return {
            "schema": "pystamps-hpc/reset-scla/1",
            "dataset": str(dataset.root),
            "dry_run": options.dry_run,
            "removed": [path.relative_to(dataset.root).as_posix() for path in found],
        }

    return team.on_root(act), 0


def _scla_files(folders: list[Path]) -> Iterator[Path]:
    """Yield what belongs to the task whose results an earlier one reads in its next pass."""
    fed_back = feedback_artifacts()
    makers = [row for row in tasks() if not set(fed_back).isdisjoint(row.owned)]
    for folder in folders:
        yield from (folder / f"{name}.mat" for row in makers for name in row.owned)
