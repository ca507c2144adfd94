"""The page of a picture: its figure, the ink of what is written, lines of text on it."""

import textwrap
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

from ...errors import ToolMissingError

INK, FAINT, EDGE, GRID = "#1f2328", "#6a7078", "#9aa0a6", "#e4e6e8"
MARK = "#c62828"
"""What stands out: the master, a limit, an outlier."""

DPI = 200

SUFFIXES = (".png", ".pdf", ".svg")
"""What a picture may end in."""

SUBTITLE, NOTE, TITLE = 9.5, 8.0, 16.0
_LETTER = 0.0075
"""Width of a letter [inch] for each point of its size, on average."""


@dataclass(frozen=True)
class Captions:
    """What is written on a page: above the drawing a title and lines on it, below a note."""

    title: str
    lines: Sequence[str] = ()
    note: str = ""


def new_figure(size: tuple[float, float], what: str) -> Any:
    """Return an empty matplotlib figure.

    Parameters
    ----------
    size : (float, float)
        Width and height [inch].
    what : str
        What is drawn, for the message.

    Raises
    ------
    ToolMissingError
        matplotlib is not installed.
    """
    require_matplotlib(what)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    return figure


def require_matplotlib(what: str) -> None:
    """Refuse to draw without matplotlib, before anything is read; see :func:`new_figure`."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise ToolMissingError(
            f"matplotlib is not installed: {what} needs it; pip install '.[viz]' in the source "
            "folder, or pip install 'pystamps-hpc[viz]'"
        ) from None


def load_matplotlib_beside() -> None:
    """Begin to load matplotlib in a thread, a second of work that a picture at the end finds done.

    Nothing is said where it is missing or broken; whoever draws says so.
    """

    def load() -> None:
        with suppress(Exception):
            new_figure((1, 1), "a picture").add_subplot()

    Thread(target=load, name="load matplotlib").start()


def wrapped(text: str, room: float, size: float) -> list[str]:
    """Break text into lines of `room` [inch] at a size of letters [pt]."""
    return textwrap.wrap(text, max(int(room / (_LETTER * size)), 20))


def write_captions(figure: Any, captions: Captions, left: float, top: float, foot: float) -> None:
    """Write captions.

    Parameters
    ----------
    figure : Figure
        The page.
    captions : Captions
        What is written.
    left : float
        Where all lines begin [inch].
    top, foot : float
        Lower end of the lines above, upper end of the note below [inch].
    """
    width, height = figure.get_size_inches()
    room = width - left - 0.15
    above = [part for line in captions.lines for part in wrapped(line, room, SUBTITLE)]
    style = {"color": FAINT, "linespacing": 1.35}
    figure.text(left / width, top / height, "\n".join(above), fontsize=SUBTITLE, va="bottom",
                **style)  # fmt: skip
    note = "\n".join(wrapped(captions.note, room, NOTE))
    figure.text(left / width, foot / height, note, fontsize=NOTE, va="top", **style)
    size = min(TITLE, room / (1.15 * _LETTER * max(len(captions.title), 1)))
    figure.text(
        left / width, (top + 0.13 + 0.18 * len(above)) / height, captions.title,
        fontsize=max(size, 9.0), fontweight="bold", color=INK, va="bottom",
    )  # fmt: skip


def plain_axes(axes: Any) -> None:
    """Draw axes of a diagram: two spines, a faint grid, small figures."""
    axes.spines[["top", "right"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set(color=EDGE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(colors=FAINT, labelsize=8.5, length=3, width=0.6)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, fontsize=9.5)


def halo(width: float) -> list[Any]:
    """Return a white halo around lines and letters, so that they are seen on any colour."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground="white")]
