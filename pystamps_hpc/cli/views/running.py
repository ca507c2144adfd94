"""View of ``run`` and ``stage``: what happened, what was found, where the map is, what is next."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ...pipeline.outlook import named, shortened
from ..shapes import BAD, CAREFUL, STRONG, Shape, heading, marked, paragraph, table
from .describing import points

Document = dict[str, Any]

REASONS = {
    "incoherent": "not coherent enough",
    "adjacent": "beside a better one",
    "zero_height": "at height zero",
    "same_position": "at the position of another",
    "noisy": "too noisy",
    "in_overlaps": "counted by the neighbouring patch",
}
MOST_NAMES = 8
LEAST_SHARE = 0.01
OUTSTANDING = 1.5
"""An interferogram this many times as noisy as the median is worth a look."""


def run(document: Document) -> Iterator[Shape]:
    """Show the plan of a dry run, else what became of the run."""
    rows = document["results"]
    if document["dry_run"]:
        yield from _plan(rows)
        if would_make := document["would_make"]:
            yield paragraph(f"Would make {', '.join(would_make)}.")
    worked = {row["stage"] for row in rows if row["status"] == "completed"}
    if worked & {5, 8}:
        yield heading("Points")
        yield points(document["funnel"], document["findings"]["points"])
        yield paragraph()
    for name, reason in document["not_made"].items():
        yield paragraph(f"FAILED {name}: {reason}; the results themselves stand", style=BAD)
    for warning in document["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)
    if document["interrupted"]:
        signal = next(row["signal"] for row in rows if row["signal"])
        yield paragraph(
            f"stopped by {signal} in good order; the same command, without --force, "
            "goes on from here"
        )
    if worked & {5, 6, 8}:
        yield paragraph(*summary(document))
    for path in document["products"].values():
        yield marked(path, STRONG)
    if 8 in worked and document["ok"]:
        yield paragraph(*_next(document))
    yield from _last_word(document)


stage = run


def _last_word(document: Document) -> Iterator[Shape]:
    """Say last what a batch job must not overlook: results that were kept, and why nothing ran."""
    idle = {row["status"] for row in document["results"]} == {"skipped_existing"}
    if elsewhere := document["made_elsewhere"]:
        yield paragraph(_made_elsewhere(elsewhere, document))
    if document["stale"]:
        yield paragraph(_out_of_date(document["stale"]), style=CAREFUL)
    elif idle and document["ok"] and document["made"]:
        yield paragraph(
            f"made {', '.join(document['made'])}; all selected stages were complete (use "
            "--force to recompute)"
        )
    elif idle and document["ok"] and not document["would_make"]:
        yield paragraph(
            "nothing to do: all selected stages are complete (use --force to recompute)"
        )


def summary(document: Document) -> Iterator[str]:
    """Yield the sentences of what was kept, what was dropped and why, and how it unwrapped."""
    found = document["findings"]
    yield from _points(found, len(document["funnel"]))
    if gone := document["dropped_patches"]:
        names = ", ".join(gone[:MOST_NAMES]) + ", ..." * (len(gone) > MOST_NAMES)
        yield f"Without PS and left out: {names}."
    if left_out := found["drop_ifg_index"]:
        numbers = ", ".join(f"{number:g}" for number in left_out)
        yield f"Left out by drop_ifg_index: interferograms {numbers}."
    unwrapping = found["unwrapping"]
    if unwrapping["interferograms"] and unwrapping["residues"] is not None:
        yield (
            f"Unwrapping {unwrapping['interferograms']} interferograms met "
            f"{unwrapping['residues']:,} residues; the cost of the solution is "
            f"{unwrapping['cost']:.4g}."
        )
    if unwrapping["with_feedback"]:
        yield "It was a pass with feedback: the look-angle error of the pass before was taken off."
    if (share := unwrapping["arcs_without_statistics"]) and share >= LEAST_SHARE:
        yield f"{share:.0%} of the arcs had no statistics."
    if noise := found["noise"]:
        worst = noise["noisiest"][0]
        yield (
            f"The noise of the interferograms is {noise['median_deg']:.0f} deg in the median, the "
            f"largest {worst['deg']:.0f} deg on {worst['date']}."
        )
    if (velocity := found["velocity"]) is not None:
        low, middle, high = velocity
        yield (
            f"98 % of the velocities lie between {low:.1f} and {high:.1f} mm/yr, the median is "
            f"{middle:.1f}."
        )


def _points(found: Document, n_patches: int) -> Iterator[str]:
    counts = found["points"]
    left = next((counts[name] for name in ("merged", "weeded", "selected")
                 if counts[name] is not None), None)  # fmt: skip
    if left is None or counts["candidates"] is None:
        return
    patches = f"{n_patches:,} patches" if n_patches != 1 else "one patch"
    yield f"Of {counts['candidates']:,} candidates in {patches} {left:,} points are left."
    if found["dropped"]:
        reasons = (f"{count:,} {REASONS[name]}" for name, count in found["dropped"].items())
        yield f"Dropped: {', '.join(reasons)}."


def _next(document: Document) -> Iterator[str]:
    """Say what to look at after a finished run."""
    noise = document["findings"]["noise"]
    where = document["dataset"]
    if noise and noise["noisiest"][0]["deg"] > OUTSTANDING * noise["median_deg"]:
        yield (
            f"Next: look at the interferogram of {noise['noisiest'][0]['date']}, which is far "
            "noisier than the others; drop_ifg_index can leave it out."
        )
    else:
        yield "Next: look at the map."
    if not document["findings"]["unwrapping"]["with_feedback"]:
        yield (
            "To unwrap again with the look-angle error taken off first (pass with feedback): "
            f"pystamps-hpc{_config(document)} run --dataset {where} --start-step 6 --force"
        )


def _config(document: Document) -> str:
    """Return the option by which the command named its configuration file."""
    for word, after in pairwise([w for text in document["command"] for w in text.split("=", 1)]):
        if word == "--config":
            return f" --config {after}"
    return ""


def _plan(rows: list[Document]) -> Iterator[Shape]:
    """Say what a run would do: how many targets of each stage would run or stay, and what goes."""
    counts = Counter((row["stage"], row["scope"], row["status"], row["details"]) for row in rows)
    yield table(
        ("stage", "scope", "tasks", "plan", ""),
        (
            (stage, scope, count, status.replace("_", " "), details)
            for (stage, scope, status, details), count in counts.items()
        ),
    )
    if removed := _removed(rows):
        yield paragraph()
        yield table(
            ("stage", "scope", "removes"),
            ((*stage, shortened(names)) for stage, names in removed.items()),
        )
        yield paragraph()


def _removed(rows: list[Document]) -> dict[tuple[int, str], list[str]]:
    """Return what each stage removes; a file that several would remove goes with the first."""
    removed: dict[tuple[int, str], list[str]] = {}
    seen: set[str] = set()
    for row in rows:
        new = [name for name in row["invalidates"] if name not in seen]
        if row["status"] == "planned" and new:
            removed.setdefault((row["stage"], row["scope"]), []).extend(new)
            seen.update(new)
    return removed


def _made_elsewhere(stages: list[int], document: Document) -> str:
    """Say which finished stages are another program's, and how they are made again."""
    return (
        f"Made by another program: {named(stages)}; whether with today's parameters is not known. "
        f"They are made again by: pystamps-hpc{_config(document)} run --dataset "
        f"{document['dataset']} --start-step {stages[0]} --force"
    )


def _out_of_date(stale: list[Document]) -> str:
    """Say which finished results were kept although they are out of date."""
    first = stale[0]
    more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
    return (
        f"out of date and kept: {first['path']}{more} ({first['reason']}), and with it "
        f"{first['again']}; "
        f"redo with --start-step {first['stage']} --stale rerun"
    )
