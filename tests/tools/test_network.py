"""The report on the network: islands, triplets that close or not, pairs worth dropping."""

import io
import re
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pystamps_hpc.cli import shapes
from pystamps_hpc.cli.commands.network import view
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import ConfigError, DatasetError
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_hpc.stages.shared.triplets import triplets_of
from pystamps_hpc.tools.listing import dataset_listing
from pystamps_hpc.tools.network import network_picture, network_report, report
from pystamps_hpc.tools.network.closure import misclosed, of_each
from pystamps_hpc.tools.network.deviation import rms_residual
from pystamps_hpc.tools.network.picture import image_baselines

PAIRS = np.array([[0, 1], [0, 2], [1, 2], [1, 3], [2, 3], [3, 4]])
ALL = np.arange(6)
DAYS = 736000 + 24.0 * np.arange(5)
BPERP = np.array([60.0, -30.0, 0.0, 40.0, -90.0])


def network(pairs=PAIRS):
    first, second = pairs.T
    return Ifgs(pairs, BPERP[second] - BPERP[first], DAYS, DAYS[2], None)


def series(n_ps=400):
    """Phase of each image, (n_ps, 5) [rad]."""
    return np.random.default_rng(4).uniform(-30, 30, (n_ps, 5))


def tree(root, phase=None, noise=None, pairs=PAIRS, predicted=None, drop=()):
    """Write a merged dataset that has been through the stages whose results are given."""
    ifgs = network(pairs)
    root.mkdir()
    day, days = DAYS[:, None], DAYS[pairs]
    write_mat(root / "ps2.mat", {
        "bperp": ifgs.bperp[:, None], "day": day, "master_day": DAYS[2], "master_ix": 3.0,
        "n_ifg": float(len(pairs)), "n_image": 5.0, "n_ps": 400.0, "ifgday": days,
        "ifgday_ix": pairs + 1.0, "ij": np.ones((400, 3)), "lonlat": np.ones((400, 2)),
        "xy": np.ones((400, 3), np.float32),
    })  # fmt: skip
    known = parameters.load(root).with_values({"small_baseline_flag": "y"})
    parameters.save(known.set_value("drop_ifg_index", list(drop)))
    if noise is not None:
        write_mat(root / "ifgstd2.mat", {"ifg_std": np.float32(noise)[:, None]})
    if phase is not None:
        msd = np.zeros((len(pairs), 1), np.float32)
        write_mat(root / "phuw_sb2.mat", {"ph_uw": phase.astype(np.float32), "msd": msd})
        if predicted is None:
            predicted = phase
        write_mat(root / "phuw_sb_res2.mat", {
            "ph_res": predicted.astype(np.float32), "sb_cov": np.eye(len(pairs)),
            "sm_cov": np.eye(5),
        })  # fmt: skip
    return root


def test_triplets_are_the_triangles_of_the_network():
    assert sorted(map(sorted, triplets_of(PAIRS, ALL).ifgs.tolist())) == [[0, 1, 2], [2, 3, 4]]
    assert len(triplets_of(PAIRS, ALL[[0, 3, 5]])) == 0


@given(st.lists(st.booleans(), min_size=6, max_size=6))
def test_phases_of_a_series_close_whichever_image_comes_first(turned):
    pairs = np.where(np.array(turned)[:, None], PAIRS[:, ::-1], PAIRS)
    phase = series(50) @ network(pairs).design.T
    # each interferogram has its own whole number of cycles
    phase += 2 * np.pi * np.array([0, 3, -2, 7, 1, 0])
    assert misclosed(phase, triplets_of(pairs, ALL)).tolist() == [0, 0]


def test_points_on_another_cycle_are_found_in_every_triplet_of_their_pair():
    phase = series() @ network().design.T
    phase[:100, 2] += 2 * np.pi
    shares = misclosed(phase, triplets_of(PAIRS, ALL))
    assert shares.tolist() == [0.25, 0.25]
    assert np.allclose(of_each(shares, triplets_of(PAIRS, ALL), 6)[:5], 0.25)
    assert np.isnan(of_each(shares, triplets_of(PAIRS, ALL), 6)[5])


