"""The same artifacts, to the last bit, whoever computes them and however."""

import json

import pytest

from tests.mpi.mpi_run import needs_mpi, why_not

from . import chains

ONE_THREAD = ("--cpu-workers", "1", "--stage2-native-threads", "1")
TWO_THREADS = ("--cpu-workers", "2", "--stage2-native-threads", "2")
CHUNKS = {"runtime": {"stage7_chunk_ps": 4096, "stage8_chunk_edges": 4096, "io_workers": 1}}


def config_file(folder, values):
    path = folder / "config.json"
    path.write_text(json.dumps(values))
    return ("--config", str(path))


@pytest.fixture
def dataset(candidates, tmp_path):
    return chains.copy(candidates, tmp_path / "data")


def test_c090_the_dataset_has_work_for_four_ranks(reference):
    with chains.MatFile(reference / "ps2.mat") as file:
        assert file.variables["xy"].shape[0] > 3 * 4096


@pytest.mark.parametrize(
    ("ranks", "options"),
    [
        (0, TWO_THREADS),
        pytest.param(1, ONE_THREAD, marks=[needs_mpi, pytest.mark.slow]),
        pytest.param(2, ONE_THREAD, marks=needs_mpi),
        pytest.param(3, ONE_THREAD, marks=[needs_mpi, pytest.mark.slow]),
        pytest.param(4, TWO_THREADS, marks=needs_mpi),
    ],
    ids=["two threads", "1 rank", "2 ranks", "3 ranks", "4 ranks of two threads"],
)
def test_c092_ranks_and_threads_do_not_change_a_bit(dataset, reference, ranks, options):
    chains.run_chain(dataset, *options, ranks=ranks)
    assert not chains.differing(chains.artifacts(dataset), chains.artifacts(reference))
    table = "products/velocity.csv"
    assert (dataset / table).read_bytes() == (reference / table).read_bytes()
    assert not chains.leftovers(dataset)


def test_patches_that_share_random_phases_are_those_of_a_process_of_their_own(dataset, reference):
    patches = [f"PATCH_{k}" for k in range(1, 5)]
    for name in patches:  # one after the other in the reference
        chains.run_chain(dataset, "--part", "patches", "--patches", name, "--end-step", "2")
    alone, together = (
        {f: sha for f, sha in chains.artifacts(root).items() if f.endswith("/pm1.mat")}
        for root in (dataset, reference)
    )
    assert len(alone) == len(patches)
    assert alone == together


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_c050_c066_the_runtime_backend_does_not_change_a_bit(dataset, reference, backend):
    chains.run_chain(dataset, "--backend", backend, *TWO_THREADS)
    assert not chains.differing(chains.artifacts(dataset), chains.artifacts(reference))


@pytest.mark.parametrize("layer", ["omp", "tbb", "workqueue"])
def test_the_layer_of_the_threads_does_not_change_a_bit(
    few_candidates, first_pass, tmp_path, monkeypatch, layer
):
    monkeypatch.setenv("NUMBA_THREADING_LAYER", layer)
    root = chains.copy(few_candidates, tmp_path / "data")
    ended = chains.run(["run", "--dataset", str(root), "--backend", "threads", *TWO_THREADS])
    if ended.code == 4 and layer != "workqueue":
        pytest.skip(f"{layer} cannot be loaded here")
    assert ended.code == 0, ended.err
    assert not chains.differing(chains.artifacts(root), chains.artifacts(first_pass))


def test_a_layer_that_is_not_there_is_told_in_one_line(few_candidates, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_THREADING_LAYER", "fast")
    root = chains.copy(few_candidates, tmp_path / "data")
    ranks = 0 if why_not() else 2
    ended = chains.run(["run", "--dataset", str(root)], ranks)
    assert "Traceback" not in ended.err
    told = [line for line in ended.err.splitlines() if "'fast' is unknown to Numba" in line]
    assert len(told) == 1, ended.err
    assert told[0].startswith("backend 'native' is not available")
    assert ended.code == 4


@pytest.mark.parametrize("ranks", [0, pytest.param(2, marks=needs_mpi)])
def test_c062_c063_the_size_of_a_piece_does_not_change_a_bit(dataset, reference, tmp_path, ranks):
    chains.run_chain(dataset, *config_file(tmp_path, CHUNKS), *ONE_THREAD, ranks=ranks)
    assert not chains.differing(chains.artifacts(dataset), chains.artifacts(reference))


def test_the_memory_of_a_rank_does_not_change_a_bit_and_is_kept(dataset, reference, tmp_path):
    planned = chains.run(["run", "--dataset", str(dataset), "--dry-run"]).report["memory"]
    least = max(task["least_mib"] for task in planned["tasks"]) + 1
    tight = {"runtime": {"memory_gb": least * 2**20 / 1e9}}
    ended = chains.run_chain(dataset, *config_file(tmp_path, tight), *ONE_THREAD)
    assert not chains.differing(chains.artifacts(dataset), chains.artifacts(reference))
    (rank,) = ended.report["mpi"]["ranks"]
    assert rank["peak_rss_mib"] < 1.25 * least
    assert ended.report["memory"]["planned_mib"] in (least - 1, least)


def test_memory_that_no_patch_fits_is_refused_before_anything_is_written(candidates, tmp_path):
    before = chains.files(candidates)
    small = config_file(tmp_path, {"runtime": {"memory_gb": 0.1}})
    ended = chains.run(["run", "--dataset", str(candidates), "-q", *small])
    assert ended.code == 3
    assert "runtime.memory_gb leaves 95 MiB to a rank" in ended.err
    assert len(ended.err.splitlines()) == 1
    assert chains.files(candidates) == before


@pytest.mark.parametrize(
    ("ranks", "output"),
    [(0, {"compress": True}), pytest.param(2, {"mat_format": "v7.3"}, marks=needs_mpi)],
    ids=["compressed", "v7.3"],
)
def test_the_file_format_does_not_change_an_array(dataset, reference, tmp_path, ranks, output):
    chains.run_chain(dataset, *config_file(tmp_path, {"output": output}), ranks=ranks)
    assert chains.differing(chains.artifacts(dataset), chains.artifacts(reference))
    assert not chains.differing(chains.arrays(dataset), chains.arrays(reference))


@needs_mpi
def test_the_single_arithmetic_is_the_same_on_two_ranks(candidates, reference, tmp_path):
    single = config_file(tmp_path, {"compat": {"arithmetic": "single"}})
    alone, shared = (chains.copy(candidates, tmp_path / name) for name in ("alone", "shared"))
    chains.run_chain(alone, *single, *TWO_THREADS)
    chains.run_chain(shared, *single, *ONE_THREAD, ranks=2)
    assert chains.differing(chains.artifacts(alone), chains.artifacts(reference))
    assert not chains.differing(chains.artifacts(shared), chains.artifacts(alone))
