"""Whole runs over the stub chain: statuses, windows, dry runs, and what lies around a run."""

import json
import shutil

import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.parameters import Parameters
from pystamps_hpc.dataset.publish import write_text
from pystamps_hpc.dataset.tree import discover_dataset
from pystamps_hpc.errors import ConfigError, DatasetError
from pystamps_hpc.pipeline.choices import resolve_choices
from pystamps_hpc.pipeline.documents import json_text
from pystamps_hpc.pipeline.finished import Finished
from pystamps_hpc.pipeline.outlook import Outlook, named, outlook, shortened
from pystamps_hpc.pipeline.product_origins import claim
from pystamps_hpc.pipeline.run_parameters import of_other_mode
from pystamps_hpc.pipeline.stages import plan_pipeline, run_pipeline
from pystamps_hpc.pipeline.state import TargetState, fingerprint
from pystamps_hpc.pipeline.types import PipelineContext
from tests.stub_chain import CHAIN, artifacts, statuses, tree_digest

from .runs import EVERYTHING, PATCH_STAGES, QUICK, change, completed, disown, run


@pytest.mark.parametrize("dropped", [(), 7.0, (3.0, 7.0)])
def test_the_report_lists_the_interferograms_left_out(stubs, tree, dropped):
    change(tree, drop_ifg_index=dropped)
    listed = run(tree, end_step=1, dry_run=True).findings["drop_ifg_index"]
    assert listed == ([7.0] if dropped == 7.0 else list(dropped))


def test_c003_a_run_does_every_task_in_the_order_of_the_table(stubs, tree):
    report = run(tree)
    assert completed(report) == EVERYTHING
    assert report.ok
    assert report.exit_code == 0
    assert sorted(stubs.calls) == sorted(EVERYTHING)


def test_c009_a_second_run_skips_everything(stubs, tree):
    run(tree)
    before = artifacts(tree)
    stubs.calls.clear()
    report = run(tree)
    assert {row.status for row in report.results} == {"skipped_existing"}
    assert report.results[0].details == "ps1.mat present"
    assert stubs.calls == []
    assert artifacts(tree) == before


def test_c010_a_row_carries_the_wall_time_of_its_task(stubs, tree):
    assert all(row.duration_sec > 0 for row in run(tree).results)
    assert all(row.duration_sec is None for row in run(tree).results)
    assert all(row.duration_sec is None for row in run(tree, force=True, dry_run=True).results)


@pytest.mark.parametrize("window", [(1, 4), (2, 3), (0, 2), (5, 5), (6, 8), (3, 7)])
def test_c006_a_window_runs_its_stages_only(stubs, tree, window):
    run(tree)
    stubs.calls.clear()
    report = run(tree, start_step=window[0], end_step=window[1], force=True)
    wanted = [row for row in EVERYTHING if window[0] <= row[0] <= window[1]]
    assert completed(report) == wanted


@pytest.mark.parametrize(
    ("part", "scopes"),
    [("patches", {"patch"}), ("merged", {"merged"}), ("all", {"patch", "merged"})],
)
def test_a_part_selects_patches_or_merged_stages(stubs, tree, part, scopes):
    run(tree)
    report = run(tree, part=part, force=True)
    assert {row.scope for row in report.results} == scopes


def test_patches_restrict_the_patch_tasks(stubs, tree):
    report = run(tree, part="patches", patches=("PATCH_2",))
    assert {row.target for row in report.results} == {"PATCH_2"}
    assert not (tree / "PATCH_1" / "ps1.mat").exists()
    run(tree, patches=("PATCH_1",), end_step=4)
    assert (tree / "PATCH_1" / "weed1.mat").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_step": 6, "end_step": 3}, "--start-step 6 is after --end-step 3"),
        ({"patches": ("PATCH_1",)}, "--patches needs --part patches or --end-step 4 or lower"),
        (
            {"patches": ("PATCH_1",), "end_step": 5},
            "--patches needs --part patches or --end-step 4 or lower",
        ),
        ({"part": "merged", "end_step": 4}, "--part merged needs --end-step 5 or higher"),
        ({"part": "patches", "start_step": 6}, "--part patches needs --start-step 5 or lower"),
        ({"start_step": 9}, "steps must lie in 1..8, got 9..8"),
        ({"end_step": 0}, "steps must lie in 1..8, got 1..0"),
        ({"part": "some"}, "part is 'some': use all, patches or merged"),
    ],
)
def test_a_contradictory_window_is_refused_before_anything_is_written(
    stubs, tree, options, message
):
    with pytest.raises(ConfigError) as caught:
        run(tree, **options)
    assert str(caught.value) == message
    assert tree_digest(tree) == {}


