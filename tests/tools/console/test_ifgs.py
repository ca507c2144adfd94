"""Interferograms and selection over HTTP: the numbers are those of the tools and the artifacts."""

import io

import numpy as np
import pytest

pytest.importorskip("fastapi")

from pystamps_hpc.dataset.mat import read_mat
from pystamps_hpc.tools.network.report import network_report
from pystamps_hpc.tools.plots.histogram import coherence_of
from pystamps_hpc.tools.plots.patches import Patches
from pystamps_hpc.tools.plots.selection import kept_by_stages
from pystamps_hpc.tools.products.values import read_values

from ..conftest import NATIVE
from .test_results import ask


@pytest.fixture
def client(console, finished):
    return console(finished, config=NATIVE)  # with which it was made: nothing is to be done


def of_patches(root, artifact, name):
    files = sorted(root.glob(f"PATCH_*/{artifact}.mat"))
    return np.concatenate([read_mat(file)[name].ravel() for file in files])


def test_the_network_is_that_of_the_command(client, finished):
    found = ask(client, "/ifgs").json()
    report = network_report(finished)
    for name in ("interferograms", "pairs", "worth_dropping", "dropped", "master"):
        assert found[name] == report[name]
    places = {each["date"]: each["bperp_m"] for each in found["places"]}
    assert places[report["master"]] == 0
    for pair in report["pairs"]:
        assert places[pair["second"]] - places[pair["first"]] == pytest.approx(
            pair["bperp_m"], abs=0.2
        )


@pytest.mark.parametrize(
    ("kind", "value_type"), [("wrapped", "w"), ("unwrapped", "u"), ("residual", "u-dmos")]
)
def test_small_maps_show_every_column(client, finished, kind, value_type):
    from PIL import Image

    facts = ask(client, f"/ifgs/panel?kind={kind}").json()
    values = read_values(finished, value_type)
    assert facts["value_type"] == value_type
    assert [each["date"] for each in facts["maps"]] == values.labels
    assert facts["unit"] == "rad"
    number = facts["maps"][0]["number"]
    answer = ask(client, f"/ifg.png?kind={kind}&ifg={number}&width=120")
    image = Image.open(io.BytesIO(answer.content))
    assert image.width == 120
    assert len(np.unique(np.asarray(image))) > 5


def test_dropping_one_tells_which_stages_would_run_again_and_changes_nothing(client, finished):
    before = read_mat(finished / "parms.mat")
    found = ask(client, "/drop?ifgs=3").json()
    assert found["stages"] == [3, 4, 5, 6, 7, 8]
    assert found["drop_ifg_index"] == [3]
    assert found["told"]
    assert ask(client, "/drop?ifgs=").json()["stages"] == []
    assert read_mat(finished / "parms.mat").keys() == before.keys()
    pairs = {pair["number"] for pair in ask(client, "/ifgs").json()["pairs"]}
    (master,) = set(range(1, 9)) - pairs
    assert "master" in ask(client, f"/drop?ifgs={master}").json()["told"][0]


def test_the_selection_is_what_the_stages_kept(client, finished):
    found = ask(client, "/selection").json()
    patches = Patches.of(finished)
    kept = kept_by_stages(patches)
    assert found["funnel"] == [{"name": each.name, "points": len(each.places)} for each in kept]
    coherence = coherence_of(patches)
    assert found["coherence"]["all"] == coherence.candidates.tolist()
    assert found["coherence"]["kept"] == coherence.kept.tolist()
    assert len(found["coherence"]["edges"]) == 101
    noise = np.concatenate(
        [read_mat(file)["ps_std"].ravel() for file in sorted(finished.glob("PATCH_*/weed1.mat"))]
    )
    assert sum(found["noise"]["all"]) == len(noise)
    assert sum(found["noise"]["kept"]) == (noise < found["noise"]["limit"]).sum()
    dispersion = np.concatenate(
        [read_mat(file)["D_A"].ravel() for file in sorted(finished.glob("PATCH_*/da1.mat"))]
    )
    assert sum(found["dispersion"]["all"]) == len(dispersion)


def test_before_stage_1_there_is_no_selection(console, simulated):
    assert "no patch has ps1.mat" in ask(console(simulated), "/selection", 409).json()["error"]
