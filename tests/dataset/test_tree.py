"""Discovery of a dataset."""

import pytest

from pystamps_hpc import discover_dataset
from pystamps_hpc.dataset.tree import patch_core
from pystamps_hpc.errors import DatasetError


def make(root, *names):
    for name in names:
        (root / name).mkdir()
    return root


def test_c002_a_missing_root_and_a_file_are_refused(tmp_path):
    with pytest.raises(DatasetError, match=f"^Data set root does not exist: {tmp_path}/none$"):
        discover_dataset(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match=f"^Data set root is not a directory: {tmp_path}/file$"):
        discover_dataset(tmp_path / "file")


def test_c002_patch_list_gives_names_and_order(tmp_path):
    make(tmp_path, "PATCH_1", "PATCH_2", "PATCH_10", "west")
    (tmp_path / "patch.list").write_bytes(b"  PATCH_10 \r\n\r\n# PATCH_2\r\nwest\r\nPATCH_1")
    assert discover_dataset(tmp_path).patches == ("PATCH_10", "west", "PATCH_1")


@pytest.mark.parametrize(
    "line", ["./PATCH_1", "PATCH_1/", ".\\PATCH_1\\", "PATCH_1  # city", "\ufeffPATCH_1"]
)
def test_a_name_in_the_list_may_be_written_as_a_path_or_with_a_comment(tmp_path, line):
    make(tmp_path, "PATCH_1")
    (tmp_path / "patch.list").write_text(f"{line}\n")
    assert discover_dataset(tmp_path).patches == ("PATCH_1",)


def test_a_list_without_names_is_refused_where_there_are_patches(tmp_path):
    make(tmp_path, "PATCH_1", "PATCH_2")
    (tmp_path / "patch.list").write_bytes(b"# none\n")
    with pytest.raises(DatasetError, match=r"patch.list: names no patch, but there are PATCH_1, "):
        discover_dataset(tmp_path)


def test_a_name_that_no_file_system_can_hold_is_refused_in_one_short_line(tmp_path):
    make(tmp_path, "PATCH_1")
    (tmp_path / "patch.list").write_text("PATCH_1\n" + 5000 * "x")
    with pytest.raises(DatasetError, match=r"^unsafe patch names: x{57}\.\.\.$"):
        discover_dataset(tmp_path)


def test_a_patch_given_as_dataset_is_told_from_its_root(tmp_path):
    make(tmp_path, "PATCH_1")
    (tmp_path / "PATCH_1" / "pscands.1.ij").touch()
    with pytest.raises(DatasetError, match=f"it is a patch itself: use --dataset {tmp_path}$"):
        discover_dataset(tmp_path / "PATCH_1")


def test_c002_without_a_list_patches_come_by_number(tmp_path):
    make(tmp_path, "PATCH_10", "PATCH_9", "PATCH_b", "PATCH_1", "PATCH_a", "PATCH_", "other")
    (tmp_path / "PATCH_3").touch()
    assert discover_dataset(tmp_path).patches == (
        "PATCH_1", "PATCH_9", "PATCH_10", "PATCH_", "PATCH_a", "PATCH_b",
    )  # fmt: skip


@pytest.mark.parametrize("digit", ["²", "①"])
def test_a_suffix_that_is_no_number_comes_last(tmp_path, digit):
    make(tmp_path, f"PATCH_{digit}", "PATCH_7")
    assert discover_dataset(tmp_path).patches == ("PATCH_7", f"PATCH_{digit}")


@pytest.mark.parametrize("name", ["/tmp", "../other", "a/b", "..", ".", "root", ".pystamps-hpc"])
def test_unsafe_names_are_refused(tmp_path, name):
    make(tmp_path, "PATCH_1", ".pystamps-hpc", "root")
    (tmp_path / "patch.list").write_text(f"PATCH_1\n{name}\n")
    with pytest.raises(DatasetError, match=f"^unsafe patch names: {name}$"):
        discover_dataset(tmp_path)


def test_missing_and_repeated_names_are_refused(tmp_path):
    make(tmp_path, "PATCH_1")
    (tmp_path / "patch.list").write_text("PATCH_1\nPATCH_2\nPATCH_3\n")
    expected = "^patch.list references missing patch directories: PATCH_2, PATCH_3$"
    with pytest.raises(DatasetError, match=expected):
        discover_dataset(tmp_path)
    (tmp_path / "patch.list").write_text("PATCH_1\nPATCH_1\n")
    with pytest.raises(DatasetError, match=r"^patch.list names a patch twice: PATCH_1$"):
        discover_dataset(tmp_path)


def test_a_link_to_a_directory_is_followed_two_names_of_one_are_refused(tmp_path):
    make(tmp_path, "store")
    (tmp_path / "PATCH_1").symlink_to(tmp_path / "store")
    assert discover_dataset(tmp_path).patches == ("PATCH_1",)
    (tmp_path / "PATCH_2").symlink_to(tmp_path / "store")
    with pytest.raises(DatasetError, match="patches PATCH_1 and PATCH_2 are the same directory"):
        discover_dataset(tmp_path)


def test_a_dataset_without_patches_is_allowed_for_those_who_need_none(tmp_path):
    assert discover_dataset(tmp_path, need_patches=False).patches == ()
    with pytest.raises(DatasetError, match=rf"^no PATCH_\* directory under {tmp_path}$"):
        discover_dataset(tmp_path)


def test_c079_a_golden_dataset_is_protected(tmp_path):
    dataset = discover_dataset(tmp_path, need_patches=False)
    dataset.require_writable()
    (tmp_path / ".golden").touch()
    expected = rf"^data set is marked golden \({tmp_path}/.golden\): work on a copy$"
    with pytest.raises(DatasetError, match=expected):
        dataset.require_writable()


def test_a_dataset_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / ".pystamps-hpc").write_text("a file is in the way, as on a read-only disk")
    dataset = discover_dataset(tmp_path, need_patches=False)
    with pytest.raises(DatasetError, match=f"^data set is not writable: {tmp_path} "):
        dataset.require_writable()


@pytest.mark.parametrize("text", ["1 2 3", "1 2 3 x", "", "1 2 3 4.5", "1 2 3 nan", "1 2 3 1e20"])
def test_a_core_that_is_not_four_integers_is_refused(tmp_path, text):
    assert patch_core(tmp_path) is None
    (tmp_path / "patch_noover.in").write_text(text)
    with pytest.raises(DatasetError, match="expected four integers"):
        patch_core(tmp_path)


def test_a_core_is_read_as_written(tmp_path):
    for text in ("1\n20\n3\n40\n", "1 20 3 40\r\n", "1.0 20.0 3.0 40.0"):
        (tmp_path / "patch_noover.in").write_text(text)
        assert patch_core(tmp_path).tolist() == [1, 20, 3, 40]
