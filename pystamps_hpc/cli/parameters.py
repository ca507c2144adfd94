"""The commands ``parms`` and ``reset-scla``."""

import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..config import RunConfig, load_config
from ..dataset import parameters
from ..dataset.lock import DatasetLock, new_owner
from ..dataset.parameter_table import TABLE, text_of
from ..dataset.parameters import Foreign, Parameters
from ..dataset.stamps_log import log_line
from ..dataset.tree import Dataset, discover_dataset, require_dataset
from ..errors import ConfigError, DatasetError
from ..parallel.team import Team
from ..pipeline.acceptance import require_value
from ..pipeline.choices import resolve_choices
from ..pipeline.finished import Finished, made_here
from ..pipeline.invalidation import drop_outdated_records
from ..pipeline.outlook import outlook, shortened
from ..pipeline.passes import made_with, mark_reset
from ..pipeline.table import feedback_artifacts, readers, tasks
from ..tools.consequences import after_change, said

Answer = tuple[dict[str, Any] | None, int]


def parms(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Show, set or reset parameters."""

    def act() -> dict[str, Any]:
        dataset, here = _place(options.dataset)
        patch = options.patch or here
        if options.action != "show" and options.patch and not options.local:
            raise ConfigError(
                f"parms --patch {options.patch} {options.action} needs --local; without --patch "
                "the value holds for all patches"
            )
        if here is not None:
            file = _load(dataset, here).file
            print(f"{here} is a patch of {dataset.root}; its parameters: {file}", file=sys.stderr)
        if options.action == "show":
            return _shown(_load(dataset, patch), options.name)
        config = load_config(options.config)
        with _locked(dataset, words):
            known = _load(dataset, patch)
            name = known.resolve(options.name)
            if options.action == "set":
                changed = known.set_value(name, _value(name, options.value), options.local)
                try:
                    require_value(dataset, changed, name)
                except DatasetError as error:  # of what was typed, not of what lies there
                    raise ConfigError(str(error)) from None
            else:
                changed = known.reset(name, options.local)
            parameters.save(changed)
            row = _described(changed, name)
            folder = changed.local_file.parent if options.local else changed.file.parent
            told = f"{name} {text_of(known.value(name))} -> {text_of(changed.value(name))}"
            notes = _logged(config, folder, options.action, told)
            return {name: {**row, "notes": [*after_change(dataset, config, name), *notes]}}

    return team.on_root(act), 0


def _place(folder: str) -> tuple[Dataset, str | None]:
    """Return the dataset of a directory and, if the directory is a patch, its name.

    Raises
    ------
    DatasetError
        It is neither.
    """
    here = Path(folder).resolve()
    dataset = discover_dataset(here, need_patches=False)
    if not dataset.patches:
        with suppress(DatasetError):
            above = discover_dataset(here.parent)
            if here.name in above.patches:
                return above, here.name
    require_dataset(dataset)
    return dataset, None


def _logged(config: RunConfig, folder: Path, action: str, text: str) -> list[str]:
    """Write what was done to ``STAMPS.log``; return why that was not possible."""
    if not config.output.stamps_log:
        return []
    try:
        log_line(folder, action, text)
    except OSError as error:
        return [f"{folder / 'STAMPS.log'}: {error.strerror}"]
    return []


def _load(dataset: Dataset, patch: str | None) -> Parameters:
    if patch is None:
        return parameters.load(dataset.root)
    if patch not in dataset.patches:
        raise DatasetError(f"{dataset.root} has no patch {patch}")
    return parameters.load(dataset.directory(patch), dataset.root)


def _shown(known: Parameters, name: str | None) -> dict[str, Any]:
    names = [each for each in sorted(known.names, key=str.lower) if each.startswith(name or "")]
    return {item: _described(known, item) for item in names or [known.resolve(name or "")]}


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
        "stages": [str(number) for number in readers(name)],
        "meaning": declared.meaning,
    }


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: as text what it has no form for."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return str(value)
    return str(value) if isinstance(value, Foreign) else value


def _value(name: str, words: list[str]) -> Any:
    """Turn the words of the command line into a parameter value; ``3:5`` in a list is 3 4 5."""
    text = " ".join(words).strip().strip("[]").replace(",", " ")
    listed = name in TABLE and TABLE[name].kind == "indices"
    if listed:
        text = re.sub(r"\b(\d{1,6}):(\d{1,6})\b", _range, text)
    try:
        numbers = tuple(float(word) for word in text.split())
    except ValueError:
        return " ".join(words)
    if listed and len(distinct := tuple(sorted(set(numbers)))) < len(numbers):
        print(f"note: {name}: indices named twice count once", file=sys.stderr)
        return distinct
    return numbers[0] if len(numbers) == 1 else numbers


def _range(found: re.Match[str]) -> str:
    first, last = map(int, found.groups())
    return " ".join(map(str, range(first, last + 1)))


@contextmanager
def _locked(dataset: Dataset, words: tuple[str, ...]) -> Iterator[None]:
    dataset.require_writable()
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-command"
    with DatasetLock(dataset.root, new_owner(run_id, words)):
        yield


def reset_scla(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Remove the SCLA estimates of the root and of the patches."""

    def act() -> dict[str, Any]:
        config = load_config(options.config)
        dataset = discover_dataset(options.dataset, need_patches=False)
        require_dataset(dataset)
        folders = [dataset.root]
        if not options.no_patches:
            folders += [dataset.directory(name) for name in dataset.patches]
        with nullcontext() if options.dry_run else _locked(dataset, words):
            found = [path for path in _scla_files(folders) if path.exists()]
            names = [path.relative_to(dataset.root).as_posix() for path in found]
            if not options.force:
                _refuse_foreign(dataset, found)
            outdated = made_with(dataset.root, names)
            notes: list[str] = []
            if not options.dry_run:
                for path in found:
                    path.unlink()
                mark_reset(dataset.root, outdated)
                drop_outdated_records(dataset, dataset.root)
                if found:
                    notes += _logged(config, dataset.root, "reset", f"removed {', '.join(names)}")
                known = parameters.load_all(dataset)
                finished = Finished(dataset, resolve_choices(config), known)
                notes += said(outlook(finished), dataset)
        return {
            "schema": "pystamps-hpc/reset-scla/1",
            "dataset": str(dataset.root),
            "dry_run": options.dry_run,
            "removed": names,
            "out_of_date": outdated,
            "notes": notes,
        }

    return team.on_root(act), 0


def _refuse_foreign(dataset: Dataset, found: list[Path]) -> None:
    """Refuse to remove estimates that were not made here."""
    root = dataset.root
    foreign = [
        path.relative_to(root).as_posix()
        for path in found
        if path.parent != root or not made_here(root, path.stem)
    ]
    if foreign:
        raise DatasetError(
            f"{dataset.root}: {shortened(foreign)}: not made by pystamps-hpc, and reset-scla would "
            "remove them: move them away to keep them, or insist with --force"
        )


def _scla_files(folders: list[Path]) -> Iterator[Path]:
    """Yield what belongs to the task whose results an earlier one reads in its next pass."""
    fed_back = feedback_artifacts()
    makers = [row for row in tasks() if not set(fed_back).isdisjoint(row.owned)]
    for folder in folders:
        yield from (folder / f"{name}.mat" for row in makers for name in row.owned)
