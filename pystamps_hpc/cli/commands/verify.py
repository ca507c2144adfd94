"""``verify``: a run against a golden tree key by key, or checked in itself."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from ...config import load_config
from ...config.sections import PROFILES
from ...errors import ConfigError, DatasetError, Exit
from ...pipeline import LAST_STAGE
from ..command import Answer, Command, dataset_option, on_root
from ..shapes import BAD, CAREFUL, GOOD, Shape, marked, paragraph, table, verdict

Document = dict[str, Any]

MOST_FAILURES = 20
MOST_NAMES = 5
SELECTIONS = ("select1", "weed1")
"""Artifacts that hold which points were kept."""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser, "--run", help="dataset to check (.)")
    parser.add_argument("--golden", metavar="DIR",
                        help="dataset to compare with (none: consistency alone)")  # fmt: skip
    parser.add_argument("--profile", choices=PROFILES,
                        help="strict: measured agreement with StaMPS (default); scientific: bounded"
                        " outliers, points matched by position")  # fmt: skip
    parser.add_argument("--from-stage", type=int, default=1, metavar="N", help="first stage (1)")
    parser.add_argument("--through-stage", type=int, default=LAST_STAGE, metavar="N",
                        help=f"last stage ({LAST_STAGE})")  # fmt: skip
    parser.add_argument("--final-products-only", action="store_true",
                        help="leave out intermediate artifacts and diagnostic keys")  # fmt: skip
    parser.add_argument("--isolated", action="store_true",
                        help="stages ran on golden inputs, nothing accumulated")  # fmt: skip
    parser.add_argument("--detail", action="store_true", help="list every key")


@on_root
def run(options: Namespace) -> Answer:
    """Compare a run with a golden tree, or check it in itself."""
    from ...pipeline.documents import json_ready
    from ...tools.verification.compare import (
        Policy,
        Window,
        conditions_of,
        recorded,
        unlike,
        velocity_agreement,
        verify_run_against_golden,
        verify_run_alone,
    )

    if options.from_stage > options.through_stage:
        raise ConfigError(
            f"--from-stage {options.from_stage} is after --through-stage {options.through_stage}"
        )
    config = load_config(options.config)
    window = Window(options.from_stage, options.through_stage, options.final_products_only)
    if options.golden is None:
        report = verify_run_alone(options.dataset, window)
        if not report.checked:
            raise DatasetError(f"{options.dataset}: holds no artifacts of these stages to verify")
    else:
        made = recorded(options.dataset, options.through_stage)
        conditions = conditions_of(config, made, options.isolated)
        policy = Policy(
            options.profile or config.tolerance.profile,  # type: ignore[arg-type]
            conditions,
            config.tolerance,
        )
        report = verify_run_against_golden(options.dataset, options.golden, policy, window)
        report.velocities = velocity_agreement(options.dataset, options.golden)
        differing = {PurePath(row["path"]).stem for row in report.failed}
        alike = differing.isdisjoint(SELECTIONS)
        report.unlike = unlike(options.dataset, options.golden, alike)
    return json_ready(report.to_json(options.detail)), Exit.OK if report.ok else Exit.FAILED


def view(document: Document) -> Iterator[Shape]:
    """Show the keys of each task, what differs and where, and what it means in mm/yr."""
    yield table(
        ("task", "keys", "identical" if document["golden"] else "exact", ""),
        (
            (row["task"], row["keys"], row["identical"],
             verdict(not row["failed"], no=f"{row['failed']} FAILED"))
            for row in document["tasks"]
        ),
    )  # fmt: skip
    if keys := document.get("keys"):
        yield paragraph()
        yield table(
            ("key", "max |r - g|", "tolerance", ""),
            ((f"{row['path']}:{row['key']}", row["max_abs"], row["tolerance"], verdict(row["ok"]))
             for row in keys),
        )  # fmt: skip
    yield paragraph()
    failed = sorted(document["failed"], key=_severity)
    for row in failed[:MOST_FAILURES]:
        apart = "FAILED in shape or class alone," if _severity(row) == 2 else "FAILED"
        yield paragraph(f"{apart} {row['path']}: {row['message']}", style=BAD)
    if len(failed) > MOST_FAILURES:
        yield paragraph(f"... and {len(failed) - MOST_FAILURES} more files: all with --json",
                        style=BAD)  # fmt: skip
    for row in document["overlap"]:
        yield paragraph(
            f"{row['directory']}: {row['common']} common {row['rows']} of {row['golden']} golden "
            f"and {row['run']} of the run"
        )
    what = f"{document['checked']} files, {document['keys_checked']} keys"
    if document["ok"]:
        yield marked(f"verified ({document['profile']}): {what}", GOOD)
    else:
        yield marked(f"not verified ({document['profile']}): {what}, {len(failed)} files failed",
                     BAD)  # fmt: skip
    if unequal := [f"{row['path']}:{row['key']}" for row in document["tolerated"]]:
        names = ", ".join(unequal[:MOST_NAMES]) + ", ..." * (len(unequal) > MOST_NAMES)
        to = f"identical to {document['golden']}" if document["golden"] else "exact"
        yield paragraph(f"Within the tolerance, not {to}: {len(unequal)} keys ({names}).")
    if document["rules"]:
        yield paragraph(f"Checked in itself: {'; '.join(document['rules'])}.")
    if document["velocities"]:
        yield paragraph(document["velocities"])
    for sentence in document["unlike"]:
        yield paragraph(sentence, style=CAREFUL)


def _severity(row: Document) -> int:
    """Order failures by severity: lost, then wrong, then only stored differently."""
    from ...tools.verification.compare.report import STORAGE

    kind = row["failure_kind"]
    return 2 if kind in STORAGE else 0 if kind.startswith(("missing", "unreadable")) else 1


COMMAND = Command(
    "verify",
    "Compare a run with a golden tree key by key, or check it in itself.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc verify --run DIR --golden GOLDEN",
        "pystamps-hpc verify --run DIR --golden GOLDEN --profile scientific --through-stage 5",
        "pystamps-hpc verify --run DIR",
    ),
    table_on_stderr=True,
)
