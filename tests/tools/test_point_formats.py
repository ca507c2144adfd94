"""Formats of points: the set of StaMPS, its Visualizer, placemarks, GMT, NetCDF."""

import csv
import os
import re
import shutil
import subprocess
from datetime import date, timedelta
from xml.etree import ElementTree

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import ConfigError, DatasetError, PublishError
from pystamps_hpc.tools.export import kml
from pystamps_hpc.tools.export.gmt import write_gmt
from pystamps_hpc.tools.export.kml import write_kml
from pystamps_hpc.tools.export.netcdf import write_netcdf
from pystamps_hpc.tools.export.stamps import write_stamps_set
from pystamps_hpc.tools.export.visualizer import write_visualizer_csv
from pystamps_hpc.tools.products.files import product_folder
from pystamps_hpc.tools.products.points import read_points
from tests.tools.test_products import DAYS, MASTER, TO_MM, Result, with_phasors

FITTED = [0, 1, 3, 4]
REFERENCE = RunConfig().with_values({"compat.exports": "reference"})


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    made = Result(tmp_path_factory.mktemp("formats") / "set")
    with_phasors(made.root)
    return made


@pytest.fixture
def own(tmp_path):
    """A dataset that a test may change."""
    made = Result(tmp_path / "own")
    with_phasors(made.root)
    return made


def set_parameters(root, **values):
    parameters.save(parameters.load(root).with_values(values))


def test_the_set_of_stamps_holds_what_its_names_say(result, tmp_path):
    points = read_points(result.root)
    write_stamps_set(points, tmp_path / "set")
    texts = (path for path in (tmp_path / "set").iterdir() if path.suffix != ".flt")
    rows = {path.name: np.loadtxt(path) for path in texts}
    np.testing.assert_allclose(rows["ps_ll.txt"], result.lonlat, atol=5.1e-8)
    np.testing.assert_array_equal(rows["ps_ij.txt"][:, 0], np.arange(1, 401))
    for name, values, atol in (
        ("ps_mean_v.xy", result.velocity, 5.1e-5),
        ("dem_error.xy", points.known["dem_error"], 5.1e-4),
    ):  # fmt: skip
        np.testing.assert_allclose(rows[name][:, :2], result.lonlat, atol=5.1e-8)
        np.testing.assert_allclose(rows[name][:, 2], values, atol=atol)
    for k in range(5):  # ramps are not taken off
        moved = result.displacement[:, k] - TO_MM * result.ramp[:, k]
        moved = (moved - moved.mean()) * (k != MASTER)
        np.testing.assert_allclose(rows[f"ps_u-dm.{k + 1}.xy"][:, 2], moved, atol=1e-3)
    np.testing.assert_allclose(rows["ps_data.xy"][:, 3], result.height, atol=5.1e-4)
    days = (tmp_path / "set" / "date.txt").read_text().split()
    assert days == [f"{date.fromordinal(int(day) - 366):%Y%m%d}" for day in DAYS]
    phase = read_mat(result.root / "phuw2.mat")["ph_uw"]
    stored = np.fromfile(tmp_path / "set" / "ph_uw.flt", np.float32).reshape(400, 5)
    np.testing.assert_allclose(stored, phase - phase.mean(axis=0), atol=1e-5)
    wrapped = np.fromfile(tmp_path / "set" / "ph_w.flt", np.float32).reshape(400, 5)
    turned = np.exp(1j * phase)
    np.testing.assert_allclose(
        np.exp(1j * wrapped), turned * np.exp(-1j * np.angle(turned.sum(axis=0))), atol=1e-5
    )


def test_images_that_are_dropped_have_no_displacement(own, tmp_path):
    set_parameters(own.root, drop_ifg_index=(2.0,))
    write_stamps_set(read_points(own.root), tmp_path / "set")
    names = {path.name for path in (tmp_path / "set").glob("ps_u-dm.*")}
    assert names == {f"ps_u-dm.{k}.xy" for k in (1, 3, 4, 5)}


def test_a_single_reference_point_is_the_reference_but_in_stamps(own, tmp_path):
    lon, lat = own.lonlat[17]
    set_parameters(own.root, ref_centre_lonlat=(lon, lat), ref_radius=1.0)
    phase = read_mat(own.root / "phuw2.mat")["ph_uw"]
    for config, off in ((None, phase[17]), (REFERENCE, phase[17].mean())):
        folder = tmp_path / ("stamps" if config else "sound")
        write_stamps_set(read_points(own.root, "v-do", config=config), folder)
        stored = np.fromfile(folder / "ph_uw.flt", np.float32).reshape(400, 5)
        np.testing.assert_allclose(stored, phase - off, atol=1e-5)
        turned = np.exp(1j * phase[17])
        off = np.angle(turned.sum() if config else turned) * np.ones(5)
        wrapped = np.fromfile(folder / "ph_w.flt", np.float32).reshape(400, 5)
        others = FITTED  # the master's is zero
        np.testing.assert_allclose(
            np.exp(1j * wrapped)[:, others], np.exp(1j * (phase - off))[:, others], atol=1e-5
        )