def test_points_without_phase_do_not_count():
    phase = series() @ network().design.T
    phase[100:, 2] = np.nan
    phase[:20, 2] += 2 * np.pi
    assert misclosed(phase, triplets_of(PAIRS, ALL)).tolist() == pytest.approx([0.2, 0.2])
    phase[:, 2] = np.nan
    assert np.isnan(misclosed(phase, triplets_of(PAIRS, ALL))).all()


def test_a_residual_is_what_is_left_beside_a_constant():
    predicted = series() @ network().design.T
    phase = predicted + 5.0
    phase[:, 1] += np.where(np.arange(400) % 2, 0.3, -0.3)
    assert rms_residual(phase, predicted) == pytest.approx([0, 0.3, 0, 0, 0, 0], abs=1e-9)


def test_baselines_of_images_are_those_the_pairs_come_from():
    assert image_baselines(network()) == pytest.approx(BPERP)


def test_the_report_of_a_good_network_advises_nothing(tmp_path):
    phase = series() @ network().design.T
    report = network_report(tree(tmp_path / "sb", phase, np.full(6, 20.0)))
    assert report["worth_dropping"] == []
    assert (report["loops"], report["triplets"]) == (2, 2)
    assert len(report["islands"]) == 1
    assert report["images_of_one_pair"] == ["2015-05-12"]
    assert {row["misclosed"] for row in report["pairs"][:5]} == {0}
    assert report["pairs"][0]["noise_deg"] == 20
    assert "No interferogram is worth dropping." in shapes.text_of(view(report), io.StringIO())


def test_nothing_is_said_of_pairs_of_which_nothing_is_known(tmp_path):
    report = network_report(tree(tmp_path / "sb"))
    assert "worth dropping" not in shapes.text_of(view(report), io.StringIO())


def test_noisy_and_badly_unwrapped_pairs_are_worth_dropping_the_worst_first(tmp_path):
    phase = series() @ network().design.T
    phase[:80, 0] += 2 * np.pi
    noise = np.array([20, 20, 20, 90.0, 20, 20])
    report = network_report(tree(tmp_path / "sb", phase, noise))
    first, *others = report["worth_dropping"]
    assert first["number"] == 1
    assert "do not close" in first["why"][0]
    assert "noise of 90 degrees" in others[-1]["why"][0]


def test_a_pair_without_which_an_image_would_be_lost_is_kept(tmp_path):
    noise = np.array([20, 20, 20, 20, 20, 90.0])
    assert network_report(tree(tmp_path / "sb", noise=noise))["worth_dropping"] == []


def test_dropped_pairs_are_left_out_and_islands_are_named(tmp_path):
    report = network_report(tree(tmp_path / "sb", drop=(4, 5)))
    assert report["dropped"] == [4, 5]
    assert len(report["islands"]) == 2
    assert [row["number"] for row in report["pairs"] if row["dropped"]] == [4, 5]


def test_without_stage_1_there_is_no_network(tmp_path):
    (tmp_path / "PATCH_1").mkdir()
    with pytest.raises(DatasetError, match="run stage 1 first"):
        network_report(tmp_path)


def test_without_a_merge_of_stages_the_noise_is_that_of_the_phase(tmp_path):
    root = tree(tmp_path / "both")
    own = np.random.default_rng(1).normal(0, 0.3, (400, 6))
    filtered = np.exp(1j * (series() @ network().design.T))
    write_mat(root / "rc2.mat", {"ph_rc": (filtered * np.exp(1j * own)).astype(np.complex64)})
    write_mat(root / "pm2.mat", {"ph_patch": filtered.astype(np.complex64)})
    found = [row["noise_deg"] for row in network_report(root)["pairs"]]
    assert found == pytest.approx(np.degrees(np.sqrt(np.mean(own**2, axis=0))), abs=0.06)
    listed = [row["noise_deg"] for row in dataset_listing(root)["interferograms"]]
    assert listed == pytest.approx(found, abs=0.06)


