"""Interferograms and the selection of candidates."""

import threading
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ....errors import ConfigError
from ..answers import document, hex_colours, tagged
from ..ifgs import if_dropped, network_of, sheet_of, small_map
from ..result_models import DropAnswer, SheetAnswer
from ..results import Results
from ..selection import selection_of
from ..trees import Trees

WIDEST = 1024
"""Of a small map [pixel]."""


def router(trees: Trees, results_of: Callable[[int], Results]) -> APIRouter:
    """Return the routes.

    Parameters
    ----------
    trees : Trees
        The served datasets.
    results_of : callable
        Number of one -> its results.
    """
    routes = APIRouter(prefix="/datasets/{number}", tags=["interferograms"])
    turns = threading.BoundedSemaphore(2)

    @routes.get("/ifgs")
    def ifgs(number: int) -> Response:
        """Return the network: dates, baselines, noise, what is dropped, what is worth dropping."""
        return document(network_of(results_of(number)))

    @routes.get("/ifgs/panel")
    def panel(number: int, kind: str = "wrapped") -> SheetAnswer:
        """Say what a panel of small maps shows: ``wrapped``, ``unwrapped`` or ``residual``."""
        sheet = sheet_of(results_of(number), kind)
        return SheetAnswer(**sheet.facts, palette=hex_colours(sheet.scale))

    @routes.get("/ifg.png", response_class=Response)
    def small(
        request: Request, number: int, ifg: int, kind: str = "wrapped", width: int = 160
    ) -> Response:
        """Draw a small map of an interferogram."""
        if not 1 <= width <= WIDEST:
            raise ConfigError(f"width {width}: must be 1 to {WIDEST}")
        results = results_of(number)

        def drawn() -> bytes:
            with turns:
                return small_map(results, kind, ifg, width)

        sheet_of(results, kind)
        return tagged(request, (results.state, kind, ifg, width), "image/png", drawn)

    @routes.get("/drop")
    def drop(
        number: int,
        ifgs: Annotated[str, Query(description="drop_ifg_index: numbers with commas, or nothing")],
    ) -> DropAnswer:
        """Say what a run would do if these interferograms, and no others, were dropped."""
        results, dataset = results_of(number), trees.dataset(number)
        return DropAnswer(**if_dropped(results, dataset, _numbers(ifgs), trees.config_file))

    @routes.get("/selection")
    def selection(number: int) -> Response:
        """Return what decided on the candidates, and what every stage kept."""
        found: dict[str, Any] = selection_of(results_of(number))
        return document(found)

    return routes


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",") if word.strip()]
    except ValueError:
        raise ConfigError(f"ifgs {text}: must be numbers with commas, such as 3,7") from None
