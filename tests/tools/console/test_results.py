"""Results over HTTP: the numbers are those of the artifacts, whatever part and reference."""

import io
import os
import time

import numpy as np
import pytest

pytest.importorskip("fastapi")

from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.stages.shared.projection import local_coordinates
from pystamps_hpc.tools.console.raster import COLOURS

from ..test_products import DAYS, MASTER, YEARS, Result, with_phasors

RADIUS = 600
REF = f"12.3,44.1,{RADIUS}"


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    made = Result(tmp_path_factory.mktemp("console") / "set")
    with_phasors(made.root)
    return made


@pytest.fixture
def client(console, result):
    return console(result.root)


def ask(client, path, status=200):
    """Ask until the answer has been computed."""
    until = time.monotonic() + 60
    while True:
        answer = client.get(f"/api/v1/datasets/0{path}")
        if answer.status_code != 202:
            assert answer.status_code == status, answer.text
            return answer
        assert answer.json() == {"state": "computing"}
        assert time.monotonic() < until
        time.sleep(0.05)


def within(result, lonlat, radius):
    away = np.hypot(*local_coordinates(result.lonlat, np.array(lonlat)).T)
    return away <= radius


def test_the_map_tells_extent_and_what_can_be_shown(client, result):
    found = ask(client, "/map").json()
    assert (found["points"], found["placed"], found["first"]) == (400, 400, "velocity")
    extent = found["extent"]
    assert extent["west"] == pytest.approx(result.lonlat[:, 0].min(), abs=1e-5)
    assert extent["north"] == pytest.approx(result.lonlat[:, 1].max(), abs=1e-5)
    known = {each["name"]: each for each in found["types"]}
    assert known["u-dm"]["columns"] == "images"
    assert known["w"]["columns"] == "interferograms"
    assert known["vdrop-d"]["columns"] == "none"
    assert [each["number"] for each in found["interferograms"]] == [1, 2, 4, 5]


def test_a_layer_says_unit_sign_reference_and_dates(client):
    found = ask(client, "/layer").json()
    assert found["unit"] == "mm/yr"
    assert found["sign"] == "positive: towards the satellite"
    assert found["reference"] == "the mean of all 400 PS"
    assert "2016-01-15" in found["dates"]
    assert len(found["palette"]) == COLOURS
    assert found["low"] == -found["high"]
    phase = ask(client, "/layer?type=u-dm&ifg=2").json()
    assert (phase["unit"], phase["ifg"]) == ("rad", 2)
    assert phase["sign"] == "positive: away from the satellite, after the master"
    assert ask(client, "/layer?type=coherence").json()["high"] == 1
    for name in ("coherence", "v-do"):  # which have one column alone
        assert ask(client, f"/layer?type={name}&ifg=2").json()["ifg"] is None


def shown(client, query=""):
    """Return what a picture of the whole scene shows as numbers, (height, width); NaN: nothing."""
    from PIL import Image

    answer = ask(client, f"/map.png?width=500&height=400&{query}")
    assert answer.headers["content-type"] == "image/png"
    level = np.asarray(Image.open(io.BytesIO(answer.content))).astype(float)
    return np.where(level > 0, level, np.nan)


def pixels(result, chosen):
    """Return the pixel of points in such a picture."""
    (west, south), (east, north) = result.lonlat.min(axis=0), result.lonlat.max(axis=0)
    x, y = result.lonlat[chosen].T
    return (np.clip((north - y) / (north - south) * 400, 0, 399).astype(int),
            np.clip((x - west) / (east - west) * 500, 0, 499).astype(int))  # fmt: skip


def test_the_picture_has_the_colour_of_each_point(client, result):
    ends = "low=-12&high=12"
    found = shown(client, ends)[pixels(result, slice(None))]
    expected = 1 + np.clip(np.floor((result.velocity + 12) / 24 * COLOURS), 0, COLOURS - 1)
    assert (np.abs(found - expected) <= 1).mean() > 0.97  # some lie under others
    moved = shown(client, f"{ends}&ref={REF}")[pixels(result, slice(None))]
    mean = result.velocity[within(result, (12.3, 44.1), RADIUS)].mean()
    assert abs(mean) > 0.3
    expected = 1 + np.clip(np.floor((result.velocity - mean + 12) / 24 * COLOURS), 0, COLOURS - 1)
    assert (np.abs(moved - expected) <= 1).mean() > 0.97