def test_what_is_shown_although_it_is_out_of_date_is_told(tmp_path, monkeypatch):
    root = tree(tmp_path / "sb")
    rows = [{"stage": stage, "path": f"{stage}", "reason": "r", "again": ""} for stage in (3, 6, 7)]
    monkeypatch.setattr(report, "stale_results", lambda *_: rows)
    document = network_report(root)
    assert [row["stage"] for row in document["stale"]] == [3, 6]
    assert "Out of date" in shapes.text_of(view(document), io.StringIO())


def test_numbers_of_a_column_have_the_same_decimals(tmp_path):
    phase = series() @ network().design.T
    document = network_report(tree(tmp_path / "sb", phase, np.full(6, 20.0)))
    text = shapes.text_of(view(document), io.StringIO())
    assert re.search(r"^1 +\S+ +\S+ +24 +-90\.0 +20\.0 +- +0\.0% +0\.000$", text, re.M)


@pytest.mark.parametrize(("suffix", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF"),
                                                ("svg", b"<?xml")])  # fmt: skip
def test_the_picture_is_what_its_name_says(tmp_path, suffix, begins):
    pytest.importorskip("matplotlib")
    noise = np.array([20, 20, 20, 90.0, 20, 20])
    path = network_picture(tree(tmp_path / "sb", noise=noise, drop=(1,)),
                           tmp_path / f"net.{suffix}")  # fmt: skip
    assert path.read_bytes().startswith(begins)


def test_the_picture_has_a_number_for_each_pair_and_a_legend_of_the_lines(tmp_path, monkeypatch):
    figure = pytest.importorskip("matplotlib.figure")
    drawn = []
    saved = figure.Figure.savefig

    def savefig(self, *words, **more):
        drawn.append(self)
        saved(self, *words, **more)

    monkeypatch.setattr(figure.Figure, "savefig", savefig)
    noise = np.array([20, 20, 90, 20.0, 20, 20])
    network_picture(tree(tmp_path / "sb", noise=noise, drop=(1,)), tmp_path / "net.png")
    axes = drawn[0].axes[0]
    assert {text.get_text() for text in axes.texts} == {"1", "2", "3", "4", "5", "6"}
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == ["image", "master", "used", "worth dropping", "dropped"]


def test_a_picture_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"net.jpg: a picture ends with .png, .pdf or .svg"):
        network_picture(tree(tmp_path / "sb"), tmp_path / "net.jpg")


def test_images_of_a_single_master_are_judged_one_by_one(tmp_path, finished):
    root = tmp_path / "scene"
    shutil.copytree(finished, root)
    pairs = network_report(root)["pairs"]
    phase = read_mat(root / "phuw2.mat")
    before = [row["residual_rad"] for row in pairs]
    assert all(value > 0 for value in before)
    # a straight line, and what is the same in all points, is no residual
    points = read_mat(root / "ps2.mat")
    day = points["day"].ravel() - points["master_day"].item()
    rate = np.random.default_rng(2).normal(0, 0.01, (len(phase["ph_uw"]), 1))
    line = (rate * day + np.linspace(0, 3, len(day))).astype(np.float32)
    write_mat(root / "phuw2.mat", {**phase, "ph_uw": phase["ph_uw"] + line})
    assert [row["residual_rad"] for row in network_report(root)["pairs"]] == pytest.approx(
        before, abs=2e-3
    )
    # one image of which half the points are a cycle and a half off
    off = np.where(np.arange(len(line)) % 2, 4.5, -4.5)
    image = pairs[3]["number"] - 1
    phase["ph_uw"][:, image] += off
    write_mat(root / "phuw2.mat", phase)
    (worst,) = network_report(root)["worth_dropping"]
    assert worst["number"] == image + 1
    assert "rad off the others" in worst["why"][0]
