"""What people read: on a terminal tables within its width, elsewhere one JSON document."""

import io
import json
import re
import shutil
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from rich.cells import cell_len

from pystamps_hpc.cli import answering, shapes
from pystamps_hpc.cli.commands import COMMANDS, run, status
from pystamps_hpc.cli.display import Display
from pystamps_hpc.cli.parser import build_parser
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline.events import TaskFinished, TaskProgress, TaskStarted, ignore
from pystamps_hpc.pipeline.progress import TaskLog
from pystamps_hpc.pipeline.types import StageResult
from tests.slc_stacks import MASTER, write_snap_pairs

MINI = Path(str(files("pystamps_hpc").joinpath("data/golden-mini")))
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Run a command whose standard output is a terminal of 80 columns; return what it shows."""
    monkeypatch.setattr("pystamps_hpc.cli.prepare", lambda environ: None)
    monkeypatch.setattr(answering, "launcher_hint", lambda environ: None)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def show(*words):
        from pystamps_hpc.cli import main

        stream = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            main([str(word) for word in words])
        return stream.getvalue()

    return show


@pytest.fixture
def mini(tmp_path):
    """A finished dataset with its candidates."""
    root = tmp_path / "data"
    shutil.copytree(MINI / "input", root)
    shutil.copytree(MINI / "expected", root, dirs_exist_ok=True)
    return root


def test_a_module_in_the_folder_of_commands_is_a_command():
    modules = Path(run.__file__).parent.glob("[a-z]*.py")
    assert {path.stem.replace("_", "-") for path in modules} == set(COMMANDS)
    assert all(name == command.name for name, command in COMMANDS.items())


def is_chroot():
    """Whether the root is no mount of its own, so that its file system is not known."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    return all(line.split()[1] != "/" for line in mounts)


DATASET = "patches 2" if is_chroot() else "patches 2 file"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["status", "--detail"], "through stage 8"),
        (["parms", "show"], "unwrap_spatial_cost_func_flag"),
        (["parms", "show", "unwrap_grid_size"], "cell size of the unwrapping grid"),
        (["parms", "show", "ref_lon"], "ref_lon [-Inf Inf]"),
        (["describe-inputs"], "The candidate files of all 2 patches fit together."),
        (["describe-inputs", "--stage", "6"], "Stage 6 (merged): Unwrap phase"),
        (["describe-backends"], "stage2_topofit_coh_row_invariant"),
        (["coverage"], "certified to equal StaMPS"),
        (["doctor", "dataset"], DATASET),
        (["doctor", "dataset"], "MPI not started (one process); no problems, no notes"),
        (["reset-scla", "--dry-run", "--force"], "Would remove scla2.mat"),
        (["run", "--dry-run"], "skipped existing"),
        (["run", "--dry-run"], "Made by another program: stages 1-8; whether with today's"),
        (["run", "--dry-run", "--force"], "1 patch scn2.mat, mean_v.mat, scla2.mat"),
    ],
)
def test_a_terminal_gets_tables_of_eighty_columns(terminal, mini, words, expected):
    if words[0] not in ("coverage", "describe-backends"):
        words = [words[0], "--dataset", mini, *words[1:]] if words[0] == "parms" else [
            *words, "--dataset", mini]  # fmt: skip
    text = terminal(*words)
    plain = COLOUR.sub("", text)
    assert expected in " ".join(plain.split())
    assert max(map(cell_len, plain.splitlines())) <= 80
    assert "{" not in plain


def test_images_before_their_preparation_are_tables_of_eighty_columns(terminal, tmp_path):
    write_snap_pairs(tmp_path)
    words = ("describe-inputs", "--dataset", tmp_path, "--master-date", MASTER)
    plain = COLOUR.sub("", terminal(*words))
    assert "Rasters: 30 of 30 fit" in plain
    assert "and 18 more" in plain
    assert "The stack is sound and not prepared yet." in " ".join(plain.split())
    assert max(map(cell_len, plain.splitlines())) <= 80
    path = next(tmp_path.glob("SMALL_BASELINES/*/*.diff"))
    path.write_bytes(b"")
    plain = COLOUR.sub("", terminal(*words))
    assert "Rasters: 29 of 30 fit" in plain
    assert "truncated, make it again" in " ".join(plain.split())


