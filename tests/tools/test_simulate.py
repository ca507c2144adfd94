"""The simulated dataset: its files are StaMPS', its numbers are the stated physics."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.dataset.parameter_table import defaults
from pystamps_hpc.errors import ConfigError, DatasetError
from pystamps_hpc.tools.simulate import Options, simulate, truth_velocity_error
from tests.stub_chain import tree_digest

SMALL = Options(candidates=3000, images=8, patches=(2, 2), overlap=15, seed=3)
STILL = replace(SMALL, velocity=0, seasonal=0, dem_error=0, atmosphere=0, orbit=0)
CLEAN = replace(SMALL, noise=False, atmosphere=0, orbit=0)


class Patch:
    """A patch read back without any code of the package."""

    def __init__(self, folder):
        self.full = np.loadtxt(folder / "patch.in", int)
        self.own = np.loadtxt(folder / "patch_noover.in", int)
        self.ij = np.loadtxt(folder / "pscands.1.ij", int, ndmin=2)
        self.da = np.loadtxt(folder / "pscands.1.da", ndmin=1)
        n = len(self.ij)
        self.lonlat = np.fromfile(folder / "pscands.1.ll", ">f4").reshape(n, 2)
        self.height = np.fromfile(folder / "pscands.1.hgt", ">f4")
        self.phase = np.fromfile(folder / "pscands.1.ph", ">c8").reshape(-1, n).T
        self.integers = np.fromfile(folder / "pscands.1.ij.int", ">i4").reshape(n, 2)


def patches(report):
    names = (report.root / "patch.list").read_text().split()
    return [Patch(report.root / name) for name in names]


def truth_rows(truth, patch):
    rows = {(i, j): k for k, (i, j) in enumerate(truth["ij"].tolist())}
    return np.array([rows[i, j] for _, i, j in patch.ij.tolist()])


def text_values(path, key, count):
    line = next(line for line in path.read_text().splitlines() if line.startswith(key))
    return [float(word) for word in line.split()[1 : 1 + count]]


def stage1_geometry(report, ij):
    """Evaluate look angles and baselines from the text files; docs/science/loading.md."""
    words = (report.root / "pscphase.in").read_text().split()
    par = report.root / (report.root / "rsc.txt").read_text().strip().removeprefix("../")
    near, spacing, se, re, lines, prf = (
        text_values(par, key, 1)[0]
        for key in (
            "near_range_slc", "range_pixel_spacing", "sar_to_earth_center",
            "earth_radius_below_sensor", "azimuth_lines", "prf",
        )
    )  # fmt: skip
    rho = near + ij[:, 2] * spacing
    look = np.arccos((se**2 + rho**2 - re**2) / (2 * se * rho))
    incidence = np.arccos((se**2 - re**2 - rho**2) / (2 * re * rho))
    time = (ij[:, 1] - (lines / 2 - 0.5)) / prf
    bperp = []
    for word in words[1:]:
        base = report.root / word.removeprefix("../").replace(".diff", ".base")
        _, across, normal = text_values(base, "initial_baseline(TCN):", 3)
        _, across_rate, normal_rate = text_values(base, "initial_baseline_rate:", 3)
        bperp.append(
            (across + across_rate * time) * np.cos(look)
            - (normal + normal_rate * time) * np.sin(look)
        )
    return rho, incidence, np.column_stack(bperp)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("sim") / "set", SMALL)


@pytest.fixture(scope="module")
def truth(report):
    return dict(np.load(report.truth))


def test_parameters_are_those_that_a_preparation_leaves(tmp_path):
    report = simulate(tmp_path / "set", SMALL)
    found = read_mat(report.root / "parms.mat")
    assert found["insar_processor"] == "snap"
    assert found["small_baseline_flag"] == "n"
    assert np.isnan(found["heading"])
    assert np.isnan(found["lambda"])
    assert defaults(small_baselines=False).keys() | {"Created"} == found.keys()
    assert not (report.root / ".pystamps-hpc").exists()


def test_every_file_of_stage_1_is_there(report):
    for name in (
        "processor.txt", "width.txt", "len.txt", "rsc.txt", "pscphase.in", "patch.list",
        "calamp.out", "selpsc.in", "psclonlat.in", "pscdem.in", "truth.npz",
    ):  # fmt: skip
        assert (report.root / name).is_file()
    assert (report.root / "processor.txt").read_text() == "snap\n"
    words = (report.root / "pscphase.in").read_text().split()
    assert int(words[0]) == report.width
    assert len(words) == report.images
    assert len({len(word) for word in words[1:]}) == 1
    assert words[1:] == sorted(words[1:])
    for word in words[1:]:
        assert word[-22:-14] == report.master


def test_sizes_and_ids_are_those_of_the_candidate_list(report):
    for patch, count in zip(patches(report), report.patches.values(), strict=True):
        assert len(patch.ij) == count
        assert patch.ij[:, 0].tolist() == list(range(1, count + 1))
        assert patch.phase.shape == (count, report.interferograms)
        assert len(patch.da) == len(patch.height) == count
        np.testing.assert_array_equal(patch.integers, patch.ij[:, [2, 1]])


def test_candidates_lie_in_their_patch_in_raster_order(report):
    for patch in patches(report):
        r0, r1, a0, a1 = patch.full - 1
        assert ((patch.ij[:, 1] >= a0) & (patch.ij[:, 1] <= a1)).all()
        assert ((patch.ij[:, 2] >= r0) & (patch.ij[:, 2] <= r1)).all()
        assert (np.diff(patch.ij[:, 1] * report.width + patch.ij[:, 2]) > 0).all()


def test_own_parts_tile_the_scene_azimuth_fastest(report):
    seen = np.zeros((report.length, report.width), int)
    for patch in patches(report):
        r0, r1, a0, a1 = patch.own
        seen[a0 - 1 : a1, r0 - 1 : r1] += 1
    assert (seen == 1).all()
    first, second = patches(report)[:2]
    assert second.own[2] == first.own[3] + 1
    assert second.own[0] == first.own[0]


def test_binary_files_are_big_endian(report):
    for patch in patches(report):
        np.testing.assert_allclose(patch.lonlat, [[12.3, 44.1]] * len(patch.ij), atol=0.1)
        assert ((patch.height > 50) & (patch.height < 400)).all()
        assert (np.abs(np.log10(np.abs(patch.phase))) < 6).all()


def test_overlaps_repeat_the_same_pixels(report):
    first, second = patches(report)[:2]
    keys = [[tuple(row) for row in patch.ij[:, 1:].tolist()] for patch in (first, second)]
    common = sorted(set(keys[0]) & set(keys[1]))
    assert len(common) > 50
    a, b = ([keys[k].index(key) for key in common] for k in (0, 1))
    for name in ("phase", "lonlat", "height", "da"):
        np.testing.assert_array_equal(getattr(first, name)[a], getattr(second, name)[b])


def test_the_scene_does_not_depend_on_the_patches(report, tmp_path):
    whole = simulate(tmp_path / "one", replace(SMALL, patches=(1, 1)))
    assert whole.truth.read_bytes() == report.truth.read_bytes()
    (one,) = patches(whole)
    part = patches(report)[0]
    keys = one.ij[:, 1] * whole.width + one.ij[:, 2]
    rows = np.searchsorted(keys, part.ij[:, 1] * whole.width + part.ij[:, 2])
    np.testing.assert_array_equal(one.phase[rows], part.phase)


def test_a_seed_gives_the_same_bytes(report, tmp_path):
    again = simulate(tmp_path / "again", SMALL)
    other = simulate(tmp_path / "other", replace(SMALL, seed=4))
    assert tree_digest(again.root) == tree_digest(report.root)
    assert tree_digest(other.root) != tree_digest(report.root)


def test_noise_free_phase_is_the_analytic_model(tmp_path):
    report = simulate(tmp_path / "clean", CLEAN)
    truth = dict(np.load(report.truth))
    dates = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in truth["dates"]], "datetime64[D]")
    years = (dates - dates[truth["master"]]).astype(float) / 365.25
    years = np.delete(years, truth["master"])
    scale = 4 * np.pi / truth["wavelength"]
    assert truth["is_ps"].all()
    for patch in patches(report):
        rows = truth_rows(truth, patch)
        rho, incidence, bperp = stage1_geometry(report, patch.ij)
        change = truth["velocity"][rows, None] * years
        change = change + truth["seasonal"][rows, None] * np.sin(2 * np.pi * years)
        dem = truth["dem_err"][rows] / (rho * np.sin(incidence))
        model = scale * (change / 1000 - dem[:, None] * bperp)
        misfit = np.angle(patch.phase * np.exp(-1j * model))
        assert np.abs(misfit).max() < 2e-6


def test_mean_baselines_of_stage_1_are_those_of_the_truth(report, truth):
    _, _, bperp = stage1_geometry(report, np.vstack([patch.ij for patch in patches(report)]))
    expected = np.delete(truth["bperp"], truth["master"])
    assert truth["bperp"][truth["master"]] == 0
    assert expected.std() > 50
    np.testing.assert_allclose(bperp.mean(axis=0), expected, atol=2)


@pytest.mark.parametrize("effect", ["velocity", "seasonal", "dem_error", "atmosphere", "orbit"])
def test_each_effect_can_stand_alone(effect, tmp_path):
    strength = {effect: getattr(SMALL, effect)}
    report = simulate(tmp_path / "one", replace(STILL, noise=False, **strength))
    moved = [np.abs(np.angle(patch.phase)).max() for patch in patches(report)]
    assert max(moved) > 0.3
    still = simulate(tmp_path / "none", replace(STILL, noise=False))
    for patch in patches(still):
        assert np.abs(np.angle(patch.phase)).max() == 0


def test_amplitude_dispersion_tells_the_phase_noise(tmp_path):
    report = simulate(tmp_path / "noise", replace(STILL, images=40))
    truth = dict(np.load(report.truth))
    patch = patches(report)[0]
    rows = truth_rows(truth, patch)
    real = truth["is_ps"][rows]
    phase = np.angle(patch.phase * np.conj(patch.phase.sum(axis=1, keepdims=True)))
    spread = phase.std(axis=1)
    np.testing.assert_allclose(patch.da, truth["D_A"][rows], rtol=1e-5)
    assert abs(np.median(spread[real] / patch.da[real]) - 1) < 0.05
    assert abs(np.median(spread[real] / truth["phase_std"][rows][real]) - 1) < 0.05
    assert np.median(spread[~real]) > 1.5
    assert (patch.da < SMALL.da_threshold).all()


def test_the_wanted_number_and_share_of_candidates_come_out(report, truth):
    assert report.candidates == len(truth["ij"]) == SMALL.candidates
    assert report.persistent == truth["is_ps"].sum() == round(0.7 * SMALL.candidates)
    assert len(np.unique(truth["ij"], axis=0)) == SMALL.candidates


def test_the_raster_lies_on_the_ground_with_its_spacing(truth):
    east = np.radians(truth["lon"] - 12.3) * 6.389e6 * np.cos(np.radians(truth["lat"]))
    north = np.radians(truth["lat"] - 44.1) * 6.367e6
    heading = np.radians(-168)
    along = east * np.sin(heading) + north * np.cos(heading)
    fit = np.polyfit(truth["ij"][:, 0], along, 1)
    assert abs(fit[0] - SMALL.azimuth_spacing) < 0.1
    across = east * np.cos(heading) - north * np.sin(heading)
    assert abs(np.ptp(across) - SMALL.side) < 0.02 * SMALL.side


def test_atmosphere_has_the_power_law_of_turbulence():
    from pystamps_hpc.tools.simulate.fields import Turbulence

    turbulence = Turbulence((256, 256), 120.0, 3.0)
    rng = np.random.default_rng(1)
    lags = np.array([2, 4, 8, 16])
    structure = np.zeros(len(lags))
    for _ in range(20):
        delay = turbulence.delay(rng)
        structure += [np.mean((delay[lag:] - delay[:-lag]) ** 2) for lag in lags]
    slope = np.polyfit(np.log(lags), np.log(structure), 1)[0]
    assert abs(slope - 5 / 3) < 0.25


def write_result(report, velocity):
    truth = np.load(report.truth)
    n = len(velocity)
    ij = np.column_stack([np.arange(1, n + 1), truth["ij"]])[::-1].astype(float)
    lonlat = np.column_stack([truth["lon"], truth["lat"]])[::-1]
    write_mat(report.root / "ps2.mat", {"ij": ij, "lonlat": lonlat})
    write_mat(report.root / "mean_v.mat", {"mean_v": velocity[::-1, None]})


def test_truth_comparison_sees_the_error_but_not_plane_and_offset(tmp_path):
    report = simulate(tmp_path / "set", SMALL)
    truth = np.load(report.truth)
    rng = np.random.default_rng(5)
    plane = 3 + 20 * (truth["lon"] - 12.3) - 10 * (truth["lat"] - 44.1)
    noise = rng.normal(0, 0.5, len(plane))
    noise[~truth["is_ps"]] = 100
    write_result(report, -truth["velocity"] + plane + noise)
    error = truth_velocity_error(report.root)
    assert error.n_ps == report.persistent
    assert error.n_false == SMALL.candidates - report.persistent
    assert abs(error.rmse - 0.5) < 0.03
    assert abs(error.bias) < 0.05
    assert abs(error.offset - 3) < 0.1
    assert error.correlation > 0.95


def test_noise_bound_is_what_least_squares_scatters(tmp_path):
    report = simulate(tmp_path / "set", replace(STILL, images=20, velocity=2, dem_error=1))
    truth = np.load(report.truth)
    (patch,) = [Patch(report.root / "PATCH_1")]
    rows = truth_rows(dict(truth), patch)
    slaves = np.arange(20) != truth["master"]
    dates = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in truth["dates"]], "datetime64[D]")
    years = ((dates - dates[truth["master"]]).astype(float) / 365.25)[slaves]
    design = np.column_stack([np.ones(19), years, truth["bperp"][slaves]])
    scale = 4 * np.pi / truth["wavelength"]
    expected = scale / 1000 * truth["velocity"][rows, None] * years
    mean = np.angle(np.sum(patch.phase * np.exp(-1j * expected), axis=1, keepdims=True))
    residual = np.angle(patch.phase * np.exp(-1j * (expected + mean)))
    estimate = np.linalg.lstsq(design, residual.T, rcond=None)[0][1] * 1000 / scale
    real = truth["is_ps"][rows]

    write_result(report, -truth["velocity"])
    bound = truth_velocity_error(report.root).noise_bound
    assert abs(np.std(estimate[real]) / bound - 1) < 0.15


def test_a_result_of_another_simulation_is_refused(tmp_path):
    report = simulate(tmp_path / "set", SMALL)
    write_result(report, np.zeros(SMALL.candidates))
    ij = np.array([[1.0, 0, 0], [2, 0, 1], [3, 0, 2], [4, 0, 3], [5, 0, 4]])
    write_mat(report.root / "ps2.mat", {"ij": ij, "lonlat": np.zeros((5, 2))})
    with pytest.raises(DatasetError, match="points are not in truth"):
        truth_velocity_error(report.root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patches": (0, 1)}, "patches"),
        ({"patches": (8, 1)}, "PATCH_1 is"),
        ({"images": 2}, "images"),
        ({"candidates": 0}, "candidates"),
        ({"density": 2000, "candidates": 200_000}, "lower density"),
        ({"ps_fraction": 1.5}, "ps_fraction"),
        ({"start": "2016-01-15"}, "start"),
        ({"atmosphere": float("nan")}, "atmosphere"),
    ],
)
def test_impossible_options_are_refused(change, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        simulate(tmp_path / "set", replace(SMALL, **change))
    assert not list(tmp_path.iterdir())


def test_an_occupied_folder_is_left_alone(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "precious").touch()
    with pytest.raises(DatasetError, match="not an empty folder"):
        simulate(tmp_path / "set", SMALL)
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["precious"]


def test_memory_does_not_grow_with_the_images(tmp_path):
    peaks = []
    for images in (10, 60):
        tracemalloc.start()
        simulate(tmp_path / str(images), replace(SMALL, candidates=10_000, images=images))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
