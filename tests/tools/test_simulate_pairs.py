"""Simulated small baselines: a network within limits, and the phase of the same scene."""

from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import read_mat
from pystamps_hpc.dataset.parameter_table import defaults
from pystamps_hpc.errors import ConfigError
from pystamps_hpc.tools.simulate import Options, simulate

STACK = Options(candidates=1500, images=9, patches=(1, 1), seed=2, noise=False)
PAIRS = replace(STACK, small_baseline=True, max_days=300)


def phases(report):
    """Return the phasors of the one patch, (n_cand, n_ifg)."""
    values = np.fromfile(report.root / "PATCH_1" / "pscands.1.ph", ">c8")
    return values.reshape(report.interferograms, -1).T


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """The same scene with a single master and with small baselines: report and truth of each."""
    folder = tmp_path_factory.mktemp("sim")
    reports = [simulate(folder / "ps", STACK), simulate(folder / "sb", PAIRS)]
    return [(report, dict(np.load(report.truth))) for report in reports]


def test_pairs_are_all_those_within_the_limits(sets):
    _, truth = sets[1]
    iso = [f"{date[:4]}-{date[4:6]}-{date[6:]}" for date in truth["dates"].tolist()]
    days = np.array(iso, "datetime64[D]").astype(int)
    wanted = [
        [i, k] for i in range(9) for k in range(i + 1, 9)
        if days[k] - days[i] <= 300 and abs(truth["bperp"][k] - truth["bperp"][i]) <= 300
    ]  # fmt: skip
    assert truth["pairs"].tolist() == wanted


def test_a_pair_is_the_difference_of_two_interferograms_of_the_master(sets):
    (stack, ps), (network, sb) = sets
    _, in_stack, in_network = np.intersect1d(
        *(t["ij"][:, 0] * 10000 + t["ij"][:, 1] for t in (ps, sb)), return_indices=True
    )
    assert len(in_network) > 1000  # both choose 1,500 of the same sites
    to_image = np.insert(phases(stack), ps["master"], 1, axis=1)[in_stack]
    first, second = sb["pairs"].T
    turn = phases(network)[in_network] * np.conj(to_image[:, second] * np.conj(to_image[:, first]))
    assert np.abs(np.angle(turn)).max() < 1e-4


def test_dispersion_is_that_of_the_pairs(sets):
    of_images, of_pairs = (truth["D_A"] for _, truth in sets)
    assert of_pairs.max() < 0.6
    assert 1.3 < np.median(of_pairs) / np.median(of_images) < 1.5  # sqrt(2)


def test_files_are_those_that_a_preparation_of_small_baselines_leaves(sets):
    report, truth = sets[1]
    assert read_mat(report.root / "parms.mat")["small_baseline_flag"] == "y"
    assert (
        defaults(small_baselines=True).keys() | {"Created"}
        == read_mat(report.root / "parms.mat").keys()
    )
    names = ["_".join(truth["dates"][pair]) for pair in truth["pairs"]]
    listed = (report.root / "pscphase.in").read_text().split()[1:]
    assert listed == [f"../SMALL_BASELINES/{name}/{name}.diff" for name in names]
    assert (report.root / "selsbc.in").read_text().split()[0] == "0.6"
    assert not (report.root / "selpsc.in").exists()
    par = (report.root / "rsc.txt").read_text().strip()
    assert par.endswith(f"{report.master}.rslc.par")
    assert (report.root / par.removeprefix("../")).exists()


@pytest.mark.parametrize("name", ["max_days", "max_bperp"])
def test_pairs_that_do_not_join_all_images_are_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=r"no pair joins .* with the master"):
        simulate(tmp_path / "set", replace(PAIRS, **{name: 1}))


def test_a_triangulation_joins_all_images_with_few_pairs(tmp_path):
    report = simulate(tmp_path / "set", replace(PAIRS, delaunay=True, max_days=1))
    n_image, pairs = report.images, np.load(report.truth)["pairs"]
    assert n_image - 1 <= len(pairs) <= 3 * n_image - 6
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len({*pairs.ravel().tolist()}) == n_image
