"""What a tree was made with, as far as it records it: arithmetic, programs, random numbers."""

from collections.abc import Collection, Mapping
from pathlib import Path

from ....config import RunConfig
from ....dataset import parameters
from ....dataset.parameter_table import text_of
from ....dataset.tree import ROOT, discover_dataset
from ....errors import DatasetError, PystampsError
from ....pipeline import LAST_STAGE
from ....pipeline.state import TargetState
from .policy import Condition

NAMED = 8
"""How many parameters a sentence names."""

ALLOWED: dict[str, tuple[str, Condition]] = {
    "compat.arithmetic": ("double", "double"),
    "runtime.triangulator": ("native", "qhull"),
    "runtime.stage6_solver": ("native", "native unwrapper"),
}
"""Choice -> the value that strict rules allow for, and the name of that condition."""

STAMPS = {
    "compat.arithmetic": "single",
    "runtime.triangulator": "triangle",
    "runtime.stage6_solver": "snaphu",
}
"""What a tree without a record is taken for."""

GENERATOR = "compat.random_generator"


def conditions_of(
    config: RunConfig, made: Mapping[str, Collection[str]] | None = None, isolated: bool = False
) -> list[Condition]:
    """Return what strict rules allow for.

    Parameters
    ----------
    config : RunConfig
        What was configured.
    made : mapping, optional
        What the run has :func:`recorded`; it holds where ``auto`` was configured. What neither says
        is taken to be single, with the network of Triangle and the cycles of SNAPHU.
    isolated : bool
        Whether stages ran on golden inputs, so that nothing has accumulated.
    """
    found: list[Condition] = [] if isolated else ["chain"]
    for key, (value, condition) in ALLOWED.items():
        chosen = config.value(key)
        if chosen == value or (chosen == "auto" and value in (made or {}).get(key, ())):
            found.append(condition)
    return found


def unlike(run: str | Path, golden: str | Path, selects_alike: bool = True) -> list[str]:
    """Say in words in what a run was not made like a golden tree, as far as they tell.

    Parameters
    ----------
    run, golden : str or Path
        Datasets.
    selects_alike : bool
        Whether both have selected the same points.
    """
    here, there = recorded(run), recorded(golden)
    expected = {**{key: (value,) for key, value in STAMPS.items()}, **there}
    found = [
        f"Not as in the golden tree: {key} is {_either(here[key])}, there {_either(values)}."
        for key, values in expected.items()
        if key in here and here[key] != values
    ]
    if GENERATOR not in there and (GENERATOR in here or not selects_alike):
        how = f"does not say it either ({GENERATOR})"
        if GENERATOR in here:
            how = f"drew them as {GENERATOR}: {_either(here[GENERATOR])} does"
        found.append(
            "The golden tree does not say whether MATLAB or Octave drew its random numbers; this "
            f"run {how}."
        )
    elif GENERATOR not in here and not selects_alike:
        found.append(
            "The run does not say whether MATLAB or Octave drew its random numbers; the golden "
            f"tree was made with {GENERATOR}: {_either(there[GENERATOR])}."
        )
    return [*found, *_other_parameters(Path(run), Path(golden))]


def _either(values: Collection[str]) -> str:
    return " or ".join(values)


def _other_parameters(run: Path, golden: Path) -> list[str]:
    """Name the parameters of ``parms.mat`` in which two trees differ."""
    if not all((tree / "parms.mat").exists() for tree in (run, golden)):
        return []
    try:
        pairs = parameters.disagreements(parameters.load(run), parameters.load(golden))
    except PystampsError:
        return []
    told = [f"{name} is {text_of(one)}, there {text_of(other)}"
            for name, (one, other) in pairs.items()]  # fmt: skip
    more = f"; and {len(told) - NAMED} more" if len(told) > NAMED else ""
    return [f"parms.mat differs: {'; '.join(told[:NAMED])}{more}."] if told else []


def recorded(tree: str | Path, last: int = LAST_STAGE) -> Mapping[str, tuple[str, ...]]:
    """Return the choices that the finished tasks of a tree were made with.

    Parameters
    ----------
    tree : str or Path
        Dataset.
    last : int
        Last stage that counts.

    Returns
    -------
    dict
        Key -> its values in the records, sorted; a tree without records says nothing.
    """
    found: dict[str, set[str]] = {}
    try:
        dataset = discover_dataset(tree, need_patches=False)
    except DatasetError:
        return {}
    for target in (ROOT, *dataset.patches):
        for number, record in TargetState.load(dataset.directory(target)).records.items():
            for key in (*STAMPS, GENERATOR):
                if number <= last and isinstance(record["config"].get(key), str):
                    found.setdefault(key, set()).add(record["config"][key])
    return {key: tuple(sorted(values)) for key, values in found.items()}
