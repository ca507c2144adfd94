"""Files of the products: artifacts in, pictures and tables out."""

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


@contextmanager
def product_files(path: Path) -> Iterator[Path]:
    """Give the name of `path` in an empty folder and, if all went well, move what is there.

    For programs that write side files, or judge a file by its name. Each file is moved beside
    `path` at once, that of its name last.

    Raises
    ------
    PublishError
        A file cannot be written.
    """
    staging = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        staging.mkdir(parents=True)
        yield staging / path.name
        for file in sorted(staging.iterdir(), key=lambda file: file.name == path.name):
            os.replace(file, path.with_name(file.name))
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
