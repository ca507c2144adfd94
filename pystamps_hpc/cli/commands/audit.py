"""``audit``: the audited workflows on fresh copies of golden data, every key verified."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import Exit
from ...tools.verification.parity_page import largest_differences
from ..command import Answer, Command, on_root, progress_printer
from ..shapes import BAD, CAREFUL, Shape, heading, paragraph, table, verdict

Document = dict[str, Any]

MOST_FAILURES = 20


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--targets", nargs="+", metavar="ID", help="only these targets")
    parser.add_argument("--manifest", metavar="FILE", help="another manifest than the package's")
    parser.add_argument("--work", metavar="DIR", default="build/audit",
                        help="where run copies go (build/audit)")  # fmt: skip
    parser.add_argument("--output", metavar="FILE", help="report (WORK/latest.json)")
    parser.add_argument("--keep-run-copies", action="store_true", help="do not remove run copies")
    parser.add_argument("--record", action="store_true",
                        help="keep the report as evidence of parity")  # fmt: skip


@on_root
def run(options: Namespace) -> Answer:
    """Run the targets of the manifest on fresh copies and verify them."""
    from ...dataset.publish import write_text
    from ...pipeline.documents import json_ready, json_text
    from ...tools.verification.audit import audit_targets
    from ...tools.verification.evidence import record_evidence
    from ...tools.verification.manifest import load_manifest

    manifest = load_manifest(options.manifest)
    work = Path(options.work)
    report = audit_targets(
        manifest,
        work,
        ids=options.targets,
        keep=options.keep_run_copies,
        tell=progress_printer(options),
    )
    document = json_ready(report.to_json())
    write_text(Path(options.output or work / "latest.json"), json_text(document))
    if options.record:
        print(f"recorded {record_evidence(document)}", file=sys.stderr)
    return document, Exit.OK if report.ok else Exit.FAILED


def view(document: Document) -> Iterator[Shape]:
    """Show every target, and the keys that are not identical."""
    audits = document["audits"]
    yield table(
        ("target", "backend", "ranks", "keys", "identical", "seconds", ""),
        (
            (row["target"], row["run"].get("backend"), row["run"].get("ranks"),
             sum(scope["keys"] for scope in row["scopes"]),
             sum(scope["identical"] for scope in row["scopes"]),
             row["run"].get("wall_sec"), verdict(row["ok"]))
            for row in audits
        ),
    )  # fmt: skip
    for row in audits:
        if row["problem"]:
            yield paragraph(f"FAILED {row['target']}: {row['problem']}", style=BAD)
        failed = (row["verify"] or {}).get("failed", ())
        for failure in failed[:MOST_FAILURES]:
            yield paragraph(f"FAILED {row['target']} at {failure['path']}: {failure['message']}",
                            style=BAD)  # fmt: skip
        if len(failed) > MOST_FAILURES:
            yield paragraph(f"... and {len(failed) - MOST_FAILURES} more files of {row['target']}: "
                            "all in the report (--output)", style=BAD)  # fmt: skip
    for row in document["missing"]:
        yield paragraph(f"missing: {row['target']}", style=CAREFUL)
    if worst := largest_differences(audits):
        yield heading("Largest differences of keys that pass")
        yield table(("key", "max |r - g|", "tolerance", "in"),
                    ((key, *found) for key, found in worst.items()))  # fmt: skip
    yield paragraph()
    yield verdict(document["ok"], "audit ok", "audit FAILED")


COMMAND = Command(
    "audit",
    "Run the audited workflows on fresh copies of golden data and verify every key.",
    run,
    view,
    add_options,
    examples=(
        "PYSTAMPS_HPC_DATA_ROOT=GOLDEN_SETS pystamps-hpc audit",
        "pystamps-hpc audit --targets mini",
    ),
    group="for developers",
    table_on_stderr=True,
)
