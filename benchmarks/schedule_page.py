"""The section of docs/scaling.md on the simulated schedule."""

import textwrap
from collections.abc import Sequence
from typing import Any

from benchmarks.replay import QUESTION_SEC
from benchmarks.scaling import markdown

WAITING = "waiting for the last patch"


def paragraph(text: str) -> str:
    """Return a text in lines of at most 100 characters."""
    return textwrap.fill(" ".join(text.split()), 100, break_on_hyphens=False)


def longest_part(rows: Sequence[dict[str, Any]], ranks: int) -> tuple[str, str, float]:
    """Return stage, part (``work``, ``files``, ``bytes``, ``alone``) and seconds of the longest."""
    found = []
    for row in rows:
        if row["ranks"] == ranks and row["stage"] != WAITING:
            parts = {name: row[name] for name in ("files", "bytes", "alone")}
            parts["work"] = row["seconds"] - sum(parts.values())
            found += [(seconds, row["stage"], name) for name, seconds in parts.items()]
    seconds, stage, part = max(found)
    return stage, part, seconds


def serial_share(rows: Sequence[dict[str, Any]], ranks: int) -> float:
    """Return the share of a run in which rank 0 works alone."""
    chosen = [row for row in rows if row["ranks"] == ranks]
    return sum(row["alone"] for row in chosen) / sum(row["seconds"] for row in chosen)


def section(document: dict[str, Any]) -> str:
    """Return the section in Markdown."""
    return "\n".join(
        [
            _head(document),
            _scenarios(document["scenarios"]),
            _stages(document),
            _choices(document),
            *([_real(document["real"])] if document["real"] else []),
        ]
    )


def _head(document: dict[str, Any]) -> str:
    stack, cluster, slow = document["stack"], document["cluster"], document["slow"]
    measured = document["measured"]
    prose = f"""Written by `make schedule` (seed {document["seed"]}): rates of
{measured["n_candidates"]:,} candidates x {measured["n_ifg"]} interferograms
as `make bench-large` has recorded them on {document["machine"]["cpu"]}, times the work of
{stack["candidates"] / 1e6:g} M candidates x
{stack["ifgs"]:g} interferograms in {stack["patches"]:,} patches. The order of the patches and who
gets the next are decided by the program's own queue; only time is modelled. Assumed:
{cluster["per_node"]} ranks to a node; a file system of {cluster["disk"] / 1e9:g} GB/s,
{cluster["stream"] / 1e9:g} GB/s for one rank, and {cluster["operations"]:,.0f} operations on files
per second (slow: {slow["disk"] / 1e9:g} GB/s, {slow["stream"] / 1e9:g} GB/s and
{slow["operations"]:,.0f}). The logarithms of the candidates of *different* patches have a deviation
of 0.3, those of *very different* ones of 1; the work in a patch differs by 20 % from what its size
says."""
    return f"## The schedule, simulated\n\n{paragraph(prose)}\n"


def _scenarios(rows: Sequence[dict[str, Any]]) -> str:
    cells = [
        [row["what"], f"{row['ranks']:,}", f"{row['seconds']:.0f}", f"{row['bound']:.0f}",
         f"{row['seconds'] / row['bound']:.2f}", f"{row['efficiency']:.2f}"]
        for row in rows
    ]  # fmt: skip
    head = ["patches", "ranks", "stages 1-5 [s]", "bound [s]", "times the bound", "efficiency"]
    return f"""### Stages 1 to 5

{markdown(head, cells)}

The bound is all work on all ranks, or the longest patch on a rank that is not slow, whichever is
more; efficiency is the share of the ranks' time that is work. Where the bound is that of one patch,
only smaller patches help. A rank that dies ends all of them; the rerun begins 2 minutes later
and does what was not published.
"""


