"""The command ``simulate``."""

from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .commands.daily import NUMBERS

if TYPE_CHECKING:
    from ..parallel.team import Team


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
