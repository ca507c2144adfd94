"""The points of a dataset that is opened: PS where there are some, else candidates."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote

from ...dataset import parameters
from ...dataset.mat import MatFile
from ...dataset.schema import POINTS
from ...dataset.tree import discover_dataset, is_patch
from ...errors import DatasetError
from ...stages.shared.ifgs import Ifgs
from ..products.files import read_artifact

NEWEST, FIRST = POINTS


@dataclass(frozen=True)
class Opened:
    """The points of a directory.

    Parameters
    ----------
    folder : Path
        Root or patch.
    version : {1, 2}
        Of the files: of candidates, or of PS.
    """

    folder: Path
    version: int

    def file(self, artifact: str) -> Path:
        """Return the file of an artifact that is named without its version."""
        return self.folder / f"{artifact}{self.version}.mat"

    @property
    def merged(self) -> bool:
        """Whether they are those of all patches."""
        return not is_patch(self.folder)

    @cached_property
    def ifgs(self) -> Ifgs:
        """The interferograms."""
        return Ifgs.of_keys(read_artifact(self.folder, f"ps{self.version}", *Ifgs.KEYS))

    @cached_property
    def n_ps(self) -> int:
        """Number of points."""
        with MatFile(self.file("ps")) as file:
            return file.count("n_ps")

    @cached_property
    def known(self) -> parameters.Parameters:
        """Parameters that hold there."""
        return parameters.load(self.folder, None if self.merged else self.folder.parent)


def points_of(path: Path, candidates: bool) -> Opened:
    """Find out which points a directory has.

    Parameters
    ----------
    path : Path
        Root or patch.
    candidates : bool
        Of a patch: those of stage 1, whatever came after.

    Raises
    ------
    DatasetError
        None; says which command makes them.
    """
    folder = discover_dataset(path, need_patches=False).root
    of_patch = is_patch(folder)
    if (folder / f"{NEWEST}.mat").exists() and not (candidates and of_patch):
        return Opened(folder, 2)
    if (folder / f"{FIRST}.mat").exists():
        return Opened(folder, 1)
    if of_patch:
        raise DatasetError(
            f"{folder / FIRST}.mat: file does not exist; pystamps-hpc run --dataset "
            f"{quote(str(folder.parent))} --end-step 1 makes it"
        )
    patches = discover_dataset(folder).patches
    raise DatasetError(
        f"{folder / NEWEST}.mat: file does not exist, the patches are not merged; pystamps-hpc run "
        f"--dataset {quote(str(folder))} --end-step 5 makes it; a patch can be opened alone, as "
        f"{folder / patches[0]}"
    )