def test_verify_is_a_table_with_a_sentence_in_mm_per_year(terminal, mini):
    text = COLOUR.sub("", terminal("verify", "--run", mini, "--golden", MINI / "expected"))
    assert "stage 6 merged" in text
    assert "The velocities of 1,411 points are the same." in " ".join(text.split())


def test_codes_are_left_out_where_colour_is_not_wanted(terminal, mini, monkeypatch):
    words = ("verify", "--run", mini, "--golden", MINI / "expected")
    assert "\x1b[32m" in terminal(*words)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in terminal(*words)


def test_words_and_values_stay_whole_and_names_give_way_last(terminal, mini, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    text = terminal("parms", "show", "unwrap", "--dataset", mini)
    assert "200 m " in text
    assert "unwrapping" in text.split()
    monkeypatch.setenv("COLUMNS", "80")
    text = terminal("describe-inputs", "--stage", "6", "--dataset", mini)
    assert {"perpendicular", "interferogram"} <= {*text.split()}
    assert max(map(cell_len, text.splitlines())) <= 80


def test_json_is_given_on_a_terminal_when_it_is_asked_for(terminal, mini, tmp_path):
    text = terminal("status", "--json", "--dataset", mini, "--report", tmp_path / "copy.json")
    assert json.loads(text) == json.loads((tmp_path / "copy.json").read_text())


def test_the_terminal_that_a_launcher_makes_up_is_no_reader(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(answering, "launcher_hint", lambda environ: None)
    assert answering.on_terminal()
    monkeypatch.setattr(answering, "launcher_hint", lambda environ: "a task of a job")
    assert not answering.on_terminal()


def test_bars_say_stage_patch_and_step_and_leave_the_cursor_alone(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    display = Display("auto", 0, False, SerialTeam())
    with display:
        task = (2, "patch", "PATCH_1")
        display(TaskStarted(*task, "Estimate gamma"))
        display(TaskProgress(*task, "gamma, iteration 2", 0.5))
        display(TaskFinished(*task, StageResult(*task, "completed", duration_sec=1.0)))
    text = COLOUR.sub("", stream.getvalue())
    assert "stage 2 PATCH_1 gamma, iteration 2" in text
    assert "[r0] done in 1.00 s" in text
    assert "\x1b[?25l" not in text


def test_the_dataset_is_here_by_default(command, mini, monkeypatch):
    monkeypatch.chdir(mini)
    assert command("status").document["dataset"] == str(mini)
    for words in (["run"], ["status"], ["parms"], ["reset-scla"], ["verify"]):
        assert build_parser().parse_args(words).dataset == "."
    assert command("describe-inputs").document["stage1_dataset_check"]["dataset"] == str(mini)
    found = command("doctor", "dataset").document["dataset"]
    assert (found["root"], found["patches"]) == (str(mini), 2)
    assert found["file_system"] or is_chroot()
    assert command("verify").document["ok"]
    monkeypatch.chdir(mini.parent)
    assert "stage1_dataset_check" not in command("describe-inputs", "--stage", "all").document
    assert "dataset" not in command("doctor", "mpi").document


def test_inputs_where_there_is_nothing_are_no_tables_unless_asked_for(
    command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    ended = command("describe-inputs")
    assert (ended.code, ended.document) == (3, None)
    assert ended.err == (
        f"{tmp_path}: no dataset and no images of a processor; name the directory with --dataset "
        "DIR, or read with --stage all what stages take of any\n"
    )
    assert len(command("describe-inputs", "--stage", "all").document["stages"]) > 8
    write_snap_pairs(tmp_path)
    assert "stack_check" in command("describe-inputs", "--master-date", MASTER).document


def test_help_lists_the_commands_of_every_day_apart_and_fits_eighty_columns():
    text = build_parser().format_help()
    assert all(f"    {name} " in text for name in COMMANDS)
    daily, _, development = text.partition("for developers:")
    assert re.search(r"every day:\n +run  ", daily)
    assert re.search(r"\n +audit  ", development)
    assert not re.search(r"\n +audit  ", daily)
    assert max(map(len, text.splitlines())) <= 80


def test_many_patches_are_counted_rather_than_listed():
    document = {
        "dataset": "D", "merged_stage": 0, "gaps": [], "stale": [], "locked_by": None,
        "last_run": None, "due": 3, "with_feedback": None, "products": [], "combined_of": None,
        "next": {"stages": [6], "refused": "", "text": "stage 6", "options": ""},
        "no_ps": [{"patch": "PATCH_7", "stage": 3}],
        "patches": [{"patch": f"PATCH_{k}", "stage": 5} for k in range(1, 2001)],
    }  # fmt: skip
    text = shapes.text_of(status.view(document), io.StringIO())
    assert "1,999  through stage 5" in text
    assert "no PS left after stage 3" in text
    assert "Of a forced run that was stopped 3 tasks are left to be done again." in text
    assert "Next: pystamps-hpc run --dataset D (makes stage 6)" in text
    assert len(text.splitlines()) < 13


REPORT = {
    "dataset": "/data/scene", "dry_run": False, "interrupted": False, "ok": True, "stale": [],
    "warnings": [], "made": [], "not_made": {}, "would_make": [], "made_elsewhere": [],
    "config_file": "/data/run.yaml",
    "products": {"velocity.png": "/data/scene/products/velocity.png"},
    "dropped_patches": ["PATCH_2"],
    "results": [{"stage": 8, "scope": "merged", "target": "root", "status": "completed",
                 "details": "", "signal": None}],
    "funnel": [{"patch": "PATCH_1", "candidates": 900, "selected": 500, "weeded": 420,
                "merged": 400}, {"patch": "PATCH_2", "candidates": 100, "selected": 0}],
    "findings": {
        "points": {"candidates": 1000, "selected": 500, "weeded": 420, "merged": 400},
        "dropped": {"incoherent": 500, "noisy": 70, "adjacent": 10, "in_overlaps": 20},
        "drop_ifg_index": [3, 12],
        "unwrapping": {"interferograms": 19, "residues": 1204, "cost": 8123.0,
                       "arcs_without_statistics": 0.03, "with_feedback": False},
        "noise": {"median_deg": 32.0,
                  "noisiest": [{"number": 7, "date": "2016-05-03", "deg": 61.0}]},
        "small_baselines": False, "cell_m": None,
        "velocity": [-14.23, 0.1, 3.3],
    },
}  # fmt: skip


def test_a_run_ends_with_what_was_kept_and_dropped_and_what_to_look_at():
    text = shapes.text_of(run.view(REPORT), io.StringIO())
    for sentence in (
        "Of 1,000 candidates in 2 patches 400 points are left.",
        "Dropped: 500 not coherent enough, 70 too noisy, 10 beside a better one, 20 counted by",
        "Without PS and left out: PATCH_2.",
        "Left out by drop_ifg_index: interferograms 3, 12.",
        "Unwrapping 19 interferograms met 1,204 residues; the cost of the solution is 8123.",
        "3% of the arcs had no statistics.",
        "is 32 deg in the median, the largest 61 deg of interferogram 7 (2016-05-03).",
        "98 % of the velocities lie between -14.2 and 3.3 mm/yr",
        "/data/scene/products/velocity.png",
        "Next: look at interferogram 7 (2016-05-03), which is far noisier",
    ):
        assert sentence in text, sentence
    again = "pystamps-hpc run --dataset /data/scene --config /data/run.yaml --start-step 6 --force"
    assert again in text
    fed_back = {**REPORT["findings"]["unwrapping"], "with_feedback": True}
    second = {**REPORT, "findings": {**REPORT["findings"], "unwrapping": fed_back}}
    text = shapes.text_of(run.view(second), io.StringIO())
    assert "It was a pass with feedback" in text
    assert again not in text


def test_a_run_of_small_baselines_explains_cells_and_points_to_the_network():
    pairs = {**REPORT["findings"], "small_baselines": True, "cell_m": 100.0}
    text = shapes.text_of(run.view({**REPORT, "findings": pairs}), io.StringIO())
    assert "The merged points are cells of 100 m (merge_resample_size), each the mean of" in text
    lines = text.splitlines()
    assert "Which pairs are worth dropping: pystamps-hpc network --dataset /data/scene" in lines
    assert sum("pystamps-hpc " in line for line in lines) == 2


def test_a_run_without_patches_shows_no_table_of_them():
    assert "Points" not in shapes.text_of(run.view({**REPORT, "funnel": []}), io.StringIO())


def test_a_run_that_only_drew_the_map_says_so():
    skipped = [{**REPORT["results"][0], "status": "skipped_existing"}]
    drawn = {**REPORT, "results": skipped, "made": ["velocity.png"]}
    text = shapes.text_of(run.view(drawn), io.StringIO())
    assert "made velocity.png; all selected stages were complete" in text
    assert "nothing to do" not in text
    text = shapes.text_of(run.view({**drawn, "made": []}), io.StringIO())
    assert REPORT["products"]["velocity.png"] in text
    assert "nothing to do: all selected stages are complete" in text
    planned = {
        **drawn,
        "made": [],
        "products": {},
        "would_make": ["products/velocity.png"],
        "dry_run": True,
    }
    planned["results"] = [{**skipped[0], "invalidates": []}]
    text = shapes.text_of(run.view(planned), io.StringIO())
    assert "Would make products/velocity.png." in text
    assert "nothing to do" not in text


def test_a_run_without_facts_says_only_what_it_knows():
    nothing = {
        "points": dict.fromkeys(("candidates", "selected", "weeded", "merged")), "dropped": {},
        "unwrapping": dict.fromkeys(REPORT["findings"]["unwrapping"]), "noise": None,
        "drop_ifg_index": [], "velocity": None, "small_baselines": False, "cell_m": None,
    }  # fmt: skip
    bare = {**REPORT, "findings": nothing, "dropped_patches": []}
    text = shapes.text_of(run.view(bare), io.StringIO())
    assert "Next: look at the map." in text
    assert "candidates in" not in text


def test_the_log_of_a_run_keeps_what_verbose_would_say(command, stubs, tree, tmp_path):
    assert command("run", "--dataset", tree, "--quiet", "--progress", "none").code == 0
    (log,) = (tree / ".pystamps-hpc" / "runs").glob("*/log")
    text = log.read_text()
    assert "stage 2 PATCH_1 [r0] done in" in text
    assert "  candidates: 5" in text
    assert "Of 10 candidates in 2 patches" in text
    own = tmp_path / "own.log"
    command("run", "--dataset", tree, "--force", "--end-step", 1, "--log", own)
    assert "stage 1 PATCH_2 [r0] done in" in own.read_text()


def test_science_is_said_of_each_fact():
    from pystamps_hpc.cli.facts import fact_lines

    row = StageResult(2, "patch", "PATCH_1", "completed")

    log = TaskLog(ignore, row, "Estimate gamma")
    log.fact("gamma_change_per_iteration", [0.213456, 0.0432, 0.0012])
    log.fact("merged_per_patch", {"PATCH_1": 3})
    assert list(fact_lines(row)) == ["  gamma change per iteration: 0.2135, 0.0432, 0.0012"]


def test_off_a_terminal_what_people_read_comes_after_the_document(mini, monkeypatch):
    from pystamps_hpc.cli import main

    monkeypatch.setattr("pystamps_hpc.cli.prepare", lambda environ: None)
    log = io.StringIO()
    monkeypatch.setattr(sys, "stdout", log)
    monkeypatch.setattr(sys, "stderr", log)
    assert main(["run", "--dataset", str(mini)]) == 0
    document, _, people = log.getvalue().rpartition("\n}\n")
    products = json.loads(document[document.index("{\n") :] + "\n}")["products"]
    assert list(products) == ["velocity.png", "velocity.csv"]
    log.truncate(0)
    assert main(["run", "--dataset", str(mini)]) == 0
    document, _, people = log.getvalue().rpartition("\n}\n")
    assert people.splitlines()[:2] == list(products.values())
    assert "nothing to do" in people.splitlines()[-1]
