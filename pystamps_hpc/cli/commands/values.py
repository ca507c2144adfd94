"""``values``: what StaMPS' plotting shows, written as it writes it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...config import RunConfig, configured_by, load_config
from ...errors import ConfigError
from ..command import Answer, Command, dataset_option, numbers, positive
from ..shapes import CAREFUL, STRONG, Shape, marked, pairs, paragraph, table

if TYPE_CHECKING:
    from ...parallel.team import Team
    from ...tools.products.values import Values

Document = dict[str, Any]

MOST_COLUMNS = 40


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)
    parser.add_argument(
        "type",
        nargs="?",
        metavar="TYPE",
        help="value type of ps_plot, as v-do; without one all are listed",
    )
    parser.add_argument(
        "--ifgs",
        nargs="+",
        type=numbers,
        metavar="N",
        help="interferograms or images from 1, 3:5 is 3 4 5; of a velocity those that are fitted "
        "(what drop_ifg_index leaves)",
    )
    parser.add_argument(
        "--ref-ifg",
        type=ref_ifg,
        metavar="N",
        default=0,
        help="show the others against this one, or each against the 'previous'",
    )
    tropo_option(parser)
    parser.add_argument(
        "--deviation",
        choices=("bootstrap", "residuals"),
        default="bootstrap",
        help="how vs finds the deviation of velocities: by resampling the interferograms "
        "(bootstrap), or from what the line leaves (residuals)",
    )
    parser.add_argument(
        "--ts",
        action="store_true",
        help="the displacements behind a velocity: ps_plot_ts_TYPE.mat",
    )
    output_options(parser, "ps_plot_TYPE.mat in the dataset")


def tropo_option(parser: ArgumentParser) -> None:
    """Add the method of tropospheric correction."""
    parser.add_argument("--tropo", metavar="METHOD",
                        help="tropospheric correction, as a_erai (tropo_method)")  # fmt: skip


def output_options(parser: ArgumentParser, default: str) -> None:
    """Add the file to write."""
    parser.add_argument("--output", metavar="FILE", help=f"file to write ({default})")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def run(options: Namespace, team: "Team") -> Answer:
    """Write values, or list the types."""
    if options.type is None:
        return team.on_root(lambda: _listed(options)), 0
    if options.ts:
        return team.on_root(lambda: _series(options)), 0
    return _values(options, team), 0


def _listed(options: Namespace) -> Document:
    return {"schema": "pystamps-hpc/value-types/1", "types": value_types(options)}


def value_types(options: Namespace) -> list[Document]:
    """Return the bases of the value types that the dataset has."""
    from ...dataset import parameters
    from ...stages.shared.value_types import bases_of

    known = parameters.load(Path(options.dataset))
    return [
        {"type": name, "letters": list(base.operations)[1:], "unit": base.unit,
         "meaning": base.meaning}
        for name, base in bases_of(known.small_baselines).items()
    ]  # fmt: skip


def _values(options: Namespace, team: "Team") -> Document:
    """Write values, of which each rank computes a part; collective."""
    from ...tools.products.plot_files import write_values
    from ...tools.products.values import read_values

    with team.agreed():
        config = load_config(options.config)
        path = team.on_root(lambda: target(options))
        values = read_values(
            options.dataset, options.type, chosen_ifgs(options), options.ref_ifg, options.tropo,
            options.deviation, config, team,
        )  # fmt: skip
        summary = write_values(values, path, options.force, team)
    return team.on_root(lambda: _told(options, config, values, path, summary))


def _told(
    options: Namespace, config: RunConfig, values: "Values", path: Path, summary: Any
) -> Document:
    columns = [
        {"number": int(number), "date": date} | _numbers(summary, k)
        for k, (number, date) in enumerate(zip(values.ifg_list, values.labels, strict=True))
    ]
    return {
        "schema": "pystamps-hpc/values/1",
        "dataset": str(options.dataset),
        "value_type": values.kind.name,
        "meaning": values.kind.meaning,
        "unit": values.unit,
        "sign": values.kind.sign,
        "ps": values.rows.shape[0],
        "reference_ps": None if values.ref_ps is None else len(values.ref_ps),
        "interferograms": (values.columns + 1).tolist() if values.kind.is_velocity else None,
        "columns": columns,
        "file": str(path),
        "warnings": [*values.warnings, *out_of_date(options, config, values.stage)],
    }


def _series(options: Namespace) -> Document:
    from ...stages.shared.value_types import TOWARDS
    from ...tools.products.plot_files import write_series
    from ...tools.products.time_series import read_series

    if options.ref_ifg or options.deviation != "bootstrap":
        refused = "--ref-ifg" if options.ref_ifg else "--deviation"
        raise ConfigError(f"--ts does not take {refused}: displacements are against the master")
    config = load_config(options.config)
    path = target(options, series=True)
    series = read_series(options.dataset, options.type, options.tropo, config, chosen_ifgs(options))
    write_series(series, path, options.force)
    return {
        "schema": "pystamps-hpc/values/1",
        "dataset": str(options.dataset),
        "value_type": series.value_type,
        "meaning": "displacement",
        "unit": "mm",
        "sign": TOWARDS,
        "ps": series.displacement.shape[0],
        "reference_ps": None if series.ref_ps is None else len(series.ref_ps),
        "interferograms": (series.columns + 1).tolist(),
        "columns": [],
        "file": str(path),
        "warnings": [*series.warnings, *out_of_date(options, config, series.stage)],
    }


def chosen_ifgs(options: Namespace) -> list[int] | None:
    """Return the numbers that were listed."""
    return None if options.ifgs is None else [k for each in options.ifgs for k in each]


def out_of_date(options: Namespace, config: RunConfig, stage: int) -> list[str]:
    """Return a sentence on results through a stage that are out of date, or none."""
    from ...tools.status import stale_warning

    return stale_warning(options.dataset, stage, config, configured_by(options.config))


def target(options: Namespace, series: bool = False) -> Path:
    """Return the file to write, which must be free; in the dataset only if that may be written."""
    from ...dataset.tree import discover_dataset
    from ...tools.products.plot_files import plot_file, require_free, require_place
    from ...tools.products.series import series_type
    from ...tools.products.values import require_columns

    root = Path(options.dataset)
    name = series_type(options.type) if series else options.type
    kind = require_columns(root, name, chosen_ifgs(options), options.ref_ifg)
    path = Path(options.output) if options.output else None
    if path is None:
        discover_dataset(root, need_patches=False).require_writable()
        path = plot_file(root, kind.name, series)
    require_free(path, ".mat", options.force)
    require_place(path)
    return path


def ref_ifg(text: str) -> int:
    """Read the number of a column, or -1 for the previous one."""
    return -1 if text == "previous" else positive(text)


def _numbers(summary: Any, k: int) -> Document:
    if summary is None:
        return {}
    names = ("least", "mean", "most")
    values = (float(value) for value in summary[k])
    return {
        name: value if value == value else None for name, value in zip(names, values, strict=True)
    }


def view(document: Document) -> Iterator[Shape]:
    """Show what was written, or the types that there are."""
    if "types" in document:
        yield types_table(document["types"])
        return
    yield pairs(
        {
            "value type": f"{document['value_type']}: {document['meaning']}",
            "unit": f"{document['unit']} {document['sign']}".rstrip(),
            "points": f"{document['ps']:,}",
            "reference": "none" if document["reference_ps"] is None
            else f"mean of {document['reference_ps']:,} points",
            "file": document["file"],
        }
    )  # fmt: skip
    shown = document["columns"][:MOST_COLUMNS]
    if shown and "least" in shown[0]:
        yield paragraph()
        yield table(
            ("number", "date", "least", "mean", "most"),
            ((row["number"], row["date"], row["least"], row["mean"], row["most"]) for row in shown),
        )
    if len(document["columns"]) > len(shown):
        yield paragraph(f"and {len(document['columns']) - len(shown)} more: see --json")
    for warning in document["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)


def types_table(rows: list[Document]) -> Shape:
    """Return the table of the value types that there are."""
    return table(
        ("type", "unit", "shows", "letters behind a dash"),
        ((marked(row["type"], STRONG), row["unit"], row["meaning"], " ".join(row["letters"]))
         for row in rows),
    )  # fmt: skip


COMMAND = Command(
    "values",
    "Write phase, velocities and corrections as StaMPS' ps_plot does.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc values v-do --dataset DIR",
        "pystamps-hpc values u-dm --ifgs 3 7 10:15",
        "pystamps-hpc values vs-d --deviation residuals --output deviation.mat",
    ),
)
