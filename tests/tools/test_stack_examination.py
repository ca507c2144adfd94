"""A stack of images is described, and all that is wrong with it named, before any work."""

import json

import numpy as np
import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.tools.doctor import examine
from pystamps_hpc.tools.inputs import describe_inputs
from pystamps_hpc.tools.preparation.examination import examine_stack
from tests.stub_chain import tree_digest

from ..slc_stacks import (
    DATES,
    MASTER,
    prepared,
    scene,
    write_doris_stack,
    write_isce_stack,
    write_snap,
    write_snap_pairs,
    write_tops,
)
from .conftest import NATIVE

WRITERS = {"snap": write_snap, "pairs": write_snap_pairs, "isce": write_isce_stack,
           "doris": write_doris_stack, "tops": write_tops}  # fmt: skip


def examined(root):
    before = tree_digest(root)
    found = examine_stack(root, MASTER)
    assert tree_digest(root) == before
    json.dumps(found, allow_nan=False)
    assert found["sound"] == (not found["problems"])
    return found


@pytest.mark.parametrize("kind", WRITERS)
def test_of_a_sound_stack_everything_is_told(tmp_path, kind):
    WRITERS[kind](tmp_path)
    found = examined(tmp_path)
    assert found["problems"] == []
    assert {row["status"] for row in found["rasters"]} == {"ok"}
    assert all(row["bytes"] == row["expected"] for row in found["rasters"])
    assert [row["date"] for row in found["images"]] == list(DATES)
    pairs = sum(row["interferograms"] for row in found["images"])
    assert pairs == 2 * found["overview"]["interferograms"]
    assert all(row["no_data"] == 0 for row in found["images"])
    shares = [row["share"] for row in found["candidates"]]
    assert shares == sorted(shares)


@pytest.mark.parametrize("kind", WRITERS)
def test_the_candidates_of_all_lines_are_those_that_are_chosen(tmp_path, kind):
    WRITERS[kind](tmp_path)
    expected = {
        row["amp_dispersion"]: row["candidates"] for row in examined(tmp_path)["candidates"]
    }
    found = prepared(tmp_path, processor="auto", dispersion="0.4")
    assert expected[0.4] == pytest.approx(found.candidates["PATCH_1"], abs=2)


def test_lines_are_a_sample_of_a_long_scene(tmp_path):
    write_snap(tmp_path, scene(length=700, width=40))
    expected = {
        row["amp_dispersion"]: row["candidates"] for row in examined(tmp_path)["candidates"]
    }
    found = prepared(tmp_path, dispersion="0.4")
    assert expected[0.4] == pytest.approx(found.candidates["PATCH_1"], rel=0.1)


def test_the_share_without_data_is_that_of_the_image(tmp_path):
    images = scene()
    images.echoes[1, :, :8] = 0
    images.echoes[1, :, 8:10] = np.nan
    write_snap(tmp_path, images)
    empty = {row["date"]: row["no_data"] for row in examined(tmp_path)["images"]}
    assert empty.pop(DATES[1]) == pytest.approx(10 / 31)
    assert set(empty.values()) == {0}


def test_pixels_that_a_mask_leaves_out_are_no_candidates(tmp_path):
    write_isce_stack(tmp_path)
    mask = np.zeros((24, 31), np.uint8)
    mask[:, 5:] = 1
    mask.tofile(tmp_path / "water.msk")
    (tmp_path / "input_file").write_text("maskfile water.msk\n")
    found = examined(tmp_path)
    assert 0 < max(row["candidates"] for row in found["candidates"]) <= 24 * 5
    assert all(row["no_data"] == 0 for row in found["images"])


def test_every_raster_of_a_wrong_size_is_named(tmp_path):
    write_snap(tmp_path)
    for name in (f"rslc/{DATES[1]}.rslc", f"diff0/{MASTER}_{DATES[0]}.diff"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[8:])
    found = examined(tmp_path)
    assert len(found["problems"]) == 2
    wrong = {row["raster"]: row for row in found["rasters"] if row["status"] == "warning"}
    assert set(wrong) == {f"rslc/{DATES[1]}.rslc", f"diff0/{MASTER}_{DATES[0]}.diff"}
    assert all((row["bytes"], row["expected"]) == (5944, 5952) for row in wrong.values())
    assert found["patches"]


def test_an_image_without_amplitudes_is_named_and_the_others_are_described(tmp_path):
    images = scene()
    images.echoes[2] = 0
    write_snap(tmp_path, images)
    found = examined(tmp_path)
    assert len(found["problems"]) == 1
    assert f"{DATES[2]}.rslc: no valid pixel" in found["problems"][0]
    assert [row["no_data"] for row in found["images"]] == [0, 0, 1, 0, 0, 0]
    assert found["candidates"] == []


def test_dates_and_settings_that_contradict_are_named(tmp_path):
    write_snap(tmp_path / "dates")
    (tmp_path / f"dates/rslc/{DATES[1]}.rslc").unlink()
    assert DATES[1] in examined(tmp_path / "dates")["problems"][0]
    write_snap(tmp_path / "flag")
    parameters.save(parameters.load(tmp_path / "flag").with_values({"small_baseline_flag": "y"}))
    assert "small_baseline_flag n" in examined(tmp_path / "flag")["problems"][0]


def test_inputs_are_those_of_the_stack_until_it_is_prepared(tmp_path):
    write_snap(tmp_path)
    found = describe_inputs((1,), tmp_path)
    assert found["stack_check"]["sound"]
    assert "stage1_dataset_check" not in found
    prepared(tmp_path)
    found = describe_inputs((1,), tmp_path)
    assert found["stage1_dataset_check"]["sound"]
    assert "stack_check" not in found


def test_the_doctor_tells_how_to_go_on_and_what_is_wrong(tmp_path):
    write_snap(tmp_path)
    document, code = examine(SerialTeam(), NATIVE, "dataset", tmp_path)
    assert code == 3
    assert [row["remedy"] for row in document["problems"]] == [
        f"pystamps-hpc prep --dataset {tmp_path}"
    ]
    (tmp_path / f"rslc/{DATES[1]}.rslc").write_bytes(b"")
    document, _ = examine(SerialTeam(), NATIVE, "dataset", tmp_path)
    assert any("rslc: 0 bytes" in row["problem"] for row in document["problems"])
