"""The datasets that a console serves, by number: what a client names is looked up among these."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...config import RunConfig
from ...dataset.tree import ROOT, Dataset, discover_dataset, require_dataset
from ...errors import PystampsError


class UnknownNameError(PystampsError):
    """A client has named something that is not there."""


@dataclass(frozen=True)
class Trees:
    """The served datasets.

    Parameters
    ----------
    roots : tuple of Path
        Their directories; a client names one by its place in this list.
    config : RunConfig
        Configuration with which they are looked at.
    config_file : str
        Where it comes from; may be empty.
    """

    roots: tuple[Path, ...]
    config: RunConfig
    config_file: str = ""

    def root(self, number: int) -> Path:
        """Return the directory of a dataset.

        Raises
        ------
        UnknownNameError
            There is none of that number.
        """
        if not 0 <= number < len(self.roots):
            raise UnknownNameError(f"there is no dataset {number}: 0 to {len(self.roots) - 1}")
        return self.roots[number]

    def dataset(self, number: int) -> Dataset:
        """Return a dataset with its patches as they are now.

        Raises
        ------
        UnknownNameError
            There is none of that number.
        DatasetError
            It has gone, or cannot be read.
        """
        dataset = discover_dataset(self.root(number), need_patches=False)
        require_dataset(dataset)
        return dataset

    def directory(self, number: int, target: str) -> Path:
        """Return the directory of a patch, or of the dataset for the target ``"root"``.

        Raises
        ------
        UnknownNameError
            There is no such patch.
        """
        dataset = self.dataset(number)
        return dataset.directory(among(target, (ROOT, *dataset.patches), "patch"))


def open_trees(roots: Sequence[Path], config: RunConfig, config_file: str = "") -> Trees:
    """Return the datasets to serve, each of which must be one.

    Raises
    ------
    DatasetError
        A directory is missing, cannot be read, or holds no dataset.
    """
    found = [discover_dataset(root, need_patches=False) for root in roots]
    for dataset in found:
        require_dataset(dataset)
    return Trees(tuple(dict.fromkeys(each.root for each in found)), config, config_file)


def among(name: str, known: Iterable[str], kind: str) -> str:
    """Return the one of the known names that a client means.

    What is returned is the name that is there, never the text of the client.

    Raises
    ------
    UnknownNameError
        It is not there.
    """
    for each in known:
        if each == name:
            return each
    raise UnknownNameError(f"there is no such {kind}")
