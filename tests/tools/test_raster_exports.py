"""Rasters of points: grids and cell means, tiles for Google Earth, files of MintPy, GeoTIFF."""

import re
import shutil
import subprocess
import tracemalloc
from datetime import date
from io import BytesIO
from zipfile import ZipFile

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import ConfigError, DatasetError
from pystamps_hpc.tools.export import geotiff, mintpy, raster
from pystamps_hpc.tools.export.colours import steps_of
from pystamps_hpc.tools.export.kmz import TILE, write_kmz
from pystamps_hpc.tools.export.raster import MOST_CELLS, Grid, filled, halved
from pystamps_hpc.tools.products.points import read_points
from tests.tools.test_products import DAYS, Result, over_the_date_line

STEP = 0.002


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return Result(tmp_path_factory.mktemp("rasters") / "set")


@pytest.fixture(scope="module")
def points(result):
    return read_points(result.root)


def cell_means(grid, lonlat, values):
    """Take the mean of each cell point by point."""
    found = {}
    for (lon, lat), value in zip(lonlat, values, strict=True):
        row = int(np.floor((grid.north - lat) / grid.step))
        column = int(np.floor((lon - grid.west) / grid.step))
        found.setdefault((row, column), []).append(value)
    means = np.full(grid.shape, np.nan)
    for place, members in found.items():
        means[place] = np.mean(members)
    return means


