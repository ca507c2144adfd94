"""Views of ``status``, ``describe-inputs`` and ``describe-backends``."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..shapes import BAD, CAREFUL, Shape, heading, marked, pairs, paragraph, table, verdict

Document = dict[str, Any]

MOST_PATCHES = 16
MOST_ROWS = 12


def status(document: Document) -> Iterator[Shape]:
    """Show how far a dataset is, and what to do next."""
    last = document["last_run"]
    yield pairs(
        {
            "dataset": document["dataset"],
            "merged": _through(document["merged_stage"]),
            "unwrapping": "pass with feedback" if document["with_feedback"] else None,
            "last run": f"{last['run_id']}, exit code {last['exit_code']}" if last else None,
            "in use by": _owner(document["locked_by"]),
        }
    )
    yield heading("Patches")
    yield _patches(document)
    if document.get("funnel"):
        yield heading("Points")
        yield points(document["funnel"], document["points"])
    if document["gaps"]:
        yield heading("Missing")
        yield table(
            ("where", "stage", "files"),
            ((row["target"], row["stage"], row["missing"]) for row in document["gaps"]),
        )
    if document["stale"]:
        yield heading("Out of date")
        yield from stale(document["stale"])
    if document.get("files"):
        yield heading("Files")
        yield table(("file", "bytes"), document["files"].items())
    yield paragraph()
    if document["due"]:
        yield paragraph(
            f"Of a forced run that was stopped {document['due']} tasks are left to be done again."
        )
    yield paragraph(_next(document))


def stale(rows: list[Document]) -> Iterator[Shape]:
    """Show the first results that are out of date, and why."""
    yield table(
        ("result", "why", "made again with it"),
        ((row["path"], row["reason"], row["again"]) for row in rows[:MOST_ROWS]),
    )
    if len(rows) > MOST_ROWS:
        yield paragraph(f"... and {len(rows) - MOST_ROWS:,} more")


def points(funnel: list[Document], sums: Document) -> Shape:
    """Show how many points each patch had after each selection; of many patches only the sums."""
    columns = ("candidates", "selected", "weeded", "merged")
    rows = [(row["patch"], *(row.get(name) for name in columns)) for row in funnel]
    shown = rows if len(rows) <= MOST_PATCHES else []
    total = [(f"{len(rows):,} patches", *(sums[name] for name in columns))] if len(rows) > 1 else []
    return table(("patch", *columns), [*shown, *total])


def _patches(document: Document) -> Shape:
    gone = {row["patch"]: row["stage"] for row in document["no_ps"]}
    rows = [
        (row["patch"], marked(f"no PS left after stage {gone[row['patch']]}", CAREFUL)
         if row["patch"] in gone else _through(row["stage"]))
        for row in document["patches"]
    ]  # fmt: skip
    if len(rows) <= MOST_PATCHES:
        return table(("patch", "finished"), rows)
    counts = Counter(str(state) for _, state in rows)
    return table(("patches", "finished"), ((n, state) for state, n in sorted(counts.items())))


def _through(stage: int) -> str:
    return f"through stage {stage}" if stage else "nothing yet"


def _owner(owner: Document | None) -> Shape | None:
    if owner is None:
        return None
    return marked(
        f"run {owner.get('run_id')} of {owner.get('user')} on {owner.get('host')} "
        f"(pid {owner.get('pid')})",
        CAREFUL,
    )


def _next(document: Document) -> str:
    where = document["dataset"]
    if document["locked_by"]:
        return "A run works on this dataset; look again when it has ended."
    ahead = document["next"]
    command = f"pystamps-hpc run --dataset {where}{ahead['options']}"
    if ahead["refused"]:
        return f"A run would be refused: {ahead['refused']}"
    if ahead["stages"]:
        return f"Next: {command} (makes {ahead['text']})"
    if document["stale"]:
        return f"Nothing of that is made again by: {command}"
    shown = [name for name in document["products"] if name.endswith((".png", ".csv"))]
    if len(shown) == 2:  # the map and the table
        return f"All stages are complete. The map and the table are in {where}/products."
    have = f" There is {where}/{shown[0]}." if shown else ""
    return f"All stages are complete.{have} What is missing of map and table is made by: {command}"


def inputs(document: Document) -> Iterator[Shape]:
    """Show whether the candidate files of the dataset fit together, else what each stage reads."""
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


def _check(check: Document) -> Iterator[Shape]:
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
        f"{len(bad)} of {check['checked']} patches do not fit: {', '.join(bad[:MOST_ROWS])}"
        if bad else f"The candidate files of {patches} fit together.",
        style=BAD if bad else "",
    )  # fmt: skip


def backends(document: Document) -> Iterator[Shape]:
    """Show which backends and programs are here, and which kernels they run."""
    yield table(
        ("backend", "here", "what it is"),
        (
            (name, verdict(row["available"], "yes", "no"),
             row["description"] + f" ({row['unavailable_reason']})" * (not row["available"]))
            for name, row in document["providers"].items()
        ),
    )  # fmt: skip
    yield heading("Programs")
    yield pairs({name: path or "not found" for name, path in document["external_tools"].items()})
    yield heading("Kernels")
    yield table(
        ("kernel", "arithmetic", "runs here on"),
        (
            (name, row["forms"], row["available_backends"])
            for name, row in document["kernels"].items()
        ),
    )
