"""Views of ``verify`` and ``audit``."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from ...tools.verify.report import STORAGE
from ..shapes import BAD, CAREFUL, GOOD, Shape, heading, marked, paragraph, table, verdict

Document = dict[str, Any]

MOST_FAILURES = 20
MOST_NAMES = 5


def verify(document: Document) -> Iterator[Shape]:
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
    failed = sorted(document["failed"], key=_harm)
    for row in failed[:MOST_FAILURES]:
        apart = "FAILED in shape or class alone," if _harm(row) == 2 else "FAILED"
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


def _harm(row: Document) -> int:
    """Order failures by harm: lost, then wrong, then values that are only stored differently."""
    kind = row["failure_kind"]
    return 2 if kind in STORAGE else 0 if kind.startswith(("missing", "unreadable")) else 1


def audit(document: Document) -> Iterator[Shape]:
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
    if worst := _worst(audits):
        yield heading("Largest differences of keys that pass")
        yield table(("key", "max |r - g|", "tolerance", "in"), worst)
    yield paragraph()
    yield verdict(document["ok"], "audit ok", "audit FAILED")


def _worst(audits: list[Document]) -> list[tuple[str, float, str, str]]:
    """Return the largest difference of every key that is not identical."""
    found: dict[str, tuple[str, float, str, str]] = {}
    for row in audits:
        for each in (row["verify"] or {}).get("tolerated", ()):
            name = f"{PurePath(each['path']).stem}.{each['key']}"
            if name not in found or (each["max_abs"] or 0) > found[name][1]:
                found[name] = (name, each["max_abs"] or 0, each["tolerance"], row["target"])
    return list(found.values())
