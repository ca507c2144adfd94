"""``reset-scla``: remove the SCLA estimates, so that the next stage 6 starts without feedback."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..command import Answer, Command, dataset_option, on_root
from ..locked import locked
from ..shapes import Shape, paragraph


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)
    parser.add_argument("--no-patches", action="store_true", help="the root only")
    parser.add_argument("--dry-run", action="store_true", help="list, remove nothing")


@on_root
def run(options: Namespace) -> Answer:
    """Remove the SCLA estimates of the root and of the patches."""
    from ...dataset.tree import discover_dataset

    dataset = discover_dataset(options.dataset, need_patches=False)
    folders = [dataset.root]
    if not options.no_patches:
        folders += [dataset.directory(name) for name in dataset.patches]
    if options.dry_run:
        found = _present(folders)
    else:
        with locked(dataset, options):
            found = _present(folders)
            for path in found:
                path.unlink()
    document = {
        "schema": "pystamps-hpc/reset-scla/1",
        "dataset": str(dataset.root),
        "dry_run": options.dry_run,
        "removed": [path.relative_to(dataset.root).as_posix() for path in found],
    }
    return document, 0


def _present(folders: list[Path]) -> list[Path]:
    """Find what belongs to the task whose results an earlier one reads in its next pass."""
    from ...pipeline.table import feedback_artifacts, tasks

    fed_back = feedback_artifacts()
    makers = [row for row in tasks() if not set(fed_back).isdisjoint(row.owned)]
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
    yield paragraph("The next stage 6 starts without feedback: run it with --start-step 6 --force.")


COMMAND = Command(
    "reset-scla",
    "Remove the SCLA estimates, so that the next stage 6 starts without feedback.",
    run,
    view,
    add_options,
)
