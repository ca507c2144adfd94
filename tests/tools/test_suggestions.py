"""What ``suggest`` finds in scenes of which it is known what is wrong with them."""

import io
import shlex
import shutil
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.cli import main, shapes
from pystamps_hpc.cli.commands.suggest import view
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.network import network_report
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_hpc.tools.suggestions import suggest
from pystamps_hpc.tools.suggestions.model import Suggestion
from tests.tools.conftest import NATIVE
from tests.tools.test_network import network, series, tree

SCENE = Options(candidates=2500, images=9, patches=(2, 1), seed=4)
NOISY = 3
"""Interferogram that is made noisy, from 0 without the master."""


def make(root, options=SCENE, **changes):
    """Simulate a scene whose parameters suit it."""
    simulate(root, options)
    change(root, density_rand=2.0, **changes)
    return root


def change(root, **changes):
    parameters.save(parameters.load(root).with_values(changes))


def run(root, end):
    report = run_pipeline(PipelineContext(root, NATIVE, end_step=end))
    assert report.ok, [row.details for row in report.failures]


def turn(patch, chosen, deviation):
    """Turn phasors of a patch by random angles: chosen(n_ifg, n_cand) says which."""
    path = patch / "pscands.1.ph"
    n_cand = len((patch / "pscands.1.ij").read_text().splitlines())
    phasors = np.fromfile(path, ">c8").reshape(-1, n_cand)
    angles = np.random.default_rng(len(patch.name)).normal(0, deviation, phasors.shape)
    phasors *= np.exp(1j * angles * chosen(*phasors.shape)).astype(np.complex64)
    phasors.astype(">c8").tofile(path)


