"""The inventory of a StaMPS installation."""

from pystamps_hpc.tools.legacy import list_legacy


def test_c035_the_regular_files_of_bin_are_listed_in_order_and_nothing_is_started(tmp_path):
    folder = tmp_path / "bin"
    (folder / "deeper").mkdir(parents=True)
    for name in ("snaphu", "calamp", "mt_prep_snap"):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
    assert list_legacy(tmp_path) == [str(folder / n) for n in ("calamp", "mt_prep_snap", "snaphu")]


def test_c035_a_place_without_bin_has_none(tmp_path):
    assert list_legacy(tmp_path) == []
