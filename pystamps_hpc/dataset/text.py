"""Text files of a dataset, whoever wrote them: one reader, in bounded memory."""

import codecs
from pathlib import Path

from ..errors import DatasetError
from .contents import Content, content
from .files import handed_out, open_regular

LARGEST = 2**25  # bytes; lists of images and grids of 5,000 numbers are far below
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path) -> str:
    """Read a text file whole: UTF-8, or what its byte order mark says.

    Raises
    ------
    DatasetError
        The file is missing, no regular file, not readable, too large, or holds binary zeros.
    """
    with handed_out(path):
        held = content(path)
        if held is None:
            with open_regular(path) as file:
                held = Content(file.read(LARGEST + 1))
    if len(held.data) > LARGEST:
        raise DatasetError(f"{path}: larger than {LARGEST:,} bytes, not the text file it should be")
    text = held.data.decode(encoding_of(held.data), errors="replace")
    if "\0" in text:
        raise DatasetError(f"{path}: holds binary zeros instead of text; restore it from a copy")
    return text


def encoding_of(content: bytes) -> str:
    """Return the encoding of a text by its first bytes."""
    return next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")


def lines_of(path: Path) -> list[str]:
    """Read the lines of a text file without surrounding blanks, empty ones and ``#`` comments.

    Raises
    ------
    DatasetError
        As :func:`read_text`.
    """
    lines = (line.strip() for line in read_text(path).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def words_of(path: Path) -> list[str]:
    """Read the blank-separated words of a text file; raises as :func:`read_text`."""
    return " ".join(lines_of(path)).split()


def shown(text: str, most: int = 60) -> str:
    """Shorten a text of the user's for a message."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
