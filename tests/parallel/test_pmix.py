"""What is found out about a PMIx launcher before MPI is started."""

import subprocess

import pytest

from pystamps_hpc.parallel import pmix


@pytest.fixture
def launcher(monkeypatch, tmp_path):
    """A launcher whose own directory cannot be seen; answers with a directory, None: not at all."""

    def answering(directory):
        ended = subprocess.CompletedProcess([], directory is None, directory or "", "")
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)
        return {"PMIX_SERVER_TMPDIR": str(tmp_path / "spool" / "pmix.7.0")}

    return answering


def test_a_directory_of_the_launcher_that_is_not_there_is_named(launcher, tmp_path):
    absent = str(tmp_path / "local")
    assert pmix.hidden_directory(launcher(absent), "libpmix.so.2") == absent


@pytest.mark.parametrize("seen", [True, False])
def test_a_writable_directory_or_no_answer_is_no_obstacle(launcher, tmp_path, seen):
    answer = str(tmp_path) if seen else None
    assert pmix.hidden_directory(launcher(answer), "libpmix.so.2") is None


@pytest.mark.parametrize("environ", [{}, {"PMIX_SERVER_TMPDIR": "/"}])
def test_who_sees_the_launcher_does_not_ask_it(launcher, environ):
    launcher("/absent")
    assert pmix.hidden_directory(environ, "libpmix.so.2") is None


def test_a_library_that_cannot_be_asked_is_no_obstacle(tmp_path):
    environ = {"PMIX_SERVER_TMPDIR": str(tmp_path / "spool")}
    assert pmix.hidden_directory(environ, str(tmp_path / "libpmix.so.2")) is None


def test_the_library_is_found_among_what_the_process_has_loaded(tmp_path):
    maps = tmp_path / "maps"
    maps.write_text(
        "7f00-7f01 r-xp 00000000 08:01 42    /opt/my env/lib/libmpi.so.40\n"
        "7f01-7f02 rw-p 00000000 00:00 0     [heap]\n"
        "7f02-7f03 r-xp 00000000 08:01 43    /opt/my env/lib/openmpi/libpmix.so.2\n"
    )
    assert pmix.loaded(maps) == "/opt/my env/lib/openmpi/libpmix.so.2"
    maps.write_text("")
    assert pmix.loaded(maps) is None
