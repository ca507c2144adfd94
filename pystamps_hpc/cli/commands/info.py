"""``info``: the images and interferograms of a dataset, one line each."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from ...config import configured_by, load_config
from ..command import Answer, Command, dataset_option, on_root
from ..shapes import CAREFUL, Shape, heading, marked, pairs, paragraph, table


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)


@on_root
def run(options: Namespace) -> Answer:
    """List images and interferograms."""
    from ...tools.listing import dataset_listing

    config = load_config(options.config)
    return dataset_listing(options.dataset, config, configured_by(options.config)), 0


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show the lists."""
    yield pairs(
        {
            "network": f"{document['mode']}, master {document['master']}",
            "points": f"{document['ps']:,}",
        }
    )
    for warning in document["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)
    yield heading("Images")
    noisy = "noise_deg" in document["images"][0]
    yield table(
        ("number", "date", "bperp [m]", *(["noise [deg]"] if noisy else [])),
        ((_number(row), row["date"], row["bperp_m"], *([row["noise_deg"]] if noisy else []))
         for row in document["images"]),
    )  # fmt: skip
    if "interferograms" not in document:
        return
    yield heading("Interferograms")
    yield table(
        ("number", "first", "second", "bperp [m]", "noise [deg]"),
        ((_number(row), row["first"], row["second"], row["bperp_m"], row["noise_deg"])
         for row in document["interferograms"]),
    )  # fmt: skip


def _number(row: dict[str, Any]) -> Any:
    return marked(str(row["number"]), note=" dropped" if row.get("dropped") else "")


COMMAND = Command(
    "info",
    "List the images and interferograms: dates, baselines, noise (StaMPS' ps_info, sb_info).",
    run,
    view,
    add_options,
    examples=("pystamps-hpc info --dataset DIR",),
)