def merged_alone(tree):
    """Run to the merge and leave the merged points alone, as a combined dataset has them."""
    run(tree, end_step=5)
    (tree / "patch.list").unlink(missing_ok=True)
    for name in ("PATCH_1", "PATCH_2"):
        shutil.rmtree(tree / name)
    disown(tree)


def test_merged_points_without_patches_go_on_with_stage_6(stubs, tree):
    merged_alone(tree)
    assert completed(run(tree)) == EVERYTHING[-3:]


@pytest.mark.parametrize("window", [{"end_step": 5}, {"start_step": 3}, {"part": "patches"}])
def test_a_window_of_patches_is_refused_where_there_are_none(stubs, tree, window):
    merged_alone(tree)
    with pytest.raises(DatasetError, match=r"no PATCH_\* .*; merged results go on with stage 6"):
        run(tree, **window)


def test_an_unknown_patch_is_refused_with_the_known_ones(stubs, tree):
    with pytest.raises(DatasetError, match=r"has no patch PATCH_9; patches: PATCH_1, PATCH_2"):
        run(tree, part="patches", patches=("PATCH_9",))


def test_c005_a_missing_member_makes_its_task_run_again(stubs, tree):
    run(tree)
    for stage, scope, required, *_ in CHAIN:
        target = "PATCH_1" if scope == "patch" else "root"
        context = PipelineContext(
            tree, start_step=stage, end_step=stage, part={"patch": "patches"}.get(scope, scope)
        )
        for member in required.split():
            path = (tree / target if scope == "patch" else tree) / f"{member}.mat"
            path.rename(path.with_suffix(".away"))
            planned = [(p.stage, p.scope, p.target) for p in plan_pipeline(context)
                       if p.action == "run"]  # fmt: skip
            assert planned == [(stage, scope, target)], member
            path.with_suffix(".away").rename(path)


@pytest.mark.parametrize("content", [b"", b"no MAT file, cut off"])
def test_an_unreadable_marker_makes_its_task_run_again(stubs, tree, content):
    run(tree)
    (tree / "PATCH_1" / "pm1.mat").write_bytes(content)
    assert (2, "patch", "PATCH_1") in completed(run(tree))


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("lost", ["", "PATCH_2/select1.mat", "phuw2.mat", "PATCH_1/bp1.mat"])
def test_c007_a_dry_run_writes_nothing_and_plans_what_the_run_completes(stubs, tree, lost, force):
    run(tree)
    if lost:
        (tree / lost).unlink()
    before = tree_digest(tree)
    dry = run(tree, dry_run=True, force=force)
    assert tree_digest(tree) == before
    assert stubs.calls
    planned = [row[:3] for row in statuses(dry) if row[3] == "planned"]
    assert planned == completed(run(tree, force=force))
    details = {row.details for row in dry.results if row.status == "planned"}
    assert all(text.startswith("Would produce ") for text in details)


def test_a_dry_run_of_a_new_dataset_leaves_it_without_state_directory(stubs, tree):
    report = run(tree, dry_run=True)
    assert {row.status for row in report.results} == {"planned"}
    assert not (tree / ".pystamps-hpc").exists()
    assert sorted(path.name for path in tree.rglob("*")) == ["PATCH_1", "PATCH_2"]


def test_a_dry_run_names_what_running_would_remove(stubs, tree):
    run(tree)
    rows = {(r.stage_id, r.scope): r for r in run(tree, dry_run=True, force=True).results}
    assert rows[7, "merged"].invalidates == ["scn2.mat", "mean_v.mat"]
    assert rows[8, "merged"].invalidates == []


