"""Products: the table holds what the phase says, the map shows it with its meaning."""

import csv
import json
import shutil
import subprocess
import sys
import tracemalloc
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import DatasetError, PublishError, ToolMissingError
from pystamps_hpc.stages.shared.projection import local_coordinates
from pystamps_hpc.tools.products.fixed_point import table_text
from pystamps_hpc.tools.products.result import read_velocities
from pystamps_hpc.tools.products.velocity_csv import velocity_csv
from pystamps_hpc.tools.products.velocity_map import colour_limit, velocity_map

WAVELENGTH = 0.056
RANGE = 847_000.0
TO_MM = WAVELENGTH * 1000 / (4 * np.pi)
MASTER = 2
DAYS = np.array([736344, 736404, 736464, 736560, 736704], float)
YEARS = (DAYS - DAYS[MASTER]) / 365.25


class Result:
    """A finished dataset whose displacements are known."""

    def __init__(self, root, n_ps=400, **mean_v):
        root.mkdir()
        rng = np.random.default_rng(7)
        self.root = root
        self.lonlat = np.array([12.3, 44.1]) + rng.uniform(-0.05, 0.05, (n_ps, 2))
        origin = (self.lonlat.max(axis=0) + self.lonlat.min(axis=0)) / 2
        xy = local_coordinates(self.lonlat, origin)
        x, y = xy.T / 1000
        # orthogonal to offset and plane, so that neither reference nor ramp can touch it
        plane = np.column_stack([x, y, np.ones(n_ps)])

        def flat(values):
            return values - plane @ np.linalg.lstsq(plane, values, rcond=None)[0]

        self.velocity = flat(rng.normal(0, 5, n_ps))
        self.displacement = self.velocity[:, None] * YEARS
        self.look_angle = rng.normal(0, 1, (n_ps, 5)).astype(np.float32)
        self.master_phase = flat(rng.normal(0, 1, n_ps)).astype(np.float32)
        self.ramp = x[:, None] * rng.normal(0, 0.5, 5) + rng.normal(0, 3, 5)
        phase = -self.displacement / TO_MM + self.look_angle
        phase += self.ramp + self.master_phase[:, None]
        phase[:, MASTER] = 0
        ids = np.arange(1, n_ps + 1)
        write_mat(root / "ps2.mat", {
            "ij": np.column_stack([ids, ids, ids]).astype(float), "lonlat": self.lonlat,
            "xy": np.column_stack([ids, xy]).astype(np.float32), "ll0": origin[None],
            "day": DAYS[:, None], "master_day": DAYS[MASTER], "master_ix": MASTER + 1.0,
            "n_ps": float(n_ps), "n_ifg": 5.0, "n_image": 5.0, "bperp": np.zeros((5, 1)),
            "mean_range": RANGE,
        })  # fmt: skip
        write_mat(root / "phuw2.mat", {"ph_uw": phase.astype(np.float32)})
        self.incidence = np.radians(rng.uniform(30, 45, n_ps))
        self.dem_error = rng.normal(0, 10, n_ps)
        self.dem_error -= self.dem_error.mean()
        leverage = WAVELENGTH * RANGE * np.sin(self.incidence) / (4 * np.pi)
        slope = -self.dem_error / leverage + 0.03  # the reference area is as wrong as all
        write_mat(root / "scla2.mat", {
            "ph_scla": self.look_angle, "C_ps_uw": self.master_phase[:, None],
            "K_ps_uw": slope[:, None],
        })  # fmt: skip
        write_mat(root / "inc2.mat", {"inc": self.incidence[:, None]})
        fit = np.vstack([np.zeros(n_ps), -self.velocity / (TO_MM * 365.25)])
        write_mat(root / "mean_v.mat", {
            "m": fit, "mean_v": self.velocity[:, None], "value_type": "v-do",
            "unwrap_ifg_index": np.array([[1.0, 2, 4, 5]]), "ref_ps": ids[:, None].astype(float),
            "lambda": WAVELENGTH, "master_day": DAYS[MASTER],
        } | mean_v)  # fmt: skip
        self.height = rng.normal(200, 50, n_ps)
        self.coherence = rng.uniform(0.3, 1, n_ps)
        write_mat(root / "hgt2.mat", {"hgt": self.height[:, None]})
        write_mat(root / "pm2.mat", {"coh_ps": self.coherence[:, None]})
        write_mat(root / "parms.mat", {"lambda": WAVELENGTH, "heading": -168.0})


def with_phasors(root):
    """Add the wrapped phase of stage 5."""
    phase = read_mat(root / "phuw2.mat")["ph_uw"]
    write_mat(root / "rc2.mat", {"ph_rc": np.exp(1j * phase).astype(np.complex64)})


