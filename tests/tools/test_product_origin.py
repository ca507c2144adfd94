"""Products belong to the results they were made from: they come, go and change with them."""

import errno
import json
import os
import sys

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.config.products import PRODUCTS
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import ToolMissingError
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline import product_origins
from pystamps_hpc.pipeline.product_origins import read_origins
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext, PipelineReport, StageResult
from pystamps_hpc.tools.export import format_that_writes
from pystamps_hpc.tools.export.write import export
from pystamps_hpc.tools.products import velocity_csv, velocity_map
from pystamps_hpc.tools.products.result import read_velocities
from pystamps_hpc.tools.run_products import make_products, require_products
from pystamps_hpc.tools.verification.compare import verify_run_alone
from tests.tools.test_products import Result

BOTH = {"velocity.png", "velocity.csv"}
CONFIG = RunConfig()


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A finished dataset; its picture is drawn quickly."""

    def draw(root, path, value_type):
        velocities = read_velocities(root, value_type)
        path.write_bytes(velocities.velocity.tobytes())

    monkeypatch.setattr(velocity_map, "velocity_map", draw)
    return Result(tmp_path / "set").root


def without_matplotlib(root, path, value_type):
    raise ToolMissingError("matplotlib is not installed")


def finish(root, status="skipped_existing", config=CONFIG, **options):
    """Return the report of a run that found or made stage 8."""
    rows = [StageResult(8, "merged", "root", status)]
    report = PipelineReport("run", rows, dataset=str(root), config=config.to_dict(), **options)
    make_products(report, SerialTeam())
    return report


def made(root, config=CONFIG):
    """Return the names of the products that a run makes anew; its report names all there are."""

    def stamps():
        paths = (root / "products" / name for name in BOTH)
        return {
            path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
            for path in paths
            if path.exists()
        }

    before = stamps()
    report = finish(root, config=config)
    assert set(report.products) == BOTH
    changed = {name for name, stamp in stamps().items() if stamp != before.get(name)}
    assert changed == set(report.made)
    return changed


def move(root):
    """Let the velocities be others, without a word to the products."""
    fit = read_mat(root / "mean_v.mat")
    write_mat(root / "mean_v.mat", {**fit, "mean_v": fit["mean_v"] + 1})


def contents(root):
    return {name: (root / "products" / name).read_bytes() for name in BOTH}


def test_products_are_made_once_and_again_when_their_results_changed(root):
    assert set(finish(root, "completed").products) == BOTH
    first = contents(root)
    assert made(root) == set()
    move(root)
    assert made(root) == BOTH
    assert all(contents(root)[name] != first[name] for name in BOTH)
    for lost in ("velocity.csv", "velocity.json"):
        (root / "products" / lost).unlink()
        assert made(root) == {"velocity.csv"}
        assert (root / "products" / lost).exists()


def test_products_of_others_are_replaced_with_force_alone(root):
    finish(root)
    (root / ".pystamps-hpc" / "products.json").unlink()
    before = contents(root)
    report = finish(root)
    assert (report.products, set(report.not_made), report.exit_code) == ({}, BOTH, 1)
    assert (
        "products/velocity.png: not made by a run of pystamps-hpc"
        in report.not_made["velocity.png"]
    )
    assert contents(root) == before
    assert set(finish(root, force=True).made) == BOTH


def test_a_product_whose_making_was_interrupted_is_ours(root, monkeypatch):
    def killed(root, path, value_type):
        path.write_bytes(b"new")
        raise KeyboardInterrupt

    drawn = velocity_map.velocity_map
    monkeypatch.setattr(velocity_map, "velocity_map", killed)
    with pytest.raises(KeyboardInterrupt):
        finish(root)
    monkeypatch.setattr(velocity_map, "velocity_map", drawn)
    assert set(finish(root).made) == BOTH


@pytest.mark.parametrize("status", ["planned", "skipped_existing"])
def test_a_dry_run_tells_what_would_be_made_and_writes_nothing(root, status):
    report = finish(root, status, dry_run=True)
    assert report.would_make == ["products/velocity.png", "products/velocity.csv"]
    assert not (root / "products").exists()
    finish(root)
    report = finish(root, "skipped_existing", dry_run=True)
    assert (report.would_make, report.products) == ([], {})


def test_the_table_says_which_interferograms_it_uses_and_what_others_made(root):
    finish(root)
    meaning = json.loads((root / "products" / "velocity.json").read_text())
    assert len(meaning["interferogram_numbers"]) == meaning["interferograms"]
    assert {"phuw2.mat", "scla2.mat"} <= set(meaning["made_elsewhere"])
    (root / "mean_v.mat").unlink()
    (told,) = finish(root).warnings
    assert told.startswith("phuw2.mat, scla2.mat: made by another program; the products use")


def test_a_mean_v_of_another_program_that_is_not_what_was_asked_for_is_told(root):
    fit = read_mat(root / "mean_v.mat")
    write_mat(root / "mean_v.mat", {"m": fit["m"]})
    told = finish(root).warnings[0]
    assert told == (
        "mean_v.mat does not say the type of its velocities: they are fitted anew, as v-do"
    )
    write_mat(root / "mean_v.mat", {**fit, "value_type": "v-o"})
    assert "of another program, of type v-o; v-do was asked for" in finish(root).warnings[0]


def test_a_product_that_cannot_be_written_fails_the_run_and_the_results_stand(root):
    (root / "products").write_text("no folder")
    report = finish(root)
    assert (report.ok, report.exit_code) == (False, 1)
    assert set(report.not_made) == BOTH
    assert all("products" in reason for reason in report.not_made.values())
    assert (root / "mean_v.mat").exists()
    (root / "products").unlink()
    assert finish(root).exit_code == 0


@pytest.mark.parametrize("saved", [0, 1])
def test_a_product_whose_origin_cannot_be_recorded_fails_the_run_which_reports(
    root, monkeypatch, saved
):
    real, calls = product_origins.write_text, []

    def full(path, text):
        calls.append(path)
        if len(calls) > saved:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path.name)
        real(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(product_origins, "write_text", full)
        report = finish(root)
    assert (set(report.not_made), report.made) == (BOTH, [])
    assert all("products.json: No space left" in reason for reason in report.not_made.values())
    assert finish(root).exit_code == 0


def test_an_old_product_does_not_outlive_a_new_one_that_fails(root, monkeypatch):
    finish(root)
    move(root)
    monkeypatch.setattr(velocity_map, "velocity_map", without_matplotlib)
    for _ in range(2):
        report = finish(root)
        assert report.exit_code == 1
        assert report.not_made == {"velocity.png": "matplotlib is not installed"}
    assert not (root / "products" / "velocity.png").exists()


def test_without_a_mean_v_the_velocities_are_fitted_to_what_is_there(tmp_path):
    result = Result(tmp_path / "set")
    (result.root / "mean_v.mat").unlink()
    found = read_velocities(result.root)
    np.testing.assert_allclose(found.velocity, result.velocity, atol=1e-3)
    assert found.value_type == "v-do"


def test_the_type_of_fitted_velocities_is_part_of_their_origin(root):
    (root / "mean_v.mat").unlink()
    finish(root)
    assert made(root) == set()
    plain = CONFIG.with_values({"output.mean_v_type": "v"})
    assert made(root, plain) == BOTH
    assert not (root / "mean_v.mat").exists()


def test_verify_finds_products_that_were_made_from_other_results(root):
    finish(root)
    assert not [row for row in verify_run_alone(root).failed if "products" in row["path"]]
    move(root)
    rows = [row for row in verify_run_alone(root).failed if row["failure_kind"] == "outdated"]
    assert [row["message"] for row in rows] == [
        "products/velocity.png: made from other mean_v.mat",
        "products/velocity.csv: made from other mean_v.mat",
    ]


@pytest.mark.parametrize("stage", [2, 6, 8])
def test_a_stage_that_runs_removes_the_products(stubs, tree, stage):
    run_pipeline(PipelineContext(tree))
    os.makedirs(tree / "products")
    for name in ("velocity.csv", "velocity.json", "velocity.qml"):
        (tree / "products" / name).write_text("old")
    report = run_pipeline(PipelineContext(tree, start_step=stage, end_step=stage, force=True))
    assert "products/velocity.csv" in report.results[0].invalidates
    assert [path.name for path in (tree / "products").iterdir()] == ["velocity.qml"]


def test_a_stage_that_runs_unforced_leaves_products_of_others(stubs, tree):
    run_pipeline(PipelineContext(tree))
    os.makedirs(tree / "products")
    (tree / "products" / "velocity.csv").write_text("mine")
    (tree / "scn2.mat").unlink()
    report = run_pipeline(PipelineContext(tree))
    assert report.results[-1].status == "completed"
    assert (tree / "products" / "velocity.csv").read_text() == "mine"


def test_a_killed_forced_run_has_taken_the_products_of_others_over(stubs, tree):
    def killed(_ctx):
        raise KeyboardInterrupt

    run_pipeline(PipelineContext(tree))
    os.makedirs(tree / "products")
    (tree / "products" / "velocity.png").write_text("of another program")
    stubs.acts[8, "root"] = killed
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(PipelineContext(tree, start_step=8, force=True))
    stubs.acts.clear()
    assert run_pipeline(PipelineContext(tree)).ok
    assert not (tree / "products" / "velocity.png").exists()


def test_without_matplotlib_a_first_map_is_missed_but_no_failure(root, monkeypatch):
    monkeypatch.setattr(velocity_map, "velocity_map", without_matplotlib)
    for _ in range(2):
        assert finish(root).exit_code == 0


@pytest.mark.parametrize(
    "content", ["", "[]", '{"velocity.png": 1}', '{"velocity.png": {"inputs": {"ps2.mat": 0}}}']
)
def test_damaged_origins_count_as_none(root, content):
    finish(root)
    (root / ".pystamps-hpc" / "products.json").write_text(content)
    assert read_origins(root) == {}
    assert set(finish(root).not_made) == BOTH


def test_a_run_leaves_what_the_configuration_names(root):
    chosen = RunConfig().with_values({"output.products": ["velocity.csv", "points.gpkg"]})
    assert list(finish(root, config=chosen).products) == ["velocity.csv", "points.gpkg"]
    assert not (root / "products" / "velocity.png").exists()
    assert finish(root, config=chosen).made == []
    move(root)
    assert finish(root, config=chosen).made == ["velocity.csv", "points.gpkg"]
    nothing = RunConfig().with_values({"output.products": []})
    assert finish(root, config=nothing).products == {}


def test_an_export_whose_library_is_missing_is_refused_before_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    require_products(RunConfig())
    chosen = RunConfig().with_values({"output.products": ["points.gpkg"]})
    with pytest.raises(ToolMissingError, match="export gpkg needs it"):
        require_products(chosen)


@pytest.mark.parametrize("name", [name for name in PRODUCTS if name not in BOTH])
def test_the_files_of_an_export_are_those_that_go_with_its_results(name):
    assert format_that_writes(name).sides == PRODUCTS[name]


def test_what_another_program_made_stays_when_its_replacement_fails(root, monkeypatch):
    finish(root)
    (root / ".pystamps-hpc" / "products.json").unlink()
    before = contents(root)

    def full(root, path, value_type):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(velocity_map, "velocity_map", full)
        patch.setattr(velocity_csv, "velocity_csv", full)
        assert set(finish(root, force=True).not_made) == BOTH
    assert contents(root) == before
    assert set(finish(root).not_made) == BOTH  # and is another program's still


def test_an_export_counts_as_made_here_unless_it_shows_something_else(root):
    chosen = RunConfig().with_values({"output.products": ["points.gpkg", "velocity.kmz"]})
    export(root, "gpkg")
    export(root, "kmz", limits=(-9, 9))
    report = finish(root, config=chosen)
    assert (list(report.products), report.made) == (["points.gpkg"], [])
    assert "not made by a run" in report.not_made["velocity.kmz"]
