"""Exports: another reader finds the table in every format, and bad input leaves nothing."""

import json
import shutil
import subprocess
import sys
from datetime import date
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import (
    ConfigError,
    DatasetError,
    PublishError,
    StageError,
    ToolMissingError,
)
from pystamps_hpc.tools.export import FORMATS, arrow, geopackage, shapefile
from pystamps_hpc.tools.export.write import export
from pystamps_hpc.tools.products.points import ALL, read_points
from pystamps_hpc.tools.products.velocity_csv import write_csv

from .test_products import DAYS, MASTER, Result, over_the_date_line, with_phasors

pandas = pytest.importorskip("pandas")
geopandas = pytest.importorskip("geopandas")
pyogrio = pytest.importorskip("pyogrio")

NAMES = list(FORMATS)
NOISE = np.random.default_rng(5).normal(0, 2, (400, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A finished dataset with noise, in which the tenth point has no phase."""
    result = Result(tmp_path_factory.mktemp("exports") / "set")
    phase = read_mat(result.root / "phuw2.mat")["ph_uw"] + NOISE
    phase[:, MASTER] = 0
    phase[9] = np.nan
    write_mat(result.root / "phuw2.mat", {"ph_uw": phase})
    points = read_mat(result.root / "ps2.mat")
    points["ij"] *= [1, 2, 3]
    write_mat(result.root / "ps2.mat", points)
    mean_v = read_mat(result.root / "mean_v.mat")
    velocity = result.velocity.copy()
    velocity[9] = np.nan
    write_mat(result.root / "mean_v.mat", mean_v | {"mean_v": velocity[:, None]})
    return result


@pytest.fixture
def result(tmp_path):
    made = Result(tmp_path / "set")
    with_phasors(made.root)
    return made


def path_of(form, folder):
    return folder / FORMATS[form].file


def read(form, path):
    """Read a format back with the library that knows it."""
    if form == "parquet":
        return geopandas.read_parquet(path)
    if form in ("csv", "egms"):
        return pandas.read_csv(path)
    return geopandas.read_file(path)


FIELDS = {
    "gpkg": dict(zip(ALL, ALL, strict=True)),
    "parquet": dict(zip(ALL, ALL, strict=True)),
    "csv": dict(zip(ALL, ALL, strict=True)),
    "shp": shapefile.NAMES,
    "egms": {
        "id": "pid", "longitude": "longitude", "latitude": "latitude", "height": "height",
        "coherence": "temporal_coherence", "velocity": "mean_velocity", "rmse": "rmse",
        "velocity_deviation": "mean_velocity_std", "incidence": "incidence_angle",
        "look_east": "los_east", "look_north": "los_north", "look_up": "los_up",
    },
}  # fmt: skip
"""Name of a column in the table of points -> in the file."""

EGMS = (
    "pid,mp_type,latitude,longitude,easting,northing,height,height_wgs84,line,pixel,rmse,"
    "temporal_coherence,amplitude_dispersion,incidence_angle,track_angle,los_east,los_north,"
    "los_up,mean_velocity,mean_velocity_std,acceleration,acceleration_std,seasonality,"
    "seasonality_std"
)

DATES = {"gpkg": "D%Y%m%d", "shp": "D%Y%m%d", "parquet": "D%Y%m%d", "csv": "%Y-%m-%d",
         "egms": "%Y%m%d"}  # fmt: skip


@pytest.mark.parametrize("form", FIELDS)
def test_another_reader_finds_the_columns_of_the_table(scene, form, tmp_path):
    done = export(scene.root, form, path=path_of(form, tmp_path))
    frame = read(form, done.path)
    assert len(frame) == 400
    (block,) = read_points(scene.root).blocks()
    decimals = {column.name: column.decimals for column in read_points(scene.root).columns}
    for name, field in FIELDS[form].items():
        if name in ("longitude", "latitude") and field not in frame:
            continue  # they are the geometry
        rounded = 0.51 * 10.0 ** -min(decimals[name], 2 if form == "egms" else 9)
        found = frame[field].to_numpy(np.float64)
        np.testing.assert_allclose(found, block.values[name], atol=rounded, rtol=1e-6)
    assert np.isnan(frame[FIELDS[form]["velocity"]][9])
    days = [f"{date.fromordinal(int(day) - 366):{DATES[form]}}" for day in DAYS]
    moved = frame[days].to_numpy(np.float64)
    np.testing.assert_allclose(moved, block.displacement, atol=5.1e-3)
    assert np.isnan(np.delete(moved[9], MASTER)).all()
    assert (moved[:, MASTER] == 0).all()


@pytest.mark.parametrize("form", ["gpkg", "shp", "parquet"])
def test_formats_of_gis_hold_points_in_wgs_84(scene, form, tmp_path):
    done = export(scene.root, form, path=path_of(form, tmp_path))
    frame = read(form, done.path)
    assert frame.crs.to_epsg() == 4326
    assert set(frame.geom_type) == {"Point"}
    np.testing.assert_allclose(
        np.column_stack((frame.geometry.x, frame.geometry.y)), scene.lonlat, rtol=0, atol=1e-12
    )


def facts_in(form, path):
    if form == "gpkg":
        return pyogrio.read_info(path)["layer_metadata"]
    if form == "parquet":
        parquet = import_module("pyarrow.parquet")
        return json.loads(parquet.read_schema(path).metadata[b"pystamps_hpc"])
    return json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("form", FIELDS)
def test_every_format_says_unit_sign_reference_and_processing(scene, form, tmp_path):
    done = export(scene.root, form, path=path_of(form, tmp_path))
    facts = facts_in(form, done.path)
    assert facts["sign"].startswith("positive: towards the satellite")
    assert facts["reference"].startswith("relative to the mean of all 400 PS")
    assert facts["value_type"] == "v-do"
    assert facts["crs"] == "EPSG:4326"
    assert facts["made_by"].startswith("pystamps-hpc ")
    columns, used = facts["columns"], facts["parameters"]
    if form == "gpkg":
        columns, used = json.loads(columns), json.loads(used)
    assert used["lambda"] == 0.056
    told = {column["name"]: column["unit"] for column in columns}
    frame = read(form, done.path)
    assert list(told) == [name for name in frame.columns if name != "geometry"]
    assert told[FIELDS[form]["velocity"]] == "mm/yr"


def test_the_layout_of_egms_has_its_columns_in_order_and_a_projected_position(scene, tmp_path):
    path = export(scene.root, "egms", path=tmp_path / "egms.csv").path
    assert path.read_text().startswith(EGMS + ",20160115,")
    frame = read("egms", path)
    place = geopandas.points_from_xy(*scene.lonlat.T, crs=4326).to_crs(3035)
    np.testing.assert_allclose(frame["easting"], place.x, atol=5.1e-3)
    np.testing.assert_allclose(frame["northing"], place.y, atol=5.1e-3)
    assert set(frame["track_angle"]) == {192.0}
    np.testing.assert_array_equal(frame["line"], 2 * np.arange(1, 401))
    np.testing.assert_array_equal(frame["pixel"], 3 * np.arange(1, 401))


def test_viewers_find_dates_and_velocity_by_name(scene, tmp_path):
    """InSAR Explorer: ``D`` and eight digits, and ``velocity``, ``VEL`` or ``mean_velocity``."""
    for form, name in (("gpkg", "velocity"), ("shp", "VEL")):
        frame = read(form, export(scene.root, form, path=path_of(form, tmp_path)).path)
        dates = [column for column in frame if column[:1] == "D" and column[1:].isdigit()]
        assert len(dates) == 5
        np.testing.assert_allclose(frame[name], frame[FIELDS[form]["velocity"]])


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL's ogrinfo is not installed")
@pytest.mark.parametrize(("form", "number"), [("gpkg", "Float32"), ("shp", "Real (11.3)")])
def test_gdal_of_the_system_reads_points(scene, form, number, tmp_path):
    path = export(scene.root, form, path=path_of(form, tmp_path)).path
    words = ["ogrinfo", "-so", "-al", path]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "Feature Count: 400" in ended.stdout
    assert "Geometry: Point" in ended.stdout
    assert number in ended.stdout
    assert ended.stderr == ""


def test_a_point_without_a_position_has_no_geometry(result, tmp_path):
    known = read_mat(result.root / "ps2.mat")
    known["lonlat"][4] = np.nan
    write_mat(result.root / "ps2.mat", known)
    for form in ("gpkg", "parquet", "shp"):
        frame = read(form, export(result.root, form, path=path_of(form, tmp_path)).path)
        assert frame.geometry.isna().to_numpy().nonzero()[0].tolist() == [4]


def test_points_over_the_date_line_have_usual_longitudes_and_a_box_around_the_scene(
    result, tmp_path
):
    over_the_date_line(result)
    for form in ("gpkg", "parquet"):
        path = export(result.root, form, path=path_of(form, tmp_path)).path
        frame = read(form, path)
        assert {-180, 179} == set(np.floor(frame.geometry.x))
    meta = pytest.importorskip("pyarrow.parquet").read_schema(path).metadata
    west, _, east, _ = json.loads(meta[b"geo"])["columns"]["geometry"]["bbox"]
    assert 179 < west < 180
    assert -180 < east < -179


def test_a_file_of_any_name_can_be_a_geopackage(result, tmp_path):
    for name in ("gpkg.gpkg", "sqlite_x.gpkg", "über 1.gpkg"):
        assert len(read("gpkg", export(result.root, "gpkg", path=tmp_path / name).path)) == 400


def test_more_dates_or_points_than_a_shapefile_holds_are_refused_by_name(
    result, tmp_path, monkeypatch
):
    monkeypatch.setattr(shapefile, "MOST_FIELDS", 20)
    with pytest.raises(DatasetError, match=r"21 fields, a .dbf takes 20; export gpkg"):
        export(result.root, "shp", path=tmp_path / "a.shp")
    monkeypatch.undo()
    monkeypatch.setattr(shapefile, "MOST_BYTES", 92_000)
    with pytest.raises(DatasetError, match=r"GB of fields, a .dbf takes"):
        export(result.root, "shp", path=tmp_path / "a.shp")
    monkeypatch.undo()
    monkeypatch.setattr(geopackage, "MOST_COLUMNS", 20)
    with pytest.raises(DatasetError, match="export parquet takes any number"):
        export(result.root, "gpkg", path=tmp_path / "a.gpkg")
    assert list(tmp_path.iterdir()) == [result.root]


def test_the_size_of_a_dbf_is_known_before_it_is_written(result, tmp_path):
    path = export(result.root, "shp", path=tmp_path / "a.shp").path
    points = read_points(result.root, columns=shapefile.COLUMNS)
    fields = len(shapefile._fields(points))
    expected = 400 * (1 + fields * (shapefile.DIGITS + 2))
    header = 32 + 32 * fields + 1
    assert abs(path.with_suffix(".dbf").stat().st_size - header - expected) < 400 * 3


def test_a_number_that_a_dbf_has_no_room_for_is_refused(tmp_path):
    result = Result(tmp_path / "set", mean_v=np.full((400, 1), 1e7))
    with pytest.raises(DatasetError, match="a value of V has more than 9 digits; export gpkg"):
        export(result.root, "shp", path=tmp_path / "a.shp")
    assert list(tmp_path.iterdir()) == [result.root]


def test_large_sets_go_to_every_format_in_pieces(result, tmp_path, monkeypatch):
    """What is written does not depend on how many rows are in memory at a time."""
    for form in FIELDS:
        whole = read(form, export(result.root, form, path=path_of(form, tmp_path / "1")).path)
        with monkeypatch.context() as small:
            pieces = type(read_points(result.root)).blocks
            small.setattr(
                "pystamps_hpc.tools.products.points.Points.blocks",
                lambda points, _=0, pieces=pieces: pieces(points, 150),
            )
            parts = read(form, export(result.root, form, path=path_of(form, tmp_path / "2")).path)
        pandas.testing.assert_frame_equal(pandas.DataFrame(whole), pandas.DataFrame(parts))


def test_what_reading_raises_is_not_hidden_by_the_library_that_writes(
    result, tmp_path, monkeypatch
):
    def broken(points, schema, *_):
        yield from ()
        raise StageError("the phase cannot be read")

    monkeypatch.setattr(geopackage, "batches_of", broken)
    with pytest.raises(StageError, match="the phase cannot be read"):
        export(result.root, "gpkg", path=tmp_path / "a.gpkg")
    assert list(tmp_path.iterdir()) == [result.root]


@pytest.mark.parametrize("form", ["csv", "egms"])
def test_a_table_and_what_lies_beside_it_are_replaced_together(form, result, tmp_path):
    path = path_of(form, tmp_path)
    export(result.root, form, path=path)
    before = {file: file.read_bytes() for file in path.parent.glob(f"{path.stem}.*")}
    side = path.with_suffix(".json")
    side.unlink()
    side.mkdir()
    parameters.save(parameters.load(result.root).with_values({"drop_ifg_index": (1,)}))
    with pytest.raises(PublishError, match=r"cannot publish"):
        export(result.root, form, "v-d", path=path, force=True)
    side.rmdir()
    side.write_bytes(before[side])
    assert {file: file.read_bytes() for file in path.parent.glob(f"{path.stem}.*")} == before


def test_a_failure_of_gdal_is_one_line_that_names_the_file(result, tmp_path, monkeypatch):
    def full(*_, **__):
        raise pyogrio.errors.DataLayerError("disk I/O error")

    monkeypatch.setattr(pyogrio, "write_arrow", full)
    with pytest.raises(PublishError, match=r"cannot publish .*a.gpkg: disk I/O error"):
        export(result.root, "gpkg", path=tmp_path / "a.gpkg")


@pytest.mark.parametrize("form", NAMES)
class TestBadInput:
    """Every format refuses, and leaves nothing behind."""

    @pytest.fixture
    def refused(self, result, form, tmp_path):
        def attempt(error, told, **how):
            before = sorted(tmp_path.rglob("*"))
            with pytest.raises(error, match=told):
                export(result.root, form, **{"path": path_of(form, tmp_path)} | how)
            assert sorted(tmp_path.rglob("*")) == before

        return attempt

    def test_a_type_that_the_mode_lacks(self, refused):
        refused(ConfigError, "a single-master stack has no 'usb'", name="usb")
        refused(ConfigError, "'v' takes -d", name="v-x")
        refused(ConfigError, "points have velocities", name="hgt")

    def test_an_artifact_of_a_later_stage_names_the_command(self, refused, result):
        (result.root / "scla2.mat").unlink()
        refused(DatasetError, r"scla2.mat: file does not exist.*--end-step 7 makes it", name="v-d")
        (result.root / "phuw2.mat").unlink()
        refused(DatasetError, r"phuw2.mat: file does not exist.*--end-step 6 makes it")

    def test_a_reference_area_without_points(self, refused, result):
        parameters.save(parameters.load(result.root).with_values({"ref_lon": (0.0, 1.0)}))
        refused(StageError, "0 PS", name="v-do")

    def test_a_place_that_cannot_be_written(self, refused, tmp_path, form, monkeypatch):
        # it is refused before the dataset is read
        monkeypatch.setattr("pystamps_hpc.tools.export.write.read_points", None)
        (tmp_path / "file").touch()
        name = FORMATS[form].file
        refused(PublishError, "cannot publish", path=tmp_path / "file" / name)
        refused(PublishError, "cannot publish", path=Path("/proc/nowhere") / name)

    def test_a_file_that_is_there_stays_unless_forced(self, refused, result, tmp_path, form):
        export(result.root, form, path=path_of(form, tmp_path))
        refused(DatasetError, "exists; --force replaces it")
        if FORMATS[form].sides:
            path_of(form, tmp_path).unlink()
            refused(DatasetError, "exists; --force replaces it")
        export(result.root, form, path=path_of(form, tmp_path), force=True)

    def test_no_points(self, refused, result):
        known = read_mat(result.root / "ps2.mat")
        write_mat(result.root / "ps2.mat", known | {"n_ps": 0.0})
        refused(DatasetError, "holds 0 PS")

    def test_a_golden_dataset(self, refused, result, form):
        (result.root / ".golden").touch()
        refused(DatasetError, "marked golden", path=result.root / FORMATS[form].file)

    def test_a_library_that_is_missing(self, refused, form, monkeypatch):
        if not FORMATS[form].modules:
            pytest.skip("needs none")
        monkeypatch.setitem(sys.modules, FORMATS[form].modules[0], None)
        refused(ToolMissingError, rf"is not installed: export {form} needs it; pip install")


def test_a_format_or_option_that_there_is_not_is_named(result):
    with pytest.raises(ConfigError, match="format dxf: there is none; there are gpkg, shp"):
        export(result.root, "dxf")
    with pytest.raises(ConfigError, match="format csv does not take --colour"):
        export(result.root, "csv", colour=1)


def test_the_table_of_a_run_and_the_export_are_one(result, tmp_path):
    export(result.root, "csv", path=tmp_path / "all.csv")
    whole = pandas.read_csv(tmp_path / "all.csv")
    few = write_csv(read_points(result.root, columns=("id", "velocity")), tmp_path / "few.csv")
    pandas.testing.assert_frame_equal(pandas.read_csv(few), whole[
        ["id", "velocity", *[name for name in whole if name[:2] == "20"]]
    ])  # fmt: skip


def test_units_stand_beside_the_columns_of_a_geopackage(result, tmp_path):
    path = export(result.root, "gpkg", path=tmp_path / "a.gpkg").path
    sqlite = import_module("sqlite3").connect(path)
    told = dict(sqlite.execute("select column_name, description from gpkg_data_columns"))
    assert told["velocity"] == "line-of-sight velocity [mm/yr]"
    assert told["D20160115"] == "displacement [mm]"
    (description,) = sqlite.execute("select description from gpkg_contents").fetchone()
    assert "positive: towards the satellite" in description
    assert arrow.GEOMETRY not in told