def over_the_date_line(result):
    """Move a dataset to where longitudes jump."""
    known = read_mat(result.root / "ps2.mat")
    known["lonlat"][:, 0] += 180 - 12.3
    known["lonlat"][known["lonlat"][:, 0] > 180, 0] -= 360
    write_mat(result.root / "ps2.mat", known)


NAMES = ["id", "longitude", "latitude", "height", "coherence", "velocity", "velocity_deviation"]
VELOCITY, DEVIATION = NAMES.index("velocity"), NAMES.index("velocity_deviation")
FIRST_DATE = len(NAMES)


def read_table(path):
    names, *rows = csv.reader(path.read_text().splitlines())
    meaning = json.loads(path.with_suffix(".json").read_text())
    return meaning, names, np.array([[float(v) if v else np.nan for v in row] for row in rows])


@pytest.fixture
def result(tmp_path):
    return Result(tmp_path / "set")


def test_table_gives_back_position_velocity_and_displacement(result):
    path = velocity_csv(result.root, result.root / "products" / "velocity.csv")
    _, names, table = read_table(path)
    np.testing.assert_array_equal(table[:, 0], np.arange(1, 401))
    np.testing.assert_allclose(table[:, 1:3], result.lonlat, atol=5.1e-8)
    np.testing.assert_allclose(table[:, 3], result.height, atol=5.1e-2)
    np.testing.assert_allclose(table[:, 4], result.coherence, atol=5.1e-4)
    np.testing.assert_allclose(table[:, VELOCITY], result.velocity, atol=5.1e-4)
    expected = result.displacement - result.displacement.mean(axis=0)
    np.testing.assert_allclose(table[:, FIRST_DATE:], expected, atol=6e-3)
    assert names[:FIRST_DATE] == NAMES
    assert names[FIRST_DATE:] == [date.fromordinal(int(day) - 366).isoformat() for day in DAYS]
    assert (table[:, FIRST_DATE + MASTER] == 0).all()


def test_slope_of_the_series_is_the_velocity(result):
    _, _, table = read_table(velocity_csv(result.root, result.root / "v.csv"))
    slope = np.polyfit(YEARS, table[:, FIRST_DATE:].T, 1)[0]
    np.testing.assert_allclose(slope, table[:, VELOCITY], atol=0.02)


def test_the_deviation_of_the_velocity_is_that_of_the_fitted_slope(tmp_path):
    result = Result(tmp_path / "set", n_ps=20_000)
    noise = np.random.default_rng(3).normal(0, 2, (20_000, 5)) * np.array([1, 3, 0, 1, 2])
    phase = read_mat(result.root / "phuw2.mat")["ph_uw"] + (noise / TO_MM).astype(np.float32)
    write_mat(result.root / "phuw2.mat", {"ph_uw": phase})
    sigma = np.degrees(np.array([[2.0], [6], [1], [2], [4]]) / TO_MM).astype(np.float32)
    write_mat(result.root / "ifgstd2.mat", {"ifg_std": sigma})
    _, _, table = read_table(velocity_csv(result.root, result.root / "v.csv"))
    fitted = [0, 1, 3, 4]
    weight = np.diag(1 / np.array([2.0, 6, 2, 4]) ** 2)
    design = np.column_stack((np.ones(4), YEARS[fitted]))
    expected = np.sqrt(np.linalg.inv(design.T @ weight @ design)[1, 1])
    assert np.sqrt(np.mean(table[:, DEVIATION] ** 2)) == pytest.approx(expected, rel=0.02)


def test_two_interferograms_leave_the_deviation_open(tmp_path):
    result = Result(tmp_path / "set", unwrap_ifg_index=np.array([[1.0, 5]]))
    _, _, table = read_table(velocity_csv(result.root, result.root / "v.csv"))
    assert np.isnan(table[:, DEVIATION]).all()


