"""``export``: the points of a dataset in the format of another program."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from ...config import load_config
from ...tools.export import FORMATS
from ..command import Answer, Command, dataset_option, on_root
from ..shapes import CAREFUL, STRONG, Shape, marked, pairs, paragraph, table
from .values import out_of_date, output_options, tropo_option

Document = dict[str, Any]

OPTIONS: tuple[str, ...] = ()
"""Options that some formats take and others do not."""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)
    parser.add_argument(
        "format",
        nargs="?",
        metavar="FORMAT",
        help=f"one of {', '.join(FORMATS)}; without one all are listed",
    )
    parser.add_argument(
        "--type",
        metavar="TYPE",
        help="value type of the velocity, as v-do, fitted anew (what stage 8 left)",
    )
    tropo_option(parser)
    output_options(parser, "products/points.FORMAT in the dataset")


@on_root
def run(options: Namespace) -> Answer:
    """Write the points, or list the formats."""
    if options.format is None:
        rows = [
            {"format": known.name, "file": known.file, "meaning": known.meaning}
            for known in FORMATS.values()
        ]
        return {"schema": "pystamps-hpc/export-formats/1", "formats": rows}, 0
    return _written(options), 0


def _written(options: Namespace) -> Document:
    from ...tools.export.write import export

    config = load_config(options.config)
    asked = {name: value for name in OPTIONS if (value := getattr(options, name)) is not None}
    done = export(
        options.dataset, options.format, options.type, options.output, options.tropo,
        options.force, config, **asked,
    )  # fmt: skip
    points = done.points
    return {
        "schema": "pystamps-hpc/export/1",
        "dataset": str(options.dataset),
        "format": options.format.lower(),
        "value_type": points.velocities.value_type,
        "displacement_type": points.kind.name,
        "points": len(points),
        "dates": [str(day) for day in points.dates],
        "reference": points.velocities.reference_text,
        "file": str(done.path),
        "warnings": [*points.warnings, *out_of_date(options, config, points.found.stage)],
    }


def view(document: Document) -> Iterator[Shape]:
    """Show what was written, or the formats that there are."""
    if "formats" in document:
        yield table(
            ("format", "file", "for"),
            ((marked(row["format"], STRONG), row["file"], row["meaning"])
             for row in document["formats"]),
        )  # fmt: skip
        return
    dates = document["dates"]
    yield pairs(
        {
            "file": document["file"],
            "velocity": f"{document['value_type']} [mm/yr], positive towards the satellite",
            "points": f"{document['points']:,}",
            "dates": f"{len(dates)}, {dates[0]} to {dates[-1]}",
            "relative to": document["reference"],
        }
    )
    for warning in document["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)


COMMAND = Command(
    "export",
    "Write the points in a format of GIS, of spreadsheets or of another InSAR program.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc export csv --dataset DIR",
        "pystamps-hpc export csv --type v-d --output velocity_d.csv",
    ),
)
