"""Outputs of a stage to the disk: one bundle, published atomically by the root of the team."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..config import OutputConfig
from ..dataset import border
from ..dataset.mat import MatFile, MatFormat, Stream, write_mat
from ..dataset.publish import Publication, write_error
from ..dataset.rows import AnyArray, Rows
from ..dataset.schema import ARTIFACTS, Key
from ..errors import MatError, PublishError
from ..parallel.team import Team
from ..stages.base import artifact_fields
from .table import Task

Bundle = dict[str, dict[str, Any]]
"""Artifact name -> key -> MATLAB value, or a large value that is pulled while it is written."""


@dataclass(frozen=True)
class _LargeValue:
    """A matrix that is pulled from the ranks while it is written."""

    rows: Rows
    key: Key


def bundle_of(outputs: Any) -> Bundle:
    """Arrange the fields of an ``Outputs`` dataclass by artifact, in MATLAB's form.

    An optional key that is None is left out; an artifact of which everything is None is not part
    of the bundle.
    """
    artifacts: dict[str, dict[str, Any]] = {}
    present: set[str] = set()
    for field in artifact_fields(outputs.__class__):
        value = getattr(outputs, field.name)
        keys = artifacts.setdefault(field.artifact, {})
        if field.key == "*":
            keys.update(value)
            continue
        key = ARTIFACTS[field.artifact].keys[field.key]
        if value is not None:
            present.add(field.artifact)
        elif key.optional:
            continue
        large = field.lazy and value is not None
        keys[field.key] = _LargeValue(value, key) if large else border.outside(key, value)
    return {name: keys for name, keys in artifacts.items() if name in present}


def publish(
    row: Task,
    bundle: Bundle,
    directory: Path,
    team: Team,
    output: OutputConfig,
    name: str,
    bookkeeping: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """Write and publish a bundle; collective.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    bundle : Bundle
        What to write; equal on all ranks but for distributed rows.
    directory : Path
        Patch or root.
    team : Team
        The ranks that hold the rows.
    output : OutputConfig
        Format, compression, flushing.
    name : str
        Name of the staging directory.
    bookkeeping : mapping
        Files for StaMPS that go with the bundle: name -> key -> MATLAB value.

    Returns
    -------
    list of str
        Published names, the marker last.

    Raises
    ------
    PublishError
        A file could not be written or moved; nothing of the bundle is published.
    """
    wanted = [artifact for artifact in row.bundle if artifact in bundle]
    if team.rank != 0:
        for artifact in wanted:
            for value in bundle[artifact].values():
                if isinstance(value, _LargeValue):
                    _drain(team.pull(value.rows))
        return team.on_root(lambda: wanted)

    problem: Exception | None = None
    with Publication(directory, name, output.fsync) as publication:
        for artifact in wanted:
            problem = _write(publication, artifact, bundle[artifact], team, output,
                             problem)  # fmt: skip

        def commit() -> list[str]:
            if problem is not None:
                raise problem
            for artifact, values in bookkeeping.items():
                _save(publication.path(artifact), values, output)
            stale = [other for other in row.optional if other not in wanted]
            order = [*bookkeeping, *wanted]
            publication.commit(order, stale)
            return order

        return team.on_root(commit)


def _write(
    publication: Publication,
    artifact: str,
    keys: Mapping[str, Any],
    team: Team,
    output: OutputConfig,
    problem: Exception | None,
) -> Exception | None:
    """Write one staged file; after a failure only take what the other ranks send."""
    variables: dict[str, Any] = {}
    pulls: list[Iterator[tuple[slice, AnyArray]]] = []
    for name, value in keys.items():
        if isinstance(value, _LargeValue):
            blocks = team.pull(value.rows)
            pulls.append(blocks)
            dtype = border.stored_dtype(value.key, value.rows.dtype)
            columns = ((rows, block.reshape(len(block), -1)) for rows, block in blocks)
            shape = (*value.rows.shape, 1)[:2]
            variables[name] = Stream(shape, dtype, columns)
        else:
            variables[name] = value
    if problem is None:
        try:
            _save(publication.path(artifact), variables, output)
        except Exception as error:
            problem = error
    for blocks in pulls:
        _drain(blocks)
    return problem


def _save(path: Path, variables: Mapping[str, Any], output: OutputConfig) -> None:
    try:
        write_mat(
            path,
            variables,
            mat_format=cast(MatFormat, output.mat_format),
            compress=output.compress,
            fsync=output.fsync,
        )
        with MatFile(path) as written:
            lost = set(variables) - set(written.variables)
        if lost:
            raise PublishError(f"cannot publish {path}: {', '.join(sorted(lost))} not written")
    except MatError as error:
        if isinstance(error.__cause__, OSError):
            raise write_error(path, error.__cause__) from None
        raise


def _drain(blocks: Iterator[Any]) -> None:
    for _ in blocks:
        pass
