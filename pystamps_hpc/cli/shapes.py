"""What people read: tables and paragraphs, laid out for the width and the colours of a terminal.

The view of a command makes shapes from its document; :func:`text_of` turns them into text. Rich
does the work and is imported there and by the bars alone.
"""

import io
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal

WIDTH = 80
WIDEST = 100
GAP = 2
GOOD, BAD, CAREFUL, FAINT, STRONG = "green", "bold red", "yellow", "dim", "bold"


@dataclass(frozen=True)
class Text:
    """A paragraph, or a cell of a table, in a colour; a note behind it is faint."""

    text: str
    style: str = ""
    note: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Table:
    """Rows under their headings, or labels beside their values.

    Columns are as wide as the terminal allows: words are not broken. Where there is too little room
    the widest column gives way first, and of the first, which names things, only what no other
    column can give.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    labelled: bool = False


Shape = Text | Table


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Shape:
    """Lay out rows under their headings; columns that hold numbers alone stand to the right."""
    return Table(tuple(columns), [tuple(row) for row in rows])


def pairs(values: Mapping[str, Any]) -> Shape:
    """Lay out labels and their values; what there is not is left out."""
    rows = [(label, value) for label, value in values.items() if value is not None]
    return Table(("", ""), rows, labelled=True)


def paragraph(*sentences: str, style: str = "") -> Shape:
    """Return sentences as one paragraph that fills the lines."""
    return Text(" ".join(sentences), style)


def heading(text: str) -> Shape:
    """Return a line that stands above what belongs to it."""
    return Text(f"\n{text}", STRONG)


def marked(text: str, style: str = "", note: str = "") -> Text:
    """Return a cell in a colour, with a faint note."""
    return Text(text, style, note)


def verdict(good: bool, yes: str = "ok", no: str = "FAILED") -> Text:
    """Return one of two words, green or red."""
    return Text(yes, GOOD) if good else Text(no, BAD)


def cell(value: Any) -> Text:
    """Write a value as people do: 14,092; 0.031; yes; a, b; - for nothing."""
    if isinstance(value, Text):
        return value
    if value is None or value == "" or value == []:
        return Text("-", FAINT)
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int):
        return Text(f"{value:,}")
    if isinstance(value, float):
        return Text(f"{value:.4g}")
    if isinstance(value, list | tuple):
        return Text(", ".join(map(str, value)))
    return Text(str(value))


def text_of(shapes: Iterable[Shape], stream: IO[str]) -> str:
    """Return shapes as text for a stream: coloured and filled on a terminal, plain elsewhere.

    Off a terminal a paragraph is one line, so that ``grep`` finds what it says.
    """
    from rich.console import Console

    terminal = stream.isatty()
    width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDEST) if terminal else WIDTH
    console = Console(
        file=io.StringIO(), width=width, force_terminal=terminal,
        highlight=False, markup=False, emoji=False, color_system=color_system(),
    )  # fmt: skip
    for shape in shapes:
        if isinstance(shape, Table):
            console.print(_rich_table(shape, width))
        else:
            console.print(_rich_text(shape), soft_wrap=not terminal)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "".join(f"{line.rstrip(' ')}\n" for line in text.splitlines())


def color_system() -> Literal["auto"] | None:
    """Return None where ``NO_COLOR`` asks for text without any codes, bold and dim included."""
    return None if os.environ.get("NO_COLOR") else "auto"


def _rich_text(text: Text) -> Any:
    from rich.text import Text as RichText

    return RichText(text.text, text.style).append(text.note, FAINT)


def _rich_table(shape: Table, room: int) -> Any:
    from rich.table import Table as RichTable

    made = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style=STRONG,
                     show_header=any(shape.columns))  # fmt: skip
    cells = [[_rich_text(cell(value)) for value in row] for row in shape.rows]
    for k, width in enumerate(_widths(shape.columns, cells, room)):
        values = [row[k] for row in shape.rows]
        right = bool(values) and not shape.labelled and all(map(_is_number, values))
        made.add_column(
            shape.columns[k],
            justify="right" if right else "left",
            style=FAINT if shape.labelled and k == 0 else "",
            overflow="fold",
            width=width,
        )
    for row in cells:
        made.add_row(*row)
    return made


def _widths(heads: Sequence[str], rows: list[list[Any]], room: int) -> list[int]:
    """Share out the cells of a line among the columns; see :class:`Table`."""
    from rich.cells import cell_len

    columns = [(head, *(row[k].plain for row in rows)) for k, head in enumerate(heads)]
    widths = [max(map(cell_len, column)) for column in columns]
    words = [max((cell_len(word) for text in column for word in text.split()), default=0)
             for column in columns]  # fmt: skip
    for least in ([widths[0], *words[1:]], words, [1] * len(words)):
        while sum(widths) + GAP * (len(widths) - 1) > room:
            loose = [k for k, width in enumerate(widths) if width > max(least[k], 1)]
            if not loose:
                break
            widths[max(loose, key=lambda k: widths[k])] -= 1
    return widths


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?\d+\.\d+%?", value) is not None
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
