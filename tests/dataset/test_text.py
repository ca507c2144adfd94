"""Text files are read as whoever wrote them meant it, in bounded memory, or refused by name."""

import os

import pytest

from pystamps_hpc.dataset import text
from pystamps_hpc.dataset.text import lines_of, read_text, words_of
from pystamps_hpc.errors import DatasetError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_the_same_in_every_form_that_editors_write(tmp_path, encoding, end):
    content = f"PATCH_1 \t{end}# sea{end}{end}  Zürich{end}last"
    mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(encoding, "")
    path = tmp_path / "a.txt"
    path.write_bytes((mark + content).encode(encoding))
    assert lines_of(path) == ["PATCH_1", "Zürich", "last"]
    assert words_of(path) == ["PATCH_1", "Zürich", "last"]


def test_what_is_no_regular_file_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("pipe", "folder", "device"):
        with pytest.raises(DatasetError, match=f"{name}: cannot be read: not a regular file"):
            read_text(tmp_path / name)


def test_a_file_larger_than_any_text_of_a_dataset_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "LARGEST", 100)
    (tmp_path / "a").write_bytes(b"1" * 100)
    assert read_text(tmp_path / "a") == "1" * 100
    (tmp_path / "a").write_bytes(b"1" * 101)
    with pytest.raises(DatasetError, match="a: larger than 100 bytes"):
        read_text(tmp_path / "a")


@pytest.mark.parametrize(
    ("content", "message"),
    [(bytes(40), "holds binary zeros"), (None, "cannot be read: No such file")],
)
def test_a_file_that_holds_no_text_is_named(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a").write_bytes(content)
    with pytest.raises(DatasetError, match=f"^{tmp_path}/a: {message}"):
        read_text(tmp_path / "a")
