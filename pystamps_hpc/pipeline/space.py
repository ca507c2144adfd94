"""Whether the results of a plan can be written: permissions and room."""

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..dataset.schema import ARTIFACTS, Key, of_all_candidates
from ..dataset.tree import STATE_DIRECTORY
from .plan import PlannedTask
from .session import Session
from .stack import StackSummary

_BYTES = {"double": 8, "single": 4, "complex": 8, "complex double": 16, "logical": 1}
_MIB = 2**20


def unwritable_places(session: Session) -> Iterator[str]:
    """Yield the existing directories that the plan writes to and cannot."""
    due = {planned.target for planned in session.due}
    folders = [session.dataset.root, *map(session.dataset.directory, sorted(due))] if due else []
    for folder in dict.fromkeys(folders):
        for place in (folder, folder / STATE_DIRECTORY, folder / "products"):
            if place.is_dir() and not os.access(place, os.W_OK | os.X_OK):
                yield f"data set is not writable: {place}; change its permissions or copy it"
                if place == session.dataset.root:
                    return


def lack_of_space(session: Session, summaries: Mapping[str, StackSummary]) -> Iterator[str]:
    """Yield the lack of room for what the first stages write for certain.

    How much later stages write depends on how many points they keep; it is less.
    """
    needed = sum(certain_bytes(session, planned, summaries) for planned in session.due)
    free = shutil.disk_usage(session.dataset.root).free
    if needed > free:
        n = sum(summary.n_points for summary in summaries.values())
        yield (
            f"{session.dataset.root}: no space left on device for the run: {free // _MIB:,} MiB "
            f"free, the artifacts of {n:,} candidates alone take {-(-needed // _MIB):,} MiB; make "
            "room or move the data set"
        )


def certain_bytes(
    session: Session, planned: PlannedTask, summaries: Mapping[str, StackSummary]
) -> int:
    """Return the bytes by which the artifacts of all candidates of a patch will grow the tree."""
    summary = summaries.get(planned.target)
    if summary is None:
        return 0
    ifgs = summary.ifgs
    lengths = {"n_ps": summary.n_points, "n_ifg": ifgs.n_columns, "n_pm": len(ifgs)}
    of_candidates = [name for name in planned.row.required if of_all_candidates(name)]
    folder = session.dataset.directory(planned.target)
    return sum(
        max(_bytes(ARTIFACTS[name].keys.values(), lengths) - _size(folder / f"{name}.mat"), 0)
        for name in of_candidates
    )


def _bytes(keys: Iterable[Key], lengths: Mapping[str, int]) -> int:
    """Return the least bytes of the rows of all points; other keys are small beside them."""
    return sum(
        min(_BYTES.get(kind, 0) for kind in key.classes)
        * math.prod(int(dim) if dim.isdigit() else lengths.get(dim, 0) for dim in key.dims)
        for key in keys
        if "n_ps" in key.dims and not key.optional
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
