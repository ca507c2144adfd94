"""What a stage reads is told from its declaration; candidate files are checked before a run."""

import json
from dataclasses import replace

import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.tools.doctor import examine
from pystamps_hpc.tools.inputs import DERIVED, DIRECT, MISSING, describe_inputs
from pystamps_hpc.tools.simulate import Options, simulate
from tests.dataset.scenes import (
    PAIRS,
    pairs_scene,
    scene,
    write_doris,
    write_doris_sb,
    write_snap,
    write_snap_sb,
)
from tests.stub_chain import tree_digest

from .conftest import NATIVE


def check(root, patch=None):
    before = tree_digest(root)
    found = describe_inputs((1,), root, patch)["stage1_dataset_check"]
    assert tree_digest(root) == before
    json.dumps(found, allow_nan=False)
    return found


def statuses(found):
    return {row["check"]: row["status"] for row in found["consistency"]}


@pytest.mark.parametrize("pairs", [False, True], ids=["single master", "small baselines"])
def test_every_stage_tells_its_arrays_and_parameters(tmp_path, pairs):
    if pairs:
        _, known = write_snap_sb(tmp_path, pairs_scene())
        parameters.save(replace(known, file=tmp_path / "parms.mat"))
    stages = describe_inputs(range(1, 9), tmp_path if pairs else None)["stages"]
    arrays = {
        (stage["stage"], stage["scope"]): {row["array_name"] for row in stage["inputs"]}
        for stage in stages
    }
    assert {"ij", "ph", "lonlat", "width", "length", "day", "master_day", "bperp", "D_A", "hgt",
            "heading", "lambda"} <= arrays[1, "patch"]  # fmt: skip
    for (stage, _), names in arrays.items():
        assert names, stage
    for stage in stages:
        for row in stage["inputs"]:
            assert row["meaning"]
            assert row["common_sources"]


def test_there_is_no_check_without_a_dataset_or_without_stage_1(tmp_path):
    write_snap(tmp_path, scene())
    assert "stage1_dataset_check" not in describe_inputs((1, 2))
    assert "stage1_dataset_check" not in describe_inputs((2,), tmp_path)


def test_a_sound_snap_patch_passes_every_check(tmp_path):
    write_snap(tmp_path, scene())
    (tmp_path / "parms.mat").unlink(missing_ok=True)
    (tmp_path / "processor.txt").write_text("snap\n")
    for name in ("width.txt", "len.txt"):
        (tmp_path / name).write_text("240\n")
    found = check(tmp_path)
    assert found["patch"] == "PATCH_1"
    assert found["metadata_mode"] == DERIVED
    assert set(statuses(found).values()) == {"ok"}
    assert found["warnings"] == []
    overview = {row["metric"]: row["value"] for row in found["overview"]}
    assert (overview["candidates"], overview["interferograms"]) == (12, 3)


def test_a_sound_doris_patch_passes_every_check(tmp_path):
    write_doris(tmp_path, scene())
    found = check(tmp_path)
    assert found["metadata_mode"] == DIRECT
    assert set(statuses(found).values()) == {"ok"}
    (warning,) = found["warnings"]
    assert "look_angle.1.in not found: an incidence of 21 degrees is assumed" in warning


@pytest.mark.parametrize(("write", "mode"), [(write_snap_sb, DERIVED), (write_doris_sb, DIRECT)])
def test_small_baselines_are_told_by_images_pairs_and_islands(tmp_path, write, mode):
    _, known = write(tmp_path, pairs_scene())
    parameters.save(replace(known, file=tmp_path / "parms.mat"))
    found = check(tmp_path)
    assert found["metadata_mode"] == mode
    assert found["sound"]
    told = statuses(found)
    for name in ("width.txt", "len.txt"):
        told.pop(name, None)
    assert set(told.values()) == {"ok"}
    overview = {row["metric"]: row["value"] for row in found["overview"]}
    assert (overview["images"], overview["pairs"], overview["islands"]) == (4, 5, 1)


def test_small_baselines_that_fall_apart_are_a_problem(tmp_path):
    pairs = (*PAIRS, ("20110101", "20110201"))
    _, known = write_snap_sb(tmp_path, pairs_scene(pairs=pairs))
    parameters.save(replace(known, file=tmp_path / "parms.mat"))
    found = check(tmp_path)
    (problem,) = found["problems"]
    assert "2010-02-20, 2010-03-01 | 2011-01-01, 2011-02-01; add pairs between them" in problem
    assert {"metric": "islands", "value": 2, "meaning": "1: pairs join all images"} in found[
        "overview"
    ]
    parameters.save(parameters.load(tmp_path).set_value("drop_ifg_index", 6.0))
    assert check(tmp_path)["sound"]


@pytest.mark.parametrize(
    ("name", "change", "failed"),
    [
        ("pscands.1.ll", lambda old: old[:-8], "bytes of pscands.1.ll"),
        ("pscands.1.hgt", lambda old: old[:-1], "bytes of pscands.1.hgt"),
        ("pscands.1.da", lambda old: b"0.1\n", "candidates in pscands.1.da"),
        ("pscands.1.ph", lambda old: old[:-8], "bytes of pscands.1.ph"),
        ("pscands.1.ph", lambda old: old[: 12 * 16], "bytes of pscands.1.ph"),
        ("../bperp.1.in", lambda old: b"1 2\n", "baselines in bperp.1.in"),
        ("../master_day.1.in", None, "master day"),
        ("../width.txt", None, "width.txt"),
        ("../len.txt", lambda old: b"many", "len.txt"),
    ],
)
def test_what_does_not_fit_is_a_warning_of_its_check_and_of_the_reader(
    tmp_path, name, change, failed
):
    patch, _ = write_doris(tmp_path, scene())
    path = patch / name
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    found = check(tmp_path)
    assert statuses(found)[failed] == "warning"
    assert len(found["problems"]) == 1
    assert (found["sound"], found["unsound_patches"]) == (False, ["PATCH_1"])


def test_every_patch_is_checked_and_the_first_unsound_one_described(tmp_path):
    simulate(tmp_path / "scene", Options(candidates=300, images=5, patches=(3, 1)))
    root = tmp_path / "scene"
    assert check(root)["sound"]
    assert (check(root)["patch"], check(root)["checked"]) == ("PATCH_1", 3)
    for name in ("PATCH_2", "PATCH_3"):
        positions = root / name / "pscands.1.ll"
        positions.write_bytes(positions.read_bytes()[:-8])
    found = check(root)
    assert found["patch"] == "PATCH_2"
    assert found["unsound_patches"] == ["PATCH_2", "PATCH_3"]
    assert check(root, "PATCH_1")["sound"]
    document, code = examine(SerialTeam(), NATIVE, "dataset", root)
    told = [row["problem"] for row in document["problems"]]
    assert [text.split(":")[0] for text in told] == [
        str(root / name / "pscands.1.ll") for name in ("PATCH_2", "PATCH_3")
    ]
    assert code == 3


def test_a_patch_without_metadata_is_said_to_lack_them(tmp_path):
    patch, _ = write_snap(tmp_path, scene())
    for name in ("rsc.txt", "pscphase.in"):
        (tmp_path / name).unlink()
    (patch / "pscands.1.ij").unlink()
    found = check(tmp_path)
    assert found["metadata_mode"] == MISSING
    assert "ok" not in statuses(found).values()


def test_a_patch_that_is_not_there_is_refused(tmp_path):
    write_snap(tmp_path, scene())
    with pytest.raises(DatasetError, match="has no patch PATCH_9"):
        check(tmp_path, "PATCH_9")
