"""What the result of a task that still stands tells the same task of today."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..dataset.mat import MatFile
from ..dataset.rows import AnyArray
from ..errors import MatError
from .presence import stamp
from .state import TargetState
from .table import Task


@dataclass(frozen=True)
class Standing:
    """The result of a task as it stands before it is made again.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    directory : Path
        Of the target.
    record : mapping
        What the task is made with today.
    """

    row: Task
    directory: Path
    record: Mapping[str, Any]

    def values(
        self, keys: Sequence[str], artifacts: Collection[str]
    ) -> Mapping[str, AnyArray] | None:
        """See :class:`pystamps_hpc.parallel.context.Before`."""
        before = TargetState.load(self.directory).records.get(self.row.spec.number)
        path = self.directory / self.row.marker_file
        if before is None or not self._made_alike(before, artifacts):
            return None
        try:
            if stamp(path.stat()) != before.get("marker"):
                return None
            with MatFile(path) as file:
                return {key: file.read(key) for key in keys}
        except (OSError, MatError):
            return None

    def _made_alike(self, before: Mapping[str, Any], artifacts: Collection[str]) -> bool:
        """Whether version, configuration, kernels and the artifacts were those of today."""
        files = {f"{name}.mat" for name in artifacts}
        then, now = (
            [each.get(name) for name in ("science_version", "config", "backends")]
            + [(name, entry["sample"]) for name, entry in sorted(each["inputs"].items())
               if Path(name).name in files]
            for each in (before, self.record)
        )  # fmt: skip
        return then == now