def test_what_a_dataset_lacks_is_left_empty(result):
    write_mat(result.root / "hgt2.mat", {"hgt": np.zeros((0, 0))})  # as the merge writes it
    write_mat(result.root / "pm2.mat", {"coh_ps": np.zeros((399, 1))})
    with pytest.raises(DatasetError, match="'coh_ps' has 399 values for 400 PS"):
        velocity_csv(result.root, result.root / "v.csv")
    write_mat(result.root / "pm2.mat", {"ph_patch": np.ones((400, 7), np.complex64)})  # combined
    _, _, table = read_table(velocity_csv(result.root, result.root / "v.csv"))
    assert np.isnan(table[:, 3:5]).all()
    (result.root / "pm2.mat").unlink()
    _, _, table = read_table(velocity_csv(result.root, result.root / "v.csv"))
    assert np.isnan(table[:, 3:5]).all()


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL's ogrinfo is not installed")
def test_gdal_reads_points_with_types_and_reference_system(result):
    path = velocity_csv(result.root, result.root / "velocity.csv")
    ended = subprocess.run(
        ["ogrinfo", "-so", "-al", path], capture_output=True, text=True, check=True
    )
    told = ended.stdout
    assert "Geometry: Point" in told
    assert "Feature Count: 400" in told
    assert "World Geodetic System 1984" in told
    assert "id: Integer" in told
    assert "velocity: Real" in told


def test_table_says_unit_sign_and_reference(result):
    meaning, names, _ = read_table(velocity_csv(result.root, result.root / "v.csv"))
    assert [column["name"] for column in meaning["columns"]] == names
    assert meaning["columns"][VELOCITY]["unit"] == "mm/yr"
    assert meaning["sign"].startswith("positive: towards the satellite")
    assert meaning["reference"].startswith("relative to the mean of all 400 PS")
    assert meaning["value_type"] == "v-do"


def test_series_are_relative_to_the_reference_area(tmp_path):
    rows = np.array([[3.0], [10], [17]])
    result = Result(tmp_path / "set", ref_ps=rows)
    meaning, _, table = read_table(velocity_csv(result.root, result.root / "v.csv"))
    chosen = rows.ravel().astype(int) - 1
    np.testing.assert_allclose(table[chosen, FIRST_DATE:].mean(axis=0), 0, atol=6e-3)
    assert "mean of 3 PS around 12." in meaning["reference"]


@pytest.mark.parametrize(
    ("value_type", "left"), [("v", "so"), ("v-d", "o"), ("v-o", "s"), ("v-do", "")]
)
def test_corrections_follow_the_value_type(value_type, left, tmp_path):
    result = Result(tmp_path / "set", value_type=value_type)
    _, _, table = read_table(velocity_csv(result.root, result.root / "v.csv"))
    errors = result.look_angle * ("s" in left) + result.ramp * ("o" in left)
    expected = result.displacement - TO_MM * (errors - errors.mean(axis=0))
    expected[:, MASTER] = 0
    tolerance = 6e-3
    if value_type == "v-o":
        # the plane is fitted to what is left, which here still holds the look-angle error
        tolerance = 6 * TO_MM * 3 / np.sqrt(len(table))
    np.testing.assert_allclose(table[:, FIRST_DATE:], expected, atol=tolerance)


def test_dropped_interferograms_have_no_column(tmp_path):
    result = Result(tmp_path / "set", unwrap_ifg_index=np.array([[1.0, 2, 5]]))
    _, names, table = read_table(velocity_csv(result.root, result.root / "v.csv"))
    kept = [0, 1, 2, 4]
    assert names[FIRST_DATE:] == [
        date.fromordinal(int(day) - 366).isoformat() for day in DAYS[kept]
    ]
    np.testing.assert_allclose(table[:, FIRST_DATE:], result.displacement[:, kept], atol=6e-3)


def test_a_fit_that_stamps_saved_is_enough(result):
    fit = np.vstack([np.zeros(400), -result.velocity / (TO_MM * 365.25)])
    write_mat(result.root / "mean_v.mat", {"m": fit})
    np.testing.assert_allclose(read_velocities(result.root).velocity, result.velocity, atol=1e-3)
    _, names, _ = read_table(velocity_csv(result.root, result.root / "v.csv"))
    assert len(names) == FIRST_DATE + 5


