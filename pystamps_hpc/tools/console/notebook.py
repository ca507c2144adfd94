"""The console inside a notebook: the same pages, served by a thread of its own."""

import html
import os
import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ...config import RunConfig
from ...errors import ConfigError, ToolMissingError
from .serving import TOKEN_BYTES, address, bound, require_server, settings

if TYPE_CHECKING:
    from xarray import Dataset

STARTS_WITHIN = 10.0
"""Seconds in which the server has to answer."""

PAGES = ("map", "ifgs", "selection", "runs", "parameters", "coverage")


class View:
    """Pages of a dataset that a notebook shows; made by :func:`view`.

    Attributes
    ----------
    url : str
        Address of the pages. It holds the token: who has it can read the dataset.
    """

    def __init__(self, root: Path, page: str, height: int, config: RunConfig) -> None:
        import uvicorn

        from .app import create_app
        from .guard import Access

        self._listening = bound(0)
        port = self._listening.getsockname()[1]
        access = Access(secrets.token_urlsafe(TOKEN_BYTES), port, framed=True)
        try:
            app = create_app([root], config, access)
        except BaseException:
            self._listening.close()
            raise
        self.url = f"{address(access.token, port)}#/0/{page}"
        self._height, self._name = height, root.name
        self._server = uvicorn.Server(settings(app))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listening]}, daemon=True
        )
        self._thread.start()
        self._wait()

    def close(self) -> None:
        """Stop the server; the pages answer no longer."""
        self._server.should_exit = True
        self._thread.join(STARTS_WITHIN)
        self._listening.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<console of {self._name}: {self.url}>"

    def _repr_html_(self) -> str:
        where, title = html.escape(self.url), html.escape(f"Console of {self._name}")
        return (
            f'<iframe src="{where}" title="{title}" width="100%" height="{self._height}" '
            'style="border:0"></iframe>'
        )

    def _wait(self) -> None:
        until = time.monotonic() + STARTS_WITHIN
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                self.close()
                raise ToolMissingError("the server of the console does not start")
            time.sleep(0.01)


def view(
    ds: "str | os.PathLike[str] | Dataset",
    page: str = "map",
    height: int = 900,
    config: RunConfig | None = None,
) -> View:
    """Show a dataset in a notebook: map and time series, interferograms, selection, runs.

    The pages are those of ``pystamps-hpc console``, served on a free port of this machine, where
    the browser must reach it: of a notebook on another one through an ssh tunnel for that port.

    Parameters
    ----------
    ds : path or xarray.Dataset
        Root of a dataset, or what ``open_dataset`` returns of it.
    page : str
        Which page is shown first: ``map``, ``ifgs``, ``selection``, ``runs``, ``parameters`` or
        ``coverage``.
    height : int
        Of the frame [pixel].
    config : RunConfig, optional
        Configuration with which the dataset is looked at.

    Returns
    -------
    View
        What the notebook shows; ``close()`` stops the server.

    Raises
    ------
    ToolMissingError
        The extra ``console`` is not installed.
    ConfigError
        There is no such page; the dataset does not say where it is.
    DatasetError
        It is no dataset.

    Examples
    --------
    >>> pystamps_hpc.view("DIR")  # doctest: +SKIP
    """
    if page not in PAGES:
        raise ConfigError(f"page {page}: must be one of {', '.join(PAGES)}")
    require_server()
    return View(_root_of(ds), page, height, (config or RunConfig()).resolved())


def _root_of(ds: Any) -> Path:
    if isinstance(ds, str | os.PathLike):
        return Path(ds)
    source = getattr(ds, "attrs", {}).get("source")
    if not source:
        raise ConfigError("view: takes the path of a dataset, or what open_dataset returns")
    return Path(source)
