"""What is worth changing in a dataset: interferograms, patches, parameters; with figures."""

from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Any

from ...config import RunConfig
from ...dataset import parameters
from ...dataset.tree import Dataset, discover_dataset, require_dataset
from ...errors import DatasetError
from ...pipeline.state import TargetState, plain
from ...pipeline.table import mode_of, tasks
from ..consequences import if_changed
from ..network.report import Network, read_network
from ..status import stale_results
from .limits import at_limits
from .model import Suggestion
from .patches import Patch, starved

__all__ = ["Suggestion", "suggest"]


def suggest(
    root: str | Path, config: RunConfig | None = None, config_file: str = ""
) -> dict[str, Any]:
    """Return what is worth changing, as a document.

    Parameters
    ----------
    root : path
        Dataset through stage 4 or later; the more has run, the more is judged.
    config : RunConfig, optional
        Configuration of a run.
    config_file : str
        Where it comes from, for the commands that are advised.

    Returns
    -------
    dict
        ``after``: the last stage that has run; ``suggestions``: each with parameter, value, patch,
        reasons, the command to type and what follows from it; none of a parameter that has been
        changed since. ``stale``: results that are judged although they are out of date.

    Raises
    ------
    DatasetError
        No patch is through stage 4, nor anything later done.
    MatError
        An artifact is damaged.
    """
    dataset = discover_dataset(root, need_patches=False)
    require_dataset(dataset)
    known = parameters.load_all(dataset)
    config = config or RunConfig()
    stage = _last_stage(dataset, known)
    if stage < JUDGED:
        raise DatasetError(
            f"{root}: nothing to judge yet; pystamps-hpc run --dataset {quote(str(root))} "
            f"--end-step {JUDGED} goes so far"
        )
    found = [each for each in _suggestions(dataset, known) if not _waits(dataset, known, each)]
    return {
        "schema": "pystamps-hpc/suggestions/1",
        "dataset": str(root),
        "after": stage,
        "suggestions": [
            {
                "parameter": each.parameter,
                "value": list(each.value) if isinstance(each.value, tuple) else each.value,
                "patch": each.patch or None,
                "why": list(each.why),
                "command": each.command(str(root)),
                "follows": list(
                    if_changed(dataset, config, each.parameter, each.value, each.patch, config_file)
                ),
            }
            for each in found
        ],
        "stale": stale_results(dataset.root, config),
    }


JUDGED = 4
"""Stage from which on there is something to judge."""


def _last_stage(dataset: Dataset, known: dict[str, parameters.Parameters]) -> int:
    """Return the last stage that has left its artifact anywhere."""
    done = [0]
    for row in tasks(mode_of(known["root"])):
        targets = dataset.patches if row.spec.scope == "patch" else ("root",)
        if any((dataset.directory(target) / row.marker_file).exists() for target in targets):
            done.append(row.spec.number)
    return max(done)


def _waits(
    dataset: Dataset, known: dict[str, parameters.Parameters], suggestion: Suggestion
) -> bool:
    """Whether the results that are judged are not yet those of the parameter as it is now."""
    name = suggestion.parameter
    if name == "drop_ifg_index":  # what is dropped today is known wherever noise is judged
        return False
    for target in (suggestion.patch,) if suggestion.patch else dataset.patches:
        now = plain(known[target].value(name))
        for record in TargetState.load(dataset.directory(target)).records.values():
            if record["params"].get(name, now) != now:
                return True
    return False


def _suggestions(dataset: Dataset, known: dict[str, parameters.Parameters]) -> Iterator[Suggestion]:
    """Yield what is worth changing."""
    yield from _interferograms(read_network(dataset.root))
    through = [
        Patch(dataset.directory(name), known[name])
        for name in dataset.patches
        if all((dataset.directory(name) / f"{file}.mat").exists()
               for file in ("ps1", "pm1", "select1", "weed1"))
    ]  # fmt: skip
    if through:
        yield from at_limits(through)
        yield from starved(through)


def _interferograms(network: Network) -> Iterator[Suggestion]:
    """Yield the interferograms that are worth dropping as one list."""
    suspects, ifgs = network.suspects(), network.ifgs
    if not suspects:
        return
    why = [f"{ifgs.name_of(ifgs.columns[k])}: {'; '.join(reasons)}"
           for k, reasons in suspects.items()]  # fmt: skip
    yield Suggestion("drop_ifg_index", tuple(map(float, network.drop_next())), tuple(why))
