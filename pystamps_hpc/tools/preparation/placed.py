"""A file that ranks and threads write side by side, each at its places."""

import os
from pathlib import Path
from typing import Any

from ...dataset.publish import write_error


class PlacedFile:
    """A file, made if it is not there, that is written at places; a context."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> "PlacedFile":
        try:
            self.descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o666)
        except OSError as error:
            raise write_error(self.path, error) from None
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self.descriptor)

    def write(self, content: "bytes | memoryview[Any]", start: int) -> None:
        """Write all of `content` from a byte on.

        Raises
        ------
        PublishError
            The disk does not take it.
        """
        view = memoryview(content).cast("B")
        while view:
            try:
                done = os.pwrite(self.descriptor, view, start)
            except OSError as error:
                raise write_error(self.path, error, len(view)) from None
            view, start = view[done:], start + done