def test_missing_inputs_are_refused_at_plan_time(stubs, tree):
    with pytest.raises(DatasetError) as caught:
        run(tree, start_step=6)
    assert str(caught.value) == f"stage 6 needs ph2.mat in {tree}: run stage 5 first"
    with pytest.raises(DatasetError, match=r"stage 3 needs pm1.mat in PATCH_1: run stage 2 first"):
        run(tree, start_step=3, end_step=4)
    assert tree_digest(tree) == {}


def test_keep_going_turns_a_patch_without_inputs_into_a_failed_row(stubs, tree):
    run(tree, part="patches", patches=("PATCH_2",), end_step=2)
    report = run(tree, start_step=3, keep_going=True)
    assert statuses(report) == [
        (3, "patch", "PATCH_1", "failed"),
        (3, "patch", "PATCH_2", "completed"),
        (4, "patch", "PATCH_2", "completed"),
        (5, "patch", "PATCH_2", "completed"),
    ]
    assert report.results[0].details == "stage 3 needs pm1.mat in PATCH_1: run stage 2 first"
    assert report.exit_code == 1
    targets = {(row["stage"], row["target"]) for row in report.not_started}
    assert targets == {(4, "PATCH_1"), (5, "PATCH_1"), *((s, "root") for s in (5, 6, 7, 8))}


def test_leftovers_of_dead_runs_are_removed_and_counted(stubs, tree):
    for target in (tree, tree / "PATCH_2"):
        folder = target / ".pystamps-hpc" / "tmp" / "20200101T000000Z-aaaaaa-3"
        folder.mkdir(parents=True)
        (folder / "select1.mat").write_bytes(b"half")
    report = run(tree)
    assert "removed what 2 interrupted tasks had left half-written" in report.warnings
    assert not list(tree.rglob(".pystamps-hpc/tmp/*"))


def test_patch_mode_leaves_the_leftovers_of_other_patches(stubs, tree):
    other = tree / "PATCH_2" / ".pystamps-hpc" / "tmp" / "x-1"
    other.mkdir(parents=True)
    run(tree, part="patches", patches=("PATCH_1",))
    assert other.exists()


def test_a_patch_with_parameters_of_its_own_is_told(stubs, tree):
    parameters.save(parameters.load(tree))
    own = parameters.load(tree / "PATCH_2")
    parameters.save(own.set_value("clap_win", 16.0))
    report = run(tree)
    assert [text for text in report.warnings if "PATCH_2/parms.mat" in text] == [
        "PATCH_2/parms.mat: clap_win is 16.0, in the root 32.0; 16.0 holds here"
    ]


def test_stage_1_writes_the_parameters_of_the_root_once(stubs, tree):
    run(tree, end_step=1)
    assert float(parameters.load(tree).value("heading")) == -168.0
    assert not list(tree.glob("PATCH_*/parms.mat"))
    stamp = (tree / "parms.mat").stat().st_mtime_ns
    run(tree, force=True)
    assert (tree / "parms.mat").stat().st_mtime_ns == stamp


def test_every_record_says_that_the_stack_has_a_single_master(stubs, tree):
    run(tree)
    for target in (tree, tree / "PATCH_1"):
        for record in TargetState.load(target).records.values():
            assert record["params"]["small_baseline_flag"] is False


def test_the_newest_fifty_run_directories_are_kept(stubs, tree):
    runs = tree / ".pystamps-hpc" / "runs"
    for k in range(60):
        write_text(runs / f"20200101T0000{k:02d}Z-aaaaaa" / "report.json", "{}")
    going_on = runs / "20190101T000000Z-bbbbbb"
    going_on.mkdir()
    report = run(tree)
    assert len(list(runs.glob("*/report.json"))) == 50
    assert going_on.exists()
    saved = json.loads((runs / report.run_id / "report.json").read_text())
    assert saved == json.loads(json_text(report.to_json()))


