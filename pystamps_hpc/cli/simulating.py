"""The command ``simulate``."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..parallel.team import Team

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
}


def _patches(text: str) -> tuple[int, int]:
    azimuth, cross, sample = text.lower().partition("x")
    if not cross or not azimuth.isdecimal() or not sample.isdecimal():
        raise ArgumentTypeError(f"{text}: expected AxR, patches in azimuth and range, e.g. 2x1")
    return int(azimuth), int(sample)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command; what is not given keeps the simulator's default."""
    parser.add_argument("out", metavar="OUT", help="directory to create")
    parser.add_argument("--patches", type=_patches, metavar="AxR",
                        help="patches in azimuth and range (2x1)")  # fmt: skip
    for name, (kind, text) in NUMBERS.items():
        parser.add_argument(f"--{name}", type=kind, metavar="N", help=text)
    parser.add_argument("--noise-free", action="store_true", help="exact model phase, no clutter")


def simulate(
    options: Namespace, team: "Team", words: tuple[str, ...]
) -> tuple[dict[str, Any] | None, int]:
    """Write a dataset of candidates with known truth."""
    del words

    def act() -> dict[str, Any]:
        from ..tools.simulate import Options
        from ..tools.simulate import simulate as write

        names = ["patches", *(name.replace("-", "_") for name in NUMBERS)]
        values = {name: getattr(options, name) for name in names}
        given = {name: value for name, value in values.items() if value is not None}
        report = write(options.out, Options(**given, noise=not options.noise_free))
        document = {"schema": "pystamps-hpc/simulate-report/1", **asdict(report)}
        return {**document, "root": str(report.root), "truth": str(report.truth)}

    return team.on_root(act), 0
