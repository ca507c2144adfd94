"""Standard output and error that are full, closed or without a reader."""

import os
import subprocess
import sys

import pytest

SHOW = f"{sys.executable} -m pystamps_hpc parms --dataset . show"
TALK = (
    f"{sys.executable} -c 'import sys; from pystamps_hpc.cli.streams import keep_open; keep_open();"
    ' [print("heard?", file=sys.stderr, flush=True) for _ in range(9)];'
    ' print(open("file", "w").fileno() > 2)\''
)


def shell(text, folder):
    return subprocess.run(
        ["/bin/bash", "-c", text], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (f"{SHOW} > /dev/full", "No space left on device"),
        (f"{SHOW} >&-", "Bad file descriptor"),
        (f"({SHOW}; echo $? > code) | true; exit $(cat code)", "Broken pipe"),
    ],
)
def test_a_document_that_nobody_can_have_is_one_line_and_code_1(tmp_path, text, cause):
    (tmp_path / "PATCH_1").mkdir()
    ended = shell(text, tmp_path)
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stderr.startswith(f"standard output: {cause}; ")
    assert ended.returncode == 1


@pytest.mark.parametrize("way", ["2> /dev/full", "2>&-", "2> >(true)"])
def test_messages_that_nobody_hears_are_no_error_and_no_file_takes_their_place(tmp_path, way):
    ended = shell(f"{TALK} {way}", tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "True\n")
