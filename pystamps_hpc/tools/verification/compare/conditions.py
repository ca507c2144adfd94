"""What a tree was made with, as far as it records it: arithmetic, random numbers, network."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ....config import RunConfig
from ....dataset.files import read_json
from ....dataset.tree import state_path
from .policy import Condition

ALLOWED: dict[str, tuple[str, Condition]] = {
    "compat.arithmetic": ("double", "double"),
    "runtime.triangulator": ("native", "qhull"),
}
"""Choice -> the value that strict rules allow for, and the name of that condition."""

STAMPS = {"compat.arithmetic": "single", "runtime.triangulator": "triangle"}
"""What a tree without a record is taken for."""

GENERATOR = "compat.random_generator"


def conditions_of(
    config: RunConfig, made: Mapping[str, str] | None = None, isolated: bool = False
) -> list[Condition]:
    """Return what strict rules allow for.

    Parameters
    ----------
    config : RunConfig
        What was configured.
    made : mapping, optional
        What the run has recorded; it holds where ``auto`` was configured. What neither says is
        taken to be single, with the network of Triangle.
    isolated : bool
        Whether stages ran on golden inputs, so that nothing has accumulated.
    """
    found: list[Condition] = [] if isolated else ["chain"]
    for key, (value, condition) in ALLOWED.items():
        chosen = config.value(key)
        if chosen == "auto":
            chosen = (made or {}).get(key)
        if chosen == value:
            found.append(condition)
    return found


def unlike(run: str | Path, golden: str | Path) -> list[str]:
    """Say in words under which conditions a run was not made like a golden tree."""
    here, there = recorded(run), recorded(golden)
    expected = {**STAMPS, **there}
    found = [
        f"Not as in the golden tree: {key} is {here[key]}, there {value}."
        for key, value in expected.items()
        if key in here and here[key] != value
    ]
    if GENERATOR in here and GENERATOR not in there:
        found.append(
            f"The golden tree does not say whether MATLAB or Octave drew its random numbers; this "
            f"run drew them as {GENERATOR}: {here[GENERATOR]} does."
        )
    return found


def recorded(tree: str | Path) -> Mapping[str, str]:
    """Return the choices of the last run that has left a report in a tree; empty without one."""
    reports = sorted(state_path(Path(tree), "runs").glob("*/report.json"))
    if not reports:
        return {}
    config: Any = {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        config = read_json(reports[-1])["config"]
    found = {}
    for key in (*STAMPS, GENERATOR):
        section, _, name = key.partition(".")
        with suppress(KeyError, TypeError):
            found[key] = config[section][name]
    return found
