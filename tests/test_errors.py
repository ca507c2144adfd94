"""Errors that a user can meet, and those that nobody expects."""

import errno
import os

import pytest

from pystamps_hpc.errors import StageError, explained, is_damage


def error_of(number, *names):
    return OSError(number, os.strerror(number), *names)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StageError("PATCH_1: no phase; look"), "PATCH_1: no phase; look"),
        (MemoryError(), "stage 2 is out of memory; use fewer ranks"),
        (MemoryError("Unable to allocate 3 GiB"), "stage 2 is out of memory: Unable to alloc"),
        (error_of(errno.ENOMEM, "ph1.mat"), "stage 2 is out of memory: "),
        (ImportError("_c.so: failed to map segment from shared object"), "stage 2 is out of mem"),
        (RuntimeError("can't start new thread"), "stage 2: no further thread or process can be"),
        (error_of(errno.EAGAIN), "stage 2: no further thread or process can be"),
        (error_of(errno.EMFILE, "ph1.mat"), "ph1.mat: Too many open files; raise the limit"),
        (error_of(errno.EIO, "ph1.mat"), "ph1.mat: Input/output error; check the file system"),
        (error_of(errno.ENOSPC), "stage 2: No space left on device; check the file system"),
    ],
)
def test_trouble_of_the_machine_is_told_in_one_line(error, said):
    text = explained(error, "stage 2")
    assert text.startswith(said)
    assert "\n" not in text


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("dictionary changed"), ValueError()])
def test_an_error_of_the_program_is_not_explained_away(error):
    assert explained(error, "stage 2") is None


def test_only_the_content_of_a_file_is_damage():
    assert is_damage(OSError("file signature not found"))
    assert is_damage(None)
    for error in (
        error_of(errno.ENOMEM),
        error_of(errno.EACCES),
        error_of(errno.EIO),
        MemoryError(),
    ):
        assert not is_damage(error)
