"""``prep`` as a program: what it says, how it stops, and that the same command goes on."""

import json
import os
import shutil
import signal
import time

import pytest

from pystamps_hpc.errors import Exit
from pystamps_hpc.pipeline.stages import KEPT_RUNS
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.preparation import running

from ..slc_stacks import MASTER, SlcScene, files_of, scene, write_snap

PATCHES = ("--azimuth-patches", "6", "--azimuth-overlap", "2", "--cpu-workers", "1")


@pytest.fixture
def stack(tmp_path):
    """Return a stack whose preparation takes a moment."""
    root = tmp_path / "stack"
    small = scene(300, 400)
    write_snap(root, SlcScene(small.echoes, small.ifgs))
    return root


def prep(root, *more, **options):
    return child_run.run(["prep", "snap", "--dataset", root, *PATCHES, *more], **options)


def test_the_report_has_patches_candidates_and_constants(stack):
    ended = prep(stack, "--range-patches", "2")
    assert ended.code == Exit.OK, ended.err
    report = ended.report
    assert report["patch_count"] == 12
    rows = {row["patch"]: row for row in report["patch_rows"]}
    assert rows["PATCH_7"]["noover"] == [201, 400, 1, 50]
    assert rows["PATCH_7"]["bounds"] == [151, 400, 1, 52]
    lines = (stack / "PATCH_7/pscands.1.ij").read_text().count("\n")
    assert rows["PATCH_7"]["candidates"] == lines
    assert sum(row["candidates"] for row in rows.values()) == report["candidate_count"]
    assert len(report["calibration"]) == 6
    assert (stack / "products/candidates.png").read_bytes().startswith(b"\x89PNG")
    assert "12 patches" in ended.err
    assert "Next: pystamps-hpc run" in ended.err


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_preparation_goes_on_with_the_same_bytes(stack, sent):
    whole = stack.with_name("whole")
    shutil.copytree(stack, whole)
    arguments = ["prep", "snap", "--dataset", stack, *PATCHES, "-q"]
    process = child_run.start(child_run.command(arguments, 1), child_run.environment(os.environ))
    while process.poll() is None and not (stack / "PATCH_2/pscands.1.ph").exists():
        time.sleep(0.001)
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert not list(stack.glob("PATCH_*/pscands.1.ij")) or (stack / "PATCH_1/pscands.1.ph").exists()
    again = prep(stack)
    assert again.code == Exit.OK, again.err
    assert again.report["patch_rows"][0]["kept"]
    assert prep(whole).code == Exit.OK
    ours, theirs = files_of(stack), files_of(whole)
    for files in (ours, theirs):
        del files["products/candidates.png"]
    ours = {name: content.replace(b"/stack/", b"/whole/") for name, content in ours.items()}
    assert ours == theirs


def test_what_is_wrong_is_one_line_and_an_exit_code(stack):
    (stack / f"diff0/{MASTER}_20160103.base").unlink()
    ended = prep(stack)
    assert ended.code == Exit.DATASET
    assert ended.err.strip().splitlines()[-1].endswith("file not found; stage 1 needs it")
    assert prep(stack, "--patches", "auto").code == Exit.USAGE
    assert prep(stack, "--amp-dispersion", "much").code == Exit.USAGE
    assert not list(stack.glob("PATCH_*"))


def test_of_the_folders_of_preparations_the_last_ones_stay(tmp_path):
    runs = tmp_path / "runs"
    for k in range(KEPT_RUNS + 5):
        (runs / f"20261129T{k:06}Z-abc-prep").mkdir(parents=True)
    (runs / "20261129T000000Z-abc").mkdir()  # of a run that was killed
    running._make_folder(runs / "20261130T000000Z-abc-prep")
    left = sorted(path.name for path in runs.iterdir())
    assert left[0] == "20261129T000000Z-abc"
    assert left[1:] == [
        *(f"20261129T{k:06}Z-abc-prep" for k in range(6, KEPT_RUNS + 5)),
        "20261130T000000Z-abc-prep",
    ]


def test_a_golden_or_protected_dataset_is_left_alone(stack):
    (stack / ".golden").touch()
    ended = prep(stack)
    assert ended.code == Exit.DATASET
    assert "golden" in ended.err
    assert not list(stack.glob("PATCH_*"))


def test_two_ranks_make_what_stage_1_reads(stack):
    ended = prep(stack, ranks=2)
    assert ended.code == Exit.OK, ended.err
    run = child_run.run(["run", "--dataset", stack, "--end-step", "1", "-q"])
    assert run.code == Exit.OK, run.err
    assert json.loads(run.out)["counts"]["completed"] == 6
