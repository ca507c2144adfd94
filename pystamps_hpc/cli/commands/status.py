"""``status``: how far a dataset is, what is missing or out of date."""

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from shlex import quote
from typing import Any

from ...config import configured_by, load_config
from ...errors import Exit
from ..command import Answer, Command, dataset_option, on_root
from ..shapes import CAREFUL, Shape, heading, marked, pairs, paragraph, table

Document = dict[str, Any]

MOST_PATCHES = 16
MOST_ROWS = 12


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)
    parser.add_argument("--detail", action="store_true", help="points and file sizes per stage")


@on_root
def run(options: Namespace) -> Answer:
    """Say how far a dataset is."""
    from ...tools.status import collect_status

    config, file = load_config(options.config), configured_by(options.config)
    return collect_status(options.dataset, config, options.detail, file), Exit.OK


def view(document: Document) -> Iterator[Shape]:
    """Show how far a dataset is, and what to do next."""
    last, sources = document["last_run"], document["combined_of"] or {}
    yield pairs(
        {
            "dataset": document["dataset"],
            "combined of": " and ".join(row["root"] for row in sources.values()) or None,
            "merged": _through(document["merged_stage"]),
            "unwrapping": "pass with feedback" if document["with_feedback"] else None,
            "last run": f"{last['run_id']}, exit code {last['exit_code']}" if last else None,
            "in use by": _owner(document["locked_by"]),
        }
    )
    if document["patches"]:
        yield heading("Patches")
        yield _patches(document)
    if document.get("funnel"):
        yield heading("Points")
        yield points(document["funnel"], document["points"])
        if document["cell_m"]:
            yield paragraph(cells(document["cell_m"]))
    if document["gaps"]:
        yield heading("Missing")
        yield table(
            ("where", "stage", "files"),
            ((row["target"], row["stage"], row["missing"]) for row in document["gaps"]),
        )
    if document["stale"]:
        yield heading("Out of date")
        yield from stale(document["stale"])
    for row in sources.values():
        if row["changed"]:
            yield paragraph()
            yield paragraph(
                f"{', '.join(row['changed'])} in {row['root']} changed after the two were "
                "combined: pystamps-hpc merge combines them again, into another folder",
                style=CAREFUL,
            )
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


def cells(size: float) -> str:
    """Say what the merged points of a resampled merge are."""
    return (
        f"The merged points are cells of {size:g} m (merge_resample_size), each the mean of the "
        "weeded points in it."
    )


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
    command = f"pystamps-hpc run --dataset {quote(where)}{ahead['options']}"
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
    return f"All stages are complete.{have} What is missing of the products is made by: {command}"


COMMAND = Command(
    "status",
    "How far a dataset is, what is missing or out of date.",
    run,
    view,
    add_options,
    examples=("pystamps-hpc status --dataset DIR",),
    plans=True,
)
