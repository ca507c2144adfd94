"""``describe-inputs``: what each stage reads, and whether what lies there fits together."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import ConfigError, DatasetError, Exit
from ...pipeline import LAST_STAGE
from ..command import HERE, Answer, Command, dataset_option, on_root
from ..shapes import BAD, CAREFUL, Shape, heading, marked, pairs, paragraph, table
from ..stack_view import stack_shapes

MOST_NAMES = 12


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--stage", metavar="N,M", help="stages, or all (all)")
    dataset_option(parser, help=f"dataset to check {HERE}", default=None)
    parser.add_argument("--patch", metavar="NAME", help="patch to check (all)")
    parser.add_argument("--master-date", metavar="YYYYMMDD",
                        help="date of the master, where names of a stack do not tell it"
                        )  # fmt: skip


@on_root
def run(options: Namespace) -> Answer:
    """Say what each stage reads, and check the candidate files, or the images before them."""
    from ...dataset.tree import dataset_here
    from ...tools.inputs import describe_inputs
    from ...tools.preparation.examination import is_unprepared

    here = Path.cwd()
    root = options.dataset or dataset_here() or (here if is_unprepared(here) else None)
    if root is None and options.stage is None:
        raise DatasetError(
            f"{here}: no dataset and no images of a processor; name the directory with --dataset "
            "DIR, or read with --stage all what stages take of any"
        )
    stages = _stages("all" if options.stage is None else options.stage)
    document = describe_inputs(stages, root, options.patch, options.master_date)
    found = document.get("stage1_dataset_check") or document.get("stack_check")
    if found is None or found["sound"]:
        return document, Exit.OK
    print("\n".join(found["problems"]), file=sys.stderr)
    return document, DatasetError.exit_code


def _stages(text: str) -> tuple[int, ...]:
    if text == "all":
        return tuple(range(1, LAST_STAGE + 1))
    numbers = text.split(",")
    known = tuple(map(str, range(1, LAST_STAGE + 1)))
    bad = [word for word in numbers if word.strip() not in known]
    if bad:
        raise ConfigError(f"unsupported stage: {', '.join(bad)}")
    return tuple(int(word) for word in numbers)


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show whether the files of the dataset fit together, else what each stage reads."""
    if (stack := document.get("stack_check")) is not None:
        yield from stack_shapes(stack)
        return
    if (check := document.get("stage1_dataset_check")) is not None:
        yield from _check(check)
        return
    for stage in document["stages"]:
        yield heading(f"Stage {stage['stage']} ({stage['scope']}): {stage['title']}")
        yield table(
            ("input", "shape", "needed", "meaning", "from"),
            (
                (row["array_name"], row["shape_hint"], row["required"], row["meaning"],
                 row["common_sources"])
                for row in stage["inputs"]
            ),
        )  # fmt: skip


def _check(check: dict[str, Any]) -> Iterator[Shape]:
    """Show what was checked, in full of the patch that is described, and what came out."""
    yield pairs({"dataset": check["dataset"], "patches checked": check["checked"]})
    yield heading(f"{check['patch']}{', as an example' * (check['checked'] > 1)}")
    yield table(("", "", ""), (tuple(row.values()) for row in check["overview"]))
    yield paragraph()
    yield table(
        ("check", "found", "expected", "", "why it matters"),
        (
            (row["check"], row["observed"], row["expected"],
             marked(row["status"], BAD) if row["status"] == "warning" else row["status"],
             row["why_it_matters"])
            for row in check["consistency"]
        ),
    )  # fmt: skip
    for warning in check["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)
    bad = check["unsound_patches"]
    patches = "one patch" if check["checked"] == 1 else f"all {check['checked']} patches"
    yield paragraph(
        f"{len(bad)} of {check['checked']} patches do not fit: {', '.join(bad[:MOST_NAMES])}"
        if bad else f"The candidate files of {patches} fit together.",
        style=BAD if bad else "",
    )  # fmt: skip


COMMAND = Command(
    "describe-inputs",
    "What each stage reads; a check of the candidate files of a dataset, or of its images.",
    run,
    view,
    add_options,
    examples=("pystamps-hpc describe-inputs --stage 1 --dataset DIR",),
)
