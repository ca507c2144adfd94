"""Files of the products: artifacts in, pictures and tables out."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ...dataset import schema
from ...dataset.border import inside
from ...dataset.mat import MatFile
from ...dataset.publish import write_error


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
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` and, if all went well, move that file into place.

    Raises
    ------
    PublishError
        The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
