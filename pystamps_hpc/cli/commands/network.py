"""``network``: the interferograms of a dataset, how they hold together, which spoil it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from shlex import quote
from typing import Any

from ...config import load_config
from ..command import Answer, Command, dataset_option, on_root
from ..shapes import CAREFUL, Shape, heading, marked, pairs, paragraph, table
from .status import stale

MOST_PAIRS = 30


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)
    parser.add_argument("--picture", metavar="FILE",
                        help="draw it in time and baseline: .png, .pdf or .svg")  # fmt: skip


@on_root
def run(options: Namespace) -> Answer:
    """Report on the network, and draw it if asked to."""
    from ...tools.network import network_picture, network_report

    document = network_report(options.dataset, load_config(options.config))
    if options.picture:
        document["picture"] = str(network_picture(options.dataset, options.picture))
    return document, 0


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show how the network holds together, then its pairs, the worst first."""
    islands = document["islands"]
    yield pairs(
        {
            "network": f"{document['mode']}, master {document['master']}",
            "images": document["images"],
            "interferograms": document["interferograms"],
            "dropped": ", ".join(map(str, document["dropped"])) or None,
            "independent loops": document["loops"],
            "triplets": document["triplets"],
            "images in no pair": ", ".join(document["images_in_no_pair"]) or None,
            "images of one pair": ", ".join(document["images_of_one_pair"]) or None
            if document["triplets"]
            else None,
            "picture": document.get("picture"),
        }
    )
    if len(islands) > 1:
        yield paragraph()
        yield paragraph(f"The network falls into {len(islands)} islands:", style=CAREFUL)
        for island in islands:
            yield paragraph(", ".join(island))
    if document["stale"]:
        yield heading("Out of date, shown as they are until a run makes them again")
        yield from stale(document["stale"])
    yield heading("Interferograms")
    suspects = {row["number"]: row["why"] for row in document["worth_dropping"]}
    shown = sorted(document["pairs"], key=lambda row: row["number"] not in suspects)[:MOST_PAIRS]
    yield table(
        ("number", "first", "second", "days", "bperp [m]", "noise [deg]", "on arcs [deg]",
         "do not close", "residual [rad]"),
        (
            (
                marked(str(row["number"]), CAREFUL if row["number"] in suspects else "",
                       " dropped" if row["dropped"] else ""),
                row["first"], row["second"], row["days"], written(row["bperp_m"], ".1f"),
                written(row["noise_deg"], ".1f"), written(row["arc_noise_deg"], ".1f"),
                written(row["misclosed"], ".1%"), written(row["residual_rad"], ".3f"),
            )
            for row in shown
        ),
    )  # fmt: skip
    if len(document["pairs"]) > len(shown):
        yield paragraph(f"and {len(document['pairs']) - len(shown)} more: see --json")
    measures = ("noise_deg", "arc_noise_deg", "misclosed", "residual_rad")
    known = any(row[name] is not None for row in document["pairs"] for name in measures)
    if not suspects and known:
        yield paragraph()
        yield paragraph("No interferogram is worth dropping.")
    if suspects:
        yield heading("Worth dropping")
        for number, why in suspects.items():
            yield paragraph(f"{number}: {'; '.join(why)}")
        numbers = " ".join(map(str, document["drop_next"]))
        yield paragraph()
        yield paragraph(
            "To drop the worst: pystamps-hpc parms set drop_ifg_index "
            f"{numbers} --dataset {quote(document['dataset'])}; run, and look again"
        )


def written(value: float | None, form: str) -> str | None:
    """Write a number with even decimals; nothing where it is not known."""
    return None if value is None else format(value, form)


COMMAND = Command(
    "network",
    "Report how the interferograms hold together and which are worth dropping.",
    run,
    view,
    add_options,
    examples=("pystamps-hpc network --dataset SB", "pystamps-hpc network --picture network.png"),
)
