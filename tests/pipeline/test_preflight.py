"""A run examines all patches before it computes any, and tells all that is wrong."""

import os
import shutil

import numpy as np
import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.pipeline import space
from pystamps_hpc.pipeline.stages import plan_pipeline, run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.inputs import describe_inputs
from tests.stub_chain import tree_digest


@pytest.fixture
def scene(simulated, tmp_path):
    return shutil.copytree(simulated, tmp_path / "scene")


def plan(root, **window):
    return plan_pipeline(PipelineContext(root, **window))


def findings(root, **window):
    """Return the lines with which a run of the whole chain is refused; it has written nothing."""
    before = tree_digest(root)
    with pytest.raises(DatasetError) as refused:
        run_pipeline(PipelineContext(root, **window))
    assert tree_digest(root) == before
    return str(refused.value).splitlines()


def bases(root):
    return sorted((root / "diff0").glob("*.base"))


def keep_interferograms(root, count):
    listing = root / "pscphase.in"
    n = len(listing.read_text().splitlines()) - 1
    listing.write_text("".join(listing.read_text().splitlines(True)[: count + 1]))
    for path in root.glob("PATCH_*/pscands.1.ph"):
        size = path.stat().st_size // n
        path.write_bytes(path.read_bytes()[: size * count])


def test_all_findings_of_all_patches_are_told_before_anything_is_written(scene):
    for name in ("PATCH_1/pscands.1.ll", "PATCH_2/pscands.1.ph"):
        (scene / name).write_bytes((scene / name).read_bytes()[:-4])
    (scene / "PATCH_2/pscands.1.hgt").write_bytes(b"1234")
    (scene / "PATCH_1/patch_noover.in").unlink()
    parameters.save(parameters.load(scene).set_value("drop_ifg_index", (99.0,)))
    told = findings(scene)
    assert [line.split(":")[0].removeprefix(f"{scene}/") for line in told] == [
        "PATCH_1/pscands.1.ll", "PATCH_2/pscands.1.hgt", "PATCH_2/pscands.1.ph",
        "PATCH_1/patch_noover.in", "parameter drop_ifg_index",
    ]  # fmt: skip


def test_a_dataset_without_any_candidate_is_refused(scene):
    for path in scene.glob("PATCH_*/pscands.1.*"):
        path.write_bytes(b"")
    (line,) = findings(scene)
    assert line.endswith("preparation had ended early; extract the candidates again")
    check = describe_inputs([1], scene)["stage1_dataset_check"]
    assert (check["sound"], check["problems"]) == (False, [line])


def test_of_very_many_findings_the_first_are_told(scene):
    shutil.copytree(scene / "PATCH_1", scene / "PATCH_3")
    (scene / "patch.list").unlink()
    for k in range(4, 30):
        (scene / f"PATCH_{k}").mkdir()
    told = findings(scene)
    assert len(told) == 21
    assert told[-1].startswith("and ")


def test_a_sound_dataset_is_planned(scene):
    assert len(plan(scene)) == 2 * 5 + 4


