"""Maps, series and profiles of the points of a dataset, and what is seen as a file."""

import shutil
import threading
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from ..answers import document, hex_colours, tagged
from ..download import meaning_of, points_seen, write_seen
from ..layers import facts_of_layer, shown_types
from ..places import Box
from ..profile import profile_of
from ..raster import View, levels, png_of
from ..result_models import IfgColumn, LayerFacts, MapFacts, Near, ProfileAnswer, SeriesAnswer
from ..results import Area, Results, finite
from ..seen import Filters, seen_of
from ..series import motions
from ..store import NotYet

AT_A_TIME = 4
"""Pictures that are made side by side: each takes memory."""

FARTHEST = 1000.0
"""How far the nearest PS may be from a place that is asked for [m]."""

Bound = Annotated[float | None, Query(description="degrees")]


def tell_waiting(app: FastAPI) -> None:
    """Let an application answer 202 where a result is being computed: the client asks again."""

    async def waiting(request: Request, error: Exception) -> Response:
        return document({"state": "computing"}, 202)

    app.add_exception_handler(NotYet, waiting)


def filters(
    min_coherence: float | None = None,
    max_deviation: float | None = None,
    min_height: float | None = None,
    max_height: float | None = None,
) -> Filters:
    """Return the filters of a request."""
    return Filters(min_coherence, max_deviation, min_height, max_height)


def area(
    ref: Annotated[str, Query(description="longitude,latitude,radius in m")] = "",
) -> Area | None:
    """Return the reference area of a request."""
    return Area.of(ref)


def seen_box(
    west: Bound = None, south: Bound = None, east: Bound = None, north: Bound = None
) -> Any:
    """Return the box of a request; None without bounds, which is all there is."""
    bounds = (west, south, east, north)
    return None if all(bound is None for bound in bounds) else Box.of(bounds)


Filtered = Annotated[Filters, Depends(filters)]
Referenced = Annotated[Area | None, Depends(area)]
Boxed = Annotated[Box | None, Depends(seen_box)]


def router(results_of: Callable[[int], Results]) -> APIRouter:
    """Return the routes.

    Parameters
    ----------
    results_of : callable
        Number of a served dataset -> its results.
    """
    routes = APIRouter(prefix="/datasets/{number}", tags=["results"])
    _add_maps(routes, results_of)
    _add_places(routes, results_of)
    _add_downloads(routes, results_of)
    return routes


def _add_maps(routes: APIRouter, results_of: Callable[[int], Results]) -> None:
    turns = threading.BoundedSemaphore(AT_A_TIME)

    @routes.get("/map")
    def facts(number: int) -> MapFacts:
        """Say where the points are and what can be shown of them."""
        results = results_of(number)
        found, places = results.found(), results.places()
        series, network = found.series, found.network
        return MapFacts(
            points=found.n_ps,
            placed=len(places),
            extent=vars(places.box),  # type: ignore[arg-type]
            types=list(shown_types(found.small_baselines)),  # type: ignore[arg-type]
            images=[IfgColumn(number=k + 1, date=series.date_of(k))
                    for k in range(series.n_columns)],
            interferograms=[IfgColumn(number=int(k) + 1, date=network.date_of(k))
                            for k in network.columns],
            first=results.first(),
        )  # fmt: skip

    @routes.get("/layer")
    def layer(number: int, type: str = "", ifg: int = 0) -> LayerFacts:
        """Say what the numbers of a layer are, and the usual ends of its colours."""
        results = results_of(number)
        found = results.layer(type, ifg)
        results.prepare()
        return LayerFacts(**facts_of_layer(found), palette=hex_colours(found.scale))

    @routes.get("/map.png", response_class=Response)
    def picture(
        request: Request,
        number: int,
        box: Boxed,
        passing: Filtered,
        ref: Referenced,
        type: str = "",
        ifg: int = 0,
        width: int = 800,
        height: int = 600,
        low: float | None = None,
        high: float | None = None,
    ) -> Response:
        """Draw a view of a layer: a PNG that is transparent where there is no point."""
        results = results_of(number)
        layer, places, state = results.layer(type, ifg), results.places(), results.state
        view = View(box or places.box, width, height)
        scale = layer.scale.between(low, high)

        def drawn() -> bytes:
            with turns:
                seen = seen_of(results, layer, view.with_margin, passing, ref)
                found = levels(view, seen.longitude, seen.latitude, seen.values, scale, places.box)
                return png_of(found, scale)

        asked = (state, layer.name, ifg, view, passing, ref, scale)
        return tagged(request, asked, "image/png", drawn)