def _stages(document: dict[str, Any]) -> str:
    rows = document["stages"]
    counts = sorted({row["ranks"] for row in rows})
    names = list(dict.fromkeys(row["stage"] for row in rows))
    of = {(row["stage"], row["ranks"]): row for row in rows}
    cells = []
    for name in names:
        line = [name]
        for ranks in counts:
            row = of[name, ranks]
            line += [f"{row['seconds']:.0f}", f"{row['efficiency']:.2f}"]
        last = of[name, counts[-1]]
        line += [f"{last[part]:.0f}" for part in ("files", "bytes", "alone")]
        cells.append(line)
    total = [sum(of[name, ranks]["seconds"] for name in names) for ranks in counts]
    cells.append(["all", *(cell for sec in total for cell in (f"{sec:.0f}", "")), "", "", ""])
    head = ["stage", *(cell for n in counts for cell in (f"{n:,} ranks [s]", "efficiency")),
            "files", "bytes", "rank 0 alone"]  # fmt: skip
    share = ", ".join(f"{100 * serial_share(rows, n):.0f} % on {n:,}" for n in counts)
    stage, part, seconds = longest_part(rows, counts[-1])
    idle = next(
        row["seconds"] for row in rows if (row["stage"], row["ranks"]) == (WAITING, counts[-1])
    )
    questions = max(row.get("questions", 0) for row in rows if row["ranks"] == counts[-1])
    prose = f"""The last three columns are seconds on {counts[-1]:,} ranks: opening and closing
files, reading and writing of all ranks, and what rank 0 does while the others wait: its functions
that all wait for, measured on two ranks and growing with the points (it orders points, compares
positions, triangulates), or the writing of what all ranks hold, whichever is longer. Every rank
writes its own rows into the place that the header of the file gives them.
Rank 0 alone takes {share} ranks. On {counts[-1]:,} ranks {idle:.0f} s are spent waiting for the
last patch, which smaller patches shorten; of the stages the longest part is {PARTS[part]} in stage
{stage}: {seconds:.0f} s. The queue is no bottleneck: its thread on rank 0
answers {questions:,} questions, two messages each, in {questions * QUESTION_SEC:.2f} s."""
    table = markdown(head, cells)
    return f"### Where the time goes\n\n{table}\n\n{paragraph(prose)}\n"


PARTS = {
    "work": "the work of all ranks",
    "files": "opening files",
    "bytes": "reading and writing of all ranks",
    "alone": "what rank 0 does alone",
}


def _choices(document: dict[str, Any]) -> str:
    rows = document["choices"]
    cells = [
        [f"{row['patches']:,}", f"{row['ranks']:,}", f"{row['patch_sec']:.0f}",
         f"{row['patch_gb']:.0f}", f"{row['merged_sec']:.0f}", f"{row['merged_gb']:.0f}",
         f"{row['by_node_sec']:.0f}", f"{row['by_node_gb']:.0f}"]
        for row in rows
    ]  # fmt: skip
    head = ["patches", "ranks", "1-5 [s]", "GB per node", "merged [s]", "GB per node",
            "merged, by node [s]", "GB per node"]  # fmt: skip
    return f"""### Ranks and patches

{markdown(head, cells)}

Different patches. *By node* are the merged stages with one rank to a node and a thread to a
core (`run --part merged` in a job of its own). Memory is what the program expects
([Memory of a rank](memory.md)) beside its pieces, an upper bound.

{paragraph(_advice(rows))}
"""


def _advice(rows: Sequence[dict[str, Any]]) -> str:
    """Say which of the rows to choose."""

    def seconds(row: dict[str, Any]) -> float:
        found: float = row["patch_sec"] + min(row["merged_sec"], row["by_node_sec"])
        return found

    best = min(rows, key=seconds)
    fewest = min(rows, key=lambda row: seconds(row) * row["ranks"])
    return (
        f"Choose patches so small that a rank gets several, here {best['patches']:,} on "
        f"{best['ranks']:,} ranks ({seconds(best):.0f} s in all): one that is late then costs "
        "little, and memory falls with it. "
        f"The fewest core hours take {fewest['patches']:,} patches on {fewest['ranks']:,} ranks "
        f"({seconds(fewest):.0f} s): the merged stages gain little from more. By node, merged "
        f"stages on {best['ranks']:,} ranks take {best['by_node_gb']:.0f} instead of "
        f"{best['merged_gb']:,.0f} GB per node, and {best['by_node_sec']:.0f} instead of "
        f"{best['merged_sec']:.0f} s."
    )


def _real(rows: Sequence[dict[str, Any]]) -> str:
    cells = [
        [row["what"], str(row["ranks"]), f"{row['simulated']:.2f}", f"{row['real']:.2f}",
         f"{row['real'] / row['simulated']:.3f}"]
        for row in rows
    ]  # fmt: skip
    return f"""### Beside real ranks

24 patches, whose work is to sleep for the modelled time, on ranks started by `mpirun` and handed
out by the program's queue, beside the same on simulated ranks.

{markdown(["patches", "ranks", "simulated [s]", "real [s]", "real / simulated"], cells)}
"""