def test_files_that_the_plan_does_not_need_may_be_gone(scene):
    (scene / "PATCH_1/patch_noover.in").unlink()
    assert plan(scene, end_step=4)
    assert "PATCH_1/patch_noover.in: does not exist" in findings(scene)[0]
    parameters.save(parameters.load(scene).with_values({"lambda": 0.055, "heading": -168.0}))
    for name in ("ps1", "ph1", "bp1"):
        for patch in scene.glob("PATCH_*"):
            write_mat(patch / f"{name}.mat", {"x": np.zeros((1, 1))})
    for path in [*scene.glob("PATCH_*/pscands.1.*"), *scene.glob("rslc/*"), *bases(scene)]:
        path.unlink()
    assert plan(scene, start_step=2, end_step=4)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("copies", [".base: the baseline in all 7 .base files is the same", "export"]),
        ("one", [".base: of 1 interferogram", "add images"]),
        ("missing", [".base: file not found (tried ", "put it there"]),
        ("NaN", [".base: key 'initial_baseline(TCN)' holds 'NaN NaN NaN', not a number"]),
    ],
)
def test_unusable_baselines_are_told_with_their_file_and_cause(scene, harm, words):
    if harm == "copies":
        for path in bases(scene)[1:]:
            shutil.copy(bases(scene)[0], path)
    elif harm == "one":
        keep_interferograms(scene, 1)
    elif harm == "missing":
        bases(scene)[2].unlink()
    else:
        text = bases(scene)[2].read_text().splitlines()
        text = [line.split(":")[0] + ": NaN NaN NaN" if "initial_baseline(" in line else line
                for line in text]  # fmt: skip
        bases(scene)[2].write_text("\n".join(text))
    (line,) = findings(scene)
    for word in words:
        assert word in line
    if harm == "one":
        assert plan(scene, end_step=1)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("patch_noover.in", "1 2 3", "expected four integers"),
        ("patch_noover.in", "1 1e20 3 4", "expected four integers"),
        ("patch_noover.in", "9 2 3 4", "a last comes before its first"),
        ("patch.in", "5 6 7 8", "reaches beyond patch.in, 5 6 7 8"),
        (None, "", "the same as that of PATCH_1"),
    ],
)
def test_contradictory_core_areas_are_refused(scene, name, text, words):
    if name is None:
        for path in scene.glob("PATCH_2/patch*.in"):
            path.write_bytes((scene / "PATCH_1" / path.name).read_bytes())
    else:
        (scene / "PATCH_2" / name).write_text(text)
    (line,) = findings(scene)
    assert words in line
    assert f"PATCH_2/{name or 'patch_noover.in'}" in line or name == "patch.in"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"drop_ifg_index": tuple(range(1, 9))}, "leaves 0 of 7 interferograms"),
        ({"scla_drop_index": (9.0,)}, "scla_drop_index: 9 is outside 1 to 8; correct the list"),
        ({"clap_win": 30.0}, "clap_win=30: must be a multiple of 8; set it to 32"),
        ({"quick_est_gamma_flag": "n"}, "quick_est_gamma_flag=n"),
        ({"scn_deramp_ifg": (0.5,)}, "scn_deramp_ifg=0.5"),
        ({"ref_centre_lonlat": (44.0, 12.0), "ref_radius": 500.0}, "0 PS in reference area"),
        ({"ref_lon": (100.0, 101.0)}, "the data cover longitude"),
        ({"unwrap_spatial_cost_func_flag": "y"}, "cost_func_flag=y is not supported"),
        ({"subtr_tropo": "y", "tropo_method": "a_x"}, "'a_x' is not known; known: a_linear"),
    ],
)
def test_parameters_that_a_later_stage_refuses_are_told_before_work(scene, values, words):
    parameters.save(parameters.load(scene).with_values(values))
    (line,) = findings(scene)
    assert words in line


def test_an_area_around_the_points_is_accepted_wherever_its_centre_is(scene):
    lon, lat = np.fromfile(scene / "PATCH_1/pscands.1.ll", ">f4")[:2].astype(float)
    values = {"ref_centre_lonlat": (lon + 0.1, lat), "ref_radius": 20_000.0}
    parameters.save(parameters.load(scene).with_values(values))
    assert plan(scene)


def test_too_little_room_is_told_in_numbers_before_work(scene, monkeypatch):
    usage = shutil.disk_usage(scene)._replace(free=1000)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda path: usage)
    (line,) = findings(scene)
    assert "no space left on device for the run: 0 MiB free" in line


@pytest.mark.parametrize("place", [".", "PATCH_2", "products"])
def test_a_place_that_cannot_be_written_is_found_before_work(scene, monkeypatch, place):
    (scene / "products").mkdir()
    closed = scene / place
    real = os.access
    monkeypatch.setattr(
        space.os,
        "access",
        lambda path, mode: not (path == closed and mode & os.W_OK) and real(path, mode),
    )
    assert findings(scene)[0].startswith(f"data set is not writable: {closed}")


def test_a_dry_run_may_look_at_a_dataset_that_cannot_be_written(scene, monkeypatch):
    real = os.access
    monkeypatch.setattr(
        space.os,
        "access",
        lambda path, mode: not (str(scene) in str(path) and mode & os.W_OK) and real(path, mode),
    )
    assert plan(scene)


def test_without_processor_txt_the_files_tell_the_processor(scene):
    (scene / "processor.txt").unlink()
    (scene / "parms.mat").unlink(missing_ok=True)
    planned = run_pipeline(PipelineContext(scene, end_step=1))
    assert planned.ok
    assert parameters.load(scene).value("insar_processor") == "snap"
    assert any("insar_processor" in warning for warning in planned.warnings)
