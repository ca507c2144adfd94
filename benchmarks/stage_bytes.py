"""Bytes and files that each stage has read and written, from a finished dataset."""

from collections.abc import Iterable
from pathlib import Path

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import MatFile
from pystamps_hpc.dataset.parameters import Parameters
from pystamps_hpc.dataset.tree import discover_dataset
from pystamps_hpc.pipeline.loading import input_files
from pystamps_hpc.pipeline.presence import Look
from pystamps_hpc.pipeline.table import mode_of, tasks
from pystamps_hpc.stages.base import Field, artifact_fields

Traffic = dict[str, int]
"""By name: ``rows`` are bytes read in pieces, by each rank its own; ``whole`` those that every rank
of the stage reads; ``written`` all, ``written_rows`` what each rank writes its own of;
``files_read`` (by every rank) and ``files_written``."""

NAMES = ("rows", "whole", "written", "written_rows", "files_read", "files_written")


def stage_bytes(root: Path) -> dict[str, Traffic]:
    """Return the traffic of each stage, of all patches together, by ``"2 patch"``.

    An artifact that a stage adds a key to counts as written whole. Of what is read in pieces each
    byte counts once, although a stage may read it again.
    """
    dataset = discover_dataset(root)
    known = parameters.load(root)
    mode = mode_of(known)
    found = {}
    for row in tasks(mode):
        patches = [dataset.directory(name) for name in dataset.patches]
        targets = patches if row.spec.scope == "patch" else [root]
        total = dict.fromkeys(NAMES, 0)
        fields = artifact_fields(row.spec.outputs)
        for directory in targets:
            for path in (directory / f"{name}.mat" for name in row.bundle):
                if path.exists():
                    of_file = (f for f in fields if f.lazy and f.artifact == path.stem)
                    total["written"] += path.stat().st_size
                    total["written_rows"] += _bytes_of(path, of_file)
                    total["files_written"] += 1
            _add_inputs(total, row.spec.inputs, directory, known)
        if row.patch_inputs is not None:
            for directory in patches:
                _add_inputs(total, row.patch_inputs, directory, known)
        found[f"{row.spec.number} {row.spec.scope}"] = total
    return found


def _add_inputs(total: Traffic, cls: type, directory: Path, known: Parameters) -> None:
    fields = artifact_fields(cls)
    for name, _ in input_files(cls, directory, known, Look()):
        path = Path(name)
        total["files_read"] += 1
        if path.suffix != ".mat":
            total["whole"] += path.stat().st_size
            continue
        of_file = [field for field in fields if f"{field.artifact}.mat" == path.name]
        total["rows"] += _bytes_of(path, (field for field in of_file if field.lazy))
        total["whole"] += _bytes_of(path, (field for field in of_file if not field.lazy))


def _bytes_of(path: Path, fields: Iterable[Field]) -> int:
    with MatFile(path) as file:
        names = [field.key for field in fields if field.key in file.variables]
        return sum(file.read(name).nbytes for name in names if name != "*")
