"""``suggest``: what is worth changing after what has run."""

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from ...config import configured_by, load_config
from ..command import Answer, Command, dataset_option, on_root
from ..shapes import Shape, heading, paragraph
from .status import stale


@on_root
def run(options: Namespace) -> Answer:
    """Judge what the stages have found, and suggest changes."""
    from ...tools.suggestions import suggest

    config, file = load_config(options.config), configured_by(options.config)
    return suggest(options.dataset, config, file), 0


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show each change with its reasons, the command to type, and what it brings about."""
    if document["stale"]:
        yield heading("Out of date")
        yield from stale(document["stale"])
    for each in document["suggestions"]:
        place = f" in {each['patch']}" if each["patch"] else ""
        yield heading(f"{each['parameter']}{place}")
        for reason in each["why"]:
            yield paragraph(reason)
        yield paragraph()
        yield paragraph(each["command"])
        for note in each["follows"]:
            yield paragraph(note)
    if not document["suggestions"]:
        yield paragraph(f"Nothing to suggest after stage {document['after']}.")


COMMAND = Command(
    "suggest",
    "Suggest what to change: interferograms to drop, parameters, patches with too few PS.",
    run,
    view,
    dataset_option,
    examples=("pystamps-hpc suggest --dataset DIR", "pystamps-hpc suggest --dataset DIR --json"),
)
