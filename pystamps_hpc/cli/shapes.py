"""What people read: tables and paragraphs, laid out for the width and the colours of a terminal.

A view (:mod:`.views`) makes shapes from the document of a command; :func:`text_of` turns them into
text. Rich does the work and is imported here and by the bars alone.
"""

import io
import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

Shape = RenderableType

WIDTH = 80
WIDEST = 100
GOOD, BAD, CAREFUL, FAINT, STRONG = "green", "bold red", "yellow", "dim", "bold"


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Shape:
    """Lay out rows under their headings; columns that hold numbers alone stand to the right.

    The first column, which names things, is not broken.
    """
    listed = [tuple(row) for row in rows]
    numeric = [
        bool(listed) and all(_is_number(row[k]) or row[k] is None for row in listed)
        for k in range(len(columns))
    ]
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=STRONG,
                 show_header=any(columns))  # fmt: skip
    for k, (column, right) in enumerate(zip(columns, numeric, strict=True)):
        made.add_column(
            column, justify="right" if right else "left", overflow="fold", no_wrap=k == 0
        )
    for row in listed:
        made.add_row(*map(cell, row))
    return made


def pairs(values: Mapping[str, Any]) -> Shape:
    """Lay out labels and their values; what there is not is left out."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(style=FAINT, no_wrap=True)
    made.add_column(overflow="fold")
    for label, value in values.items():
        if value is not None:
            made.add_row(label, cell(value))
    return made


def paragraph(*sentences: str, style: str = "") -> Shape:
    """Return sentences as one paragraph that fills the lines."""
    return Text(" ".join(sentences), style)


def heading(text: str) -> Shape:
    """Return a line that stands above what belongs to it."""
    return Text(f"\n{text}", STRONG)


def marked(text: str, style: str) -> Shape:
    """Return a cell in a colour."""
    return Text(text, style)


def verdict(good: bool, yes: str = "ok", no: str = "FAILED") -> Shape:
    """Return one of two words, green or red."""
    return Text(yes, GOOD) if good else Text(no, BAD)


def cell(value: Any) -> Shape:
    """Write a value as people do: 14,092; 0.031; yes; a, b; - for nothing."""
    if value is None or value == "" or value == []:
        return Text("-", FAINT)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, Text) else str(value)


def text_of(shapes: Iterable[Shape], stream: TextIO) -> str:
    """Return shapes as text for a stream: coloured and filled on a terminal, plain elsewhere.

    Off a terminal a paragraph is one line, so that ``grep`` finds what it says. ``NO_COLOR`` and
    ``TERM=dumb`` are obeyed.
    """
    terminal = stream.isatty()
    width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDEST) if terminal else WIDTH
    console = Console(
        file=io.StringIO(), width=width, force_terminal=terminal,
        highlight=False, markup=False, emoji=False,
    )  # fmt: skip
    for shape in shapes:
        console.print(shape, soft_wrap=isinstance(shape, Text) and not terminal)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "".join(f"{line.rstrip(' ')}\n" for line in text.splitlines())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
