"""A run writes into its dataset and nowhere else, wherever links in the dataset point."""

import os

import pytest

from pystamps_hpc.errors import DatasetError
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.run_products import make_products
from tests.stub_chain import tree_digest

from .runs import QUICK

STATE = ".pystamps-hpc"


def run(root, **options):
    return run_pipeline(PipelineContext(root, QUICK, **options), finish=make_products)


@pytest.fixture
def elsewhere(tmp_path):
    """A folder that a run would empty or append to, if it followed a link there."""
    folder = tmp_path / "elsewhere"
    for name in ("tmp/thesis.txt", "memo/6-abc/part", "6-abc/part", "old/report.json", "log"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("not yours")
    return folder


@pytest.mark.parametrize("place", ["", "PATCH_1/"])
@pytest.mark.parametrize(
    "name", [STATE, f"{STATE}/tmp", f"{STATE}/memo", f"{STATE}/lock", f"{STATE}/runs",
             "STAMPS.log", "products"],
)  # fmt: skip
def test_a_link_out_of_the_dataset_is_refused_by_name(stubs, tree, elsewhere, place, name):
    link = tree / place / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere / "log" if name == "STAMPS.log" else elsewhere)
    before = tree_digest(elsewhere)
    with pytest.raises(DatasetError) as caught:
        run(tree)
    assert str(caught.value).startswith(f"{link}: is a link to {elsewhere}")
    assert caught.value.exit_code == 3
    assert tree_digest(elsewhere) == before
    assert not stubs.calls


def test_a_link_that_appears_while_a_run_is_at_work_is_not_followed(stubs, tree, elsewhere):
    before = tree_digest(elsewhere)

    def plant(ctx):
        (tree / "PATCH_1" / STATE / "tmp").symlink_to(elsewhere)

    stubs.acts[2, "PATCH_1"] = plant
    (tree / "PATCH_1" / STATE).mkdir()
    run(tree, end_step=1)
    (tree / "PATCH_1" / STATE / "tmp").rmdir()
    report = run(tree)
    assert "is a link to" in next(row.details for row in report.results if row.status == "failed")
    assert tree_digest(elsewhere) == before


def test_a_patch_may_be_a_link_and_keeps_its_state_itself(stubs, tree, tmp_path):
    os.rename(tree / "PATCH_1", tmp_path / "other disk")
    (tree / "PATCH_1").symlink_to(tmp_path / "other disk")
    assert run(tree).ok
    assert (tmp_path / "other disk" / STATE / "state.json").exists()
    assert (tmp_path / "other disk" / "STAMPS.log").read_text().count("PYSTAMPS_HPC") == 5


def test_a_link_that_stays_in_the_dataset_is_used(stubs, tree):
    (tree / "logs").mkdir()
    (tree / "STAMPS.log").symlink_to("logs/stamps.log")
    assert run(tree).ok
    assert (tree / "logs" / "stamps.log").read_text().count("PYSTAMPS_HPC") == 4


def test_a_log_that_cannot_be_written_costs_no_result(stubs, tree):
    os.mkfifo(tree / "STAMPS.log")  # opening it would wait for a reader
    report = run(tree)
    assert report.ok
    assert any("STAMPS.log" in text for row in report.results for text in row.warnings)
