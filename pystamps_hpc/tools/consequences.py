"""What follows from a changed parameter or a reset estimate: for who has just made the change."""

from collections.abc import Iterator
from shlex import quote

from ..config import RunConfig
from ..dataset import parameters
from ..dataset.parameter_table import Value
from ..dataset.tree import ROOT, Dataset
from ..errors import PystampsError
from ..pipeline.choices import resolve_choices
from ..pipeline.finished import Finished
from ..pipeline.outlook import Outlook, configured, named, outlook
from ..pipeline.stack import known_stack


def after_change(dataset: Dataset, config: RunConfig, name: str, config_file: str) -> Iterator[str]:
    """Yield what a user should know who has changed a parameter.

    Parameters
    ----------
    dataset : Dataset
        Tree, with the new value.
    config : RunConfig
        Configuration of a run.
    name : str
        Full name of the parameter.
    config_file : str
        Where the configuration comes from, for the command that is advised; may be empty.
    """
    try:
        yield from _follows(dataset, config, parameters.load_all(dataset), name, config_file)
    except PystampsError as error:  # the change itself stands
        yield str(error)


def if_changed(
    dataset: Dataset, config: RunConfig, name: str, value: Value, patch: str, config_file: str
) -> Iterator[str]:
    """Yield what would follow from a change that nobody has made yet.

    Parameters
    ----------
    dataset, config, name, config_file
        See :func:`after_change`.
    value : str, float or tuple of float
        What the parameter would be.
    patch : str
        Patch in which alone it would hold; empty: in all of them.
    """
    changed = _changed(dataset, name, value, patch)
    try:
        yield from _follows(dataset, config, changed, name, config_file)
    except PystampsError as error:
        yield str(error)


def outlook_if_changed(
    dataset: Dataset, config: RunConfig, name: str, value: Value, patch: str = ""
) -> Outlook:
    """Return what a plain run would do after a change that nobody has made yet.

    Parameters as of :func:`if_changed`.
    """
    changed = _changed(dataset, name, value, patch)
    return outlook(Finished(dataset, resolve_choices(config), changed))


def _changed(
    dataset: Dataset, name: str, value: Value, patch: str
) -> dict[str, parameters.Parameters]:
    """Return all parameters with one that is changed, in a patch or in all of them."""
    return {
        target: old.set_value(name, value, bool(patch)) if patch in ("", target) else old
        for target, old in parameters.load_all(dataset).items()
    }


def _follows(
    dataset: Dataset,
    config: RunConfig,
    known: dict[str, parameters.Parameters],
    name: str,
    config_file: str,
) -> Iterator[str]:
    if name == "drop_ifg_index":
        yield from _drops_master(dataset, known[ROOT])
    finished = Finished(dataset, resolve_choices(config), known)
    foreign = _foreign_stages(finished, name)
    if foreign:
        verb, pronoun = ("were", "them") if len(foreign) > 1 else ("was", "it")
        yield (
            f"{named(foreign)} {verb} made by another program and "
            f"{'stay' if len(foreign) > 1 else 'stays'}; pystamps-hpc run --dataset "
            f"{dataset.root}{configured(config_file)} --start-step {foreign[0]} --force makes "
            f"{pronoun} again"
        )
    yield from next_run(outlook(finished), dataset, config_file)


def next_run(ahead: Outlook, dataset: Dataset, config_file: str) -> Iterator[str]:
    """Yield what a plain run would do now, if it would do anything."""
    if ahead.refused:
        yield f"a run would be refused: {ahead.refused}"
    elif ahead.stages:
        yield (
            f"pystamps-hpc run --dataset {quote(str(dataset.root))}{configured(config_file)}"
            f" makes {ahead.text}"
        )


def _foreign_stages(finished: Finished, name: str) -> list[int]:
    """Return the stages of other programs that use a parameter."""
    dataset = finished.dataset
    return sorted(
        {
            row.spec.number
            for row in finished.table
            if name in row.parameters
            for target in (dataset.patches if row.spec.scope == "patch" else (ROOT,))
            if finished.foreign(row, target)
        }
    )


def _drops_master(dataset: Dataset, known: parameters.Parameters) -> Iterator[str]:
    """Yield that a list of interferograms to leave out names the master."""
    dropped = known.value("drop_ifg_index")
    numbers = dropped if isinstance(dropped, tuple) else (dropped,)
    stack = known_stack(dataset, known) if numbers else None
    master = None if stack is None else stack.ifgs.master
    if master is not None and master + 1 in numbers:
        yield (
            f"{master + 1} is the column of the master, which is no interferogram: "
            "leaving it out leaves no image out"
        )
