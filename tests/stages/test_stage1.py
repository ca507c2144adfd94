"""Stage 1 orders candidates and interferograms, whatever the chronology and the gaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import candidates
from pystamps_hpc.dataset.candidates.text import day_number
from pystamps_hpc.errors import StageError
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.stages import stage1
from pystamps_kernels.dispatch import table
from tests.dataset.scenes import (
    ORBIT,
    PAIRS,
    pairs_scene,
    scene,
    write_doris,
    write_doris_sb,
    write_snap,
    write_snap_sb,
)


def load(tmp_path, made, *, write=write_snap, backend="python", arithmetic="double", order=">"):
    patch, parameters = write(tmp_path, made)
    config = RunConfig().with_values({"compat.arithmetic": arithmetic})
    context = Context(table(backend, arithmetic), config)
    inputs = stage1.Inputs(candidates.read(patch, parameters))
    return stage1.solve(inputs, parameters.to_params(stage1.Params), context), context.log


def ordered(made, outputs):
    """Phasors in the rows of the outputs, one column per interferogram of the file."""
    return made.phase[:, outputs.sort_ix].T


@pytest.mark.parametrize(
    ("master", "position"), [("20091201", 0), ("20100115", 1), ("20100220", 2), ("20100401", 3)]
)
def test_the_master_takes_its_place_in_time_first_middle_or_last(tmp_path, master, position):
    made = scene(master=master)
    outputs, log = load(tmp_path, made)
    ifgs = outputs.ifgs
    assert ifgs.master == position
    assert ifgs.day.tolist() == sorted(day_number(day, "") for day in (*made.days, master))
    assert ifgs.day[position] == ifgs.master_day
    np.testing.assert_array_equal(outputs.phase[:], ordered(made, outputs))
    assert outputs.bperp_mat.shape == (12, 3)
    assert (outputs.n_ps, len(ifgs), ifgs.n_columns) == (12, 3, 4)
    assert log.facts == {"candidates": 12}


def test_interferograms_out_of_order_are_sorted_by_day(tmp_path):
    made = scene(days=("20100301", "20100101", "20100201"))
    outputs, _ = load(tmp_path, made)
    np.testing.assert_array_equal(outputs.phase[:], ordered(made, outputs)[:, [1, 2, 0]])
    # the vectors of the scene grow with the place in the list
    size = np.abs(outputs.ifgs.bperp)
    assert size[2] < size[0] < size[1]


def test_rows_run_north_and_every_array_follows_them(tmp_path):
    made = scene(n=200)
    outputs, _ = load(tmp_path, made)
    assert sorted(outputs.sort_ix) == list(range(200))
    assert (np.diff(outputs.xy[:, 1]) >= -1e-3).all()
    np.testing.assert_array_equal(outputs.ij[:, 0], np.arange(1, 201))
    np.testing.assert_array_equal(outputs.ij[:, 1:], made.ij[outputs.sort_ix])
    np.testing.assert_array_equal(outputs.lonlat, made.lonlat[outputs.sort_ix])
    np.testing.assert_array_equal(outputs.height, made.height[outputs.sort_ix])
    np.testing.assert_array_equal(outputs.dispersion, made.dispersion[outputs.sort_ix])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 30))
def test_the_order_of_the_files_shows_in_sort_ix_only(tmp_path_factory, seed, n):
    made = scene(n=n, seed=seed)
    order = np.random.default_rng(seed).permutation(n)
    mixed = made.but(
        ij=made.ij[order],
        lonlat=made.lonlat[order],
        phase=made.phase[:, order],
        height=made.height[order],
        dispersion=made.dispersion[order],
    )
    one, _ = load(tmp_path_factory.mktemp("one"), made)
    other, _ = load(tmp_path_factory.mktemp("other"), mixed)
    np.testing.assert_array_equal(order[other.sort_ix], one.sort_ix)
    for name in ("ij", "lonlat", "xy", "origin", "look_angle", "dispersion", "height"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_array_equal(one.ifgs.day, other.ifgs.day)
    np.testing.assert_array_equal(one.phase[:], other.phase[:])
    np.testing.assert_array_equal(one.bperp_mat[:], other.bperp_mat[:])


@pytest.mark.parametrize("arithmetic", ["single", "double"])
def test_baselines_are_the_mean_of_the_candidates(tmp_path, arithmetic):
    outputs, _ = load(tmp_path, scene(n=500), arithmetic=arithmetic)
    assert outputs.ifgs.bperp.dtype == np.float32
    means = outputs.bperp_mat.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(outputs.ifgs.bperp, means, rtol=1e-5)


def test_candidates_without_position_or_phase_go_but_stay_in_sort_ix(tmp_path):
    made = scene()
    lonlat, phase = made.lonlat.copy(), made.phase.copy()
    lonlat[3, 0] = np.nan
    phase[1, 5] = complex(np.nan, 1)
    phase[2, 7] = 0
    whole, _ = load(tmp_path / "whole", made)
    outputs, log = load(tmp_path / "gaps", made.but(lonlat=lonlat, phase=phase))
    assert outputs.n_ps == 10
    assert len(outputs.sort_ix) == 12
    assert outputs.sort_ix[-1] == 3
    lost = {tuple(made.ij[3]), tuple(made.ij[5])}
    wanted = [tuple(pixel) for pixel in whole.ij[:, 1:] if tuple(pixel) not in lost]
    assert [tuple(pixel) for pixel in outputs.ij[:, 1:]] == wanted
    np.testing.assert_array_equal(outputs.ij[:, 0], np.arange(1, 11))
    assert (
        len(outputs.phase[:])
        == len(outputs.look_angle)
        == len(outputs.dispersion)
        == len(outputs.bperp_mat)
        == 10
    )
    assert log.warnings == ["PATCH_1: 1 candidates without longitude or latitude"]
    assert log.notes == ["2 candidates without position or phase removed"]


def test_a_lost_phase_leaves_the_local_frame_of_the_others_alone(tmp_path):
    made = scene()
    phase = made.phase.copy()
    phase[0, [2, 9]] = np.nan
    whole, _ = load(tmp_path / "whole", made)
    outputs, _ = load(tmp_path / "gaps", made.but(phase=phase))
    stays = ~np.isin(whole.sort_ix, [2, 9])
    np.testing.assert_array_equal(outputs.sort_ix, whole.sort_ix)
    np.testing.assert_array_equal(outputs.xy, whole.xy[stays])
    np.testing.assert_array_equal(outputs.bperp_mat, whole.bperp_mat[stays])
    np.testing.assert_array_equal(outputs.look_angle, whole.look_angle[stays])
    np.testing.assert_array_equal(outputs.ifgs.bperp, whole.ifgs.bperp)
    assert outputs.mean_incidence == whole.mean_incidence


def test_infinite_values_are_removed_with_a_warning(tmp_path):
    made = scene()
    lonlat, phase = made.lonlat.copy(), made.phase.copy()
    lonlat[3, 1] = np.inf
    phase[1, 5] = complex(-np.inf, 1)
    outputs, log = load(tmp_path, made.but(lonlat=lonlat, phase=phase))
    assert outputs.n_ps == 10
    assert np.isfinite(outputs.origin).all()
    assert "2 candidates with infinite values removed" in log.warnings


def test_one_candidate_is_a_patch(tmp_path):
    outputs, _ = load(tmp_path, scene(n=1))
    np.testing.assert_array_equal(outputs.xy, [[0, 0]])
    assert outputs.phase[:].shape == (1, 3)


def test_no_candidate_gives_outputs_without_rows(tmp_path):
    outputs, log = load(tmp_path, scene(n=0))
    assert log.facts == {"candidates": 0}
    assert "no candidate in the patch" in log.notes[0]
    assert outputs.n_ps == 0
    assert outputs.phase[:].shape == (0, 3)
    assert outputs.bperp_mat.shape == (0, 3)
    assert outputs.xy.shape == (0, 2)
    np.testing.assert_array_equal(outputs.ifgs.bperp, 0)


def test_phasors_are_read_by_rows_and_by_columns_alike(tmp_path):
    ph = load(tmp_path, scene(), write=write_doris)[0].phase
    whole = ph[:]
    np.testing.assert_array_equal(ph[2:5], whole[2:5])
    np.testing.assert_array_equal(ph[np.array([4, 1])], whole[[4, 1]])
    np.testing.assert_array_equal(ph[:, 2], whole[:, 2])
    np.testing.assert_array_equal(ph[:, 1:3], whole[:, 1:3])
    np.testing.assert_array_equal(ph[:, np.array([2, 0])], whole[:, [2, 0]])


def test_impossible_orbits_name_the_candidate(tmp_path):
    made = scene().but(orbit={**ORBIT, "near_range_slc": "1000 m"})
    with pytest.raises(StageError, match=r"candidate 1: slant range \d+\.\d m closes no triangle"):
        load(tmp_path, made)


def test_doris_divides_by_the_calibration_constants(tmp_path):
    made = scene()
    plain, _ = load(tmp_path, made, write=write_doris)
    assert plain.calibration.tolist() == [1, 1, 1]
    (tmp_path / "calamp.out").write_text("".join(f"/{day}/s.slc 4\n" for day in made.days))
    outputs, _ = load(tmp_path, made, write=write_doris)
    np.testing.assert_array_equal(outputs.phase[:], plain.phase[:] / 4)


def test_doris_without_grids_repeats_the_baselines(tmp_path):
    outputs, _ = load(tmp_path, scene(), write=write_doris)
    np.testing.assert_array_equal(outputs.ifgs.bperp, [100.5, 201, 301.5])
    np.testing.assert_array_equal(outputs.bperp_mat, np.tile([100.5, 201, 301.5], (12, 1)))
    assert outputs.look_angle is None
    assert outputs.mean_incidence is None


def test_doris_grids_are_linear_in_position_and_height(tmp_path):
    made = scene()
    azimuth, ground = np.mgrid[:50, :50]
    at_zero = 20 + 0.1 * ground * 300 / 49 + 0.02 * azimuth * 400 / 49
    nodes = np.stack((at_zero, at_zero + 5), axis=-1)
    patch, _ = write_doris(tmp_path, made)
    np.savetxt(patch / "look_angle.1.in", nodes.ravel(), fmt="%.17g")
    outputs, _ = load(tmp_path, made, write=write_doris, backend="native")
    i, j = made.ij[outputs.sort_ix].T
    wanted = 20 + 0.1 * j + 0.02 * i + 5 * made.height[outputs.sort_ix].astype(float) / 1000
    np.testing.assert_allclose(np.degrees(outputs.look_angle), wanted, rtol=1e-12)


# --- positions and gaps


def everywhere(outputs):
    """All per-candidate arrays."""
    arrays = ("ij", "lonlat", "xy", "phase", "bperp_mat", "look_angle", "dispersion", "height")
    return {name: np.asarray(getattr(outputs, name)[:]) for name in arrays}


def test_a_candidate_at_a_wrong_place_leaves_all_arrays_and_moves_no_other(tmp_path):
    made = scene(n=60)
    lonlat = made.lonlat.copy()
    lonlat[[3, 30, 31]] = 0
    outputs, log = load(tmp_path / "wrong", made.but(lonlat=lonlat))
    lonlat[[3, 30, 31]] = np.nan
    expected, _ = load(tmp_path / "unknown", made.but(lonlat=lonlat))
    assert outputs.n_ps == 57
    for name, values in everywhere(expected).items():
        np.testing.assert_array_equal(everywhere(outputs)[name], values, err_msg=name)
    assert "(rows 4, 31, 32), such as 0, 0; these candidates are left out" in log.warnings[0]
    assert log.facts == {"candidates": 57, "without_position": 3, "without_phase": 0}


@pytest.mark.parametrize("turn", [-360, 360])
def test_the_date_line_moves_no_candidate(tmp_path, turn):
    made = scene(n=60)
    east = made.lonlat + np.float32((169.98 if turn < 0 else -10.02, 0))
    across = east.copy()
    across[east[:, 0] > 180 if turn < 0 else east[:, 0] < 0, 0] += turn
    assert np.ptp(across[:, 0]) > 359
    expected, _ = load(tmp_path / "east", made.but(lonlat=east))
    outputs, log = load(tmp_path / "across", made.but(lonlat=across))
    assert log.warnings == []
    for name, values in everywhere(expected).items():
        if name == "lonlat":
            shift = (everywhere(outputs)[name] - values)[:, 0]
            assert len(np.unique(np.round(shift, 4))) == 1
        else:
            np.testing.assert_allclose(everywhere(outputs)[name], values, atol=2, err_msg=name)


def test_an_interferogram_with_gaps_is_named_with_date_and_share(tmp_path):
    made = scene(n=40)
    phase = made.phase.copy()
    phase[0, :5], phase[2, :8] = np.nan, 0
    phase[1] = 1
    _, log = load(tmp_path, made.but(phase=phase))
    assert len(log.warnings) == 3
    for warning, told in zip(
        log.warnings,
        [
            "1 (2010-01-01): 5 of 40 candidates have no phase (5 NaN, 0 zero) and are lost; ",
            "2 (2010-02-01): all phases are equal, as of the master with itself; ",
            "4 (2010-03-01): 8 of 40 candidates have no phase (0 NaN, 8 zero) and are lost; ",
        ],
        strict=True,
    ):
        assert warning.startswith(f"interferogram {told}")


def test_an_image_that_does_not_cover_the_patch_is_named(tmp_path):
    made = scene()
    phase = made.phase.copy()
    phase[1] = np.nan
    outputs, log = load(tmp_path, made.but(phase=phase))
    assert outputs.n_ps == 0
    assert log.notes[0].startswith("interferogram 2 (2010-02-01) has no phase at all, leave the")


# --- small baselines -----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["native", "python"])
@pytest.mark.parametrize("arithmetic", ["single", "double"])
def test_baselines_of_snap_pairs_are_in_double_and_phasors_as_they_are(
    tmp_path, backend, arithmetic
):
    made = pairs_scene(n=50)
    outputs, log = load(tmp_path, made, write=write_snap_sb, backend=backend, arithmetic=arithmetic)
    assert outputs.bperp_mat.dtype == outputs.ifgs.bperp.dtype == np.float64
    assert outputs.bperp_mat.shape == (50, 5)
    np.testing.assert_allclose(outputs.ifgs.bperp, outputs.bperp_mat.mean(axis=0), rtol=1e-13)
    np.testing.assert_array_equal(outputs.phase[:], ordered(made, outputs))
    assert (outputs.calibration, outputs.day_order) == (None, None)
    assert outputs.look_angle.mean() < outputs.mean_incidence - 0.05
    assert log.warnings == []


def test_the_baselines_of_a_pair_do_not_depend_on_the_mode(tmp_path):
    made = scene(days=("20100101", "20100201", "20100301"))
    star = tuple((made.master, day) for day in made.days)
    single, _ = load(tmp_path / "ps", made)
    pairs, _ = load(tmp_path / "sb", made.but(pairs=star), write=write_snap_sb)
    np.testing.assert_array_equal(pairs.bperp_mat.astype(np.float32), single.bperp_mat)
    np.testing.assert_array_equal(pairs.sort_ix, single.sort_ix)
    assert pairs.ifgs.master is None
    assert pairs.ifgs.pairs.tolist() == single.ifgs.pairs.tolist()


def test_pairs_stay_in_the_order_of_the_files(tmp_path):
    made = pairs_scene(pairs=PAIRS[::-1])
    outputs, _ = load(tmp_path, made, write=write_snap_sb)
    ifgs = outputs.ifgs
    days = [[day_number(day, "") for day in pair] for pair in made.pairs]
    assert ifgs.keys["ifgday"].tolist() == days
    assert (ifgs.keys["master_ix"], ifgs.n_columns, len(ifgs.day)) == (2, 5, 4)
    np.testing.assert_array_equal(outputs.phase[:, 3], made.phase[3][outputs.sort_ix])


def test_doris_phasors_of_pairs_have_unit_modulus_but_for_zeros(tmp_path):
    made = pairs_scene()
    phase = made.phase.copy()
    phase[2, 4] = 0
    outputs, _ = load(tmp_path, made.but(phase=phase), write=write_doris_sb)
    found = outputs.phase[:]
    wanted = phase[:, outputs.sort_ix].T
    zero = wanted == 0
    assert zero.sum() == 1
    assert (found[zero] == 0).all()
    np.testing.assert_allclose(np.abs(found[~zero]), 1, rtol=2e-7)
    np.testing.assert_allclose(np.angle(found), np.angle(wanted), atol=1e-6)
    assert outputs.calibration is None
    assert outputs.day_order.tolist() == [0, 1, 2]


def test_baselines_of_doris_pairs_close(tmp_path):
    made = pairs_scene(days=("20100301", "20100101", "20100201"))
    write_doris_sb(tmp_path, made)
    rng = np.random.default_rng(0)
    for day in made.days:
        nodes = rng.normal(0, 100, 5000)
        (tmp_path / f"bperp_{day}.1.in").write_text(" ".join(map(str, nodes)))
    outputs, _ = load(tmp_path, made, write=write_doris_sb)
    bperp, mat = outputs.ifgs.bperp, outputs.bperp_mat
    assert bperp.tolist() == [100.5, -301.5, 100.5, -100.5, -201]
    # 1-2, 2-master, 1-master; 1-master, master-3, 1-3
    for one, other, both in ((0, 1, 4), (4, 2, 3)):
        assert bperp[one] + bperp[other] == bperp[both]
        np.testing.assert_allclose(mat[:, one] + mat[:, other], mat[:, both], atol=1e-4)
    without, _ = load(tmp_path / "constant", made, write=write_doris_sb)
    assert (without.bperp_mat == bperp.astype(np.float32)).all()


def test_a_pair_without_phase_is_told_by_its_number_and_days(tmp_path):
    made = pairs_scene(n=40)
    phase = made.phase.copy()
    phase[1, :10] = np.nan
    _, log = load(tmp_path, made.but(phase=phase), write=write_snap_sb)
    (warning,) = log.warnings
    assert warning.startswith("interferogram 2 (2010-02-01 to 2010-02-20): 10 of 40 candidates")


def test_no_candidate_of_pairs_gives_outputs_without_rows(tmp_path):
    outputs, _ = load(tmp_path, pairs_scene(n=0), write=write_snap_sb)
    assert outputs.bperp_mat.shape == outputs.phase[:].shape == (0, 5)