def test_points_without_phase_are_nan_in_every_text(own, tmp_path):
    (own.root / "mean_v.mat").unlink()
    phase = read_mat(own.root / "phuw2.mat")["ph_uw"]
    phase[7] = np.nan
    write_mat(own.root / "phuw2.mat", {"ph_uw": phase})
    for config in (None, REFERENCE):
        points = read_points(own.root, config=config)
        write_stamps_set(points, tmp_path / "set")
        for name in ("ps_mean_v.xy", "ps_u-dm.1.xy"):
            lines = (tmp_path / "set" / name).read_text().splitlines()
            assert lines[7].endswith("NaN")
            values = np.genfromtxt(lines)
            assert np.isfinite(values).sum() == 3 * 400 - 1
        write_visualizer_csv(points, tmp_path / "v.csv")
        values = np.genfromtxt(tmp_path / "v.csv", delimiter=",", skip_header=2)
        assert len(values) == (400 if config else 399)
        assert np.isnan(values).any() == bool(config)
        write_kml(points, tmp_path / "v.kml")
        assert (tmp_path / "v.kml").read_text().count("<Placemark>") == 399
        write_gmt(points, tmp_path / "gmt")
        assert len((tmp_path / "gmt" / "ps_mean_v.xy").read_text().splitlines()) == 399


def test_an_artifact_that_the_set_needs_is_named_with_what_makes_it(own, tmp_path):
    for name, stage in (("rc2", 5), ("phuw2", 6)):
        points = read_points(own.root)
        (own.root / f"{name}.mat").rename(own.root / "kept")
        with pytest.raises(DatasetError, match=rf"{name}\.mat: .*--end-step {stage} makes it"):
            write_stamps_set(points, tmp_path / "set")
        (own.root / "kept").rename(own.root / f"{name}.mat")
    assert not (tmp_path / "set").exists()


def test_the_visualizer_finds_dates_reference_and_displacements(own, tmp_path):
    lon, lat = own.lonlat[17]
    write_visualizer_csv(read_points(own.root, columns=()), tmp_path / "all.csv")
    set_parameters(own.root, ref_centre_lonlat=(lon, lat), ref_radius=1.0)
    write_visualizer_csv(read_points(own.root, "v-do", columns=()), tmp_path / "circle.csv")
    set_parameters(own.root, ref_radius=-np.inf)
    write_visualizer_csv(read_points(own.root, "v-do", columns=()), tmp_path / "none.csv")
    for name, centre in (
        ("all", own.lonlat.mean(axis=0)), ("circle", (lon, lat)), ("none", (np.nan, np.nan)),
    ):  # fmt: skip
        names, first, *rows = csv.reader((tmp_path / f"{name}.csv").open())
        assert names == [f"export_res_{k}" for k in range(1, 8)]
        np.testing.assert_allclose([float(text) for text in first[:2]], centre, atol=1e-6)
        # its loader: days since the beginning of the year 0
        found = [date(1, 1, 1) + timedelta(int(text) - 366) for text in first[3:]]
        assert found == [date.fromordinal(int(DAYS[k]) - 366) for k in FITTED]
        assert len(rows) == 400
    moved = np.array(rows, float)
    np.testing.assert_allclose(
        np.diff(moved[:, 3:], axis=1), np.diff(own.displacement[:, FITTED], axis=1), atol=10
    )


def test_a_placemark_shows_value_and_colour_of_its_point(result, tmp_path):
    points = read_points(result.root, columns=())
    write_kml(points, tmp_path / "v.kml", limits=(-5, 5), opacity=1)
    space = "{http://www.opengis.net/kml/2.2}"
    document = ElementTree.parse(tmp_path / "v.kml").getroot()
    colours = {
        style.get("id"): style.findtext(f".//{space}color")
        for style in document.iter(f"{space}Style")
    }
    marks = list(document.iter(f"{space}Placemark"))
    assert len(marks) == 400
    assert len({style.get("id") for style in document.iter(f"{space}Style")}) == len(colours)
    for mark, (lon, lat), velocity in zip(marks, result.lonlat, result.velocity, strict=True):
        place = [float(text) for text in mark.findtext(f".//{space}coordinates").split(",")]
        np.testing.assert_allclose(place, [lon, lat, velocity], atol=5.1e-3)
        colour = colours[mark.findtext(f"{space}styleUrl")[1:]]
        blue, green, red = (int(colour[k : k + 2], 16) for k in (2, 4, 6))
        if abs(velocity) > 1:  # red away from the satellite, blue towards it
            assert (blue > red) == (velocity > 0)
        assert colour[:2] == "FF"
        assert green < 255