def test_filters_leave_points_out(client, result):
    low, high = result.coherence < 0.5, result.coherence > 0.6
    found = shown(client, "min_coherence=0.55")
    assert np.isnan(found[pixels(result, low)]).mean() > 0.8
    assert np.isfinite(found[pixels(result, high)]).all()
    found = shown(client, "min_height=200&max_height=260")
    inside = (result.height > 200) & (result.height < 260)
    assert np.isfinite(found[pixels(result, inside)]).all()
    assert np.isnan(found[pixels(result, ~inside)]).mean() > 0.8


def test_a_picture_that_the_browser_has_is_not_sent_again(client):
    path = "/map.png?width=100&height=100"
    answer = ask(client, path)
    again = client.get(
        f"/api/v1/datasets/0{path}", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(
        f"/api/v1/datasets/0{path}&low=-3", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert other.status_code == 200


def test_the_nearest_point_is_told_with_its_numbers(client, result):
    ask(client, "/layer?type=coherence")
    ask(client, "/layer?type=height")
    lon, lat = result.lonlat[41]
    found = ask(client, f"/near?lon={lon}&lat={lat}").json()
    assert found["ps"] == 42
    assert found["away_m"] < 1
    assert found["velocity"] == pytest.approx(result.velocity[41], abs=1e-3)
    assert found["coherence"] == pytest.approx(result.coherence[41], abs=1e-3)
    assert found["height"] == pytest.approx(result.height[41], abs=1e-2)
    assert ask(client, "/near?lon=13&lat=44.1").json() is None


def test_a_series_is_that_of_the_artifacts_with_its_line(client, result):
    found = ask(client, "/series?ps=42&ps=7").json()
    assert [each["ps"] for each in found["series"]] == [42, 7]
    assert found["dates"][MASTER] == found["master"] == "2016-05-14"
    assert (found["unit"], found["sign"]) == ("mm", "positive: towards the satellite")
    for each, row in zip(found["series"], (41, 6), strict=True):
        np.testing.assert_allclose(each["displacement"], result.displacement[row], atol=5e-3)
        assert each["displacement"][MASTER] == 0
        assert each["velocity"] == pytest.approx(result.velocity[row], abs=5e-3)
        line = np.polyval(np.polyfit(YEARS, result.displacement[row], 1), YEARS)
        np.testing.assert_allclose(each["line"], line, atol=1e-2)
        assert each["longitude"] == pytest.approx(result.lonlat[row, 0])
        assert each["spread"] is None
    assert len(found["dates"]) == len(DAYS)


def test_series_are_relative_to_an_area_or_to_another_point(client, result):
    mean = result.displacement[within(result, (12.3, 44.1), RADIUS)].mean(axis=0)
    found = ask(client, f"/series?ps=42&ref={REF}").json()
    np.testing.assert_allclose(
        found["series"][0]["displacement"], result.displacement[41] - mean, atol=1e-2
    )
    assert f"PS within {RADIUS} m" in found["reference"]
    found = ask(client, f"/series?ps=42&minus=7&ref={REF}").json()  # the area drops out
    difference = result.displacement[41] - result.displacement[6]
    np.testing.assert_allclose(found["series"][0]["displacement"], difference, atol=1e-2)
    assert found["reference"] == "PS 7"


def test_a_place_is_the_mean_of_the_points_around(client, result):
    found = ask(client, "/series?ps=42&radius=900").json()["series"][0]
    around = within(result, result.lonlat[41], 900)
    assert found["points"] == around.sum() > 3
    mean, spread = (
        result.displacement[around].mean(axis=0),
        result.displacement[around].std(axis=0, ddof=1),
    )
    np.testing.assert_allclose(found["displacement"], mean, atol=1e-2)
    np.testing.assert_allclose(found["spread"], spread, atol=1e-2)
    assert found["coherence"] == pytest.approx(result.coherence[around].mean(), abs=1e-3)


def test_a_profile_has_the_points_beside_the_line(client, result):
    ends = (12.26, 44.06, 12.34, 44.13)
    found = ask(client, "/profile?lon={}&lat={}&lon2={}&lat2={}&width=1200".format(*ends)).json()
    begin, end = local_coordinates(np.reshape(ends, (2, 2)), np.array([12.3, 44.095]))
    forward = (end - begin) / np.hypot(*(end - begin))
    away = local_coordinates(result.lonlat, np.array([12.3, 44.095])) - begin
    along, across = away @ forward, away @ [-forward[1], forward[0]]
    beside = (along >= 0) & (along <= np.hypot(*(end - begin))) & (np.abs(across) <= 600)
    assert set(found["ps"]) == set(np.flatnonzero(beside) + 1)
    assert found["length_m"] == pytest.approx(np.hypot(*(end - begin)), abs=1)
    rows = np.array(found["ps"]) - 1
    np.testing.assert_allclose(found["distance_m"], along[rows], atol=0.5)
    np.testing.assert_allclose(found["values"], result.velocity[rows], atol=1e-3)
    assert found["distance_m"] == sorted(found["distance_m"])
    assert sum(each["points"] for each in found["means"]) == beside.sum()
    total = sum(each["points"] * each["mean"] for each in found["means"])
    assert total == pytest.approx(result.velocity[beside].sum(), abs=0.05)


SEEN = "west=12.27&east=12.33&south=44.07&north=44.13&min_coherence=0.6"


def expected_rows(result):
    x, y = result.lonlat.T
    inside = (x >= 12.27) & (x <= 12.33) & (y >= 44.07) & (y <= 44.13)
    return np.flatnonzero(inside & (result.coherence.astype(np.float32) >= 0.6))


def test_what_is_seen_comes_as_a_table(client, result):
    pandas = pytest.importorskip("pandas")
    answer = ask(client, f"/download.csv?{SEEN}&ref={REF}")
    assert 'filename="points.csv"' in answer.headers["content-disposition"]
    table = pandas.read_csv(io.BytesIO(answer.content))
    rows = expected_rows(result)
    np.testing.assert_array_equal(table["id"], rows + 1)
    area = within(result, (12.3, 44.1), RADIUS)
    velocity = result.velocity - result.velocity[area].mean()
    np.testing.assert_allclose(table["velocity"], velocity[rows], atol=2e-3)
    moved = result.displacement - result.displacement[area].mean(axis=0)
    np.testing.assert_allclose(table.to_numpy()[:, -len(DAYS) :], moved[rows], atol=2e-2)
    meaning = ask(client, f"/download.json?{SEEN}&ref={REF}").json()
    assert meaning["points"] == len(rows)
    assert meaning["reference_points"] == area.sum()
    assert meaning["sign"].startswith("positive: towards the satellite")


def test_what_is_seen_comes_as_a_geopackage(client, result):
    pyogrio = pytest.importorskip("pyogrio")
    answer = ask(client, f"/download.gpkg?{SEEN}")
    table = pyogrio.read_dataframe(io.BytesIO(answer.content))
    rows = expected_rows(result)
    np.testing.assert_array_equal(table["id"], rows + 1)
    np.testing.assert_allclose(table.geometry.x, result.lonlat[rows, 0])
    np.testing.assert_allclose(table["velocity"], result.velocity[rows], atol=1e-4)


def test_nothing_of_a_download_is_left_behind(client, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ask(client, f"/download.csv?{SEEN}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/map.png?type=../../etc/passwd", 422),
        ("/map.png?type=nonsense", 422),
        ("/map.png?type=u", 422),  # of which image?
        ("/map.png?type=u&ifg=99", 422),
        ("/map.png?ifg=-1", 422),
        ("/map.png?width=0", 422),
        ("/map.png?width=99999", 422),
        ("/map.png?west=1", 422),
        ("/map.png?west=1&east=0&south=0&north=1", 422),
        ("/map.png?west=nan&east=1&south=0&north=1", 422),
        ("/map.png?low=3&high=2", 422),
        ("/map.png?low=nan", 422),
        ("/map.png?ref=1,2", 422),
        ("/map.png?ref=12.3,44.1,-5", 422),
        ("/map.png?ref=12.3,44.1,inf", 422),
        ("/map.png?ref=0,0,10", 409),
        ("/near?lon=nan&lat=44.1", 422),
        ("/near?lon=12.3&lat=144.1", 422),
        ("/series", 422),
        ("/series?ps=0", 409),
        ("/series?ps=401", 409),
        ("/series?ps=1&minus=-3", 409),
        ("/series?ps=1&radius=0", 422),
        ("/series?ps=1&radius=nan", 422),
        ("/series?" + "&".join(f"ps={k}" for k in range(1, 11)), 422),
        ("/profile?lon=12&lat=44&lon2=12&lat2=44", 422),
        ("/profile?lon=12&lat=44&lon2=12.1&lat2=44&width=0", 422),
        ("/profile?lon=12&lat=94&lon2=12.1&lat2=44", 422),
        ("/download.exe", 422),
        ("/download.csv?west=0&east=1&south=0&north=1", 409),
        ("/ifgs/panel?kind=nonsense", 422),
        ("/ifgs/panel?kind=residual", 409),  # stage 8 has not run
        ("/ifg.png?ifg=77", 422),
        ("/ifg.png?ifg=1&width=5000", 422),
        ("/drop?ifgs=99", 422),
        ("/drop?ifgs=a", 422),
    ],
)  # fmt: skip
def test_bad_questions_get_one_clear_line(client, path, status):
    error = ask(client, path, status).json()["error"]
    assert "\n" not in error
    assert "Traceback" not in error


def test_another_dataset_than_the_served_ones_is_not_there(client):
    for number in (1, -1, "..%2f..", "x"):
        assert client.get(f"/api/v1/datasets/{number}/map").status_code in (404, 422)


def test_an_artifact_that_is_replaced_is_read_anew(console, tmp_path):
    result = Result(tmp_path / "set")
    client = console(result.root)
    before = ask(client, "/near?lon=12.3&lat=44.1").json()
    tag = ask(client, "/map.png").headers["etag"]
    known = read_mat(result.root / "mean_v.mat")
    write_mat(tmp_path / "new.mat", known | {"mean_v": known["mean_v"] + 7})
    os.replace(tmp_path / "new.mat", result.root / "mean_v.mat")
    after = ask(client, "/near?lon=12.3&lat=44.1").json()
    assert after["velocity"] == pytest.approx(before["velocity"] + 7, abs=1e-3)
    assert ask(client, "/map.png").headers["etag"] != tag
    (result.root / "mean_v.mat").unlink()  # as while a run replaces it
    assert ask(client, "/layer").json()["unit"] == "mm/yr"
    (result.root / "ps2.mat").unlink()
    assert "ps2.mat" in ask(client, "/layer", 409).json()["error"]


def test_before_there_are_velocities_the_coherence_is_shown(console, tmp_path):
    result = Result(tmp_path / "set")
    (result.root / "mean_v.mat").unlink()
    client = console(result.root)
    assert ask(client, "/map").json()["first"] == "velocity"
    (result.root / "scla2.mat").unlink()  # as between stages 6 and 7
    assert ask(client, "/map").json()["first"] == "coherence"
    assert ask(client, "/layer").json()["name"] == "coherence"
    (result.root / "phuw2.mat").unlink()
    assert ask(client, "/map").json()["first"] == "coherence"
    assert ask(client, "/layer").json()["name"] == "coherence"
    assert "phuw2" in ask(client, "/series?ps=3", 409).json()["error"]
