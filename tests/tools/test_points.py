"""The table of points: every column is what geometry and displacements say it is."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import ConfigError, StageError
from pystamps_hpc.tools.products.motion import MotionFit, motion_of
from pystamps_hpc.tools.products.point_facts import facts_of
from pystamps_hpc.tools.products.points import ALL, read_points
from pystamps_hpc.tools.products.time_series import at_point, read_series
from pystamps_hpc.tools.products.values import read_values

from .test_products import DAYS, MASTER, RANGE, Result, over_the_date_line

YEARS = np.arange(40) * 24 / 365.25 - 1.1


@pytest.fixture
def result(tmp_path):
    return Result(tmp_path / "set")


def table_of(points):
    """All columns of a table, and the displacements."""
    blocks = list(points.blocks(150))
    assert [block.rows.start for block in blocks] == list(range(0, len(points), 150))
    columns = {
        name: np.concatenate([block.values[name] for block in blocks]) for name in blocks[0].values
    }
    return columns, np.concatenate([block.displacement for block in blocks])


def test_columns_hold_what_the_dataset_was_made_from(result):
    points = read_points(result.root)
    columns, moved = table_of(points)
    assert tuple(columns) == ALL
    np.testing.assert_array_equal(columns["id"], np.arange(1, 401))
    np.testing.assert_array_equal(columns["longitude"], result.lonlat[:, 0])
    np.testing.assert_allclose(columns["height"], result.height, rtol=1e-6)
    np.testing.assert_allclose(columns["velocity"], result.velocity, rtol=1e-6)
    np.testing.assert_allclose(columns["incidence"], np.degrees(result.incidence), rtol=1e-6)
    np.testing.assert_allclose(moved, result.displacement, atol=1e-3)
    assert (moved[:, MASTER] == 0).all()
    assert [block.dtype for block in next(points.blocks()).arrays] == [
        column.dtype for column in (*points.columns, *points.date_columns())
    ]


def test_rmse_and_deviation_are_those_of_the_line_through_all_dates_but_the_master(result):
    noise = np.random.default_rng(2).normal(0, 0.3, (400, 5)).astype(np.float32)
    noise[:, MASTER] = 0
    phase = read_mat(result.root / "phuw2.mat")["ph_uw"]
    write_mat(result.root / "phuw2.mat", {"ph_uw": phase + noise})
    columns, moved = table_of(read_points(result.root))
    years = (np.delete(DAYS, MASTER) - DAYS[MASTER]) / 365.25
    fitted = np.delete(moved, MASTER, axis=1).astype(float)
    (_, slope), left, *_ = np.polynomial.polynomial.polyfit(years, fitted.T, 1, full=True)
    assert slope.shape == (400,)
    np.testing.assert_allclose(columns["rmse"], np.sqrt(left[0] / 4), rtol=1e-5)
    expected = np.sqrt(left[0] / 2 / ((years - years.mean()) ** 2).sum())
    np.testing.assert_allclose(columns["velocity_deviation"], expected, rtol=1e-5)


def test_the_dem_error_is_the_height_that_makes_the_slope(result):
    columns, _ = table_of(read_points(result.root))
    # a common slope stands for a mean over angles of its own
    offset = columns["dem_error"] - result.dem_error
    leverage = np.sin(result.incidence)
    np.testing.assert_allclose(offset / leverage, (offset / leverage).mean(), atol=1e-4)
    assert np.std(offset) < 0.2 < np.std(result.dem_error)


def test_the_look_vector_points_from_the_ground_to_a_satellite_that_looks_to_the_right(result):
    for heading, east, north in ((0.0, -1, 0), (90.0, 0, 1), (180.0, 1, 0), (-90.0, 0, -1)):
        known = parameters.load(result.root)
        parameters.save(known.with_values({"heading": heading}))
        columns, _ = table_of(read_points(result.root, columns=("look_east", "look_north",
                                                                "look_up")))  # fmt: skip
        level = np.sin(result.incidence)
        np.testing.assert_allclose(columns["look_east"], east * level, atol=1e-6)
        np.testing.assert_allclose(columns["look_north"], north * level, atol=1e-6)
        np.testing.assert_allclose(columns["look_up"], np.cos(result.incidence), atol=1e-6)


@pytest.mark.parametrize(("processor", "is_incidence"), [("snap", True), ("doris", False)])
def test_without_incidence_the_look_angle_gives_it(result, processor, is_incidence):
    (result.root / "inc2.mat").unlink()
    parameters.save(parameters.load(result.root).with_values({"insar_processor": processor}))
    orbit, earth = 7_070_000.0, 6_371_000.0
    look = np.arccos((orbit**2 + RANGE**2 - earth**2) / (2 * orbit * RANGE))
    expected = np.arccos((orbit**2 - earth**2 - RANGE**2) / (2 * earth * RANGE))
    angle = expected if is_incidence else look
    write_mat(result.root / "la2.mat", {"la": np.full((400, 1), angle)})
    columns, _ = table_of(read_points(result.root, columns=("incidence",)))
    np.testing.assert_allclose(columns["incidence"], np.degrees(expected), atol=1e-4)


def test_what_is_not_known_is_empty_and_told(result):
    (result.root / "inc2.mat").unlink()
    parameters.save(parameters.load(result.root).with_values({"heading": np.nan}))
    points = read_points(result.root)
    columns, _ = table_of(points)
    for name in ("incidence", "look_east", "look_north", "look_up", "dem_error", "acceleration",
                 "acceleration_deviation", "seasonal_amplitude"):  # fmt: skip
        assert np.isnan(columns[name]).all(), name
    told = " ".join(points.warnings)
    assert "incidence is empty: neither inc2.mat nor la2.mat" in told
    assert "parms set heading" in told
    assert "acceleration and seasonal_amplitude are empty: 4 dates" in told
    assert read_points(result.root, columns=("velocity",)).warnings == []


def test_points_without_velocity_are_counted(tmp_path):
    velocity = np.zeros((400, 1))
    velocity[[3, 9]] = np.nan
    points = read_points(Result(tmp_path / "set", mean_v=velocity).root, columns=("velocity",))
    assert points.warnings == ["2 of 400 points have no velocity: it is left empty"]


def test_points_without_a_position_are_counted(result):
    known = read_mat(result.root / "ps2.mat")
    known["lonlat"][[4, 7], [0, 1]] = np.nan
    write_mat(result.root / "ps2.mat", known)
    (told,) = read_points(result.root, columns=("velocity",)).warnings
    assert told.startswith("2 of 400 points have no position: it is left empty")


def test_least_squares_are_prepared_once_for_all_blocks(result, monkeypatch):
    points, calls = read_points(result.root), []
    for name in ("pinv", "inv"):
        real = getattr(np.linalg, name)
        monkeypatch.setattr(
            np.linalg, name, lambda *args, real=real: (calls.append(1), real(*args))[1]
        )
    list(points.blocks(200))
    once = len(calls)
    list(points.blocks(10))
    assert len(calls) == once


def test_a_scene_over_the_date_line_is_one_piece_and_its_table_has_usual_longitudes(tmp_path):
    result = Result(tmp_path / "set", ref_ps=np.arange(1.0, 400)[:, None])
    over_the_date_line(result)
    points = read_points(result.root)
    lonlat = points.velocities.lonlat
    assert np.ptp(lonlat[:, 0]) < 0.11
    longitude = table_of(points)[0]["longitude"]
    assert np.abs(longitude).max() <= 180
    assert {-180, 179} == set(np.floor(longitude))
    facts = facts_of(points, [])
    assert 179.9 < abs(facts["reference_longitude"]) <= 180
    assert re.search(r"around 1(79\.9\d\d\d|80.0000)°[EW], 44", facts["reference"])
    west = read_series(result.root)
    place = at_point(west, (-179.99, 44.1), 20_000)
    assert len(place.ps) == 400


def test_a_type_that_is_asked_for_is_fitted_anew(result):
    kept = read_points(result.root, columns=("velocity",))
    other = read_points(result.root, "v-o", columns=("velocity",))
    assert (kept.velocities.value_type, other.velocities.value_type) == ("v-do", "v-o")
    columns, moved = table_of(other)
    np.testing.assert_allclose(
        columns["velocity"], read_values(result.root, "v-o").rows[:, 0], atol=1e-5
    )
    np.testing.assert_array_equal(
        np.delete(moved, MASTER, axis=1), read_series(result.root, "v-o").displacement[:]
    )
    with pytest.raises(ConfigError, match="points have velocities"):
        read_points(result.root, "u")


def test_a_mean_v_without_a_type_is_fitted_anew_so_that_its_columns_fit_each_other(result):
    write_mat(result.root / "mean_v.mat", {"m": np.full((2, 400), 7.0)})
    points = read_points(result.root, columns=("velocity",))
    columns, moved = table_of(points)
    slope = np.polyfit((DAYS - DAYS[MASTER]) / 365.25, moved.T.astype(float), 1)[0]
    np.testing.assert_allclose(columns["velocity"], slope, atol=1e-3)
    np.testing.assert_allclose(columns["velocity"], result.velocity, atol=1e-3)
    assert points.velocities.value_type == points.kind.name == "v-do"
    assert facts_of(points, [])["not_known"] == [
        "mean_v.mat does not say the type of its velocities: they are fitted anew, as v-do"
    ]


def test_facts_list_what_the_velocities_beside_them_are_fitted_to(tmp_path):
    result = Result(tmp_path / "set", unwrap_ifg_index=np.array([[1.0, 2, 4]]))
    stored = read_points(result.root)
    assert facts_of(stored, [])["interferogram_numbers"] == [1, 2, 4]
    assert [str(day) for day in stored.velocities.dates] == [
        "2016-01-15", "2016-03-15", "2016-05-14", "2016-08-18",
    ]  # fmt: skip
    parameters.save(parameters.load(result.root).with_values({"drop_ifg_index": (1,)}))
    asked = read_points(result.root, "v-do")
    assert facts_of(asked, [])["interferogram_numbers"] == [2, 4, 5]
    assert str(asked.velocities.dates[0]) == "2016-03-15"


def test_the_noise_of_the_master_is_said_to_be_off_where_it_was_taken_off(result):
    said = "displacements also without the master's atmosphere and noise"
    assert said in facts_of(read_points(result.root), [])["corrections"]
    (result.root / "scla2.mat").unlink()
    without = read_points(result.root, "v-o", columns=("velocity",))
    assert facts_of(without, [])["corrections"] == "orbital ramps removed"


def test_a_reference_area_without_points_is_refused(result):
    parameters.save(parameters.load(result.root).with_values({"ref_lon": (0.0, 1.0)}))
    with pytest.raises(StageError, match="0 PS"):
        read_points(result.root, "v-do")


def test_facts_say_units_reference_and_parameters(tmp_path):
    result = Result(tmp_path / "set", ref_ps=np.array([[3.0], [10], [17]]))
    points = read_points(result.root)
    facts = facts_of(points, [*points.columns, *points.date_columns("D%Y%m%d")])
    assert [column["name"] for column in facts["columns"]][-5:] == [
        "D20160115", "D20160315", "D20160514", "D20160818", "D20170109",
    ]  # fmt: skip
    assert all(column["meaning"] for column in facts["columns"])
    assert facts["reference_points"] == 3
    centre = result.lonlat[[2, 9, 16]].mean(axis=0)
    assert facts["reference_longitude"] == pytest.approx(centre[0], abs=1e-6)
    assert (facts["crs"], facts["heading_deg"]) == ("EPSG:4326", -168.0)
    assert facts["parameters"]["lambda"] == 0.056
    assert len(facts["columns"]) == len(ALL) + len(DAYS)
    parameters.save(parameters.load(result.root).with_values({"ref_radius": -np.inf}))
    without = read_points(result.root, "v-do")
    assert facts_of(without, [])["reference_points"] == 0


def moving(velocity, acceleration, amplitude, phase):
    turn = 2 * np.pi * YEARS + phase
    return velocity * YEARS + acceleration * YEARS**2 / 2 + amplitude * np.sin(turn) + 3


@given(
    st.floats(-20, 20), st.floats(-5, 5), st.floats(0.1, 10), st.floats(0, 6),
)  # fmt: skip
def test_motion_without_noise_gives_back_its_terms(velocity, acceleration, amplitude, phase):
    moved = moving(velocity, acceleration, amplitude, phase)[None]
    found = motion_of(moved, MotionFit.of(YEARS, np.eye(40)))
    assert found.acceleration[0] == pytest.approx(acceleration, abs=1e-9)
    assert found.amplitude[0] == pytest.approx(amplitude, abs=1e-9)
    assert found.acceleration_deviation[0] < 1e-9
    assert found.amplitude_deviation[0] < 1e-9


def test_deviations_of_the_motion_are_those_over_many_noisy_points():
    rng = np.random.default_rng(4)
    sigma = rng.uniform(0.5, 3, 40)
    moved = moving(5, 2, 6, 1) + rng.normal(0, sigma, (20_000, 40))
    # the factor does not matter
    found = motion_of(moved, MotionFit.of(YEARS, np.diag(sigma**2) * 7))
    for value, deviation, truth in (
        (found.acceleration, found.acceleration_deviation, 2),
        (found.amplitude, found.amplitude_deviation, 6),
    ):
        assert value.mean() == pytest.approx(truth, abs=0.03)
        assert np.sqrt((deviation**2).mean()) == pytest.approx(value.std(), rel=0.02)


def test_a_motion_that_the_dates_do_not_determine_is_open():
    moved = np.random.default_rng(1).normal(0, 1, (3, 40))
    yearly = np.arange(40.0)  # the same day of every year: no yearly wave can be seen
    for years, columns in ((YEARS[:5], 5), (yearly, 40)):
        found = motion_of(moved[:, :columns], MotionFit.of(years, np.eye(columns)))
        assert np.isnan(list(vars(found).values())).all()


def test_arithmetic_of_means_is_that_of_the_configuration(result):
    config = RunConfig().with_values({"compat.arithmetic": "single"})
    single = read_points(result.root, "v-do", config=config, columns=("velocity",))
    assert single.found.ctx.single
    np.testing.assert_allclose(
        table_of(single)[1], table_of(read_points(result.root, "v-do", columns=()))[1], atol=1e-3
    )


def test_height_errors_of_a_simulated_chain_come_back_in_size_and_sign(finished):
    points = read_points(finished, columns=("dem_error", "incidence"))
    columns, _ = table_of(points)
    with np.load(finished / "truth.npz") as truth:
        pixels = read_mat(finished / "ps2.mat")["ij"][:, 1:].astype(int)
        row = {tuple(pixel): k for k, pixel in enumerate(truth["ij"].tolist())}
        rows = np.array([row[tuple(pixel)] for pixel in pixels.tolist()])
        real = truth["is_ps"][rows]
        expected = truth["dem_err"][rows][real]
    found = columns["dem_error"].astype(float)[real]
    (slope, _), spread = np.polyfit(expected, found, 1, cov=True)
    deviation = np.sqrt(spread[0, 0])
    assert slope > 4 * deviation
    assert slope == pytest.approx(1, abs=3 * deviation)
    assert (np.abs(columns["incidence"] - 36) < 5).all()
