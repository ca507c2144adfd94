"""``timeseries``: how a point moves, alone or against another."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...config import load_config
from ..command import Answer, Command, dataset_option, on_root
from ..shapes import CAREFUL, Shape, pairs, paragraph, table
from .values import out_of_date, output_options, tropo_option

Document = dict[str, Any]


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)
    for name, meaning in (("--lon", "longitude"), ("--lat", "latitude")):
        parser.add_argument(name, type=float, required=True, metavar="DEG", help=meaning)
    parser.add_argument(
        "--radius",
        type=float,
        metavar="M",
        help="mean of the PS within this distance [m] (the nearest PS alone)",
    )
    parser.add_argument(
        "--minus",
        type=float,
        nargs=2,
        metavar=("LON", "LAT"),
        help="less the series around this point",
    )
    parser.add_argument("--type", metavar="TYPE", help="value type of the velocity (v-do)")
    tropo_option(parser)
    output_options(parser, "none; the series as a .csv table")


@on_root
def run(options: Namespace) -> Answer:
    """Read the series of a point."""
    from ...stages.shared.velocity import DAYS_PER_YEAR
    from ...tools.products.plot_files import require_free
    from ...tools.products.time_series import at_point, line_of, read_series

    if options.output:
        require_free(Path(options.output), ".csv", options.force)
    config = load_config(options.config)
    series = read_series(options.dataset, options.type, options.tropo, config)
    found = at_point(series, (options.lon, options.lat), options.radius)
    displacement, minus = found.displacement, None
    if options.minus:
        other = at_point(series, tuple(options.minus), options.radius)
        displacement = displacement - other.displacement
        minus = _place(options.minus, other)
    line = line_of(series, displacement)
    fitted = line.offset + line.velocity * series.elapsed / DAYS_PER_YEAR
    rows = [
        {"date": date, "displacement_mm": None if moved != moved else round(float(moved), 4),
         "line_mm": round(float(on_line), 4)}
        for date, moved, on_line in zip(series.dates, displacement, fitted, strict=True)
    ]  # fmt: skip
    document = {
        "schema": "pystamps-hpc/time-series/1",
        "dataset": str(options.dataset),
        "value_type": series.value_type,
        "sign": "positive: towards the satellite",
        "radius_m": options.radius,
        "point": _place((options.lon, options.lat), found),
        "minus": minus,
        "reference_ps": None if series.ref_ps is None else len(series.ref_ps),
        "velocity_mm_per_year": line.velocity,
        "deviation_mm_per_year": None if line.deviation != line.deviation else line.deviation,
        "offset_mm": line.offset,
        "series": rows,
        "warnings": [*series.warnings, *out_of_date(options, config, series.stage)],
    }
    if options.output:
        _write(Path(options.output), rows)
    return document, 0


def _place(lonlat: Any, found: Any) -> Document:
    return {"longitude": lonlat[0], "latitude": lonlat[1], "ps": (found.ps + 1).tolist()}


def _write(path: Path, rows: list[Document]) -> None:
    from ...tools.products.files import product_file

    with product_file(path) as temporary:
        lines = [
            f"{row['date']},{_text(row['displacement_mm'])},{_text(row['line_mm'])}" for row in rows
        ]
        heads = "date,displacement_mm,line_mm"
        temporary.write_text("\n".join([heads, *lines, ""]), encoding="utf-8")


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def view(document: Document) -> Iterator[Shape]:
    """Show the series and its line."""
    yield pairs(
        {
            "point": _described(document["point"]),
            "minus": document["minus"] and _described(document["minus"]),
            "value type": document["value_type"],
            "velocity": f"{document['velocity_mm_per_year']:.2f} mm/yr"
            + ("" if document["deviation_mm_per_year"] is None
               else f", deviation {document['deviation_mm_per_year']:.2f}"),
        }
    )  # fmt: skip
    yield paragraph()
    yield table(
        ("date", "displacement [mm]"),
        ((row["date"], row["displacement_mm"]) for row in document["series"]),
    )
    yield paragraph()
    yield paragraph("Positive is towards the satellite; relative to the date of the master.")
    for warning in document["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)


def _described(place: Document) -> str:
    count = len(place["ps"])
    which = f"PS {place['ps'][0]}" if count == 1 else f"mean of {count:,} PS"
    return f"{place['longitude']}, {place['latitude']} ({which})"


COMMAND = Command(
    "timeseries",
    "How a point moves: the displacement at every date, alone or less that of another point.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc timeseries --lon 12.3 --lat 44.09 --radius 300",
        "pystamps-hpc timeseries --lon 12.3 --lat 44.09 --minus 12.31 44.1 --output point.csv",
    ),
)