def _add_places(routes: APIRouter, results_of: Callable[[int], Results]) -> None:
    @routes.get("/near")
    def near(
        number: int, lon: float, lat: float, ref: Referenced,
        within: float = FARTHEST, type: str = "", ifg: int = 0,
    ) -> Near | None:  # fmt: skip
        """Find the PS next to a place, `within` metres of it; null without one."""
        results = results_of(number)
        places, layer = results.places(), results.layer(type, ifg)
        point = places.nearest(lon, lat, min(within, FARTHEST))
        if point is None:
            return None
        longitude, latitude = places.lonlat(point)
        away = places.distance(np.array([point]), lon, lat)[0]
        seen = seen_of(results, layer, Box.around(float(places.longitude[point]), latitude, 1.0),
                       Filters(), ref)  # fmt: skip
        here = np.arange(len(places))[seen.chosen] == point
        known = {name: results.number(name, point) for name in ("height", "coherence", "velocity")}
        return Near(
            ps=int(places.order[point]) + 1, longitude=longitude, latitude=latitude,
            away_m=round(float(away), 1), value=finite(seen.values[here][0]),
            unit=layer.unit, **known,
        )  # fmt: skip

    @routes.get("/series")
    def series(
        number: int,
        ps: Annotated[list[int], Query(description="number of a PS, from 1")],
        ref: Referenced,
        radius: Annotated[float | None, Query(description="m: the mean of the PS within")] = None,
        minus: Annotated[int | None, Query(description="PS that is taken off")] = None,
    ) -> SeriesAnswer:
        """Return displacements with their lines."""
        return SeriesAnswer(**motions(results_of(number), ps, radius, minus, ref))

    @routes.get("/profile")
    def profile(
        number: int, lon: float, lat: float, lon2: float, lat2: float, passing: Filtered,
        ref: Referenced, width: float = 200.0, type: str = "", ifg: int = 0,
    ) -> ProfileAnswer:  # fmt: skip
        """Return the values beside a line of some width [m]."""
        results = results_of(number)
        ends, layer = (lon, lat, lon2, lat2), results.layer(type, ifg)
        return ProfileAnswer(**profile_of(results, layer, ends, width, passing, ref))


def _add_downloads(routes: APIRouter, results_of: Callable[[int], Results]) -> None:
    @routes.get("/download.json")
    def meaning(number: int, box: Boxed, passing: Filtered, ref: Referenced) -> Response:
        """Say what the numbers of a download are: units, signs, reference, dates, parameters."""
        results = results_of(number)
        points = points_seen(results, box or results.places().box, passing, ref)
        return document(meaning_of(points))

    @routes.get("/download.{form}", response_class=FileResponse)
    def download(
        number: int, form: str, box: Boxed, passing: Filtered, ref: Referenced
    ) -> FileResponse:
        """Return the table of the points that are seen, as ``gpkg`` or ``csv``."""
        results = results_of(number)
        points = points_seen(results, box or results.places().box, passing, ref)
        path = write_seen(points, form, "points")
        gone = BackgroundTask(shutil.rmtree, path.parent, ignore_errors=True)
        kind = {"csv": "text/csv"}.get(form, "application/geopackage+sqlite3")
        return FileResponse(path, media_type=kind, filename=path.name, background=gone)
