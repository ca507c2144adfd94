"""Where compiled kernels are kept, and how those of a container image get there."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pystamps_hpc.cli.environment import cache_directory, prepare, seeded


@pytest.fixture
def seed(tmp_path):
    """Compiled kernels as an image carries them, read-only."""
    folder = tmp_path / "image" / "build-1"
    (folder / "native_1").mkdir(parents=True)
    (folder / "native_1" / "kernel.nbi").write_text("compiled")
    return folder


def test_the_kernels_of_an_image_are_copied_to_where_they_can_be_written(seed, tmp_path):
    cache = tmp_path / "new"
    environ = {"PYSTAMPS_HPC_CACHE_DIR": str(cache), "PYSTAMPS_HPC_CACHE_SEED": str(seed)}
    prepare(environ)
    assert environ["NUMBA_CACHE_DIR"] == str(cache / "build-1")
    assert (cache / "build-1/native_1/kernel.nbi").read_text() == "compiled"


def test_what_was_compiled_since_is_kept(seed, tmp_path):
    copy = seeded(seed, tmp_path)
    (copy / "native_1" / "kernel.nbi").write_text("for another processor")
    assert seeded(seed, tmp_path) == copy
    assert (copy / "native_1" / "kernel.nbi").read_text() == "for another processor"


def test_processes_that_start_at_once_leave_one_whole_copy(seed, tmp_path):
    for number in range(200):
        (seed / "native_1" / f"{number}.nbc").write_text("x")
    with ThreadPoolExecutor(8) as pool:
        copies = set(pool.map(lambda _: seeded(seed, tmp_path), range(8)))
    (copy,) = copies
    assert len(list(copy.rglob("*.nb?"))) == 201
    assert not list(tmp_path.glob(".build-1*"))


def test_without_an_image_the_cache_is_named_by_the_machine(tmp_path):
    environ = {"PYSTAMPS_HPC_CACHE_DIR": str(tmp_path)}
    prepare(environ)
    assert environ["NUMBA_CACHE_DIR"].startswith(str(tmp_path / "numba-"))


def test_the_users_own_cache_is_kept(seed, tmp_path):
    environ = {"NUMBA_CACHE_DIR": "/mine", "PYSTAMPS_HPC_CACHE_DIR": str(tmp_path)}
    prepare({**environ, "PYSTAMPS_HPC_CACHE_SEED": str(seed)})
    prepare(environ)
    assert environ["NUMBA_CACHE_DIR"] == "/mine"


def test_a_missing_home_leads_to_the_temporary_directory(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = cache_directory({"HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none"})
    assert found.parent == tmp_path