def test_table_needs_little_memory_at_a_time(tmp_path):
    result = Result(tmp_path / "set", n_ps=120_000)
    tracemalloc.start()
    velocity_csv(result.root, result.root / "v.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # the regressors of the ramps and the positions, a few numbers per PS, and one block of text
    assert peak < 120_000 * 200 + 2e7


def test_an_unfinished_table_is_not_left_behind(result):
    (result.root / "phuw2.mat").unlink()
    with pytest.raises(DatasetError, match=r"phuw2.mat: file does not exist.*--end-step 6 makes"):
        velocity_csv(result.root, result.root / "out" / "v.csv")
    assert not (result.root / "out").exists() or not list((result.root / "out").iterdir())


def test_phase_of_another_merge_is_refused(result):
    write_mat(result.root / "phuw2.mat", {"ph_uw": np.zeros((399, 5), np.float32)})
    with pytest.raises(DatasetError, match="399 x 5, expected 400 x 5"):
        velocity_csv(result.root, result.root / "v.csv")


def test_velocities_of_another_merge_are_refused(result):
    write_mat(result.root / "mean_v.mat", {
        "m": np.zeros((2, 7)), "mean_v": np.zeros((7, 1)), "value_type": "v-do",
    })  # fmt: skip
    with pytest.raises(DatasetError, match="7 velocities for 400 PS"):
        velocity_map(result.root, result.root / "v.png")


@given(
    values=hnp.arrays(
        np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(-1e9, 1e9) | st.just(np.nan),
    ),
    decimals=st.integers(0, 5),
)  # fmt: skip
def test_text_of_a_table_is_what_python_writes(values, decimals):
    for line, row in zip(
        table_text([(values, decimals)]).decode().splitlines(), values, strict=True
    ):
        for text, value in zip(line.split(","), row, strict=True):
            if np.isnan(value):
                assert text == ""
                continue
            # halves may go either way: the scaled value is rounded, not the decimal one
            assert abs(float(text) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-6) + 1e-15 * 10**9
            whole, _, fraction = text.lstrip("-").partition(".")
            assert len(fraction) == decimals
            assert whole == str(int(whole))
            assert not (text.startswith("-") and float(text) == 0)


def test_map_is_a_png_that_says_what_it_shows(result, monkeypatch):
    from matplotlib.figure import Figure

    seen = []
    save = Figure.savefig

    def spy(figure, *args, **options):
        seen.append(figure)
        save(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", spy)
    path = velocity_map(result.root, result.root / "map.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    (figure,) = seen
    text = " ".join(item.get_text() for item in figure.texts)
    assert "400 persistent scatterers" in text
    assert "2016-01-15 to 2017-01-09, master 2016-05-14" in text
    assert "mean of all 400 PS" in text
    assert "towards the satellite" in text
    axes, bar = figure.axes[:2]
    assert bar.get_ylabel() == "mm/yr, positive towards the satellite"
    low, high = axes.collections[0].get_clim()
    assert low == -high


def test_the_map_counts_the_images_that_its_velocities_are_fitted_to(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    seen = []
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, path, **_: (seen.append(figure), Path(path).touch())
    )
    result = Result(tmp_path / "set", unwrap_ifg_index=np.array([[2.0, 4]]))
    velocity_map(result.root, result.root / "map.png")
    text = " ".join(item.get_text() for item in seen[0].texts)
    assert "3 images, 2016-03-15 to 2016-08-18" in text


def test_a_map_over_the_date_line_shows_the_scene_alone(result, monkeypatch):
    from matplotlib.figure import Figure

    seen = []
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, path, **_: (seen.append(figure), Path(path).touch())
    )
    over_the_date_line(result)
    velocity_map(result.root, result.root / "map.png")
    axes = seen[0].axes[0]
    west, east = axes.get_xlim()
    assert east - west < 0.2
    labels = [axes.xaxis.get_major_formatter()(place, 0) for place in (west, east)]
    assert [label[-1] for label in labels] == ["E", "W"]


def test_map_keeps_distances(result, monkeypatch):
    from matplotlib.figure import Figure

    seen = []
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, path, **_: (seen.append(figure), Path(path).touch())
    )
    velocity_map(result.root, result.root / "map.png")
    axes = seen[0].axes[0]
    box = axes.get_window_extent()
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    per_metre_x = box.width / ((east - west) * np.cos(np.radians(44.1)))
    assert per_metre_x == pytest.approx(box.height / (north - south), rel=1e-3)


def test_colours_end_at_a_round_number_that_outliers_do_not_move():
    rng = np.random.default_rng(1)
    velocity = rng.normal(0, 4, 10_000)
    assert colour_limit(velocity) == 12
    velocity[:20] = 1e4
    assert colour_limit(velocity) == 12
    assert colour_limit(np.zeros(5)) == 1


def test_map_needs_matplotlib_and_says_so(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ToolMissingError, match=r"pip install .\.\[viz\]"):
        velocity_map(result.root, result.root / "map.png")


def test_products_load_without_matplotlib():
    code = "import sys, pystamps_hpc.tools.products; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_place_that_cannot_be_written_is_named(result):
    (result.root / "file").touch()
    with pytest.raises(PublishError, match="file"):
        velocity_map(result.root, result.root / "file" / "map.png")


def test_points_without_velocity_are_left_out(tmp_path):
    velocity = np.full((400, 1), np.nan)
    result = Result(tmp_path / "set", mean_v=velocity)
    with pytest.raises(DatasetError, match="no PS has a velocity"):
        velocity_map(result.root, result.root / "map.png")
