"""The entry point of xarray: ``xarray.open_dataset(DIR, engine="pystamps")``."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xarray import Dataset
from xarray.backends import BackendEntrypoint

from ...dataset.tree import is_root_or_patch
from .opening import open_dataset


class PystampsBackend(BackendEntrypoint):
    """Opens datasets of this program and of StaMPS; see :func:`open_dataset`."""

    description = "Datasets of StaMPS and pystamps-hpc, and their patches"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "candidates")

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        candidates: bool = False,
    ) -> Dataset:
        """Open a dataset, or a patch of it."""
        return open_dataset(filename_or_obj, candidates).drop_vars(drop_variables or ())

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether something is the directory of a dataset or a patch."""
        if not isinstance(filename_or_obj, str | os.PathLike):
            return False
        folder = Path(filename_or_obj)
        return folder.is_dir() and is_root_or_patch(folder)
