"""Unusable input: one line that names file, cause and remedy; a documented code; nothing lost."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.pipeline.table import BOOKKEEPING, task

from . import chains

IFGS = 7
BIG = {"pscands.1.ph": ">c8", "pscands.1.ll": ">f4", "pscands.1.hgt": ">f4"}


def run(root, *options, **variables):
    return chains.run(["run", "--dataset", str(root), "-q", *options], **variables)


def set_parameter(root, name, value, *where):
    ended = chains.run(["parms", "--dataset", str(root), *where, "set", name, str(value)])
    assert ended.code == 0, ended.err


def refused(root, code, words, *options, **variables):
    """The run says one line with all `words`, leaves with `code` and loses nothing."""
    before = chains.files(root)
    ended = run(root, *options, **variables)
    assert ended.code == code, ended.err
    assert len(ended.err.splitlines()) == 1, ended.err
    for word in words:
        assert word in ended.err
    after = chains.files(root)
    if not ended.out:  # refused before work started
        assert after == before
        assert not chains.leftovers(root)
        return ended
    rows = [row for row in ended.report["results"] if row["status"] in ("completed", "failed")]
    (failed,) = chains.failed(ended)
    assert failed["details"] in ended.err
    changed = {name for name in before if before[name] != after.get(name)}
    changed -= {name for row in rows for name in row["invalidates"]}
    for row in rows:
        if row["status"] == "completed":
            place = "" if row["target"] == "root" else f"{row['target']}/"
            bundle = task(row["stage"], row["scope"], "ps").bundle
            changed -= {f"{place}{name}.mat" for name in (*bundle, *BOOKKEEPING)}
    assert {Path(name).name for name in changed} <= {"STAMPS.log", "parms.mat"}
    assert not chains.leftovers(root)
    return ended


# --- candidate files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("pscands.1.ph", None, ["file not found", "extract the candidates again"]),
        ("pscands.1.ll", -4, ["bytes, expected", "truncated", "extract"]),
    ],
)
def test_a_damaged_candidate_file_is_named_with_cause_and_remedy(fresh, name, size, words):
    path = fresh / "PATCH_2" / name
    content = path.read_bytes()
    path.unlink() if size is None else path.write_bytes(content[:size])
    refused(fresh, 3, [str(path), *words], "--end-step", "2")
    assert not list(fresh.glob("PATCH_*/*1.mat"))


def poison(root, name, value, *places):
    path = root / "PATCH_2" / name
    values = np.fromfile(path, BIG[name])
    for place in places:
        values[place] = value
    values.tofile(path)


@pytest.mark.parametrize(
    ("name", "place"), [("pscands.1.ll", 40), ("pscands.1.ll", 41), ("pscands.1.ph", 20)]
)
def test_a_candidate_with_nan_is_removed_and_counted(fresh, name, place):
    poison(fresh, name, np.nan, place)
    report = run(fresh, "--end-step", "4").report
    row = next(r for r in report["results"] if (r["stage"], r["target"]) == (1, "PATCH_2"))
    assert row["details"] == "1 candidates without position or phase removed"
    assert row["facts"]["candidates"] == len(read_mat(fresh / "PATCH_2/da1.mat")["D_A"])
    for path in fresh.rglob("PATCH_*/p[sh]1.mat"):
        for value in read_mat(path).values():
            assert isinstance(value, str) or np.isfinite(value).all()


def test_a_patch_with_nothing_but_nan_is_left_out(fresh):
    poison(fresh, "pscands.1.ll", np.nan, slice(None))
    assert_left_out(fresh, 1)


def test_zero_amplitudes_do_not_reach_the_velocity(fresh):
    path = fresh / "PATCH_2/pscands.1.ph"
    phase = np.fromfile(path, BIG["pscands.1.ph"]).reshape(IFGS, -1)
    phase[:, 5] = 0
    phase[2, 9:12] = 0
    phase.tofile(path)
    shares = (fresh / "PATCH_2/pscands.1.da").read_text().splitlines()
    (fresh / "PATCH_2/pscands.1.da").write_text("\n".join(["0", *shares[1:]]) + "\n")
    ended = run(fresh)
    assert ended.code == 0, ended.err
    assert np.isfinite(read_mat(fresh / "mean_v.mat")["mean_v"]).all()


def keep_candidates(folder, count):
    n = len((folder / "pscands.1.ij").read_text().splitlines())
    for name in ("pscands.1.ij", "pscands.1.da"):
        lines = (folder / name).read_text().splitlines(True)
        (folder / name).write_text("".join(lines[:count]))
    for name, width in (("pscands.1.ll", 2), ("pscands.1.hgt", 1)):
        np.fromfile(folder / name, ">f4").reshape(n, width)[:count].tofile(folder / name)
    phase = np.fromfile(folder / "pscands.1.ph", ">c8").reshape(IFGS, n)
    phase[:, :count].copy().tofile(folder / "pscands.1.ph")


# --- patches that lose all points ----------------------------------------------------------------


def assert_left_out(root, stage):
    """PATCH_2 is recorded as lost after a stage, the chain ends without it."""
    set_parameter(root, "unwrap_gold_n_win", 16)
    ended = run(root)
    assert ended.code == 0, ended.err
    rows = {(r["stage"], r["target"]): r for r in ended.report["results"]}
    assert rows[stage, "PATCH_2"]["status"] == "completed"
    lost = rows[stage, "PATCH_2"]
    assert lost["details"].startswith("no PS left: ")
    assert lost["details"] == f"no PS left: {lost['facts']['lost']}"
    assert f"{lost['details']}; the patch is left out" in lost["warnings"]
    for later in range(stage + 1, 6):
        assert rows[later, "PATCH_2"]["status"] == "skipped"
        assert rows[later, "PATCH_2"]["details"] == f"no PS left after stage {stage}"
    assert ended.report["dropped_patches"] == ["PATCH_2"]
    flags = read_mat(root / "PATCH_2/no_ps_info.mat")["stamps_step_no_ps"].ravel()
    assert flags.tolist() == [float(k == stage) for k in range(1, 6)]
    assert (root / "mean_v.mat").exists()
    again = run(root)
    assert {row["status"] for row in again.report["results"]} <= {"skipped_existing", "skipped"}


def test_a_patch_without_candidates_is_left_out(fresh):
    keep_candidates(fresh / "PATCH_2", 0)
    assert_left_out(fresh, 1)


@pytest.mark.parametrize("count", [1, 3])
def test_a_patch_of_few_candidates_is_left_out(fresh, count):
    keep_candidates(fresh / "PATCH_2", count)
    assert_left_out(fresh, 2)


def test_a_patch_where_nothing_survives_selection_is_left_out(fresh):
    # wide enough for a window of stage 2, too narrow for one of stage 3
    set_parameter(fresh, "clap_win", 104, "--patch", "PATCH_2", "--local")
    assert_left_out(fresh, 3)


def test_a_patch_where_nothing_survives_weeding_is_left_out(fresh):
    set_parameter(fresh, "weed_standard_dev", 1e-6, "--patch", "PATCH_2", "--local")
    assert_left_out(fresh, 4)


def zero_heights(root):
    for path in root.glob("PATCH_*/pscands.1.hgt"):
        path.write_bytes(bytes(path.stat().st_size))
    set_parameter(root, "weed_zero_elevation", "y")


def no_positions(root):
    for path in root.glob("PATCH_*/pscands.1.ll"):
        path.write_bytes(bytes(path.stat().st_size))


def an_image_elsewhere(root):
    for path in root.glob("PATCH_*/pscands.1.ph"):
        phase = np.fromfile(path, BIG[path.name]).reshape(IFGS, -1)
        phase[3] = np.nan if path.parent.name == "PATCH_1" else 0
        phase.tofile(path)


def one_candidate(root):
    for patch in root.glob("PATCH_*"):
        keep_candidates(patch, 1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root: set_parameter(root, "weed_standard_dev", 1e-6),
         ["PATCH_1 and 1 more after stage 4", "0 after noise (weed_standard_dev, weed_max_noise)",
          "relax the selection or weeding parameters"]),
        (zero_heights, ["and 1 more after stage 4", "0 after zero heights (weed_zero_elevation)"]),
        (no_positions, ["PATCH_1 and 1 more after stage 1", "without position or phase removed"]),
        (an_image_elsewhere, ["PATCH_1 after stage 1 (interferogram", "has no phase at all",
                              "PATCH_2 after stage 2 (none of ", "have none in interferogram",
                              "leave the image out"]),
        (one_candidate, ["PATCH_1 and 1 more after stage 2 (patch narrower than two grid cells",
                         "1 candidates over 0 x 0 m"]),
        (lambda root: set_parameter(root, "clap_win", 256),
         ["and 1 more after stage 2 (grid ", "smaller than the CLAP window of 192 cells",
          "reduce filter_grid_size or clap_win"]),
    ],
)  # fmt: skip
def test_without_any_patch_left_the_merge_says_what_took_the_points(fresh, damage, words):
    damage(fresh)
    ended = refused(fresh, 1, ["FAILED stage 5 root", "no patch has PS left: ", *words])
    assert ended.report["not_started"]
    assert not (fresh / "ps2.mat").exists()


# --- artifacts -----------------------------------------------------------------------------------


def fill_with_garbage(path):
    path.write_bytes(b"not a MAT file\n" * 500)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [fill_with_garbage, truncate, empty])
@pytest.mark.parametrize(
    ("name", "stage", "source"),
    [("PATCH_2/pm1.mat", 3, 2), ("rc2.mat", 6, 5), ("phuw2.mat", 7, 6), ("scla2.mat", 8, 7)],
)
def test_an_unreadable_artifact_is_named_with_the_stage_that_makes_it(
    finished, name, stage, source, damage
):
    damage(finished / name)
    refused(finished, 1, [f"FAILED stage {stage} ", str(finished / name),
                          f"delete it and rerun stage {source}"],
            "--start-step", str(stage), "--end-step", str(stage), "--force")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "key", "stage", "source", "bad"),
    [
        ("PATCH_2/bp1.mat", "bperp_mat", 2, 1, np.nan),
        ("PATCH_2/ph1.mat", "ph", 5, 1, np.inf),
        ("PATCH_2/pm2.mat", "coh_ps", 5, 5, np.nan),
        ("rc2.mat", "ph_rc", 6, 5, np.inf),
        ("bp2.mat", "bperp_mat", 7, 5, np.nan),
        ("ps2.mat", "xy", 8, 5, np.inf),
    ],
)
def test_a_number_that_is_not_finite_is_named_with_the_stage_that_makes_it(
    finished, name, key, stage, source, bad
):
    contents = read_mat(finished / name)
    contents[key][:, 1:][5::11] = bad
    if contents[key].shape[1] == 1:
        contents[key][5] = bad
    write_mat(finished / name, contents)
    part = "merged" if stage == source else "all"
    refused(finished, 1, [f"FAILED stage {stage} ", f"{finished / name}: key '{key}' is not finite",
                          "row 6, column ", f"delete it and rerun stage {source}"],
            "--start-step", str(stage), "--end-step", str(stage), "--part", part, "--stale", "keep",
            "--force")  # fmt: skip


# --- parameters, tools, windows ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["drop_ifg_index", "[2 99]"], "drop_ifg_index: 99 is outside 1 to 8"),
        (["drop_ifg_index", "[1 2 3 4 5 6 7 8]"], "leaves 0 of 7 interferograms"),
        (["unwrap_spatial_cost_func_flag", "y"], "cost_func_flag=y is not supported"),
        (["clap_win", "30"], "clap_win=30: must be a multiple of 8; set it to 32"),
        (["unwrap_gird_size", "100"], "is unknown; did you mean unwrap_grid_size"),
    ],
)
def test_a_value_that_a_run_would_refuse_is_not_set(fresh, words, told):
    before = chains.files(fresh)
    ended = chains.run(["parms", "--dataset", str(fresh), "set", *words])
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
    assert len(ended.err.splitlines()) == 1
    assert chains.files(fresh) == before


def test_missing_snaphu_is_found_before_anything_is_written(fresh, tmp_path):
    config = tmp_path / "config.json"
    asked = {"runtime": {"stage6_solver": "snaphu"}, "tools": {"snaphu": "/nonexistent"}}
    config.write_text(json.dumps(asked))
    ended = refused(fresh, 4, ["external tool '/nonexistent' not found (needed by stage 6)",
                               "pip install", "tools.snaphu"],
                    "--config", str(config), PATH="/nonexistent")  # fmt: skip
    assert ended.out == ""
    assert not (fresh / ".pystamps-hpc").exists()


# --- disks ---------------------------------------------------------------------------------------


def test_a_dataset_that_cannot_be_written_is_refused(first_pass, small_disk):
    disk = small_disk("200m")
    root = chains.copy(first_pass, disk / "data")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    ended = refused(root, 3, [f"data set is not writable: {root}"], "--force")
    assert ended.out == ""


@pytest.mark.parametrize(
    "spare",
    [
        0,
        1_500_000,
        pytest.param(300_000, marks=pytest.mark.slow),
        pytest.param(4_000_000, marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_loses_nothing_and_the_run_goes_on_once_there_is_room(
    few_candidates, first_pass, small_disk, spare
):
    size = sum(path.stat().st_size for path in few_candidates.rglob("*") if path.is_file())
    pages = 4096 * (20 + sum(1 for _ in few_candidates.rglob("*")))
    disk = small_disk(size + pages + spare)
    root = chains.copy(few_candidates, disk / "data")
    before = chains.files(root)
    ended = run(root)
    assert ended.code in (1, 3), ended.err
    assert "No space left on device" in ended.err or "no space left on device" in ended.err
    assert "Traceback" not in ended.err
    assert len([line for line in ended.err.splitlines() if line.strip()]) == 1, ended.err
    assert (ended.out == "") == (ended.code == 3)
    after = chains.files(root)
    inputs = set(before) - {"parms.mat"}  # to which stage 1 adds what it found out
    assert all(after.get(name) == before[name] for name in inputs)
    assert read_mat(root / "parms.mat").keys() >= read_mat(few_candidates / "parms.mat").keys()
    assert not chains.torn_bundles(root, chains.artifacts(first_pass))

    subprocess.run(["mount", "-o", "remount,size=300m", str(disk)], check=True)
    chains.run_chain(root)
    assert not chains.differing(chains.artifacts(root), chains.artifacts(first_pass))
    assert not chains.leftovers(root)
