"""Stage 5: promotion of a patch, merge of patches, noise of the interferograms."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pystamps_hpc.config import RunConfig
from pystamps_hpc.errors import StageError
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.parallel.team import UNIT
from pystamps_hpc.stages import stage5_merge as merge
from pystamps_hpc.stages import stage5_promote as promote
from pystamps_hpc.stages.shared.ifgs import Ifgs, date_of
from pystamps_hpc.stages.stage5_merge import merging, resample
from pystamps_kernels.dispatch import table

N_IFG, MASTER = 5, 2
DAY = 736000.0 + 12 * np.arange(N_IFG + 1)
IFGS = Ifgs.of_master(MASTER, np.arange(5.0), DAY, DAY[MASTER])
PAIRS = Ifgs(np.array([[0, 1], [1, 2], [1, 3], [3, 4], [4, 5]]), np.arange(5.0), DAY, DAY[2], None)
OTHER_PAIRS = replace(PAIRS, pairs=np.array([[0, 1], [0, 2], [1, 3], [3, 4], [4, 5]]))
PROMOTE = promote.Params()
MERGE = merge.Params(
    heading=float("nan"),
    merge_resample_size=0.0,
    merge_standard_dev=float("inf"),
)


def context(arithmetic="double"):
    config = RunConfig().with_values({"compat.arithmetic": arithmetic})
    return Context(table("python", arithmetic), config)


@pytest.fixture
def ctx():
    return context()


def phasors(rng, *shape):
    return (rng.uniform(1, 5, shape) * np.exp(1j * rng.uniform(-3, 3, shape))).astype(np.complex64)


# --- promotion


def candidates(n_ps=40, seed=2):
    rng = np.random.default_rng(seed)
    ids = np.arange(1.0, n_ps + 1)
    selected = np.arange(0, n_ps, 2)
    kept = selected % 3 != 0
    return promote.Inputs(
        record={"ll0": np.zeros((1, 2)), "sort_ix": ids, "odd": "kept"},
        ij=np.column_stack((ids, 5 * ids, 2 * ids)),
        xy=rng.normal(0, 900, (n_ps, 2)).astype(np.float32),
        lonlat=rng.normal(0, 1, (n_ps, 2)),
        n_ps=n_ps,
        ifgs=IFGS,
        selected=selected,
        kept=kept,
        slope=rng.normal(0, 0.1, len(selected)),
        offset=rng.normal(0, 1, len(selected)),
        coherence=rng.uniform(0, 1, len(selected)),
        residual=rng.normal(0, 1, (len(selected), N_IFG)).astype(np.float32),
        unweeded=np.arange(kept.sum()) % 4 != 1,
        phase=phasors(rng, n_ps, N_IFG),
        patch_phase=phasors(rng, n_ps, N_IFG),
        bperp_mat=rng.normal(0, 100, (n_ps, N_IFG)).astype(np.float32),
        height=rng.normal(0, 9, n_ps),
        look_angle=None,
        incidence=rng.normal(0, 1, n_ps).astype(np.float32),
    )


def test_promotion_selects_rows_of_candidates_and_of_the_selection(ctx):
    inputs = candidates()
    out = promote.solve(inputs, PROMOTE, ctx)
    row = inputs.selected[inputs.kept][inputs.unweeded]
    of_selection = np.flatnonzero(inputs.kept)[inputs.unweeded]
    np.testing.assert_array_equal(np.delete(out.phase[:], MASTER, axis=1), inputs.phase[row])
    assert (out.phase[:, MASTER] == 1).all()
    for name in ("ij", "xy", "lonlat", "patch_phase", "bperp_mat", "height", "incidence"):
        np.testing.assert_array_equal(getattr(out, name)[:], getattr(inputs, name)[row])
    for name in ("slope", "offset", "coherence", "residual"):
        np.testing.assert_array_equal(getattr(out, name)[:], getattr(inputs, name)[of_selection])
    assert out.look_angle is None
    assert out.incidence.dtype == np.float32
    assert out.n_ps == len(row)
    assert set(out.record) == {"ll0", "odd"}  # unknown keys, and not the order of candidates
    assert ctx.log.facts == {"promoted": len(row)}


def test_the_phase_is_corrected_by_the_reestimated_slope_and_offset(ctx):
    out = promote.solve(candidates(), PROMOTE, ctx)
    baseline = np.insert(out.bperp_mat[:].astype(float), MASTER, 0, axis=1)
    wanted = out.phase[:] * np.exp(-1j * (out.slope[:, None] * baseline + out.offset[:, None]))
    np.testing.assert_allclose(out.corrected[:], wanted, atol=3e-5)
    reref = out.patch_phase_reref[:]
    np.testing.assert_array_equal(reref[:, MASTER], 1)
    np.testing.assert_array_equal(np.delete(reref, MASTER, axis=1), out.patch_phase[:])


def test_small_baselines_have_no_master_whose_noise_could_be_removed(ctx):
    out = promote.solve(replace(candidates(), ifgs=PAIRS), PROMOTE, ctx)
    wanted = out.phase[:] * np.exp(-1j * out.slope[:, None] * out.bperp_mat[:])
    np.testing.assert_allclose(out.corrected[:], wanted, atol=3e-5)
    assert out.patch_phase_reref is None
    assert out.ifgs is PAIRS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unweeded": np.ones(3, np.bool_)}, r"weed1.mat: ix_weed has 3 rows, .*rerun stage 4"),
        ({"selected": np.arange(30, 50)}, r"ix reaches from 31 to 50, expected 1 to 40"),
        ({"ifgs": replace(IFGS, master=3)}, r"master_ix is 4, but 2 days come before master_day"),
    ],
)
def test_inputs_that_do_not_fit_together_are_refused(ctx, change, message):
    with pytest.raises(StageError, match=message):
        promote.solve(replace(candidates(), **change), PROMOTE, ctx)


# --- merge


def patch(name, pixels, core=(1, 100, 1, 100), coherence=None, seed=0):
    """A patch whose arrays depend on pixel and name, so that every row is known again."""
    pixels = np.array(pixels, float).reshape(-1, 2)
    n_ps = len(pixels)
    rng = np.random.default_rng([seed, *name.encode()])
    phase = phasors(rng, n_ps, N_IFG + 1)
    return merging.PatchPS(
        name=name,
        core=np.array(core),
        record={"n_ps": None, "ll0": name},
        ij=np.column_stack((np.arange(1.0, n_ps + 1) * 7, pixels)),
        xy=(pixels[:, ::-1] * 8).astype(np.float32),
        lonlat=np.array([10, 44]) + pixels[:, ::-1] * [1e-4, 1e-4],
        ifgs=IFGS,
        phase=phase,
        patch_phase=np.delete(phase, MASTER, axis=1),
        residual=rng.normal(0, 1, (n_ps, N_IFG)).astype(np.float32),
        slope=np.zeros(n_ps),
        offset=rng.normal(0, 1, n_ps),
        coherence=rng.uniform(0, 1, n_ps) if coherence is None else np.array(coherence),
        bperp_mat=rng.normal(0, 100, (n_ps, N_IFG)).astype(np.float32),
        corrected=phase * 2,
        patch_phase_reref=phase,
        height=rng.normal(0, 9, n_ps),
        look_angle=rng.normal(0, 1, n_ps),
        incidence=None,
    )


def merged(patches, ctx, params=MERGE):
    out = merge.solve(merge.Inputs(tuple(patches)), params, ctx)
    source = {value: p.name for p in patches for value in p.offset}
    return out, {tuple(ij): source[c] for ij, c in zip(out.ij[:, 1:], out.offset, strict=True)}


LEFT, RIGHT = (1, 10, 1, 10), (11, 20, 1, 10)  # cores: ranges 0-9 and 10-19, lines 0-9


def test_a_pixel_of_two_patches_comes_from_the_one_that_owns_it(ctx):
    one = patch("PATCH_1", [(0, 3), (0, 9), (1, 12)], LEFT)
    two = patch("PATCH_2", [(0, 9), (1, 12), (0, 15)], RIGHT)
    out, source = merged([one, two], ctx)
    assert source == {(0, 3): "PATCH_1", (0, 9): "PATCH_1", (1, 12): "PATCH_2", (0, 15): "PATCH_2"}
    assert out.n_ps == 4
    assert ctx.log.facts["merged_per_patch"] == {"PATCH_1": 2, "PATCH_2": 2}
    assert "dropped: 2 in overlaps, 0 at the position of another" in ctx.log.notes[0]


def test_a_pixel_that_its_owner_lost_or_nobody_owns_comes_from_the_first_patch(ctx):
    one = patch("PATCH_1", [(0, 12), (0, 30)], LEFT)
    two = patch("PATCH_2", [(0, 30), (0, 11)], RIGHT)
    assert merged([one, two], ctx)[1][0, 12] == "PATCH_1"
    assert merged([one, two], ctx)[1][0, 30] == "PATCH_1"
    assert merged([two, one], ctx)[1][0, 30] == "PATCH_2"


def test_the_first_and_last_line_and_sample_of_its_area_belong_to_a_patch():
    inside = [(4, 2), (4, 9), (9, 2), (9, 9)]
    around = [(3, 5), (10, 5), (6, 1), (6, 10)]
    area = patch("PATCH_1", [*inside, *around], core=(3, 10, 5, 10))
    assert merging.in_core(area).tolist() == [True] * 4 + [False] * 4


def test_of_many_overlaps_one_row_is_left():
    boxes = [RIGHT, RIGHT, LEFT, RIGHT]
    patches = [patch(f"PATCH_{k}", [(4, 4), (5, 50)], box) for k, box in enumerate(boxes)]
    assert np.flatnonzero(merging.without_overlap(patches)).tolist() == [1, 4]


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), max_size=20))
def test_pixels_have_the_same_number_if_and_only_if_they_are_the_same(places):
    place = np.array(places, np.int64).reshape(-1, 2)
    numbers = merging._pixel_numbers(place)
    assert [sorted(places).index(each) for each in places] == [
        sorted(numbers).index(each) for each in numbers
    ]


def test_overlapping_cores_replace_the_first_row_only():
    patches = [patch(f"PATCH_{k}", [(4, 4)], LEFT) for k in range(3)]
    assert np.flatnonzero(merging.without_overlap(patches)).tolist() == [1, 2]


def test_of_points_at_one_longitude_and_latitude_the_most_coherent_stays(ctx):
    one = patch("PATCH_1", [(0, 1), (0, 2)], LEFT, coherence=[0.4, 0.5])
    two = patch("PATCH_2", [(0, 12)], RIGHT, coherence=[0.6])
    two.lonlat[0] = one.lonlat[1]
    _, source = merged([one, two], ctx)
    assert source == {(0, 1): "PATCH_1", (0, 12): "PATCH_2"}


def test_every_array_is_in_the_order_of_the_new_local_frame(ctx):
    one = patch("PATCH_1", [(5, 2), (3, 7), (2, 1)], LEFT)
    two = patch("PATCH_2", [(4, 15), (0, 12)], RIGHT)
    out, _ = merged([one, two], ctx)
    assert out.ij.tolist() == [[1, 0, 12], [2, 2, 1], [3, 3, 7], [4, 4, 15], [5, 5, 2]]
    assert out.xy.dtype == np.float32
    assert (np.diff(out.xy[:, 1]) >= 0).all()
    np.testing.assert_allclose(out.xy.min(0), -out.xy.max(0), rtol=1e-3)
    where = [4, 2, 1, 3, 0]
    for name in ("phase", "patch_phase", "residual", "slope", "offset", "coherence", "bperp_mat",
                 "patch_phase_reref", "height", "look_angle", "lonlat"):  # fmt: skip
        both = np.concatenate([getattr(one, name), getattr(two, name)])
        np.testing.assert_array_equal(getattr(out, name)[:], both[where])
    unit = np.concatenate([one.corrected, two.corrected])[where]
    np.testing.assert_allclose(out.corrected[:], unit / np.abs(unit), atol=1e-6)
    np.testing.assert_array_equal(out.corrected[:, 3], out.corrected[:][:, 3])


def test_the_noise_of_every_interferogram_but_the_master_is_reported_with_its_date(ctx):
    one = patch("PATCH_1", [(5, 2), (3, 7), (2, 1)], LEFT)
    out, _ = merged([one], ctx)
    others = IFGS.columns
    np.testing.assert_allclose(ctx.log.facts["ifg_noise_deg"], out.ifg_std[others], atol=6e-3)
    assert ctx.log.facts["ifg_dates"] == [date_of(day) for day in DAY[others]]


def of_pairs(patch):
    """The same patch with the network of small baselines."""
    phase = patch.patch_phase
    return replace(patch, ifgs=PAIRS, phase=phase, corrected=2 * phase, patch_phase_reref=None)


def test_small_baselines_keep_their_network_and_have_the_noise_of_each_pair(ctx):
    one = of_pairs(patch("PATCH_1", [(5, 2), (3, 7), (2, 1)], LEFT))
    slope = np.array([0.01, 0, -0.02])
    phase = one.phase * np.exp(1j * (slope[:, None] * one.bperp_mat + 0.1)).astype(np.complex64)
    out, _ = merged([replace(one, slope=slope, phase=phase)], ctx)
    assert out.ifgs is PAIRS
    assert out.patch_phase_reref.shape == (0, 0)
    np.testing.assert_allclose(out.ifg_std, 5.72957795, rtol=1e-4)  # whatever the offsets
    assert ctx.log.facts["ifg_numbers"].tolist() == list(range(1, len(PAIRS) + 1))
    assert ctx.log.facts["ifg_dates"][1:3] == [
        "2015-02-17 to 2015-03-01",
        "2015-02-17 to 2015-03-13",
    ]


def test_the_date_line_may_lie_between_patches(ctx):
    one = patch("PATCH_1", [(5, 2), (3, 7), (2, 1)], LEFT)
    two = patch("PATCH_2", [(4, 15), (0, 12)], RIGHT)
    expected, _ = merged([one, two], ctx)
    beyond = replace(two, lonlat=two.lonlat - [360, 0])
    out, _ = merged([one, beyond], ctx)
    np.testing.assert_allclose(out.lonlat, expected.lonlat, atol=1e-9)
    np.testing.assert_allclose(out.xy, expected.xy, atol=2e-3)


def test_what_a_patch_lacks_is_empty_in_the_whole(ctx):
    one, two = patch("PATCH_1", [(5, 2)], LEFT), patch("PATCH_2", [(4, 15)], RIGHT)
    out, _ = merged([one, replace(two, height=None, residual=None)], ctx)
    assert out.height.shape == out.incidence.shape == (0, 0)
    assert out.residual.shape == (0, 0)
    assert len(out.look_angle) == 2


def test_the_record_is_that_of_the_last_patch(ctx):
    one, two = patch("PATCH_1", [(5, 2)], LEFT), patch("PATCH_2", [(4, 15)], RIGHT)
    assert merged([one, two], ctx)[0].record == {"ll0": "PATCH_2"}
    assert merged([two, one], ctx)[0].record == {"ll0": "PATCH_1"}


def test_one_patch_needs_no_core_and_a_missing_heading_is_told(ctx):
    one = replace(patch("PATCH_1", [(5, 2), (3, 7)], LEFT), core=None)
    assert merged([one], ctx)[0].n_ps == 2
    assert ctx.log.warnings == [
        "heading is not set: x and y of ps2 run east and north, not along the track"
    ]
    told = context()
    merged([one], told, replace(MERGE, heading=-168.0))
    assert told.log.warnings == []


def test_patches_that_cannot_be_merged_are_refused(ctx):
    one, two = patch("PATCH_1", [(5, 2)], LEFT), patch("PATCH_2", [(4, 15)], RIGHT)
    for patches, message in (
        ([], "no patch has PS left after stages 3-5; relax"),
        ([one, replace(two, core=None)], r"PATCH_2/patch_noover.in: does not exist"),
        (
            [one, replace(two, ifgs=replace(IFGS, master=3))],
            "master_ix is 3 in PATCH_1 and 4 in PATCH_2",
        ),
        (
            [one, replace(two, ifgs=replace(IFGS, day=DAY + 1))],
            "day is .* in PATCH_1 and .* in PATCH_2",
        ),
        (
            [of_pairs(one), replace(of_pairs(two), ifgs=OTHER_PAIRS)],
            "ifgday of interferogram 2 is 2015-02-17 to 2015-03-01 in PATCH_1 and "
            "2015-02-05 to 2015-03-01 in PATCH_2",
        ),
    ):
        with pytest.raises(StageError, match=message):
            merge.solve(merge.Inputs(tuple(patches)), MERGE, ctx)


# --- resampling merge


RESAMPLE = replace(MERGE, merge_resample_size=100.0)


def merged_cells(patches, ctx, params=RESAMPLE):
    return merge.solve(merge.Inputs(tuple(patches)), params, ctx)


def test_cells_begin_at_one_metre_unless_there_are_fewer_than_three_points():
    few = np.array([[-30, -20], [-90, 40], [150, 40.5]], np.float32)
    for n_ps, cells in ((1, 1), (2, 1), (3, 3)):
        _, start = resample.cells(few[:n_ps], 100.0)
        assert len(start) == cells + 1
        assert start[-1] == n_ps
    three = np.array([[50, 50], [50, 100.5], [100.5, 60]], "f4")
    assert resample.cells(three, 100.0)[1].tolist() == [0, 3]
    # of two points the grid begins at x = 1 m, and at y = -30 m, the x of the first
    assert resample.cells(np.array([[-30, -20], [-20, 75]], "f4"), 100.0)[1].tolist() == [0, 1, 2]
    assert resample.cells(np.array([[-30, -20], [-20, 65]], "f4"), 100.0)[1].tolist() == [0, 2]
    assert resample.cells(few[:0], 100.0)[1].tolist() == [0]


def test_cells_are_ordered_by_y_then_x_and_points_stay_in_order():
    xy = np.array([[250, 20], [50, 220], [40, 20], [260, 10], [60, 30]], "f4")
    order, start = resample.cells(xy, 100.0)
    assert order.tolist() == [2, 4, 0, 3, 1]
    assert start.tolist() == [0, 2, 4, 5]


def test_a_cell_of_one_point_keeps_everything_but_amplitudes(ctx):
    # pixels of 8 m, cells of 4 m: one point per cell
    one = patch("PATCH_1", [(5, 2), (3, 7), (2, 1)])
    out = merged_cells([one], ctx, replace(MERGE, merge_resample_size=4.0))
    where = [2, 1, 0]
    for name in ("slope", "offset", "height", "look_angle", "lonlat", "bperp_mat"):
        np.testing.assert_allclose(getattr(out, name)[:], getattr(one, name)[where], rtol=1e-6)
    assert out.ij[:, 1:].tolist() == [[2, 1], [3, 7], [5, 2]]
    np.testing.assert_allclose(np.angle(out.phase[:] * one.phase[where].conj()), 0, atol=1e-6)
    np.testing.assert_allclose(np.abs(out.corrected[:]), 1, atol=1e-12)
    assert out.corrected.dtype == np.complex128
    assert out.bperp_mat.dtype == np.float32


def test_points_outside_the_core_take_no_part_in_cells(ctx):
    one = patch("PATCH_1", [(0, 1), (0, 2), (0, 15)], LEFT)
    two = patch("PATCH_2", [(0, 15), (0, 2)], RIGHT)
    out = merged_cells([one, two], ctx)
    assert ctx.log.facts["merged_per_patch"] == {"PATCH_1": 1, "PATCH_2": 1}
    assert out.n_ps == 2


@pytest.mark.parametrize("network", [IFGS, PAIRS])
def test_a_cell_is_the_mean_weighted_by_the_noise_of_its_points(ctx, network):
    one = patch("PATCH_1", [(1, 1), (1, 2), (2, 2)])
    noise = np.angle(np.exp(1j * (one.residual - one.offset[:, None])))
    if network is PAIRS:
        one = of_pairs(one)
    else:
        noise = np.column_stack((noise, one.offset))  # the noise of the master
    variance = np.maximum(noise.var(axis=1, ddof=1), np.radians(10) ** 2)
    out = merged_cells([one], ctx)
    np.testing.assert_allclose(
        out.height, [np.average(one.height, weights=1 / variance)], rtol=1e-5
    )
    coherence = np.minimum(np.abs(np.exp(1j * noise).mean(axis=1)), 0.98488)
    snr = 1 / (1 / coherence**2 - 1)
    np.testing.assert_allclose(out.phase[:], [snr @ one.phase], rtol=1e-4)
    strength = np.sqrt((snr**2).sum())
    np.testing.assert_allclose(out.coherence, [np.sqrt(1 / (1 + 1 / strength))], rtol=1e-4)


def test_cells_of_too_much_noise_are_dropped(ctx):
    one = patch("PATCH_1", [(1, 1), (1, 2), (1, 50)])
    one.offset[:2] = one.residual[:2] = 0.01
    strict = replace(RESAMPLE, merge_standard_dev=0.5)
    assert merged_cells([one], ctx, strict).ij[:, 1:].tolist() == [[1, 2]]
    with pytest.raises(StageError, match="no cell is left by merge_standard_dev"):
        merged_cells([one], ctx, replace(strict, merge_standard_dev=0.01))


def test_a_variable_that_is_not_a_number_is_named_with_its_cell(ctx):
    one = patch("PATCH_1", [(1, 1), (1, 50)])
    one.height[1] = np.nan
    with pytest.raises(StageError, match="PATCH_1: hgt is not a number in cell 2 of the grid"):
        merged_cells([one], ctx)


# --- noise of the interferograms


@pytest.mark.parametrize("arithmetic", ["double", "single"])
def test_a_constant_offset_is_its_own_noise(arithmetic):
    pixels = [(line, sample) for line in range(9) for sample in range(9)]
    one = patch("PATCH_1", pixels, LEFT)
    offset = np.exp(1j * (one.offset[:, None] + 0.1)).astype(np.complex64)
    out, _ = merged([replace(one, phase=one.phase * offset)], context(arithmetic))
    # the filtered phase of the master is zero, whatever its phase
    np.testing.assert_allclose(np.delete(out.ifg_std, MASTER), 5.72957795, rtol=1e-5)
    assert out.ifg_std.dtype == np.float32


def test_in_single_arithmetic_the_squares_are_added_down_the_rows():
    n_ps = 17 * UNIT + 3
    noise = np.random.default_rng(0).normal(0, 0.7, (n_ps, 2)).astype(np.float32)
    total = np.zeros(2, np.float32)
    for squares in noise**2:
        total = total + squares
    wanted = np.sqrt(total / np.float32(n_ps)) * np.float32(180) / np.float32(np.pi)
    single = merge.noise_of_ifgs(noise.__getitem__, n_ps, context("single"))
    double = merge.noise_of_ifgs(noise.__getitem__, n_ps, context("double"))
    np.testing.assert_array_equal(single, wanted)
    exact = np.degrees(np.sqrt((noise.astype(float) ** 2).mean(axis=0)))
    np.testing.assert_allclose(double, exact, rtol=1e-7)
