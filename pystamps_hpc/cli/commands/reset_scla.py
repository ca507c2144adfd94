"""``reset-scla``: remove the SCLA estimates, so that the next stage 6 starts without feedback."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...config import RunConfig, configured_by, load_config
from ...errors import DatasetError, Exit
from ..command import Answer, Command, dataset_option, on_root
from ..shapes import Shape, paragraph

if TYPE_CHECKING:
    from ...dataset.tree import Dataset
    from ...stages.base import Mode


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)
    parser.add_argument("--no-patches", action="store_true", help="the root only")
    parser.add_argument("--force", action="store_true",
                        help="remove those of other programs too")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="list, remove nothing")


@on_root
def run(options: Namespace) -> Answer:
    """Remove the SCLA estimates of the root and of the patches."""
    from ...dataset import parameters
    from ...dataset.tree import discover_dataset, require_dataset
    from ...pipeline.passes import made_with
    from ...pipeline.table import mode_of
    from ...tools.locking import locked

    config = load_config(options.config)
    dataset = discover_dataset(options.dataset, need_patches=False)
    require_dataset(dataset)
    folders = [dataset.root]
    if not options.no_patches:
        folders += [dataset.directory(name) for name in dataset.patches]
    with nullcontext() if options.dry_run else locked(dataset, options.arguments):
        mode = mode_of(parameters.load(dataset.root))
        found = _present(folders, mode)
        names = [path.relative_to(dataset.root).as_posix() for path in found]
        if not options.force:
            _refuse_foreign(dataset, found, mode)
        outdated = made_with(dataset.root, names, mode)
        file = configured_by(options.config)
        notes = [] if options.dry_run else _remove(dataset, config, file, names, outdated)
    document = {
        "schema": "pystamps-hpc/reset-scla/1",
        "dataset": str(dataset.root),
        "dry_run": options.dry_run,
        "removed": names,
        "out_of_date": outdated,
        "notes": notes,
    }
    return document, Exit.OK


def _refuse_foreign(dataset: "Dataset", found: list[Path], mode: "Mode") -> None:
    """Refuse to remove estimates that were not made here."""
    from ...pipeline.finished import made_here
    from ...pipeline.outlook import shortened

    root = dataset.root
    foreign = [
        path.relative_to(root).as_posix()
        for path in found
        if path.parent != root or not made_here(root, path.stem, mode)
    ]
    if foreign:
        raise DatasetError(
            f"{root}: {shortened(foreign)}: not made by pystamps-hpc, and reset-scla would "
            "remove them: move them away to keep them, or insist with --force"
        )


def _remove(
    dataset: "Dataset", config: RunConfig, config_file: str, names: list[str], outdated: list[int]
) -> list[str]:
    """Put what was made with estimates out of date, remove them, and say what follows."""
    from ...dataset import parameters
    from ...pipeline.choices import resolve_choices
    from ...pipeline.finished import Finished
    from ...pipeline.invalidation import drop_outdated_records
    from ...pipeline.outlook import outlook
    from ...pipeline.passes import mark_reset
    from ...tools.consequences import next_run
    from ...tools.locking import logged

    finished = Finished(dataset, resolve_choices(config), parameters.load_all(dataset))
    mark_reset(dataset.root, outdated)
    for name in names:
        (dataset.root / name).unlink()
    drop_outdated_records(dataset, dataset.root, finished.mode)
    notes = logged(config, dataset.root, "reset", f"removed {', '.join(names)}") if names else []
    return [*notes, *next_run(outlook(finished), dataset, config_file)]


def _present(folders: list[Path], mode: "Mode") -> list[Path]:
    """Find what belongs to the task whose results an earlier one reads in its next pass."""
    from ...pipeline.table import feedback_artifacts, tasks

    fed_back = feedback_artifacts(mode)
    makers = [row for row in tasks(mode) if not set(fed_back).isdisjoint(row.owned)]
    paths = (folder / f"{name}.mat" for folder in folders for row in makers for name in row.owned)
    return [path for path in paths if path.exists()]


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show which estimates were removed."""
    removed = document["removed"]
    verb = "Would remove" if document["dry_run"] else "Removed"
    if not removed:
        yield paragraph("There are no SCLA estimates; the next stage 6 starts without feedback.")
        return
    yield paragraph(f"{verb} {', '.join(removed)}.")
    if document["out_of_date"]:
        yield paragraph(
            "Stage 6 was unwrapped with the look-angle error of a pass before and is out of date."
        )
    else:
        yield paragraph("The next stage 6 starts without feedback.")
    for note in document["notes"]:
        yield paragraph(note)


COMMAND = Command(
    "reset-scla",
    "Remove the SCLA estimates, so that the next stage 6 starts without feedback.",
    run,
    view,
    add_options,
)