def test_stamps_log_gets_one_line_per_task(stubs, tree):
    run(tree)
    lines = (tree / "PATCH_1" / "STAMPS.log").read_text().splitlines()
    assert [line.split()[2] for line in lines] == [f"PYSTAMPS_HPC_{k}" for k in PATCH_STAGES]
    run(tree, force=True, run_config=QUICK.with_values({"output.stamps_log": False}))
    assert len((tree / "PATCH_1" / "STAMPS.log").read_text().splitlines()) == len(PATCH_STAGES)


def test_no_file_is_written_outside_of_the_known_places(stubs, tree):
    run(tree)
    known = {f"{n}.mat" for row in CHAIN for n in f"{row[2]} {row[3]}".split()}
    known |= {"psver.mat", "no_ps_info.mat", "parms.mat", "STAMPS.log", "state.json", "report.json"}
    assert {path.name for path in tree.rglob("*") if path.is_file()} <= known


def test_parts_of_another_version_of_a_program_are_never_found(stubs, tree):
    run(tree)
    record = TargetState.load(tree).records[6]
    names = {fingerprint(record, f"snaphu {version}") for version in ("2.0.6", "2.0.7")}
    assert len(names) == 2


def test_a_dry_run_names_a_file_that_a_task_extends(stubs, tree):
    details = {(r.stage_id, r.scope): r.details for r in run(tree, dry_run=True).results}
    assert details[8, "merged"].startswith("Would produce scn2.mat and extend uw_space_time.mat: ")
    assert "extend" not in details[7, "merged"]


def test_the_outlook_says_what_a_plain_run_would_do(stubs, tree):
    run(tree)
    change(tree, scn_wavelength=50.0)
    (tree / "products").mkdir()
    (tree / "products" / "velocity.png").write_text("old")
    assert ahead(tree).text == "stage 8"
    claim(tree, ["velocity.png"])
    assert ahead(tree).text == "stage 8, products"
    disown(tree)
    assert ahead(tree) == Outlook()
    change(tree, clap_win=16.0)
    assert "not made by pystamps-hpc" in ahead(tree).refused


def test_products_are_made_when_others_may_use_the_dataset(stubs, tree):
    seen = []

    def products(report, team):
        seen.append([*(tree / ".pystamps-hpc" / "lock").glob("*.json")])
        report.warnings.append("drawn")

    report = run_pipeline(PipelineContext(tree, QUICK), finish=products)
    assert (seen, report.warnings[-1:]) == ([[]], ["drawn"])
    kept = next((tree / ".pystamps-hpc" / "runs").glob("*/report.json"))
    assert "drawn" in json.loads(kept.read_text())["warnings"]


def ahead(root):
    dataset = discover_dataset(root)
    known = parameters.load_all(dataset)
    return outlook(Finished(dataset, resolve_choices(QUICK), known))


def test_many_files_are_counted():
    assert shortened(["PATCH_1/pm1.mat", "PATCH_2/pm1.mat"]) == "pm1.mat"
    names = [f"PATCH_{k}/{name}.mat" for k in range(4) for name in ("pm1", "select1")]
    assert shortened(names) == "pm1.mat, select1.mat (8 files)"
    assert named([2, 3, 4, 6]) == "stages 2-4, 6"


def test_parameters_of_the_other_mode_are_told_before_work(stubs, tree):
    change(tree, unwrap_hold_good_values="y", sb_scla_drop_index=(2.0,), weed_neighbours="y")
    told = [line for line in run(tree).warnings if "no effect" in line]
    assert told == [
        "parameter unwrap_hold_good_values is 'y', which has no effect with a single master",
        "parameter sb_scla_drop_index is 2, which has no effect with a single master",
    ]
    assert not [line for line in run(tree).warnings if "no effect" in line]  # nothing is due


def test_only_what_was_set_is_told_of_the_other_mode():
    known = Parameters(stored={"small_baseline_flag": "y"})
    assert list(of_other_mode(Parameters(stored=known.complete))) == []
    pairs = known.with_values({"weed_time_win": 365.0, "sb_scla_drop_index": (2.0,)})
    assert list(of_other_mode(pairs)) == [
        "parameter weed_time_win is 365, which has no effect with small baselines"
    ]
