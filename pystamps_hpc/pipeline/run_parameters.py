"""The parameters of every target of a run, with what the processor's files say of the sensor."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..dataset import candidates, parameters
from ..dataset.candidates import sensor_parameters
from ..dataset.parameter_table import TABLE, text_of
from ..dataset.parameters import Parameters
from ..dataset.problems import Problems
from ..dataset.tree import ROOT, Dataset
from .presence import missing_members
from .table import Task, mode_of, tasks


def read_parameters(
    dataset: Dataset, window: Callable[[Iterable[Task]], list[Task]], needed: bool
) -> tuple[dict[str, Parameters], list[str]]:
    """Read the parameters of every target.

    Parameters
    ----------
    dataset : Dataset
        Tree.
    window : callable
        Picks the rows of a stage table that are asked for. If the task that begins the work on the
        dataset is among them, heading, wavelength and platform are looked for in the files of the
        processor.
    needed : bool
        Whether the files must say them where that task is still to be done.

    Returns
    -------
    dict of str to Parameters
        Target -> parameters, the root included.
    list of str
        A warning where the processor is said nowhere and the files had to tell it.

    Raises
    ------
    DatasetError
        A parameter file or the files of the processor cannot be used.
    """
    found = parameters.load_all(dataset)
    rows = window(tasks(mode_of(found[ROOT])))
    begins = next((row for row in rows if row.spec.begins), None)
    values = {} if begins is None else _sensor_values(dataset, found[ROOT], begins, needed)
    filled = {id(own): own.with_values(values) for own in found.values()}  # what is shared stays so
    warnings = []
    if "insar_processor" in values:
        warnings.append(
            f"{dataset.root / 'processor.txt'}: not found; by their files the interferograms are "
            f"of {values['insar_processor']}, kept as insar_processor in parms.mat"
        )
    return {name: filled[id(own)] for name, own in found.items()}, warnings


def _sensor_values(
    dataset: Dataset, root: Parameters, begins: Task, needed: bool
) -> Mapping[str, str | float]:
    """Read heading, wavelength and platform; a loaded dataset no longer needs the files."""
    folders = [dataset.directory(name) for name in dataset.patches]
    found = Problems()
    values = found.tried(sensor_parameters, dataset.root, root, folders)
    if needed and values is None:
        waiting = [folder for folder in folders if missing_members(begins, folder)]
        for examined in candidates.examine(dict.fromkeys(waiting, root)):
            found.messages += examined.problems
        if waiting:
            found.require_none()
    return values or {}


def differing_patches(known: Mapping[str, Parameters]) -> Iterator[str]:
    """Yield a warning for every patch whose ``parms.mat`` differs from the root's."""
    root = known[ROOT]
    for name, own in known.items():
        if own.file != root.file and own.file.exists():
            for key, (here, there) in parameters.disagreements(own, root).items():
                yield f"{name}/parms.mat: {key} is {here}, in the root {there}; {here} holds here"


def of_other_mode(known: Parameters) -> Iterator[str]:
    """Yield a warning for every value that was set although it counts in the other mode only."""
    other, mode = ("PS", "small baselines") if known.small_baselines else ("SB", "a single master")
    for name, declared in TABLE.items():
        value, default = known.value(name), declared.default_sb or ()
        if declared.one_mode == other and value is not None and text_of(value) != text_of(default):
            yield f"parameter {name} is {text_of(value)}, which has no effect with {mode}"


def save_parameters(dataset: Dataset, root: Parameters) -> None:
    """Write the parameters of the root, if the file lacks them or says something else."""
    known = parameters.load(dataset.root)
    if not known.file.exists() or parameters.disagreements(known, root):
        parameters.save(root)
