"""Files of the products: artifacts in, pictures and tables out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...dataset import publish, schema
from ...dataset.border import inside
from ...dataset.mat import MatFile
from ...dataset.rows import AnyArray, Rows
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


def in_blocks(source: Rows) -> Iterator[tuple[slice, AnyArray]]:
    """Yield blocks of rows, and what they hold."""
    n_rows = source.shape[0]
    for first in range(0, n_rows, ROWS):
        rows = slice(first, min(first + ROWS, n_rows))
        yield rows, source[rows]


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


def save_picture(figure: Any, path: Path, dpi: int = DPI) -> Path:
    """Write a figure of matplotlib in the format that the name ends in; replaced atomically.

    Raises
    ------
    PublishError
        The picture cannot be written.
    """
    from matplotlib import rc_context

    # letters of an SVG stay letters
    with product_file(path) as temporary, rc_context({"svg.fonttype": "none"}):
        figure.savefig(temporary, format=path.suffix[1:], dpi=dpi, facecolor="white")
    return path
