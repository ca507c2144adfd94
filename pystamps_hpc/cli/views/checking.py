"""Views of ``coverage``, ``gate``, ``warmup``, ``doctor`` and ``list-legacy``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...tools.legacy import COUNTERPARTS
from ..shapes import BAD, CAREFUL, FAINT, GOOD, Shape, marked, pairs, paragraph, table, verdict

Document = dict[str, Any]


def coverage(document: Document) -> Iterator[Shape]:
    """Show which stages run natively, and which are certified."""
    yield table(
        ("stage", "scope", "native", "MPI", "certified", "what stands in the way"),
        (
            (row["stage"], row["scope"], verdict(row["native_executable"], "yes", "no"),
             row["mpi_parallel"], verdict(row["parity_certified"], "yes", "no"),
             "; ".join(row["blockers"]))
            for row in document["scopes"]
        ),
    )  # fmt: skip
    sums = document["summary"]
    yield paragraph()
    yield paragraph(
        f"Of {sums['scopes']} stages {sums['native_executable']} run natively by themselves and "
        f"{sums['parity_certified']} are certified to equal StaMPS."
    )


def gate(document: Document) -> Iterator[Shape]:
    """Show the steps of a passage."""
    yield table(
        ("step", "seconds", "", ""),
        (
            (row["name"], row["sec"], verdict(row["ok"]), row.get("message", ""))
            for row in document["steps"]
        ),
    )
    yield paragraph()
    yield marked(f"gate {'passed' if document['ok'] else 'FAILED'}: {document['run']}",
                 GOOD if document["ok"] else BAD)  # fmt: skip


def warmup(document: Document) -> Iterator[Shape]:
    """Show how long each kernel took to compile."""
    yield table(
        ("kernel", "double [s]", "single [s]"),
        (
            (name, found.get("double"), found.get("single"))
            for name, found in document["kernels"].items()
        ),
    )
    for name, reason in document["not_compiled"].items():
        yield paragraph(f"not compiled: {name}: {reason}", style=FAINT)
    for problem in document["problems"]:
        yield paragraph(f"FAILED: {problem}", style=BAD)
    yield paragraph(f"{len(document['kernels'])} kernels in {document['total_sec']:.1f} s")


def doctor(document: Document) -> Iterator[Shape]:
    """Show the ranks, then every problem with its remedy, the ones that stop a run first."""
    mpi = document["mpi"]
    yield table(
        ("rank", "host", "CPUs", "threads", "devices"),
        (
            (row["rank"], row["host"], row["visible_cpus"], row["budget"], len(row["devices"]))
            for row in document["ranks"]
        ),
    )
    if document.get("tools"):
        yield paragraph()
        yield pairs({name: _plain(value) for name, value in document["tools"].items()})
    if dataset := document.get("dataset"):
        free = dataset["free_mib"]
        yield paragraph()
        yield pairs(
            {
                "dataset": dataset["root"],
                "patches": dataset["patches"],
                "file system": dataset["file_system"],
                "free space": None if free is None else f"{free:,} MiB",
            }
        )
    yield paragraph()
    for row in document["problems"]:
        stops = row["stops_run"]
        yield paragraph(f"{'STOPS RUN' if stops else 'note'}: {row['problem']}",
                        style=BAD if stops else CAREFUL)  # fmt: skip
        yield paragraph(f"    -> {row['remedy']}")
    stopping = sum(row["stops_run"] for row in document["problems"])
    counts = {"problem": stopping, "note": len(document["problems"]) - stopping}
    found = [f"{n or 'no'} {word}{'s' * (n != 1)}" for word, n in counts.items()]
    ranks = f"{mpi['size']} ranks" if mpi["enabled"] else "MPI not started (one process)"
    yield paragraph(f"{ranks}; {', '.join(found)}")


def _plain(value: Any) -> Any:
    """Write the state of a tool in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items() if item)
    return value


def legacy(document: list[str]) -> Iterator[Shape]:
    """Show the programs of a StaMPS installation and what does their work here."""
    names = [Path(path).name for path in document]
    yield table(("program", "here"), ((name, COUNTERPARTS.get(name.lower())) for name in names))
