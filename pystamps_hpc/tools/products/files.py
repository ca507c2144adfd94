"""Files of the products: artifacts in, pictures and tables out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...dataset import publish, schema
from ...dataset.border import inside
from ...dataset.mat import MatFile


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