@st.composite
def places(draw):
    """Points anywhere on the earth, of a house or of a continent."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    extent, centre = draw(st.sampled_from([1e-6, 1e-3, 0.1, 5, 60])), rng.uniform(-20, 20, 2)
    lonlat = centre + rng.uniform(-extent, extent, (draw(st.integers(1, 40)), 2))
    return lonlat.round(draw(st.sampled_from([2, 6, 12])))


@given(places(), st.sampled_from([None, 0.05, 0.3, 1.0]))
def test_every_point_lies_in_its_cell(lonlat, step):
    grid = Grid.around(lonlat, step)
    cells = grid.cells_of(lonlat)
    assert ((cells >= 0) & (cells < grid.n_cells)).all()
    row, column = np.divmod(cells, grid.shape[1])
    middle = np.column_stack(
        (grid.west + (column + 0.5) * grid.step, grid.north - (row + 0.5) * grid.step)
    )
    assert (np.abs(middle - lonlat) <= grid.step * (0.5 + 1e-6)).all()
    for edge in (grid.west, grid.east, grid.south, grid.north):
        assert abs(edge / grid.step - round(edge / grid.step)) < 1e-6
    # no row and no column is without reason
    assert {0, grid.shape[0] - 1} <= set(row.tolist())
    assert {0, grid.shape[1] - 1} <= set(column.tolist())


@given(places())
def test_the_usual_grid_has_about_as_many_cells_as_points(lonlat):
    grid = Grid.around(lonlat)
    assert grid.n_cells <= MOST_CELLS
    finer = grid.n_cells * 6.3 > MOST_CELLS or grid.step == 1e-5
    assert grid.n_cells >= len(lonlat) or finer
    if grid.step < 1:
        coarser = Grid.around(lonlat, grid.step * (2.5 if f"{grid.step:.0e}"[0] == "2" else 2))
        assert coarser.n_cells < len(lonlat) or coarser.n_cells > MOST_CELLS
    assert f"{grid.step:.0e}"[0] in "125"


def test_a_cell_holds_the_mean_of_its_points_that_have_a_value(result):
    grid = Grid.around(result.lonlat, STEP)
    values = result.velocity.copy()
    values[::7] = np.nan
    lonlat = result.lonlat.copy()
    lonlat[3] = np.nan
    known = np.isfinite(values) & np.isfinite(lonlat).all(axis=1)
    means = grid.means(values, grid.cells_of(lonlat))
    expected = cell_means(grid, lonlat[known], values[known])
    np.testing.assert_allclose(means, expected, rtol=1e-6)
    assert grid.counts(grid.cells_of(lonlat)).sum() == 399


def test_resolutions_that_make_no_grid_are_refused(result):
    for step in (0, -1, np.nan, 20):
        with pytest.raises(ConfigError, match="must be above 0"):
            Grid.around(result.lonlat, step)
    with pytest.raises(ConfigError, match=r"cells, .*take --resolution 2e-05 or coarser"):
        Grid.around(result.lonlat, 1e-6)
    with pytest.raises(DatasetError, match="no PS has a longitude"):
        Grid.around(np.full((5, 2), np.nan))


def test_gaps_are_closed_from_the_nearest_cell_and_no_farther_than_asked():
    raster = np.full((7, 9), np.nan, np.float32)
    raster[3, 2], raster[3, 8] = 1, 2
    away = [np.hypot(*np.subtract(np.indices(raster.shape).T, place).T) for place in
            ((3, 2), (3, 8))]  # fmt: skip
    for gap in (0, 1, 2):
        found = filled(raster, gap)
        np.testing.assert_array_equal(np.isfinite(found), np.minimum(*away) <= gap)
        assert set(found[away[0] <= gap]) == {1}
        assert set(found[away[1] <= gap]) == {2}


@pytest.mark.parametrize("gap", [1, 3, 40])
def test_gaps_are_closed_in_strips_as_in_one_piece(gap, monkeypatch):
    rng = np.random.default_rng(5)
    cells = np.where(rng.random((60, 20)) < 0.03, rng.random((60, 20)), np.nan)
    cells[20:40] = np.nan
    whole = filled(cells, gap)
    monkeypatch.setattr(raster, "STRIP", 5 * 20)
    np.testing.assert_array_equal(np.isnan(filled(cells, gap)), np.isnan(whole))
    from_where = [np.hypot(*np.subtract(np.indices(cells.shape).T, place).T)
                  for place in np.argwhere(np.isfinite(cells))]  # fmt: skip
    nearest, values = np.min(from_where, axis=0), cells[np.isfinite(cells)]
    for row, column in np.argwhere(np.isfinite(whole)):
        source = int(np.flatnonzero(values == filled(cells, gap)[row, column])[0])
        assert from_where[source][row, column] == nearest[row, column]


def test_closing_gaps_takes_little_memory_besides_the_raster(monkeypatch):
    monkeypatch.setattr(raster, "STRIP", 1 << 16)
    cells = np.full((2000, 1000), np.nan, np.float32)
    cells[::7, ::5] = 1
    filled(cells[:50], 1)  # imports
    tracemalloc.start()
    filled(cells, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * cells.nbytes


def test_a_coarser_level_is_the_mean_of_four_cells_without_empty_ones():
    raster = np.array([[1, 2, 3], [3, np.nan, 5], [np.nan, np.nan, 7]], np.float32)
    np.testing.assert_array_equal(halved(raster), [[2, 4], [np.nan, 7]])


def opened(path):
    """Return pictures and texts of a KMZ by name."""
    from matplotlib.image import imread

    with ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    pictures = {name: imread(BytesIO(body)) for name, body in files.items() if name[-3:] == "png"}
    return pictures, {name: body.decode() for name, body in files.items() if name[-3:] == "kml"}


def test_a_tile_shows_the_means_of_its_cells_and_nothing_where_no_point_is_near(points, tmp_path):
    write_kmz(points, tmp_path / "v.kmz", resolution=STEP, gap=1, opacity=0.5)
    pictures, texts = opened(tmp_path / "v.kmz")
    grid = Grid.around(points.velocities.lonlat, STEP)
    velocity = points.velocities.velocity
    means = filled(cell_means(grid, points.velocities.lonlat, velocity).astype(np.float32), 1)
    tile = pictures["tiles/0_0_0.png"][: grid.shape[0], : grid.shape[1]]
    known = np.isfinite(means)
    assert (tile[~known, 3] == 0).all()
    np.testing.assert_allclose(tile[known, 3], 0.5, atol=3e-3)
    scale = steps_of(velocity, None)
    np.testing.assert_allclose(
        tile[known, :3], scale.colours[scale.of(means[known])], rtol=0, atol=1 / 255
    )
    assert not pictures["tiles/0_0_0.png"][grid.shape[0] :].any()
    north, west = (float(re.search(f"<{side}>(.*?)<", texts["doc.kml"])[1])
                   for side in ("north", "west"))  # fmt: skip
    assert (north, west) == pytest.approx((grid.north, grid.west), abs=1e-9)
    assert pictures["legend.png"].shape[2] == 4


def test_every_tile_of_the_pyramid_is_reached_and_lies_in_the_one_above(points, tmp_path):
    write_kmz(points, tmp_path / "v.kmz", resolution=STEP / 20, gap=0)
    pictures, texts = opened(tmp_path / "v.kmz")
    reached, waiting = set(), ["tiles/0_0_0.kml"]
    assert "tiles/0_0_0.kml" in texts["doc.kml"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        box = region(texts[name])
        assert f"{name[6:-3]}png" in texts[name]
        for child in re.findall(r"<href>(\d_\d+_\d+)\.kml", texts[name]):
            waiting.append(f"tiles/{child}.kml")
            north, south, east, west = region(texts[waiting[-1]])
            assert box[1] - 1e-8 <= south < north <= box[0] + 1e-8
            assert box[3] - 1e-8 <= west < east <= box[2] + 1e-8
    assert reached == set(texts) - {"doc.kml"}
    assert {name[:-3] for name in reached} == {name[:-3] for name in pictures if "tile" in name}
    levels = {int(name[6]) for name in reached}
    assert levels == {0, 1, 2}
    # each point is somewhere on the finest level
    finest = [picture for name, picture in pictures.items() if name.startswith("tiles/2")]
    grid = Grid.around(points.velocities.lonlat, STEP / 20)
    n_filled = len(set(grid.cells_of(points.velocities.lonlat)))
    assert sum((picture[..., 3] > 0).sum() for picture in finest) == n_filled


def region(text):
    box = re.search(r"<Document><Region><LatLonAltBox>(.*?)</LatLonAltBox>", text)[1]
    return [float(value) for value in re.findall(r">([-\d.]+)<", box)]


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="GDAL is not installed")
def test_gdal_opens_the_pyramid(points, tmp_path):
    path = tmp_path / "v.kmz"
    write_kmz(points, path, resolution=STEP / 20)
    told = subprocess.run(["gdalinfo", path], capture_output=True, text=True, check=True).stdout
    assert "KMLSUPEROVERLAY" in told
    assert f"Size is {4 * TILE}, {4 * TILE}" in told
    assert "Overviews: 512x512, 256x256" in told


@pytest.fixture(scope="module")
def of_mintpy(points, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "mintpy"
    mintpy.write_mintpy(points, folder, resolution=STEP)
    return folder


def test_files_of_mintpy_hold_means_in_its_units_and_say_where_they_lie(result, of_mintpy, points):
    grid = Grid.around(result.lonlat, STEP)

    def means(values):
        return cell_means(grid, result.lonlat, values)

    with h5py.File(of_mintpy / "timeseries.h5") as file:
        attributes = dict(file.attrs)
        days = [date.fromordinal(int(day) - 366).strftime("%Y%m%d") for day in DAYS]
        assert [text.decode() for text in file["date"]] == days
        assert file["bperp"].shape == (5,)
        for stored, moved in zip(file["timeseries"], result.displacement.T, strict=True):
            np.testing.assert_allclose(stored, means(moved / 1000), atol=2e-6)
    with h5py.File(of_mintpy / "velocity.h5") as file:
        np.testing.assert_allclose(file["velocity"], means(result.velocity / 1000), atol=1e-7)
        assert np.isfinite(file["velocityStd"]).sum() == np.isfinite(file["velocity"]).sum()
        assert file.attrs["UNIT"] == "m/year"
    assert attributes | {"FILE_TYPE": "timeseries", "UNIT": "m", "REF_DATE": "20160514"} == (
        attributes
    )
    assert all(isinstance(value, str) for value in attributes.values())
    assert [float(attributes[name]) for name in ("X_FIRST", "Y_FIRST", "X_STEP", "Y_STEP")] == [
        grid.west, grid.north, STEP, -STEP,
    ]  # fmt: skip
    assert (int(attributes["LENGTH"]), int(attributes["WIDTH"])) == grid.shape
    assert attributes["ORBIT_DIRECTION"] == "DESCENDING"
    with h5py.File(of_mintpy / "geometryGeo.h5") as file:
        np.testing.assert_allclose(file["height"], means(result.height), rtol=1e-6)
        incidence, azimuth = (np.radians(file[f"{angle}Angle"]) for angle in
                              ("incidence", "azimuth"))  # fmt: skip
    # MintPy: the satellite is at (-sin(azimuth), cos(azimuth)) of the ground
    known = np.isfinite(azimuth)
    look = -np.sin(incidence) * np.sin(azimuth), np.sin(incidence) * np.cos(azimuth)
    for found, name in zip(look, ("look_east", "look_north"), strict=True):
        np.testing.assert_allclose(found[known], means(points.known[name])[known], atol=5e-3)
    with h5py.File(of_mintpy / "maskTempCoh.h5") as file:
        assert file["mask"].dtype == bool
        np.testing.assert_array_equal(file["mask"], np.isfinite(means(result.velocity)))


def test_the_reference_cell_of_mintpy_is_one_with_points_near_the_reference_area(
    tmp_path,
):
    result = Result(tmp_path / "set", ref_ps=np.array([[4.0], [9.0]]))
    mintpy.write_mintpy(read_points(result.root), tmp_path / "mintpy", resolution=STEP)
    with h5py.File(tmp_path / "mintpy" / "numPS.h5") as file:
        attributes, count = dict(file.attrs), file["mask"][:]
    row, column = int(attributes["REF_Y"]), int(attributes["REF_X"])
    assert count[row, column] > 0
    grid = Grid.around(result.lonlat, STEP)
    latitude, longitude = float(attributes["REF_LAT"]), float(attributes["REF_LON"])
    assert grid.cells_of(np.array([[longitude, latitude]])) == row * grid.shape[1] + column
    centre = result.lonlat[[3, 8]].mean(axis=0)
    steps = (np.argwhere(count > 0)[:, ::-1] + 0.5) * [STEP, -STEP]
    away = np.hypot(*(np.array([grid.west, grid.north]) + steps - centre).T)
    assert np.hypot(longitude - centre[0], latitude - centre[1]) == pytest.approx(away.min())


def test_mintpy_reads_its_files(of_mintpy, result):
    pytest.importorskip("mintpy")
    from mintpy.objects import timeseries
    from mintpy.utils import readfile, time_func
    from mintpy.utils import utils as ut

    series = timeseries(str(of_mintpy / "timeseries.h5"))
    series.open(print_msg=False)
    moved = series.read(print_msg=False)
    velocity, attributes = readfile.read(str(of_mintpy / "velocity.h5"), datasetName="velocity")
    # its own straight line through the series is our velocity; its years are of 365 or 366 days
    known = np.isfinite(velocity)
    fit = time_func.estimate_time_func(
        {"polynomial": 1, "periodic": [], "stepDate": [], "polyline": [], "exp": {}, "log": {}},
        series.dateList, moved[:, known], ref_date=series.metadata["REF_DATE"],
    )  # fmt: skip
    np.testing.assert_allclose(fit[1][1], velocity[known], rtol=3e-3, atol=2e-6)
    places = ut.coordinate(attributes)
    row, column = places.geo2radar(float(attributes["REF_LAT"]), float(attributes["REF_LON"]))[:2]
    assert (row, column) == (int(attributes["REF_Y"]), int(attributes["REF_X"]))
    for name in ("geometryGeo", "temporalCoherence", "demErr", "maskTempCoh", "numPS"):
        layer, kind = readfile.read(str(of_mintpy / f"{name}.h5"))
        assert layer.shape == velocity.shape
        assert kind["FILE_TYPE"] in ("geometry", "temporalCoherence", "dem", "mask")
    angles = (readfile.read(str(of_mintpy / "geometryGeo.h5"), datasetName=f"{name}Angle")[0]
              for name in ("incidence", "azimuth"))  # fmt: skip
    east, north, up = ut.get_unit_vector4component_of_interest(*angles, comp="enu2los")
    heading = np.radians(-168)
    level = np.sqrt(1 - up[known] ** 2)
    np.testing.assert_allclose(east[known], -level * np.cos(heading), atol=1e-5)
    np.testing.assert_allclose(north[known], level * np.sin(heading), atol=1e-5)


def test_a_geotiff_lies_where_its_points_are_and_says_what_its_bands_are(points, tmp_path):
    rasterio = pytest.importorskip("rasterio")
    geotiff.write_geotiff(points, tmp_path / "v.tif", resolution=STEP)
    velocities = points.velocities
    grid = Grid.around(velocities.lonlat, STEP)
    with rasterio.open(tmp_path / "v.tif") as file:
        assert file.crs.to_epsg() == 4326
        assert file.descriptions == (
            "velocity", "velocity_deviation", "coherence", "height", "points",
        )  # fmt: skip
        assert file.units[:2] == ("mm/yr", "mm/yr")
        assert file.tags()["value_type"] == "v-do"
        means = cell_means(grid, velocities.lonlat, velocities.velocity)
        np.testing.assert_allclose(file.read(1), means, rtol=1e-5)
        lon, lat = velocities.lonlat[17]
        row, column = file.index(lon, lat)
        (value,) = file.sample([(lon, lat)], 1)
        assert value[0] == file.read(1)[row, column] == pytest.approx(means[row, column])
        assert file.read(5).sum() == len(points)


def test_a_raster_over_the_date_line_has_the_cells_of_its_scene_alone(tmp_path):
    result = Result(tmp_path / "set")
    over_the_date_line(result)
    grid = Grid.around(read_points(result.root).velocities.lonlat, STEP)
    assert grid.shape[1] <= 0.1 / STEP + 2
    assert grid.west < 180 < grid.east


@pytest.mark.parametrize("write", [write_kmz, mintpy.write_mintpy, geotiff.write_geotiff])
def test_points_without_velocity_leave_their_cells_empty_and_spoil_no_other(write, tmp_path):
    result = Result(tmp_path / "set")
    (result.root / "mean_v.mat").unlink()
    whole = read_points(result.root)
    phase = read_mat(result.root / "phuw2.mat")["ph_uw"]
    phase[:300] = np.nan
    write_mat(result.root / "phuw2.mat", {"ph_uw": phase})
    parameters.save(parameters.load(result.root).with_values({"ref_radius": -np.inf}))
    points = read_points(result.root)
    assert np.isnan(points.velocities.velocity).sum() == 300
    write(points, tmp_path / "new", resolution=STEP)
    if write is mintpy.write_mintpy:
        with h5py.File(tmp_path / "new" / "velocity.h5") as file:
            found = file["velocity"][:]
        grid = Grid.around(result.lonlat, STEP)
        kept = grid.cells_of(result.lonlat)[300:]
        assert set(np.flatnonzero(np.isfinite(found))) == set(kept)
    assert len(whole) == len(points)
