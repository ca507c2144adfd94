"""Text files are read as whoever wrote them meant it, in bounded memory, or refused by name."""

import os

import pytest

from pystamps_hpc.dataset import text
from pystamps_hpc.dataset.candidates.text import day_number, day_text, key_file, locate_reference
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


def test_dates_become_matlab_day_numbers():
    assert day_number("20160115", "name") == 736344
    assert day_number("20170109", "name") == 736704
    assert day_text(736704) == "20170109"
    with pytest.raises(DatasetError, match="name: '20171301' is not a date yyyymmdd"):
        day_number("20171301", "name")


def test_a_key_must_match_whole_and_be_a_number(tmp_path):
    path = tmp_path / "a.par"
    path.write_text("heading_extra: 3\nheading: north\nprf: 486.486 Hz\nprf: 1\n")
    keys = key_file(path)
    assert keys.number("prf") == 486.486
    with pytest.raises(DatasetError, match="key 'heading' holds 'north', not a number"):
        keys.number("heading")


def test_a_file_that_is_nowhere_lists_what_was_tried(tmp_path):
    with pytest.raises(DatasetError) as error:
        locate_reference("../diff0/a.base", tmp_path / "PATCH_1", tmp_path)
    for path in (tmp_path / "diff0" / "a.base", tmp_path / "a.base"):
        assert str(path) in str(error.value)
