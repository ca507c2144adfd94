"""The simulated stack: what a processor leaves, with the physics of the simulated candidates."""

import os
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.dataset.slc_stack import read_stack, require_sound
from pystamps_hpc.errors import ConfigError
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools import preparation
from pystamps_hpc.tools.preparation.running import run_preparation
from pystamps_hpc.tools.simulate import Options, simulate, stack, truth_velocity_error
from tests.stub_chain import tree_digest
from tests.tools.test_simulate import Patch, stage1_geometry, truth_rows

SMALL = Options(candidates=1500, images=7, seed=3, slc="snap")
STILL = replace(SMALL, velocity=0, seasonal=0, dem_error=0, atmosphere=0, orbit=0)
KINDS = [(slc, network) for slc in ("snap", "gamma", "isce") for network in ("master", "pairs")]
CONFIG = RunConfig().with_values({"output.fsync": False})


def prepared(report, **options):
    """Choose the candidates of a stack, in one patch."""
    chosen = preparation.Options(master=report.master, **options)
    return run_preparation(report.root, chosen, CONFIG, SerialTeam())


def image(raster):
    """Return a whole raster, (length, width)."""
    numbers = np.fromfile(raster.path, raster.numbers).astype(np.float32)
    values = numbers.view(np.complex64) if raster.sample.endswith("complex") else numbers
    return values.reshape(raster.length, raster.width)


@pytest.fixture(scope="module", params=KINDS, ids=" ".join)
def made(request, tmp_path_factory):
    """Report and stack of each processor and network."""
    slc, network = request.param
    pairs = {"small_baseline": True, "max_days": 400} if network == "pairs" else {}
    root = tmp_path_factory.mktemp("slc") / "out"
    report = simulate(root, replace(SMALL, slc=slc, **pairs))
    return report, read_stack("auto", report.root, report.master)


def test_a_stack_is_recognised_and_whole(made):
    report, found = made
    require_sound(found, None)
    assert (found.processor, found.master) == (report.stack, report.master)
    assert (found.width, found.length) == (report.width, report.length)
    assert len(set(found.dates)) == report.images
    assert len(found.ifgs) == report.interferograms
    assert (report.candidates, report.patches) == (None, None)
    assert report.persistent == round(0.7 * SMALL.candidates) == len(np.load(report.truth)["ij"])
    assert not [path for path in report.root.iterdir() if path.name.startswith(".")]


def test_an_image_lies_there_once_however_many_pairs_it_has(made):
    report, found = made
    assert len({os.path.realpath(slc.path) for slc in found.slcs}) == report.images
    for slc in found.slcs:
        if slc.path.is_symlink():
            assert not os.path.isabs(slc.path.readlink())


def test_an_interferogram_is_an_image_times_the_conjugate_other(made):
    report, found = made
    images = dict(zip(found.dates, map(image, found.slcs), strict=True))
    truth = np.load(report.truth)
    for (first, second), ifg in zip(
        truth["dates"][truth["pairs"]].tolist(), found.ifgs, strict=True
    ):
        np.testing.assert_allclose(image(ifg), images[first] * images[second].conj(), rtol=1e-5)


def test_position_and_height_are_those_of_the_truth(made):
    report, found = made
    truth = np.load(report.truth)
    pixels = tuple(truth["ij"].T)
    for raster, name in zip(found.lonlat, ("lon", "lat"), strict=True):
        np.testing.assert_allclose(image(raster)[pixels], truth[name], atol=5e-6)
    assert 50 < image(found.heights[0]).min() < image(found.heights[0]).max() < 400


def test_the_chain_begins_with_what_the_preparation_chose(made):
    report, found = made
    result = prepared(report)
    assert result.threshold == ("0.6" if found.small_baselines else "0.4")
    ended = run_pipeline(PipelineContext(report.root, CONFIG, end_step=1))
    assert ended.ok, [row.details for row in ended.failures]
    loaded = read_mat(report.root / "PATCH_1" / "ps1.mat")
    truth = np.load(report.truth)
    chosen = {tuple(pixel) for pixel in loaded["ij"][:, 1:].astype(int).tolist()}
    kept = [pixel in chosen for pixel in map(tuple, truth["ij"].tolist())]
    assert len(chosen) == sum(result.candidates.values())
    assert np.mean(kept) > 0.97
    wavelength = read_mat(report.root / "parms.mat")["lambda"]
    np.testing.assert_allclose(wavelength, truth["wavelength"], rtol=1e-6)


