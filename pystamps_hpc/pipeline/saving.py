"""Outputs of a stage to the disk: one bundle, written by all ranks, published by the root."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..config import OutputConfig
from ..dataset import border
from ..dataset.finite import not_finite, place_text
from ..dataset.mat import MatFile, MatFormat, Stream, write_mat
from ..dataset.places import Place, filling
from ..dataset.publish import Publication, flush_all, write_error
from ..dataset.rows import AnyArray, Rows
from ..dataset.schema import ARTIFACTS, Key
from ..errors import MatError, PublishError, StageError
from ..parallel import interruption
from ..parallel.team import Team, piece_length, stretches, units
from ..stages.base import artifact_fields
from ..stages.shared.ifgs import Ifgs
from .table import Task
from .visibility import wait_until

Bundle = dict[str, dict[str, Any]]
"""Artifact name -> key -> MATLAB value, or a large value that is read while it is written."""

Variables = Mapping[str, Mapping[str, Any]]
"""A bundle, and files for StaMPS beside it."""

Paths = Mapping[str, Path]
"""Artifact name -> staged file."""


@dataclass(frozen=True, eq=False)
class _LargeValue:
    """A matrix of which each rank reads its own rows while it is written."""

    rows: Rows
    key: Key
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""
        return (*self.rows.shape, 1)[:2]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements in the file."""
        return border.stored_dtype(self.key, self.rows.dtype)


def bundle_of(outputs: Any) -> Bundle:
    """Arrange the fields of an ``Outputs`` dataclass by artifact, in MATLAB's form.

    An optional key that is None is left out; an artifact of which everything is None is not part
    of the bundle.

    Raises
    ------
    StageError
        A number is not finite although the schema wants it; in large values when they are written.
    """
    artifacts: dict[str, dict[str, Any]] = {}
    present: set[str] = set()
    master = next((part.master for part in vars(outputs).values() if isinstance(part, Ifgs)), None)
    for field in artifact_fields(outputs.__class__):
        value = getattr(outputs, field.name)
        if isinstance(value, Ifgs):
            value = value.keys[field.key]
        keys = artifacts.setdefault(field.artifact, {})
        if field.key == "*":
            keys.update(value)
            continue
        key = ARTIFACTS[field.artifact].keys[field.key]
        if value is not None:
            present.add(field.artifact)
        elif key.optional:
            continue
        name = f"{field.artifact}.{field.key}"
        if field.lazy and value is not None:
            keys[field.key] = _LargeValue(border.with_null(key, value, master), key, name)
        else:
            ids = keys[key.ids][:, 0] if key.ids else None
            keys[field.key] = border.outside(key, value, ids)
            _require_finite(keys[field.key], key, name)
    return {name: keys for name, keys in artifacts.items() if name in present}


def publish(
    row: Task,
    bundle: Bundle,
    directory: Path,
    team: Team,
    output: OutputConfig,
    name: str,
    bookkeeping: Variables,
    make_way: Callable[[], None] = lambda: None,
    before_moves: Callable[[Path], None] = lambda staged: None,
) -> list[str]:
    """Write and publish a bundle; collective.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    bundle : Bundle
        What to write; equal on all ranks but for distributed rows. Without the marker it is what a
        finished task lacked: nothing of it that is there goes.
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
    make_way : callable
        Removes what the bundle outdates; called on the root when all of it is written.
    before_moves : callable
        Records the task, see :meth:`Publication.commit`; called on the root.

    Returns
    -------
    list of str
        Published names, the marker last.

    Raises
    ------
    PublishError
        A file could not be written or moved; nothing of the bundle is published.
    StageError
        A number is not finite although the schema wants it.
    """
    wanted = {artifact: bundle[artifact] for artifact in row.bundle if artifact in bundle}
    order = [*bookkeeping, *wanted]
    publication = Publication(directory, name, output.fsync)
    with team.agreed(), publication if team.rank == 0 else nullcontext():
        write_bundle({**wanted, **bookkeeping}, publication.staging, team, output)
        if team.rank == 0:
            make_way()
            shared = {*order} - {*row.first_made}
            publication.commit(order, _stale(row, wanted), shared, before_moves)
    return order


def write_bundle(bundle: Variables, directory: Path, team: Team, output: OutputConfig) -> None:
    """Write the files of a bundle; collective.

    Several ranks write at the same time, each its own rows, into files in which the root has left
    room for them. A deflated matrix has no fixed places: the root writes it from rows that the
    others send.

    Raises
    ------
    PublishError
        A file could not be written.
    StageError
        A number is not finite although the schema wants it.
    """
    paths = {artifact: directory / f"{artifact}.mat" for artifact in bundle}
    if team.size > 1 and not output.compress:
        _write_side_by_side(bundle, paths, team, output)
    elif team.rank == 0:
        for artifact, keys in bundle.items():
            _save(paths[artifact], _pulled(keys, team), output)
            _require_whole(paths[artifact], keys)
        _flush([*paths.values()], output)
    else:
        _send(bundle, team)


