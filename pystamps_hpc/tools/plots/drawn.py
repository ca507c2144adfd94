"""What a picture of a dataset shows, told beside it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..drawing.page import DPI, SUFFIXES
from ..products.plot_files import require_free, require_place


@dataclass(frozen=True)
class Page:
    """How a picture is written.

    Parameters
    ----------
    title : str, optional
        Title; by default what is shown.
    force : bool
        Whether a file that is there is replaced.
    dpi : int
        Picture elements of an inch.
    """

    title: str | None = None
    force: bool = False
    dpi: int = DPI


USUAL_PAGE = Page()


@dataclass(frozen=True)
class Picture:
    """A picture that was written.

    Parameters
    ----------
    file : Path
        Where it is.
    title : str
        What it shows.
    facts : dict
        Figures behind it, as a document.
    stage : int
        Last stage whose results it is made of.
    warnings : list of str
        What the user should know.
    """

    file: Path
    title: str
    facts: dict[str, Any]
    stage: int = 0
    warnings: list[str] = field(default_factory=list)


def require_picture(path: Path, force: bool) -> None:
    """Refuse a picture that is not to be written, before anything is read or drawn.

    Raises
    ------
    ConfigError, DatasetError
        As :func:`require_free`.
    PublishError
        Nothing can be written there.
    """
    require_free(path, SUFFIXES, force)
    require_place(path)
