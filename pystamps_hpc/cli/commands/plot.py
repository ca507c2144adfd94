"""``plot``: what people look at: values, series, the network, histograms, what stages kept."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...config import RunConfig, load_config
from ...errors import ConfigError
from ..command import Answer, Command, dataset_option, numbers, on_root
from ..shapes import CAREFUL, STRONG, Shape, marked, pairs, paragraph, table
from .values import (
    chosen_ifgs,
    out_of_date,
    output_options,
    ref_ifg,
    tropo_option,
    types_table,
    value_types,
)

if TYPE_CHECKING:
    from ...tools.plots.drawn import Page, Picture

Document = dict[str, Any]

LEAST_DPI, MOST_DPI = 30, 1200

OF_VALUES = ("ifgs", "ref_ifg", "tropo", "deviation", "limits", "hillshade")
OF_SERIES = ("lon", "lat", "radius", "minus", "type", "tropo", "ifgs")
"""Options that pictures take beside those that all take."""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)
    parser.add_argument(
        "picture",
        nargs="?",
        metavar="TYPE",
        help="value type as of values (v-do, u-dm, w), or one of "
        + ", ".join(_PICTURES)
        + "; without one all are listed",
    )
    parser.add_argument(
        "--ifgs",
        nargs="+",
        type=numbers,
        metavar="N",
        help="interferograms or images from 1, 3:5 is 3 4 5 (what drop_ifg_index leaves)",
    )
    parser.add_argument(
        "--ref-ifg",
        type=ref_ifg,
        metavar="N",
        help="show the others against this one, or each against the 'previous'",
    )
    tropo_option(parser)
    parser.add_argument(
        "--deviation",
        choices=("bootstrap", "residuals"),
        help="how vs finds the deviation of velocities (bootstrap)",
    )
    parser.add_argument(
        "--limits",
        nargs=2,
        type=float,
        metavar=("LO", "HI"),
        help="values at the ends of the colours (0.1 and 99.9 %% of the values)",
    )
    parser.add_argument(
        "--hillshade", action="store_true", default=None, help="shade the ground under the points"
    )
    parser.add_argument("--title", metavar="TEXT", help="title (what is shown)")
    parser.add_argument("--dpi", type=dots, metavar="N", help="picture elements of an inch (200)")
    for name, meaning in (("--lon", "longitude"), ("--lat", "latitude")):
        parser.add_argument(name, type=float, metavar="DEG", help=f"ts: {meaning}")
    parser.add_argument(
        "--radius",
        type=float,
        metavar="M",
        help="ts: mean of the PS within this distance [m] (the nearest alone)",
    )
    parser.add_argument(
        "--minus",
        type=float,
        nargs=2,
        metavar=("LON", "LAT"),
        help="ts: less the series around this point",
    )
    parser.add_argument("--type", metavar="TYPE", help="ts: value type of the velocity (v-do)")
    output_options(
        parser, "products/TYPE.png in the dataset, ts_LON_LAT.png of a point; also .pdf, .svg"
    )


def dots(text: str) -> int:
    """Read how many picture elements an inch has."""
    number = int(text)
    if not LEAST_DPI <= number <= MOST_DPI:
        raise ArgumentTypeError(f"{text} is outside {LEAST_DPI} to {MOST_DPI}")
    return number


@on_root
def run(options: Namespace) -> Answer:
    """Draw a picture, or list those that there are."""
    if options.picture is None:
        return _listed(options), 0
    drawing = _PICTURES.get(options.picture, _OF_A_TYPE)
    _refuse_others(options, drawing.options)
    name = _type_of(options) if drawing is _OF_A_TYPE else options.picture
    config = load_config(options.config)
    path = _target(options, name)
    picture = drawing.draw(options, path, config)
    warnings = [*picture.warnings, *out_of_date(options, config, picture.stage)]
    document = {
        "schema": "pystamps-hpc/plot/1",
        "dataset": str(options.dataset),
        "picture": options.picture,
        "title": picture.title,
        **picture.facts,
        "file": str(picture.file),
        "warnings": warnings,
    }
    return document, 0


def _listed(options: Namespace) -> Document:
    pictures = [{"picture": name, "meaning": each.meaning} for name, each in _PICTURES.items()]
    return {
        "schema": "pystamps-hpc/pictures/1",
        "pictures": pictures,
        "types": value_types(options),
    }


def _type_of(options: Namespace) -> str:
    """Return the name of a value type; refuse what is none, and columns that are not there."""
    from ...stages.shared.value_types import BASES
    from ...tools.products.values import require_columns

    if options.picture.partition("-")[0].lower() not in {base.name for base in BASES}:
        bases = [row["type"] for row in value_types(options)]
        near = get_close_matches(options.picture.lower(), [*_PICTURES, *bases], n=1)
        raise ConfigError(
            f"plot {options.picture}: there is no such picture or value type; pictures are "
            f"{', '.join(_PICTURES)}; the dataset has the types {', '.join(bases)}"
            + (f"; did you mean {near[0]}?" if near else "")
        )
    listed, ref = chosen_ifgs(options), options.ref_ifg or 0
    return require_columns(options.dataset, options.picture, listed, ref).name


def _refuse_others(options: Namespace, taken: tuple[str, ...]) -> None:
    """Refuse options that the picture would not listen to."""
    for name in {*OF_VALUES, *OF_SERIES} - set(taken):
        if getattr(options, name) is not None:
            flag = "--" + name.replace("_", "-")
            raise ConfigError(f"plot {options.picture} does not take {flag}")


def _target(options: Namespace, name: str) -> Path:
    """Return the file to write; in the dataset only if that may be written."""
    from ...dataset.tree import discover_dataset

    if options.output:
        return Path(options.output)
    discover_dataset(options.dataset, need_patches=False).require_writable()
    point = [str(each) for each in (options.lon, options.lat) if each is not None]
    return Path(options.dataset) / "products" / f"{'_'.join([name, *point])}.png"


def _values(options: Namespace, path: Path, config: RunConfig) -> "Picture":
    from ...tools.plots.value_maps import Columns, Look, plot_values

    limits = tuple(options.limits) if options.limits else None
    columns = Columns(chosen_ifgs(options), options.ref_ifg or 0, options.tropo,
                      options.deviation or "bootstrap")  # fmt: skip
    look = Look(limits, bool(options.hillshade))
    return plot_values(
        options.dataset, options.picture, path, columns, look, _page(options), config
    )


def _series(options: Namespace, path: Path, config: RunConfig) -> "Picture":
    from ...tools.plots.series import Around, plot_series

    if options.lon is None or options.lat is None:
        raise ConfigError("plot ts: a point is needed, --lon and --lat")
    minus = tuple(options.minus) if options.minus else None
    return plot_series(
        options.dataset, Around((options.lon, options.lat), options.radius, minus), path,
        options.type, options.tropo, chosen_ifgs(options), _page(options), config,
    )  # fmt: skip


def _of_dataset(options: Namespace, path: Path, config: RunConfig) -> "Picture":
    """Draw a picture of the dataset as a whole."""
    del config
    from ...tools.plots.histogram import plot_histogram
    from ...tools.plots.ifg_noise import plot_ifg_noise
    from ...tools.plots.network import plot_network
    from ...tools.plots.selection import plot_selection

    draw = {
        "network": plot_network, "histogram": plot_histogram, "selection": plot_selection,
        "ifg-noise": plot_ifg_noise,
    }[options.picture]  # fmt: skip
    return draw(options.dataset, path, _page(options))


def _page(options: Namespace) -> "Page":
    """Return what every picture takes."""
    from ...tools.plots.drawn import USUAL_PAGE, Page

    return Page(options.title, options.force, options.dpi or USUAL_PAGE.dpi)


_Drawing = Callable[[Namespace, Path, RunConfig], "Picture"]


@dataclass(frozen=True)
class _Kind:
    """A kind of picture: what it shows, what draws it, options that it takes."""

    meaning: str
    draw: _Drawing
    options: tuple[str, ...] = ()


_OF_A_TYPE = _Kind("values", _values, OF_VALUES)

_PICTURES = {
    "network": _Kind("images and pairs in time and baseline", _of_dataset),
    "ts": _Kind("how a point moves; takes --lon and --lat", _series, OF_SERIES),
    "histogram": _Kind("coherence, amplitude dispersion, noise of candidates", _of_dataset),
    "selection": _Kind("what stages 3, 4 and 5 leave of the candidates", _of_dataset),
    "ifg-noise": _Kind("noise of interferograms and images", _of_dataset),
}
"""Pictures that are none of values."""


def view(document: Document) -> Iterator[Shape]:
    """Show what was drawn and where it is, or what there is to draw."""
    if "pictures" in document:
        yield table(
            ("picture", "shows"),
            ((marked(row["picture"], STRONG), row["meaning"]) for row in document["pictures"]),
        )
        yield paragraph()
        yield types_table(document["types"])
        return
    unit = " ".join(filter(None, (document.get("unit"), document.get("sign"))))
    limits = document.get("limits")
    yield pairs(
        {
            "picture": document["title"],
            "unit": unit or None,
            "points": f"{document['ps']:,}" if "ps" in document else None,
            "maps": len(document["maps"]) if "maps" in document else None,
            "colours": f"{limits[0]:.4g} to {limits[1]:.4g}" if limits else None,
            "velocity": _velocity(document),
            "kept": ", ".join(f"{count:,} {name}" for name, count in document["kept"].items())
            if "kept" in document
            else None,
            "file": document["file"],
        }
    )
    for warning in document["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)


def _velocity(document: Document) -> str | None:
    if "velocity_mm_per_year" not in document:
        return None
    deviation = document["deviation_mm_per_year"]
    text = f"{document['velocity_mm_per_year']:.2f} mm/yr"
    return text if deviation is None else f"{text}, deviation {deviation:.2f}"


COMMAND = Command(
    "plot",
    "Draw values, series, the network, histograms, what stages kept: PNG, PDF or SVG.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc plot v-do --hillshade",
        "pystamps-hpc plot u-dm --ifgs 3 7 10:15 --output unwrapped.pdf",
        "pystamps-hpc plot ts --lon 12.3 --lat 44.09 --radius 300",
        "pystamps-hpc plot selection --dataset DIR",
    ),
)
