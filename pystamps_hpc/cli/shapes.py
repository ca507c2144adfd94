"""What people read: tables and paragraphs, laid out for the width and the colours of a terminal.

A view (:mod:`.views`) makes shapes from the document of a command; :func:`text_of` turns them into
text. Rich does the work and is imported here and by the bars alone.
"""

import io
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

Shape = RenderableType

WIDTH = 80
WIDEST = 100
GAP = 2
GOOD, BAD, CAREFUL, FAINT, STRONG = "green", "bold red", "yellow", "dim", "bold"


class _Columns:
    """Cells under headings, in columns as wide as the terminal allows: words are not broken.

    Where there is too little room the widest column gives way first, and of the first, which names
    things, only what no other column can give.
    """

    def __init__(
        self, rows: Iterable[Sequence[str | Text]], heads: Sequence[str], right: Sequence[bool] = ()
    ) -> None:
        self.rows = [[Text(item) if isinstance(item, str) else item for item in row]
                     for row in rows]  # fmt: skip
        self.heads = heads
        self.right = right

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        made = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style=STRONG,
                     show_header=any(self.heads))  # fmt: skip
        for k, width in enumerate(self._widths(options.max_width)):
            made.add_column(
                self.heads[k],
                style="" if self.right or k else FAINT,
                justify="right" if self.right and self.right[k] else "left",
                overflow="fold",
                width=width,
            )
        for row in self.rows:
            made.add_row(*row)
        yield made

    def _widths(self, room: int) -> list[int]:
        columns = [(Text(head), *(row[k] for row in self.rows))
                   for k, head in enumerate(self.heads)]  # fmt: skip
        widths = [max(item.cell_len for item in column) for column in columns]
        words = [max((cell_len(word) for item in column for word in item.plain.split()), default=0)
                 for column in columns]  # fmt: skip
        for least in ([widths[0], *words[1:]], words, [1] * len(words)):
            while sum(widths) + GAP * (len(widths) - 1) > room:
                loose = [k for k, width in enumerate(widths) if width > max(least[k], 1)]
                if not loose:
                    break
                widths[max(loose, key=lambda k: widths[k])] -= 1
        return widths


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Shape:
    """Lay out rows under their headings; columns that hold numbers alone stand to the right."""
    listed = [tuple(row) for row in rows]
    numeric = [
        bool(listed) and all(_is_number(row[k]) or row[k] is None for row in listed)
        for k in range(len(columns))
    ]
    return _Columns([[cell(item) for item in row] for row in listed], columns, numeric)


def pairs(values: Mapping[str, Any]) -> Shape:
    """Lay out labels and their values; what there is not is left out."""
    rows = [(label, cell(value)) for label, value in values.items() if value is not None]
    return _Columns(rows, ("", ""))


def paragraph(*sentences: str, style: str = "") -> Shape:
    """Return sentences as one paragraph that fills the lines."""
    return Text(" ".join(sentences), style)


def heading(text: str) -> Shape:
    """Return a line that stands above what belongs to it."""
    return Text(f"\n{text}", STRONG)


def marked(text: str, style: str) -> Text:
    """Return a cell in a colour."""
    return Text(text, style)


def verdict(good: bool, yes: str = "ok", no: str = "FAILED") -> Shape:
    """Return one of two words, green or red."""
    return Text(yes, GOOD) if good else Text(no, BAD)


def cell(value: Any) -> str | Text:
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

    Off a terminal a paragraph is one line, so that ``grep`` finds what it says.
    """
    terminal = stream.isatty()
    width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDEST) if terminal else WIDTH
    console = Console(
        file=io.StringIO(), width=width, force_terminal=terminal,
        highlight=False, markup=False, emoji=False, color_system=color_system(),
    )  # fmt: skip
    for shape in shapes:
        console.print(shape, soft_wrap=isinstance(shape, Text) and not terminal)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "".join(f"{line.rstrip(' ')}\n" for line in text.splitlines())


def color_system() -> Literal["auto"] | None:
    """Return None where ``NO_COLOR`` asks for text without any codes, bold and dim included."""
    return None if os.environ.get("NO_COLOR") else "auto"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
