"""Variables that are set before NumPy and Numba are imported, and where compiled code is kept."""

import os
import subprocess
import sys
import tempfile

import pytest

from pystamps_hpc.cli import environment
from pystamps_hpc.cli.environment import cache_directory, in_user_namespace, prepare
from pystamps_hpc.parallel.cpus import visible_cpus


def prepared(tmp_path, **given):
    environ = {"XDG_CACHE_HOME": str(tmp_path), **given}
    prepare(environ)
    return environ


def test_blas_gets_one_thread_whatever_was_set(tmp_path):
    environ = prepared(tmp_path, OMP_NUM_THREADS="8")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        assert environ[name] == "1"


def test_blas_keeps_its_threads_on_request(tmp_path):
    environ = prepared(tmp_path, OMP_NUM_THREADS="8", PYSTAMPS_HPC_KEEP_BLAS_THREADS="1")
    assert environ["OMP_NUM_THREADS"] == "8"
    assert "MKL_NUM_THREADS" not in environ


def test_numba_gets_a_layer_that_survives_threads_first_and_no_vector_functions(tmp_path):
    environ = prepared(tmp_path)
    assert environ["NUMBA_THREADING_LAYER_PRIORITY"] == "omp tbb workqueue"
    assert "NUMBA_THREADING_LAYER" not in environ
    assert environ["NUMBA_DISABLE_INTEL_SVML"] == "1"
    assert environ["NUMBA_NUM_THREADS"] == str(visible_cpus(os.environ))


@pytest.mark.parametrize(
    "name", ["NUMBA_NUM_THREADS", "NUMBA_CACHE_DIR", "CUPY_CACHE_DIR", "CUDA_VISIBLE_DEVICES"]
)
def test_what_the_user_has_set_is_honoured(tmp_path, name):
    environ = prepared(tmp_path, **{name: "3"}, PYSTAMPS_HPC_CACHE_SEED=str(tmp_path / "build-1"))
    assert environ[name] == "3"


@pytest.mark.parametrize(
    ("uid_map", "inside"),
    [("         0          0 4294967295\n", False), ("         0       1000          1\n", True)],
)
def test_a_user_namespace_is_seen_by_its_map_of_users(tmp_path, uid_map, inside):
    (tmp_path / "uid_map").write_text(uid_map)
    assert in_user_namespace(tmp_path / "uid_map") == inside
    assert not in_user_namespace(tmp_path / "absent")


def test_only_in_a_user_namespace_messages_are_kept_from_foreign_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "in_user_namespace", lambda: True)
    given = prepared(tmp_path, UCX_TLS="tcp")
    assert given["MPIR_CVAR_CH4_CMA_ENABLE"] == "0"
    assert given["UCX_TLS"] == "tcp"
    monkeypatch.setattr(environment, "in_user_namespace", lambda: False)
    assert "MPIR_CVAR_CH4_CMA_ENABLE" not in prepared(tmp_path)


def test_caches_lie_in_the_users_cache_directory(tmp_path):
    assert cache_directory({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "pystamps-hpc"
    assert cache_directory({"HOME": str(tmp_path)}) == tmp_path / ".cache" / "pystamps-hpc"
    given = {"PYSTAMPS_HPC_CACHE_DIR": "/somewhere", "HOME": str(tmp_path)}
    assert str(cache_directory(given)) == "/somewhere"


@pytest.mark.parametrize("home", ["", "file"])
def test_without_a_usable_home_caches_lie_in_a_directory_of_the_user(tmp_path, monkeypatch, home):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "file").touch()
    environ = {"HOME": str(tmp_path / home)} if home else {}
    assert cache_directory(environ) == tmp_path / "tmp" / f"pystamps-hpc-{os.getuid()}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "tmp"]


def test_a_shared_directory_that_others_could_have_filled_is_not_trusted(tmp_path, monkeypatch):
    """Compiled kernels are unpickled: whoever writes there would run code as this user."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shared = tmp_path / f"pystamps-hpc-{os.getuid()}"
    assert cache_directory({}) == shared
    assert shared.stat().st_mode & 0o777 == 0o700
    shared.chmod(0o750)
    assert cache_directory({}) != shared
    shared.chmod(0o700)
    shared.rename(tmp_path / "mine")
    shared.symlink_to(tmp_path / "mine")
    assert cache_directory({}) != shared
    shared.unlink()
    (tmp_path / "mine").rename(shared)
    another = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: another)
    shared.rename(tmp_path / f"pystamps-hpc-{os.getuid()}")
    private = cache_directory({})
    assert private.name != f"pystamps-hpc-{os.getuid()}"
    assert private.stat().st_mode & 0o777 == 0o700


def test_the_kernels_of_an_image_go_to_a_disk_of_the_node(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    environ = prepared(tmp_path, PYSTAMPS_HPC_CACHE_SEED="/image/cache")
    local = tmp_path / "tmp" / f"pystamps-hpc-{os.getuid()}"
    assert environ["PYSTAMPS_HPC_CACHE_LOCAL"] == str(local)
    assert environ["NUMBA_CACHE_DIR"].startswith(str(tmp_path / "pystamps-hpc" / "numba-"))
    again = dict(environ)
    prepare(again)  # a process that this one has started
    assert again == environ


def test_a_cache_that_the_user_has_named_takes_the_kernels_of_an_image(tmp_path):
    given = {"PYSTAMPS_HPC_CACHE_DIR": "/somewhere", "PYSTAMPS_HPC_CACHE_SEED": "/image/cache"}
    assert prepared(tmp_path, **given)["PYSTAMPS_HPC_CACHE_LOCAL"] == "/somewhere"


def test_a_cache_of_numba_that_the_user_has_named_is_left_to_the_user(tmp_path):
    environ = prepared(tmp_path, NUMBA_CACHE_DIR="/mine", PYSTAMPS_HPC_CACHE_SEED="/image/cache")
    assert "PYSTAMPS_HPC_CACHE_SEED" not in environ
    assert "PYSTAMPS_HPC_CACHE_LOCAL" not in environ


def test_matplotlib_has_a_place_where_there_is_no_home(tmp_path):
    environ = prepared(tmp_path, HOME="/proc/none")
    assert environ["MPLCONFIGDIR"] == str(tmp_path / "pystamps-hpc" / "matplotlib")
    assert "MPLCONFIGDIR" not in prepared(tmp_path, HOME=str(tmp_path))


def test_without_an_image_the_cache_is_named_by_the_machine(tmp_path):
    environ = {"PYSTAMPS_HPC_CACHE_DIR": str(tmp_path)}
    prepare(environ)
    assert environ["NUMBA_CACHE_DIR"].startswith(str(tmp_path / "numba-"))


def test_python_dash_m_is_the_command(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "pystamps_hpc", "--version"],
        capture_output=True, text=True, cwd=tmp_path, check=True,
    )  # fmt: skip
    assert ended.stdout.startswith("pystamps-hpc ")
