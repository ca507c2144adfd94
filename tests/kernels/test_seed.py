"""Kernels of an image: copied once to each node, whole or not at all."""

import subprocess
import sys

import pytest

from pystamps_kernels.native.seed import local_copy

NAME = "kernels-7"


@pytest.fixture
def image(tmp_path):
    """Compiled kernels as an image carries them, and the variables that name places."""
    folder = tmp_path / "image" / NAME / "native_1"
    folder.mkdir(parents=True)
    for number in range(200):
        (folder / f"{number}.nbc").write_text("compiled")
    return {
        "PYSTAMPS_HPC_CACHE_SEED": str(tmp_path / "image"),
        "PYSTAMPS_HPC_CACHE_LOCAL": str(tmp_path / "local" / "user"),
    }


def test_the_copy_is_where_it_can_be_written(image, tmp_path):
    copy = local_copy(NAME, image)
    assert copy == tmp_path / "local" / "user" / NAME
    assert len(list(copy.rglob("*.nbc"))) == 200
    assert copy.parent.stat().st_mode & 0o777 == 0o700


def test_what_was_compiled_since_is_kept(image):
    kernel = local_copy(NAME, image) / "native_1" / "0.nbc"
    kernel.write_text("for other arguments")
    assert (local_copy(NAME, image) / "native_1" / "0.nbc").read_text() == "for other arguments"


def test_kernels_of_another_processor_are_not_copied(image, tmp_path):
    assert local_copy("kernels-8", image) is None
    assert not (tmp_path / "local").exists()


@pytest.mark.parametrize("left", ["PYSTAMPS_HPC_CACHE_SEED", "PYSTAMPS_HPC_CACHE_LOCAL"])
def test_without_an_image_there_is_nothing_to_copy(image, left):
    assert local_copy(NAME, {left: image[left]}) is None


def test_a_copy_that_was_broken_off_is_made_again(image, tmp_path, monkeypatch):
    from pystamps_kernels.native import seed

    def full(original, making):
        making.mkdir()
        (making / "half").touch()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(seed.shutil, "copytree", full)
        assert local_copy(NAME, image) is None
    left = tmp_path / "local" / "user" / f".{NAME}.partial"
    left.mkdir()  # of a process that was killed
    (left / "half").touch()
    assert {path.suffix for path in local_copy(NAME, image).rglob("*.*")} == {".nbc"}
    assert not left.exists()


RANK = """
import sys
from pystamps_kernels.native import seed
whole = seed._copy
def counted(*folders):
    print("copied", flush=True)
    whole(*folders)
seed._copy = counted
sys.stdin.readline()
copy = seed.local_copy(sys.argv[1])
assert len(list(copy.rglob("*.nbc"))) == 200
"""


def test_of_64_processes_that_start_at_once_one_copies(image, monkeypatch):
    for name, value in image.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-c", RANK, NAME]
    pipe = subprocess.PIPE
    ranks = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(64)]
    for rank in ranks:
        rank.stdin.write("go\n")
        rank.stdin.flush()
    told = [rank.communicate()[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0] * 64
    assert sorted(told) == [""] * 63 + ["copied\n"]
