"""Small baselines through the whole chain: truth, ranks, stops, and together with PS."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.stages.shared.value_types import value_type
from pystamps_hpc.stages.shared.velocity import fit_line, line_of_sight_velocity
from pystamps_hpc.tools.combine import combine_datasets
from pystamps_hpc.tools.network import network_report
from pystamps_hpc.tools.products.artifacts import MergedArtifacts
from pystamps_hpc.tools.products.result import series_of
from pystamps_hpc.tools.simulate import (
    Options,
    simulate,
    truth_velocity_error,
    write_joined_truth,
)
from tests.mpi.mpi_run import needs_mpi

from . import chains

PAIRS = Options(candidates=7000, images=9, patches=(2, 1), seed=3, small_baseline=True,
                max_days=300)  # fmt: skip
EXACT = {"noise": False, "atmosphere": 0.0, "orbit": 0.0, "seasonal": 0.0}
UNSAMPLED = ("parms", "set", "merge_resample_size", "0")


def made(root, options, unsampled=False):
    """Simulate a dataset; unless resampled, its points are pixels."""
    simulate(root, options)
    if unsampled:
        assert chains.run([*UNSAMPLED, "--dataset", str(root)]).code == 0
    return root


@pytest.fixture(scope="module")
def candidates(tmp_path_factory):
    """Small baselines before stage 1."""
    return made(tmp_path_factory.mktemp("sb") / "candidates", PAIRS)


@pytest.fixture(scope="module")
def reference(candidates):
    """The same through stage 8, without ranks."""
    root = chains.copy(candidates, candidates.with_name("reference"))
    chains.run_chain(root)
    return root


def test_without_noise_velocities_are_exact_and_triplets_close(tmp_path):
    root = made(tmp_path / "sb", Options(**{**vars(PAIRS), **EXACT}))
    chains.run_chain(root)
    error = truth_velocity_error(root)
    assert error.n_ps > 3000
    assert error.rmse < 0.3
    report = network_report(root)
    assert report["triplets"] > 5
    assert {row["misclosed"] for row in report["pairs"]} <= {0.0, None}
    assert max(row["residual_rad"] for row in report["pairs"]) < 0.01
    assert report["worth_dropping"] == []


def test_a_run_holds_what_it_must(reference):
    ended = chains.run(["verify", "--run", str(reference)])
    assert ended.code == 0, ended.err


# --- ranks, threads and pieces -------------------------------------------------------------------

MANY = Options(candidates=18_500, images=6, patches=(2, 2), seed=3, small_baseline=True,
               max_days=1000)  # fmt: skip
ONE_THREAD = ("--cpu-workers", "1", "--stage2-native-threads", "1")
TWO_THREADS = ("--cpu-workers", "2", "--stage2-native-threads", "2")
PIECES = {"runtime": {"stage7_chunk_ps": 4096, "stage8_chunk_edges": 4096}}


def both_passes(root, *options, ranks=0):
    """Process through stage 8, then once more with what is good held."""
    chains.run_chain(root, *options, ranks=ranks)
    hold(root)
    chains.run_chain(root, *options, "--start-step", "6", "--force", ranks=ranks)
    return root


def hold(root):
    """Ask for values that are held."""
    parameters.save(parameters.load(root).with_values({"unwrap_hold_good_values": "y"}))


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Small baselines before stage 1: work for four ranks."""
    return made(tmp_path_factory.mktemp("many") / "candidates", MANY, unsampled=True)


@pytest.fixture(scope="module")
def twice(many):
    """Two passes over many points by one process and one thread."""
    root = both_passes(chains.copy(many, many.with_name("twice")), *ONE_THREAD)
    assert int(read_mat(root / "ps2.mat")["n_ps"].item()) > 3 * 4096
    assert 0.5 < read_mat(root / "phuw_good2.mat")["good_pixels"].mean() < 1
    return root


@pytest.mark.parametrize(
    ("ranks", "options", "config"),
    [
        pytest.param(0, TWO_THREADS, PIECES, marks=pytest.mark.slow),
        pytest.param(1, ONE_THREAD, {}, marks=[needs_mpi, pytest.mark.slow]),
        pytest.param(2, TWO_THREADS, {}, marks=[needs_mpi, pytest.mark.slow]),
        pytest.param(3, ONE_THREAD, PIECES, marks=needs_mpi),
        pytest.param(4, ONE_THREAD, {}, marks=needs_mpi),
    ],
    ids=["small pieces", "1 rank", "2 ranks of two threads", "3 ranks, small pieces", "4 ranks"],
)
def test_ranks_threads_and_pieces_do_not_change_a_bit(
    many, twice, tmp_path, ranks, options, config
):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    root = both_passes(
        chains.copy(many, tmp_path / "data"), *options, "--config", str(file), ranks=ranks
    )
    found, expected = (chains.artifacts(each) for each in (root, twice))
    for each in (found, expected):
        del each["parms.mat"]  # dated
    assert not chains.differing(found, expected)
    assert not chains.leftovers(root)


