"""Open a dataset as an ``xarray.Dataset`` whose values are read when they are used."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...dataset.border import inside
from ...dataset.mat import MatFile
from ...dataset.rows import AnyArray, Rows, applied, chosen_columns
from ...dataset.schema import ARTIFACTS, Key
from ...errors import DatasetError, ToolMissingError
from ...stages.shared.ifgs import date_of, listed_columns
from ...stages.shared.reference_area import ReferenceArea
from .computed import masks_of, results_of
from .points import Opened, points_of
from .variables import COORDINATES, STORED, Stored

if TYPE_CHECKING:
    from xarray import Dataset, Variable


def open_dataset(path: str | os.PathLike[str], candidates: bool = False) -> "Dataset":
    """Open a dataset, or one of its patches, whatever stages it has been through.

    Parameters
    ----------
    path : path
        Root of a dataset that is merged, of this program or of StaMPS; or a patch of it.
    candidates : bool
        Of a patch that is through stage 5: all candidates instead of the PS that are left. A patch
        before stage 5 has only these.

    Returns
    -------
    xarray.Dataset
        Dimensions ``ps``, ``date`` (images) and ``ifg`` (interferograms, without that of the master
        with itself). Numbers of points are read when they are used, and only the rows and columns
        that are. Attributes of a variable say unit, sign, reference, and the artifact and key that
        it is.

    Raises
    ------
    ToolMissingError
        xarray is not installed.
    DatasetError, MatError, StageError
        There are no points yet, or an artifact is damaged or does not fit them.

    Examples
    --------
    >>> found = open_dataset("DIR")  # doctest: +SKIP
    >>> found.unwrapped.sel(date="2016-06-07")[:1000].values  # doctest: +SKIP
    """
    try:
        import xarray
    except ImportError:
        raise ToolMissingError(
            "open_dataset needs xarray: pip install 'pystamps-hpc[gis]'"
        ) from None
    points = points_of(Path(path), candidates)
    coordinates = {**_axes(points), **_places(points)}
    variables: dict[str, Variable] = {}
    for stored in STORED:
        variable = _variable(points, stored)
        if variable is not None:
            into = coordinates if stored.name in COORDINATES else variables
            into[stored.name] = variable
    for other in masks_of(points) if points.version == 1 else results_of(points):
        values = _lazily(other.rows, 0 if len(other.dims) == 1 else None)
        variables[other.name] = xarray.Variable(other.dims, values, other.attributes)
    return xarray.Dataset(variables, coordinates, _attributes(points))


def _axes(points: Opened) -> dict[str, Any]:
    """Return dates, and numbers, images and baselines of interferograms."""
    import xarray

    ifgs = points.ifgs
    days = np.array([date_of(day) for day in ifgs.day], "datetime64[ns]")
    numbers = points.known.value("drop_ifg_index") or ()
    dropped = listed_columns(numbers, ifgs.n_columns, "drop_ifg_index")
    first, second = days[ifgs.pairs].T
    meanings: dict[str, tuple[AnyArray, dict[str, str]]] = {
        "ifg": (ifgs.columns + 1, {"long_name": "number of the interferogram in drop_ifg_index"}),
        "first": (first, {"long_name": "first image of the pair"}),
        "second": (second, {"long_name": "second image of the pair"}),
        "bperp": (ifgs.bperp, {"long_name": "perpendicular baseline of the pair", "units": "m"}),
        "dropped": (np.isin(ifgs.columns, dropped), {"long_name": "left out by drop_ifg_index"}),
    }
    axes: dict[str, Any] = {
        name: xarray.Variable(("ifg",), values, attributes)
        for name, (values, attributes) in meanings.items()
    }
    axes["date"] = xarray.Variable(("date",), days, {"long_name": "acquisition of the image"})
    return axes


def _places(points: Opened) -> dict[str, Any]:
    """Return where the points are."""
    import xarray

    meanings = (
        ("lon", "lonlat", 0, "longitude, WGS 84", "degrees_east"),
        ("lat", "lonlat", 1, "latitude, WGS 84", "degrees_north"),
        ("x", "xy", 1, "local coordinate x", "m"),
        ("y", "xy", 2, "local coordinate y", "m"),
    )
    places = {}
    with MatFile(points.file("ps")) as file:
        for name, key, column, meaning, unit in meanings:
            rows = _fitting(file, key, (points.n_ps, None))
            attributes = {"long_name": meaning, "units": unit, "stamps": f"{file.path.stem}.{key}"}
            places[name] = xarray.Variable(("ps",), _lazily(rows, column), attributes)
    return places


def _lazily(rows: Rows, column: int | None) -> Any:
    from .lazy import lazily

    return lazily(rows, column)


def _fitting(file: MatFile, name: str, expected: tuple[int, int | None]) -> Rows:
    """Return a matrix of a file as rows; refuse one that does not fit the points."""
    rows = file.rows(name)
    n_rows, n_columns = expected
    if rows.shape[0] != n_rows or n_columns not in (None, rows.shape[1]):
        found = " x ".join(map(str, rows.shape))
        wanted = f"{n_rows} rows" if n_columns is None else f"{n_rows} x {n_columns}"
        raise DatasetError(
            f"{file.path}: '{name}' is {found}, expected {wanted} as of the points and images; run "
            "the stage that makes it again"
        )
    return rows


def _variable(points: Opened, stored: Stored) -> Any:
    """Return a variable of the table; None if the directory does not have it."""
    import xarray

    artifact = f"{stored.artifact}{points.version}"
    path = points.file(stored.artifact)
    if artifact not in ARTIFACTS or not path.exists():
        return None
    key = ARTIFACTS[artifact].keys[stored.key]
    with MatFile(path) as file:
        known = file.variables.get(stored.key)
        if known is None or 0 in known.shape:
            return None
        dims: tuple[str, ...] = ("ps",)
        if key.dims[0] == "n_ifg":
            dims = ("ifg",)
            values = inside(key, file.read(stored.key))[points.ifgs.columns]
        elif key.vector:
            values = _lazily(_fitting(file, stored.key, (points.n_ps, 1)), 0)
        else:
            dims, rows = _stack(points, file, key)
            values = _lazily(rows, None)
    attributes = {
        "long_name": stored.meaning, "units": stored.unit, "sign": stored.sign,
        "reference": stored.reference, "stamps": f"{artifact}.{stored.key}",
    }  # fmt: skip
    told = {name: text for name, text in attributes.items() if text}
    return xarray.Variable(dims, values, told)


def _stack(points: Opened, file: MatFile, key: Key) -> tuple[tuple[str, str], Rows]:
    """Return a stack without the column of the master, phasors as phase, and its dimensions."""
    ifgs = points.ifgs
    n_columns = {"n_ifg": ifgs.n_columns, "n_pm": len(ifgs), "n_image": len(ifgs.day)}[key.dims[1]]
    rows = _fitting(file, key.name, (points.n_ps, n_columns))
    if key.classes[0].startswith("complex"):
        rows = applied(_phase, rows, np.float32)
    if key.dims[1] == "n_image":
        return ("ps", "date"), rows
    return ("ps", "ifg"), chosen_columns(rows, ifgs.columns) if n_columns > len(ifgs) else rows


def _phase(phasors: AnyArray) -> AnyArray:
    """Return the phase of phasors [rad]; NaN where there is none."""
    return np.where(phasors == 0, np.nan, np.angle(phasors)).astype(np.float32)


def _attributes(points: Opened) -> dict[str, Any]:
    """Return what holds for all variables."""
    ifgs, known = points.ifgs, points.known
    found = {
        "title": f"{'PS' if points.version == 2 else 'candidates'} of {points.folder.name}",
        "mode": "small baselines" if ifgs.master is None else "single master",
        "master": date_of(ifgs.master_day),
        "wavelength_m": known.value("lambda"),
        "heading_deg": known.value("heading"),
        "reference_area": known.to_params(ReferenceArea).text,
        "crs": "EPSG:4326",
        "source": str(points.folder),
    }
    return {name: value for name, value in found.items() if value == value}
