"""A set of files that appears at once."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...dataset.publish import write_error


@contextmanager
def export_folder(folder: Path) -> Iterator[Path]:
    """Give an empty directory beside `folder` and, if all went well, move its files into place.

    Where there is no such folder it appears whole. In one that is there files of the same name are
    replaced, each atomically, and others stay.

    Raises
    ------
    PublishError
        A file cannot be written.
    """
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if not folder.exists():
            os.replace(temporary, folder)
        else:
            for path in sorted(temporary.iterdir()):
                os.replace(path, folder / path.name)
    except OSError as error:
        raise write_error(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
