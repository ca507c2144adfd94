"""View of ``slurm init``."""

from collections.abc import Iterator
from typing import Any

from ..shapes import CAREFUL, Shape, pairs, paragraph

Document = dict[str, Any]


def slurm(document: Document) -> Iterator[Shape]:
    """Show the job that was written, what it asks for, and how to submit it."""
    size, needs = document["size"], document["estimate"]
    values: Document = {"script": document["file"], "template": document["template"]}
    if size is not None and needs is not None:
        candidates = sum(size["candidates"])
        values |= {
            "dataset": f"{candidates:,} candidates in {size['patches']} patches, "
            f"{size['n_ifg']} interferograms",
            "job": f"{needs['nodes']} x {needs['ranks_per_node']} ranks of {needs['threads']} "
            f"threads, {needs['mib_per_cpu']:,} MiB a thread",
            "expected": document["expected"],
            "time limit": f"{needs['limit_minutes']:,} minutes",
        }
    yield pairs(values)
    for warning in document["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)
    yield paragraph()
    missing = not document["dataset"]
    first = f"write the dataset into DATASET= of {document['file']}, then " if missing else ""
    yield paragraph(f"Next: {first}{document['submit']}")