def test_too_many_placemarks_are_refused_and_kmz_is_named(result, tmp_path, monkeypatch):
    monkeypatch.setattr(kml, "MOST_POINTS", 150)
    points = read_points(result.root, columns=())
    with pytest.raises(DatasetError, match=r"400 points are too many .*kmz .*--thinning 3 leaves"):
        write_kml(points, tmp_path / "v.kml")
    assert not list(tmp_path.iterdir())
    write_kml(points, tmp_path / "v.kml", thinning=3)
    text = (tmp_path / "v.kml").read_text()
    assert text.count("<Placemark>") == 134
    write_kml(points, tmp_path / "again.kml", thinning=3)
    assert (tmp_path / "again.kml").read_text().replace("again", "v") == text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"limits": (3, 3)}, "limits 3 3: the first must be below the second"),
        ({"limits": (0, np.nan)}, "limits 0 nan"),
        ({"opacity": 0}, "opacity 0: must be above 0"),
        ({"thinning": 0.5}, "thinning 0.5: must be 1 or more"),
    ],
)
def test_colours_that_are_none_are_a_matter_of_usage(result, tmp_path, options, told):
    for config in (None, REFERENCE):
        points = read_points(result.root, config=config, columns=())
        with pytest.raises(ConfigError, match=told):
            write_kml(points, tmp_path / "v.kml", **options)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def of_gmt(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "gmt"
    write_gmt(read_points(result.root, columns=()), folder)
    return folder


def test_the_table_of_gmt_has_colours_for_all_its_values(result, of_gmt):
    table = np.loadtxt(of_gmt / "ps_mean_v.xy")
    np.testing.assert_allclose(table, np.column_stack([result.lonlat, result.velocity]), atol=6e-5)
    lines = (of_gmt / "ps_mean_v.cpt").read_text().splitlines()
    steps = [line.split() for line in lines if re.match(r"[-\d]", line)]
    assert all(step[1] == step[3] for step in steps)
    assert [step[2] for step in steps[:-1]] == [step[0] for step in steps[1:]]
    low, high = float(steps[0][0]), float(steps[-1][2])
    assert low == -high
    assert np.mean(np.abs(table[:, 2]) <= high) >= 0.98
    assert {line[0] for line in lines} >= {"B", "F", "N"}


def test_the_script_of_gmt_draws_what_lies_beside_it(of_gmt, tmp_path):
    script = of_gmt / "plot_v.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    edges = re.search(r"REGION=-R([-\d.]+)/([-\d.]+)/([-\d.]+)/([-\d.]+)", script.read_text())
    west, east, south, north = map(float, edges.groups())
    lon, lat = np.loadtxt(of_gmt / "ps_mean_v.xy")[:, :2].T
    assert ((lon > west) & (lon < east) & (lat > south) & (lat < north)).all()
    if shutil.which("gmt") is None:
        pytest.skip("GMT is not installed")
    shutil.copytree(of_gmt, tmp_path / "gmt")
    subprocess.run(["bash", tmp_path / "gmt" / "plot_v.sh"], check=True)
    assert (tmp_path / "gmt" / "ps_mean_v.png").stat().st_size > 10_000


def test_netcdf_holds_the_whole_table_as_series_of_stations(result, tmp_path):
    xarray = pytest.importorskip("xarray")
    points = read_points(result.root)
    write_netcdf(points, tmp_path / "v.nc")
    with xarray.open_dataset(tmp_path / "v.nc") as found:
        assert found.attrs["featureType"] == "timeSeries"
        assert found.attrs["Conventions"].startswith("CF-1.")
        assert "towards the satellite" in found.attrs["sign"]
        assert "relative to" in found.attrs["reference"]
        assert found["id"].attrs["cf_role"] == "timeseries_id"
        days = np.array([date.fromordinal(int(day) - 366) for day in DAYS], "datetime64[D]")
        np.testing.assert_array_equal(found["time"], days)
        assert set(found["displacement"].coords) == {"longitude", "latitude", "height", "time"}
        np.testing.assert_allclose(found["displacement"], result.displacement, atol=1e-3)
        (block,) = points.blocks()
        for column in points.columns:
            np.testing.assert_array_equal(found[column.name], block.values[column.name])
            assert found[column.name].attrs["long_name"] == column.meaning
        assert found["velocity"].attrs["units"] == "mm year-1"
        assert found["latitude"].attrs["units"] == "degrees_north"


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "deep" / "set"

    def interrupted():
        with product_folder(folder) as new:
            (new / "one").write_text("1")
            (new / "missing" / "two").write_text("2")

    with pytest.raises(PublishError, match="cannot publish"):
        interrupted()
    assert not list(folder.parent.iterdir())
    for text in ("1", "2"):
        with product_folder(folder) as new:
            (new / "one").write_text(text)
        (folder / "mine").touch()
    assert sorted(path.name for path in folder.iterdir()) == ["mine", "one"]
    assert (folder / "one").read_text() == "2"
    (tmp_path / "file").touch()
    with pytest.raises(PublishError, match="cannot publish"):
        product_folder(tmp_path / "file" / "x").__enter__()