# --- stops ---------------------------------------------------------------------------------------

FORCED = ("--start-step", "6", "--end-step", "8", "--force")


def killed(root, folder, words, ranks=0, fault="", step=""):
    """Start a run and kill a rank of it in a fault that is built in."""
    flag = folder / "flag"
    job = chains.start(
        ["run", "--dataset", str(root), "-q", *words], ranks, "tests.chain.faulty",
        CHAIN_FAULT=fault, CHAIN_STEP=step, CHAIN_FLAG=str(flag),
    )  # fmt: skip
    chains.until(flag.exists, job, 120)
    chains.kill(max(chains.ranks_of(job).items())[1])
    chains.wait(job, chains.HANG_SEC)


@pytest.fixture(scope="module")
def first_pass(candidates):
    """A finished first pass that is to hold good values in the next."""
    root = chains.copy(candidates, candidates.with_name("first-pass"))
    chains.run_chain(root)
    hold(root)
    return root


@pytest.fixture(scope="module")
def held_pass(first_pass):
    """The pass after it."""
    root = chains.copy(first_pass, first_pass.with_name("held-pass"))
    chains.run_chain(root, *FORCED)
    assert chains.artifacts(root) != chains.artifacts(first_pass)
    return root


@pytest.mark.parametrize(
    ("stage", "step", "ranks"),
    [
        (6, "good values", 0),
        pytest.param(6, "held values", 2, marks=[needs_mpi, pytest.mark.slow]),
        pytest.param(6, "inversion", 2, marks=needs_mpi),
        pytest.param(7, "baselines of images", 2, marks=needs_mpi),
        (8, "spatial filter", 0),
    ],
)
def test_a_pass_that_holds_values_goes_on_after_a_kill(
    first_pass, held_pass, tmp_path, stage, step, ranks
):
    root = chains.copy(first_pass, tmp_path / "data")
    killed(root, tmp_path, FORCED, ranks, f"step {stage}_sb merged -", step)
    states = [chains.artifacts(each) for each in (first_pass, held_pass)]
    assert not chains.torn_bundles(root, *states, mode="sb")
    chains.run_chain(root, *FORCED[:-1], ranks=ranks)
    assert not chains.differing(chains.artifacts(root), states[1])
    assert not chains.leftovers(root)


@pytest.mark.parametrize(
    "stage", [6, pytest.param(7, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow)]
)
def test_a_pass_that_holds_values_goes_on_when_it_is_killed_in_a_publication(
    first_pass, held_pass, tmp_path, stage
):
    root = chains.copy(first_pass, tmp_path / "data")
    killed(root, tmp_path, FORCED, fault=f"halfway {stage}_sb merged -")
    states = [chains.artifacts(each) for each in (first_pass, held_pass)]
    assert not chains.torn_bundles(root, *states, mode="sb")
    chains.run_chain(root, *FORCED[:-1])
    assert not chains.differing(chains.artifacts(root), states[1])
    assert not chains.leftovers(root)


def test_the_table_counts_pairs_and_images(reference):
    meaning = json.loads((reference / "products" / "velocity.json").read_text())
    pairs = len(np.load(reference / "truth.npz")["pairs"])
    assert (meaning["images"], meaning["interferograms"]) == (PAIRS.images, pairs)
    assert meaning["interferogram_numbers"] == list(range(1, pairs + 1))
    assert meaning["title"].endswith("of points of small baselines")
    assert "PS" not in meaning["reference"]


@pytest.mark.parametrize("name", ["phuw_sb2", "scla_smooth_sb2"])
def test_a_run_that_is_killed_goes_on_to_the_same_bytes(candidates, reference, tmp_path, name):
    root = chains.copy(candidates, tmp_path / "data")
    job = chains.start(["run", "--dataset", str(root), "-q"])
    before = root / ("rc2.mat" if name == "phuw_sb2" else "phuw2.mat")
    chains.until(before.exists, job, 120)
    chains.kill(job.pid, signal.SIGKILL)
    chains.wait(job, chains.HANG_SEC)
    assert not (root / f"{name}.mat").exists()
    chains.run_chain(root)
    assert not chains.differing(chains.artifacts(root), chains.artifacts(reference))
    assert not chains.leftovers(root)