def _write_side_by_side(bundle: Variables, paths: Paths, team: Team, output: OutputConfig) -> None:
    places = team.on_root(
        lambda: {
            artifact: _save(paths[artifact], _left_out(keys), output)
            for artifact, keys in bundle.items()
        }
    )

    def write_own_rows() -> None:
        for artifact, of_file in places.items():
            large = {bundle[artifact][key]: place for key, place in of_file.items()}
            _write_rows(paths[artifact], large, team.rank, team.size)

    def make_durable() -> None:
        me = team.members[team.rank]  # each node has pages of its own of every file
        of_node = sum(member.node == me.node for member in team.members)
        of_rank = [*paths.values()][me.local_rank :: of_node]
        wait_until(lambda: all(path.exists() for path in of_rank))
        _flush(of_rank, output)
        if team.rank == 0:
            for artifact, keys in bundle.items():
                _require_whole(paths[artifact], keys)

    team.on_each(write_own_rows)
    team.on_each(make_durable)


def _write_rows(path: Path, large: Mapping[_LargeValue, Place], rank: int, size: int) -> None:
    """Write the rows of one of `size` ranks into their places in a staged file."""
    if not large:
        return
    wait_until(path.exists)  # a network file system may show it late on other nodes
    try:
        with filling(path) as put:
            for value, place in large.items():
                start, stop = stretches(value.shape[0], size)[rank]
                for rows in units(start, stop, piece_length(value.rows)):
                    put(place, rows, _block(value, rows, value.rows[rows]))
    except OSError as error:
        raise write_error(path, error, _size_of(large)) from None


def _flush(paths: list[Path], output: OutputConfig) -> None:
    if not output.fsync:
        return
    try:
        flush_all(paths)
    except OSError as error:
        raise write_error(Path(error.filename), error) from None


def _stale(row: Task, wanted: Collection[str]) -> list[str]:
    """Return the optional artifacts of the task alone that a whole new bundle lacks."""
    if row.spec.marker not in wanted:
        return []
    return [name for name in row.optional if name in row.first_made and name not in wanted]


def _send(bundle: Variables, team: Team) -> None:
    """Give the root this rank's rows, in the order in which it writes them."""
    for value in (value for keys in bundle.values() for value in keys.values()):
        if isinstance(value, _LargeValue):
            for _ in team.pull(value.rows):
                pass


def _pulled(keys: Mapping[str, Any], team: Team) -> dict[str, Any]:
    """Return variables whose large values are pulled from the ranks while they are written."""
    return {
        name: _stream(value, team) if isinstance(value, _LargeValue) else value
        for name, value in keys.items()
    }


def _left_out(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return variables with room in place of the large values."""
    return {
        name: Stream(value.shape, value.dtype, None) if isinstance(value, _LargeValue) else value
        for name, value in keys.items()
    }


def _stream(value: _LargeValue, team: Team) -> Stream:
    pulled = team.pull(value.rows)
    blocks = ((rows, _block(value, rows, block)) for rows, block in pulled)
    return Stream(value.shape, value.dtype, blocks)


def _block(value: _LargeValue, rows: slice, block: AnyArray) -> AnyArray:
    """Return rows as they are written, (n, n_columns)."""
    interruption.check()  # what is half staged is dropped
    _require_finite(block, value.key, value.name, rows.start)
    return block.reshape(len(block), -1)


def _require_finite(values: Any, key: Key, name: str, first_row: int = 0) -> None:
    place = None if key.may_be_nan else not_finite(values)
    if place is not None:
        where = place_text((place[0] + first_row, *place[1:]))
        raise StageError(
            f"{name}: the result is not finite in {where} although all inputs are; nothing is "
            "published, check the parameters of the stage"
        )


def _save(path: Path, variables: Mapping[str, Any], output: OutputConfig) -> dict[str, Place]:
    """Write a file; return where the values belong that were left out."""
    with _publishing(path, variables):
        return write_mat(
            path,
            variables,
            mat_format=cast(MatFormat, output.mat_format),
            compress=output.compress,
            fsync=False,
        )


def _require_whole(path: Path, keys: Mapping[str, Any]) -> None:
    """Read the headers of a staged file; anew, as other nodes may have changed it."""
    with _publishing(path, keys), MatFile(path) as written:
        lost = set(keys) - set(written.variables)
    if lost:
        raise PublishError(f"cannot publish {path}: {', '.join(sorted(lost))} not written")


@contextmanager
def _publishing(path: Path, variables: Mapping[str, Any]) -> Iterator[None]:
    """Turn an error of the system on a staged file into one that says what to do."""
    try:
        yield
    except MatError as error:
        if isinstance(error.__cause__, OSError):
            raise write_error(path, error.__cause__, _size_of(variables.values())) from None
        raise


def _size_of(values: Iterable[Any]) -> int:
    return sum(map(_size, values))


def _size(value: Any) -> int:
    """Return about how many bytes a variable takes."""
    if isinstance(value, Stream | _LargeValue):
        return int(np.prod(value.shape)) * np.dtype(value.dtype).itemsize
    return int(getattr(value, "nbytes", 0) or getattr(getattr(value, "data", None), "nbytes", 0))