def told(root, **options):
    return suggest(root, NATIVE, **options)["suggestions"]


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A scene with nothing wrong, after stage 4."""
    root = make(tmp_path_factory.mktemp("clean") / "scene")
    run(root, 4)
    return root


def copied(root, folder):
    shutil.copytree(root, folder / "scene")
    return folder / "scene"


def test_a_clean_scene_gets_no_suggestion_at_any_stage(clean, tmp_path):
    root = copied(clean, tmp_path)
    for end in (4, 6, 8):
        run(root, end)
        document = suggest(root, NATIVE)
        assert (document["after"], document["suggestions"]) == (end, [])
    assert "Nothing to suggest after stage 8" in shapes.text_of(view(document), io.StringIO())


def test_a_noisy_interferogram_is_named_alone_with_the_line_that_drops_it(tmp_path):
    root = make(tmp_path / "scene")
    blur(root)
    for end in (4, 6, 8):
        run(root, end)
        (found,) = told(root)
        assert found["parameter"] == "drop_ifg_index"
        (reason,) = found["why"]
        ifgs = network_report(root)["pairs"]
        assert found["value"] == [ifgs[NOISY]["number"]]
        assert ifgs[NOISY]["second"] in reason
        assert "noise of" in reason
    for measure in ("arc_noise_deg", "residual_rad"):
        assert ifgs[NOISY][measure] == max(row[measure] for row in ifgs)
    assert found["follows"] == [f"pystamps-hpc run --dataset {root} makes stages 3-8"]
    assert main(shlex.split(found["command"])[1:]) == 0
    assert told(root) == []


def test_the_noise_before_the_merge_is_about_that_after_it(clean, tmp_path):
    root = copied(clean, tmp_path)
    noise = [[row["noise_deg"] for row in network_report(root)["pairs"]]]
    run(root, 5)
    noise.append([row["noise_deg"] for row in network_report(root)["pairs"]])
    before, after = np.sqrt(np.mean(np.square(noise), axis=1))
    assert before == pytest.approx(after, rel=0.15)  # before, the own cell is left out


def test_a_noisy_pair_is_named_alone_before_the_merge(tmp_path):
    pairs = replace(SCENE, small_baseline=True, max_days=330)
    root = make(tmp_path / "scene", pairs)
    blur(root)
    run(root, 4)
    (found,) = told(root)
    assert found["value"] == [NOISY + 1]
    assert len(found["why"]) == 1


def blur(root):
    for patch in root.glob("PATCH_*"):
        turn(patch, lambda n, m: (np.arange(n) == NOISY)[:, None], 1.3)


def test_a_patch_of_few_ps_is_named_with_what_took_them(tmp_path):
    root = make(tmp_path / "scene")
    turn(root / "PATCH_2", lambda n, m: np.arange(m) % 10 > 0, 3.0)
    run(root, 4)
    (found,) = told(root)
    assert (found["parameter"], found["patch"], found["value"]) == ("density_rand", "PATCH_2", 4)
    assert "PATCH_2 keeps" in found["why"][0]
    assert "the selection takes" in found["why"][1] or "the selection takes" in found["why"][2]
    assert f"--dataset {root} makes stages 3" in found["follows"][0]
    assert main(shlex.split(found["command"])[1:]) == 0
    assert told(root) == []  # until it has run


def test_a_search_that_ends_before_the_errors_do_is_named(tmp_path):
    root = make(tmp_path / "scene", replace(SCENE, dem_error=8.0), max_topo_err=8.0)
    run(root, 4)
    (found,) = told(root)
    assert (found["parameter"], found["value"]) == ("max_topo_err", 16)
    assert "at the end of the search, 8 m" in found["why"][0]


def test_weeding_that_takes_most_points_is_named_with_the_noise_of_half_of_them(clean, tmp_path):
    root = copied(clean, tmp_path)
    change(root, weed_standard_dev=0.12)
    assert told(root) == []  # not yet done with it
    run(root, 4)
    (found,) = told(root)
    assert found["parameter"] == "weed_standard_dev"
    noise = np.concatenate([read_mat(p)["ps_std"].ravel() for p in root.glob("*/weed1.mat")])
    assert np.mean(noise < found["value"]) >= 0.5 > np.mean(noise < 0.12)


def test_more_random_points_than_candidates_are_named(tmp_path):
    root = make(tmp_path / "scene")
    change(root, density_rand=1000.0)
    run(root, 4)
    (found,) = told(root)
    assert found["parameter"] == "density_rand"
    assert 0 < found["value"] <= 0.1 * SCENE.density
    assert "set no threshold" in found["why"][0]


def test_pairs_are_those_that_the_network_would_drop(tmp_path):
    phase = series() @ network().design.T
    phase[:80, 0] += 2 * np.pi
    root = tree(tmp_path / "sb", phase, np.full(6, 20.0), drop=(5,))
    document = suggest(root)
    (found,) = document["suggestions"]
    report = network_report(root)
    assert found["value"] == report["drop_next"] == [1, 5]
    assert len(found["why"]) == len(report["worth_dropping"])
    text = shapes.text_of(view(document), io.StringIO())
    assert f"pystamps-hpc parms --dataset {root} set drop_ifg_index 1 5" in " ".join(text.split())


def test_the_line_of_a_dataset_with_a_space_in_its_name_is_one_that_a_shell_reads():
    line = Suggestion("max_topo_err", 30.0, ()).command("/data/our town")
    assert shlex.split(line)[2:4] == ["--dataset", "/data/our town"]


def test_without_stage_4_there_is_nothing_to_judge(tmp_path):
    simulate(tmp_path / "scene", Options(candidates=60, images=3))
    with pytest.raises(DatasetError, match=r"nothing to judge yet; .*--end-step 4"):
        suggest(tmp_path / "scene")
    with pytest.raises(DatasetError, match="does not exist"):
        suggest(tmp_path / "nowhere")


def test_results_of_another_program_are_judged_too(clean, tmp_path):
    root = copied(clean, tmp_path)
    for folder in (root, *root.glob("PATCH_*")):
        shutil.rmtree(folder / ".pystamps-hpc", ignore_errors=True)
    assert told(root) == []
    weed = read_mat(root / "PATCH_1" / "weed1.mat")
    weed["ix_weed"][:] = weed["ix_weed2"][:] = False
    write_mat(root / "PATCH_1" / "weed1.mat", weed)
    (found,) = told(root)
    assert (found["parameter"], found["patch"]) == ("weed_standard_dev", "PATCH_1")
    assert "weeding takes 100% of its selected PS" in found["why"][2]