# --- passes, lists, and together with PS ---------------------------------------------------------


def test_a_second_pass_takes_the_look_angle_error_off_first(reference, tmp_path):
    root = chains.copy(reference, tmp_path / "data")
    ended = chains.run(["run", "--dataset", str(root), "--start-step", "6", "--force"])
    assert ended.code == 0, ended.err
    assert "scla_smooth_sb2.mat" in ended.err
    first, second = (read_mat(tree / "phuw_sb2.mat")["ph_uw"] for tree in (reference, root))
    turns = (second - first) / (2 * np.pi)
    assert np.abs(turns - np.rint(turns)).max() < 1e-3


def test_a_network_in_two_parts_is_refused_before_work(candidates, tmp_path):
    root = chains.copy(candidates, tmp_path / "data")
    pairs = np.load(root / "truth.npz")["pairs"]
    across = np.flatnonzero((pairs < 4).sum(axis=1) == 1) + 1
    words = ["parms", "set", "drop_ifg_index", json.dumps(across.tolist()), "--dataset", str(root)]
    refused = chains.run(words)
    assert "2 islands of images" in refused.err
    known = parameters.load(root)  # as MATLAB would
    parameters.save(known.with_values({"drop_ifg_index": across.astype(float)[:, None]}))
    ended = chains.run(["run", "--dataset", str(root)])
    assert (ended.code, refused.code) == (3, 2)
    assert "2 islands of images" in ended.err
    assert not (root / "PATCH_1" / "ps1.mat").exists()


@pytest.fixture(scope="module")
def combined(tmp_path_factory):
    """A single-master dataset, one of pairs of the same scene, and both combined; noise alone."""
    folder = tmp_path_factory.mktemp("combined")
    still = {**vars(PAIRS), "atmosphere": 0.0, "orbit": 0.0, "seasonal": 0.0}
    single = {**still, "small_baseline": False, "max_days": Options.max_days}
    ps = made(folder / "ps", Options(**single), unsampled=True)
    sb = made(folder / "sb", Options(**still), unsampled=True)
    for root in (ps, sb):
        chains.run_chain(root)
    both = combine_datasets(ps, sb, folder / "both").root
    chains.run_chain(both)
    write_joined_truth(ps, sb, both)
    return ps, sb, both


def test_a_combined_dataset_has_at_least_the_points_of_either(combined):
    ps, sb, both = (int(read_mat(root / "ps2.mat")["n_ps"].item()) for root in combined)
    assert both >= max(ps, sb)


def test_every_point_of_a_combined_dataset_has_a_coherence_in_the_table(combined):
    *_, both = combined
    meaning = json.loads((both / "products" / "velocity.json").read_text())
    assert meaning["title"].endswith("of points of PS and small baselines")
    table = np.genfromtxt(both / "products" / "velocity.csv", delimiter=",", names=True)
    assert (table["coherence"] > 0.3).all()


def test_combined_velocities_are_as_good_as_those_of_the_worse_of_the_two(combined):
    ps, sb, both = combined
    for root, other in ((ps, sb), (sb, ps)):
        alone = truth_velocity_error(root).rmse
        worst = max(alone, truth_velocity_error(other, among=root).rmse)
        assert truth_velocity_error(both, among=root).rmse <= 1.05 * worst


def velocities_of_images(root, folder, covariance):
    """Copy a dataset and give it the velocities of its images, weighted by a covariance."""
    copy = chains.copy(root, folder)
    found = MergedArtifacts(copy)
    series = series_of(found, "V-do", found.ref_ps)
    weighted = replace(series, covariance=covariance[np.ix_(series.fitted, series.fitted)])
    fit = fit_line(value_type("V-do", small_baselines=True).operations, weighted, found.ctx)
    velocity = line_of_sight_velocity(fit[:][:, 1:], found.wavelength)
    write_mat(copy / "mean_v.mat", {**read_mat(copy / "mean_v.mat"), "mean_v": velocity})
    return copy


def test_with_the_weights_of_the_pairs_alone_the_velocities_of_images_are_found_again(
    combined, tmp_path
):
    _, sb, both = combined
    of_pairs, own = (read_mat(root / "phuw_sb_res2.mat")["sm_cov"] for root in (sb, both))
    alone = velocities_of_images(sb, tmp_path / "alone", of_pairs)
    expected = truth_velocity_error(alone, among=both).rmse
    same, other = (
        truth_velocity_error(velocities_of_images(both, tmp_path / name, weights), among=sb).rmse
        for name, weights in (("same", of_pairs), ("other", own))
    )
    assert same == pytest.approx(expected, rel=0.01)
    assert other != pytest.approx(expected, rel=0.01)
