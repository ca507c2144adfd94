"""SNAPHU's costs, and the residues of a raster."""

import numpy as np


def test_an_offset_is_the_noise_plus_whole_cycles(kernels):
    rng = np.random.default_rng(7)
    noise = rng.uniform(-3, 3, (100, 6)).astype(np.float32)
    unwrapped = (noise + rng.uniform(-30, 30, noise.shape)).astype(np.float32)
    variance = np.full(100, 0.01, np.float32)
    offset, sigsq = kernels.stage6_edge_costs(unwrapped, noise, variance, np.arange(1, 101))
    cycles = offset / 200 - noise / (2 * np.pi)
    assert np.abs(cycles - np.rint(cycles)).max() < 0.0026
    np.testing.assert_array_equal(sigsq, 4 * np.arange(1, 101))


def test_costs_saturate_round_half_away_and_never_reach_zero(kernels):
    variance = np.array([1e-9, 0.00375, 1e6, np.nan], np.float32)
    phase = np.array([[0.0], [2 * np.pi * 2.5 / 200], [1e5], [1.0]], np.float32)
    offset, sigsq = kernels.stage6_edge_costs(
        phase, np.array([[0.0], [2 * np.pi * 2.5 / 200], [0.0], [1.0]], np.float32),
        variance, np.array([1, 3, 1, 1]),
    )  # fmt: skip
    np.testing.assert_array_equal(sigsq, [1, 5, 32767, 0])
    assert offset[1, 0] in (2, 3)
    assert offset[2, 0] == -32768
    assert offset[3, 0] == 0


def test_cost_records_follow_the_table_of_arc_kinds(kernels):
    rows = np.array([[1, -1, 0, 2]])
    cols = np.array([[1, -1, 0], [2, 0, 0]])
    offset, sigsq = np.array([70, 9], np.int16), np.array([11, 0], np.int16)
    row_costs, col_costs = kernels.stage6_cost_records(rows, cols, offset, sigsq)
    within, without = [0, 1, 32000, -32000], [0, 1, 32000, 1]
    forward, backward = [70, 11, 32000, -32000], [-70, 11, 32000, -32000]
    np.testing.assert_array_equal(row_costs[0], [backward, forward, within, without])
    np.testing.assert_array_equal(col_costs[0], [forward, backward, within])
    np.testing.assert_array_equal(col_costs[1], [without, within, within])


def test_a_vortex_is_one_residue_and_a_plane_has_none(kernels):
    i, j = np.mgrid[:9, :7]
    vortex = kernels.stage6_residues(np.arctan2(i - 3.5, j - 2.5) / (2 * np.pi))
    assert np.argwhere(vortex).tolist() == [[3, 2]]
    turns = (2.9 * i - j) / (2 * np.pi)
    assert not kernels.stage6_residues(turns - np.rint(turns)).any()
