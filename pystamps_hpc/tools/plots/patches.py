"""What the stages left in the patches of a dataset, patch after patch."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from ...dataset import parameters
from ...dataset.tree import Dataset, discover_dataset
from ...errors import DatasetError
from ...pipeline.table import maker, mode_of
from ..products.files import read_artifact


@dataclass(frozen=True)
class Patches:
    """The patches of a dataset.

    Parameters
    ----------
    dataset : Dataset
        The tree.
    parameters : Parameters
        Those of its root.
    """

    dataset: Dataset
    parameters: parameters.Parameters

    @classmethod
    def of(cls, root: str | os.PathLike[str]) -> "Patches":
        """Find the patches; DatasetError if there are none."""
        return cls(discover_dataset(Path(root)), parameters.load(Path(root)))

    @property
    def folders(self) -> list[Path]:
        """Their folders in processing order."""
        return [self.dataset.directory(name) for name in self.dataset.patches]

    def having(self, artifact: str) -> list[Path]:
        """Return the folders with an artifact; a patch whose points were all rejected has none."""
        return [folder for folder in self.folders if (folder / f"{artifact}.mat").exists()]

    def stage_of(self, artifact: str) -> int:
        """Return the stage that makes an artifact of patches."""
        row = maker(artifact, "patch", mode_of(self.parameters))
        return row.spec.number if row else 0

    def remedy(self, artifact: str) -> str:
        """Say which command makes an artifact."""
        stage = self.stage_of(artifact)
        root = quote(str(self.dataset.root))
        return f"pystamps-hpc run --dataset {root} --end-step {stage} makes it"

    def require(self, artifact: str) -> None:
        """Refuse a dataset of which no patch has an artifact; say what makes it.

        Raises
        ------
        DatasetError
            None has.
        """
        if not self.having(artifact):
            raise DatasetError(
                f"{self.dataset.root}: no patch has {artifact}.mat; {self.remedy(artifact)}"
            )

    def each(self, artifact: str, *names: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield each folder with an artifact, and keys of it in their form inside."""
        for folder in self.having(artifact):
            yield folder, read_artifact(folder, artifact, *names)
