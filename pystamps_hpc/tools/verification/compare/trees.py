"""The artifacts of a tree that are compared: directories, files, and the stage each belongs to."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ....dataset.schema import ARTIFACTS
from ....dataset.tree import ROOT, discover_dataset
from ....pipeline.table import feedback_artifacts, maker, tasks
from ....stages.base import Scope

INTERMEDIATE = ("uw_grid", "uw_interp", "uw_phaseuw", "uw_space_time")
"""Artifacts that are no final products; the smoothed SCLA is one more."""


@dataclass(frozen=True)
class Window:
    """Which stages and files are compared.

    Parameters
    ----------
    first, last : int
        Stages whose artifacts are compared.
    final_products_only : bool
        Leave out the intermediate artifacts of stage 6 and diagnostic keys.
    scope : {"patch", "merged"} or None
        Only this scope.
    """

    first: int = 1
    last: int = 8
    final_products_only: bool = False
    scope: Scope | None = None


@dataclass(frozen=True)
class ArtifactFile:
    """One artifact of a tree."""

    stage: int
    scope: Scope
    target: str
    artifact: str

    @property
    def path(self) -> str:
        """Path below the root, ``PATCH_1/pm1.mat``."""
        folder = "" if self.target == ROOT else f"{self.target}/"
        return f"{folder}{self.artifact}.mat"

    @property
    def failure_class(self) -> str:
        """The task that owns the file, ``stage 2 patch``."""
        return f"stage {self.stage} {self.scope}"

    @property
    def order(self) -> tuple[int, bool, str, int]:
        """Place in reports: stage, patches first, directory, then the order of the schemas."""
        known = list(ARTIFACTS).index(self.artifact)
        return (self.stage, self.scope == "merged", self.target, known)


def owner(artifact: str, scope: Scope) -> int | None:
    """Return the stage that an artifact belongs to, None for raw inputs and unknown files."""
    row = maker(artifact, scope) or maker(artifact, scope, "sb")
    if row is not None:
        return row.spec.number
    beside = [row for row in tasks() if row.spec.scope == scope and artifact in row.bookkeeping]
    return beside[-1].spec.number if beside else None


def artifact_files(root: Path, window: Window) -> list[ArtifactFile]:
    """Return the artifacts of a tree in the order of the stages.

    Raises
    ------
    DatasetError
        The root does not exist or its patch list is unusable.
    """
    dataset = discover_dataset(root, need_patches=False)
    found = list(_files(dataset.root, ROOT, "merged", window))
    for patch in dataset.patches:
        found += _files(dataset.directory(patch), patch, "patch", window)
    return sorted(found, key=lambda file: file.order)


def _files(
    folder: Path, target: str, scope: Literal["patch", "merged"], window: Window
) -> Iterator[ArtifactFile]:
    if window.scope not in (None, scope):
        return
    for artifact in ARTIFACTS:
        stage = owner(artifact, scope)
        if stage is None or not window.first <= stage <= window.last:
            continue
        skipped = artifact in (*INTERMEDIATE, *feedback_artifacts(), *feedback_artifacts("sb"))
        if skipped and window.final_products_only:
            continue
        if (folder / f"{artifact}.mat").is_file():
            yield ArtifactFile(stage, scope, target, artifact)