def test_noise_free_phase_of_the_candidates_is_the_analytic_model(tmp_path):
    report = simulate(tmp_path / "clean", replace(SMALL, noise=False, atmosphere=0, orbit=0))
    prepared(report)
    truth = dict(np.load(report.truth))
    dates = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in truth["dates"]], "datetime64[D]")
    years = np.delete((dates - dates[truth["master"]]).astype(float) / 365.25, truth["master"])
    patch = Patch(report.root / "PATCH_1")
    rows = truth_rows(truth, patch)  # nothing else is a candidate
    assert len(rows) > 0.99 * report.persistent
    rho, incidence, bperp = stage1_geometry(report, patch.ij)
    change = truth["velocity"][rows, None] * years
    change = change + truth["seasonal"][rows, None] * np.sin(2 * np.pi * years)
    dem = truth["dem_err"][rows] / (rho * np.sin(incidence))
    model = 4 * np.pi / truth["wavelength"] * (change / 1000 - dem[:, None] * bperp)
    assert np.abs(np.angle(patch.phase * np.exp(-1j * model))).max() < 2e-6


def test_amplitude_dispersion_is_that_of_the_preparation(tmp_path):
    report = simulate(tmp_path / "set", SMALL)
    prepared(report)
    truth = dict(np.load(report.truth))
    patch = Patch(report.root / "PATCH_1")
    places = {pixel: k for k, pixel in enumerate(map(tuple, patch.ij[:, 1:].tolist()))}
    pairs = [(places[p], k) for k, p in enumerate(map(tuple, truth["ij"].tolist())) if p in places]
    mine, known = np.array(pairs).T
    np.testing.assert_allclose(patch.da[mine], truth["D_A"][known], atol=0.01)
    assert (truth["D_A"][np.setdiff1d(np.arange(len(truth["ij"])), known)] > 0.39).all()


def test_clutter_is_speckle_and_some_of_it_passes_by_chance(tmp_path):
    report = simulate(tmp_path / "set", replace(SMALL, images=20))
    found = read_stack("snap", report.root)
    amplitude = np.abs([image(slc) for slc in found.slcs])
    clutter = np.ones(amplitude.shape[1:], bool)
    clutter[tuple(np.load(report.truth)["ij"].T)] = False
    speckle = amplitude[0][clutter]
    assert abs(speckle.std() / speckle.mean() - 0.523) < 0.01
    assert abs(np.corrcoef(amplitude[0][clutter], amplitude[1][clutter])[0, 1]) < 0.02
    by_chance = sum(prepared(report).candidates.values()) - report.persistent
    assert 0.04 < by_chance / clutter.sum() < 0.12


@pytest.mark.parametrize("effect", ["velocity", "seasonal", "dem_error", "atmosphere", "orbit"])
def test_each_effect_can_stand_alone(effect, tmp_path):
    strength = {effect: getattr(SMALL, effect)}
    report = simulate(tmp_path / "one", replace(STILL, noise=False, **strength))
    found = read_stack("snap", report.root)
    pixels = tuple(np.load(report.truth)["ij"].T)
    assert max(np.abs(np.angle(image(ifg)[pixels])).max() for ifg in found.ifgs) > 0.3


def test_a_seed_gives_the_same_bytes(tmp_path):
    roots = [simulate(tmp_path / str(k), replace(SMALL, seed=seed)).root
             for k, seed in enumerate((3, 3, 4))]  # fmt: skip
    first, again, other = map(tree_digest, roots)
    assert first == again != other


def test_memory_does_not_grow_with_images_or_scene(tmp_path, monkeypatch):
    monkeypatch.setattr(stack, "PIXELS", 1 << 17)
    peaks = []
    for k, (images, density) in enumerate(((5, 20.0), (20, 20.0), (5, 2.0))):
        options = replace(SMALL, candidates=2000, density=density, images=images, atmosphere=0)
        tracemalloc.start()
        simulate(tmp_path / str(k), options)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 1.3 * peaks[0]


def test_points_of_a_stack_that_the_truth_does_not_know_are_no_persistent_scatterers(tmp_path):
    report = simulate(tmp_path / "set", SMALL)
    truth = np.load(report.truth)
    known = set(map(tuple, truth["ij"].tolist()))
    others = [(i, 0) for i in range(report.length) if (i, 0) not in known][:30]
    ij = np.vstack([truth["ij"], others])
    velocity = np.append(-truth["velocity"], np.full(len(others), 99.0))
    lonlat = np.column_stack([truth["lon"], truth["lat"]])
    lonlat = np.vstack([lonlat, lonlat[: len(others)]])
    write_mat(report.root / "ps2.mat", {
        "ij": np.column_stack([np.arange(1, len(ij) + 1), ij]).astype(float), "lonlat": lonlat,
    })  # fmt: skip
    write_mat(report.root / "mean_v.mat", {"mean_v": velocity[:, None]})
    error = truth_velocity_error(report.root)
    assert (error.n_ps, error.n_false) == (report.persistent, len(others))
    assert error.rmse < 1e-9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patches": (2, 2)}, "preparation cuts"),
        ({"overlap": 5}, "preparation cuts"),
        ({"slc": "doris"}, "snap, gamma or isce"),
        ({"candidates": 1, "ps_fraction": 0.1}, "0 persistent scatterers"),
        ({"density": 5000.0, "candidates": 500_000}, "use other candidates"),
    ],
)
def test_impossible_options_are_refused(change, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        simulate(tmp_path / "set", replace(SMALL, **change))
    assert not list(tmp_path.iterdir())
