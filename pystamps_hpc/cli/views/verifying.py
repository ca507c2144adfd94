"""Views of ``verify`` and ``audit``."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from ..shapes import BAD, CAREFUL, GOOD, Shape, heading, marked, paragraph, table, verdict

Document = dict[str, Any]

MOST_FAILURES = 20


def verify(document: Document) -> Iterator[Shape]:
    """Show the keys of each task, what differs and where, and what it means in mm/yr."""
    yield table(
        ("task", "keys", "identical", ""),
        (
            (row["task"], row["keys"], row["identical"],
             verdict(not row["failed"], no=f"{row['failed']} FAILED"))
            for row in document["tasks"]
        ),
    )  # fmt: skip
    yield paragraph()
    failed = document["failed"]
    for row in failed[:MOST_FAILURES]:
        yield paragraph(f"FAILED {row['path']}: {row['message']}", style=BAD)
    if len(failed) > MOST_FAILURES:
        yield paragraph(f"... and {len(failed) - MOST_FAILURES} more files", style=BAD)
    for row in document["overlap"]:
        yield paragraph(
            f"{row['directory']}: {row['common']} common {row['rows']} of {row['golden']} golden "
            f"and {row['run']} of the run"
        )
    what = f"{document['checked']} files, {document['keys_checked']} keys"
    if document["ok"]:
        yield marked(f"verified ({document['profile']}): {what}, "
                     f"{len(document['tolerated'])} not identical", GOOD)  # fmt: skip
    else:
        yield marked(f"not verified ({document['profile']}): {what}, {len(failed)} files failed",
                     BAD)  # fmt: skip
    if document["velocities"]:
        yield paragraph(document["velocities"])
    for sentence in document["unlike"]:
        yield paragraph(sentence, style=CAREFUL)


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
        for failure in (row["verify"] or {}).get("failed", ())[:MOST_FAILURES]:
            yield paragraph(f"FAILED {row['target']} at {failure['path']}: {failure['message']}",
                            style=BAD)  # fmt: skip
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
