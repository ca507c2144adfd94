"""``simulate``: a dataset of candidates, or a stack of images, with known truth."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from dataclasses import asdict
from shlex import quote
from typing import Any

from ...errors import Exit
from ..command import Answer, Command, on_root
from ..shapes import Shape, pairs, paragraph

NUMBERS = {
    "candidates": (int, "distinct candidate pixels (20000)"),
    "images": (int, "acquisitions, master included (20)"),
    "seed": (int, "same seed and options, same bytes (1)"),
    "overlap": (int, "pixels a patch reaches beyond its own part (20)"),
    "density": (float, "candidates per square kilometre (200)"),
    "ps-fraction": (float, "share of candidates that are PS (0.7)"),
    "baseline": (float, "deviation of the perpendicular baselines [m] (150)"),
    "span-days": (int, "time span [days] (732)"),
    "velocity": (float, "largest subsidence rate [mm/yr] (15)"),
    "seasonal": (float, "largest yearly amplitude [mm] (4)"),
    "dem-error": (float, "deviation of the DEM error [m] (4)"),
    "atmosphere": (float, "deviation of the delay [mm] (3)"),
    "orbit": (float, "deviation of the orbital ramp, edge to edge [mm] (4)"),
    "max-days": (int, "longest time between the images of a small baseline [days] (200)"),
    "max-bperp": (float, "largest perpendicular baseline of a small baseline [m] (300)"),
}
"""Numbers of the simulator: option -> type and meaning."""

FLAGS = {
    "small-baseline": "pairs within --max-days and --max-bperp instead of a single master",
    "delaunay": "pairs that a triangulation in time and baseline joins, however far apart",
}
"""What can be switched on: option -> meaning."""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("out", metavar="OUT", help="directory to create")
    parser.add_argument("--patches", type=patches, metavar="AxR",
                        help="patches in azimuth and range (2x1)")  # fmt: skip
    for name, (kind, text) in NUMBERS.items():
        parser.add_argument(f"--{name}", type=kind, metavar="N", help=text)
    parser.add_argument("--slc", nargs="?", const="snap", choices=("snap", "gamma", "isce"),
                        help="a whole stack of images as a processor leaves it, for prep (snap)"
                        )  # fmt: skip
    parser.add_argument("--noise-free", action="store_true", help="exact model phase, no clutter")
    for flag, text in FLAGS.items():
        parser.add_argument(f"--{flag}", action="store_true", help=text)


def patches(text: str) -> tuple[int, int]:
    """Read patches in azimuth and range, ``2x1``."""
    azimuth, cross, sample = text.lower().partition("x")
    if not cross or not azimuth.isdecimal() or not sample.isdecimal():
        raise ArgumentTypeError(f"{text}: expected AxR, patches in azimuth and range, e.g. 2x1")
    return int(azimuth), int(sample)


@on_root
def run(options: Namespace) -> Answer:
    """Write a dataset of candidates, or a stack of images, with known truth."""
    from ...tools.simulate import Options, simulate

    names = ["patches", "slc", *(name.replace("-", "_") for name in (*NUMBERS, *FLAGS))]
    values = {name: getattr(options, name) for name in names}
    given = {name: value for name, value in values.items() if value is not None}
    report = simulate(options.out, Options(**given, noise=not options.noise_free))
    document = {"schema": "pystamps-hpc/simulate-report/1", **asdict(report)}
    return {**document, "root": str(report.root), "truth": str(report.truth)}, Exit.OK


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show what was written, and how to go on."""
    yield pairs({name.replace("_", " "): value for name, value in document.items()
                 if name != "schema" and value and not isinstance(value, dict)})  # fmt: skip
    yield paragraph()
    following = f"prep --master-date {document['master']}" if document["stack"] else "run"
    yield paragraph(f"Next: pystamps-hpc {following} --dataset {quote(document['root'])}")


COMMAND = Command(
    "simulate",
    "Write a dataset of candidates, or a stack of images, with known truth.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc simulate OUT --candidates 20000 --images 20 --patches 1x2",
        "pystamps-hpc simulate OUT --small-baseline --max-days 150 --max-bperp 120",
        "pystamps-hpc simulate OUT --slc isce",
    ),
)
