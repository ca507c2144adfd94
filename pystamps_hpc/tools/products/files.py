"""Files of the products: artifacts in, pictures and tables out."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...dataset import publish, schema
from ...dataset.border import inside
from ...dataset.mat import MatFile
from ...dataset.rows import AnyArray, Rows
from ...parallel.team import Team
from ..drawing.page import DPI

ROWS = 1 << 13
"""Rows that are in memory at a time."""


def read_artifact(folder: Path, artifact: str, *names: str) -> dict[str, Any]:
    """Read keys of one artifact in their form inside; optional ones may be missing.

    Raises
    ------
    MatError
        The file or a key is missing or damaged.
    """
    with MatFile(folder / f"{artifact}.mat") as file:
        return {
            name: inside(schema.key(artifact, name), file.read(name))
            for name in names
            if name in file.variables or not schema.key(artifact, name).optional
        }


def in_blocks(source: Rows, size: int = ROWS) -> Iterator[tuple[slice, AnyArray]]:
    """Yield blocks of `size` rows, and what they hold."""
    n_rows = source.shape[0]
    for first in range(0, n_rows, size):
        rows = slice(first, min(first + size, n_rows))
        yield rows, source[rows]


def in_shared_blocks(source: Rows, team: Team) -> Iterator[tuple[slice, AnyArray]]:
    """Yield blocks of rows on the root, which all ranks compute in turns; collective.

    The other ranks yield nothing, and have to go to the end as well.
    """
    n_rows, turn = source.shape[0], team.size * ROWS
    for first in range(0, n_rows, turn):

        def computed(rows: slice, first: int = first) -> AnyArray:
            return source[first + rows.start : first + rows.stop]

        ready = team.map_rows(computed, min(turn, n_rows - first), ROWS, _untold)
        for rows, block in team.pull(ready):
            yield slice(first + rows.start, first + rows.stop), block


def _untold(share: float) -> None:
    """Tell nobody how far a turn is."""


@contextmanager
def product_files(path: Path) -> Iterator[Path]:
    """Give the name of `path` in an empty folder and, if all went well, move what is there.

    For what has side files, and programs that judge a file by its name. Each file is moved beside
    `path` at once, that of its name last; none if a directory is in the way of one.

    Raises
    ------
    PublishError
        A file cannot be written.
    """
    with _staging(path) as staging:
        yield staging / path.name
        files = sorted(staging.iterdir(), key=lambda file: file.name == path.name)
        for there in (path.with_name(file.name) for file in files):
            if there.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(there))
        for file in files:
            os.replace(file, path.with_name(file.name))


@contextmanager
def product_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder and, if all went well, move it to its place.

    Where there is none yet it appears whole. In one that is there files of the same name are
    replaced, each at once, and others stay.

    Raises
    ------
    PublishError
        A file cannot be written.
    """
    with _staging(folder) as staging:
        yield staging
        if not folder.exists():
            os.replace(staging, folder)
            return
        for file in sorted(staging.iterdir()):
            os.replace(file, folder / file.name)


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path` that goes away in any case."""
    staging = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        staging.mkdir(parents=True)
        yield staging
    except OSError as error:
        raise publish.write_error(path, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def product_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` and, if all went well, move that file into place.

    Raises
    ------
    PublishError
        The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with publish.replacing(path) as temporary:
            yield temporary
    except OSError as error:
        raise publish.write_error(path, error) from error


def save_picture(figure: Any, path: Path, dpi: int = DPI, compression: int = 6) -> Path:
    """Write a figure of matplotlib in the format that the name ends in; replaced atomically.

    Parameters
    ----------
    figure : Figure
        The figure.
    path : Path
        The picture.
    dpi : int
        Picture elements of an inch.
    compression : int
        Of a PNG: from 1, quick, to 9, small.

    Raises
    ------
    PublishError
        The picture cannot be written.
    """
    from matplotlib import rc_context

    # letters of an SVG stay letters
    form = path.suffix[1:]
    more = {"pil_kwargs": {"compress_level": compression}} if form == "png" else {}
    with product_file(path) as temporary, rc_context({"svg.fonttype": "none"}):
        figure.savefig(temporary, format=form, dpi=dpi, facecolor="white", **more)
    return path
