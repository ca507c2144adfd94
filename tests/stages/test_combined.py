"""PS and small baselines in one set: which points stay, and what their phase becomes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pystamps_hpc.config import RunConfig
from pystamps_hpc.errors import StageError
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.stages.combined import Pairs, Stack, coherence, combine, phase_of_pairs, weight
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_kernels.dispatch import table

DAYS = 736000 + 24.0 * np.arange(5)
MASTER = 2
NETWORK = np.array([[0, 1], [0, 2], [1, 2], [2, 3], [2, 4], [3, 4]])
BPERP = np.array([60.0, -30.0, 0.0, 40.0, -90.0])


def network(pairs=NETWORK, days=DAYS, master_day=DAYS[MASTER]):
    return Ifgs(pairs, np.zeros(len(pairs)), days, master_day, None)


def pixels(lines):
    """Return ij and lonlat of the pixels (line, 7)."""
    ij = np.column_stack((np.arange(1.0, len(lines) + 1), lines, np.full(len(lines), 7.0)))
    return ij, np.column_stack((12 + 1e-4 * np.asarray(lines), 44 + 2e-4 * np.asarray(lines)))


def stack_of(lines, phase, residual=0.0, days=DAYS, coh=0.9):
    """PS with phase (n, 5) of each image [rad], 0 at the master, and residuals likewise."""
    ij, lonlat = pixels(lines)
    phase = np.broadcast_to(phase, (len(lines), 5))
    residual = np.broadcast_to(residual, (len(lines), 5))
    return Stack(
        ij=ij, lonlat=lonlat,
        ifgs=Ifgs.of_master(MASTER, np.delete(BPERP, MASTER), days, days[MASTER]),
        patch_phase=np.exp(1j * np.delete(phase, MASTER, axis=1)).astype(np.complex64),
        coherence=np.full(len(lines), coh),
        bperp_mat=np.tile(np.delete(BPERP, MASTER), (len(lines), 1)).astype(np.float32),
        height=np.full(len(lines), 10.0), look_angle=np.full(len(lines), 0.4), record={},
        residual=np.delete(residual, MASTER, axis=1).astype(np.float32),
        offset=residual[:, MASTER].copy(),
        corrected=np.exp(1j * phase).astype(np.complex64),
    )  # fmt: skip


def pairs_of(lines, phase, ifgs=None, coh=0.5):
    """Points of small baselines whose images have a phase [rad]."""
    ij, lonlat = pixels(lines)
    ifgs = ifgs or network()
    turns = np.exp(1j * np.broadcast_to(phase, (len(lines), 5)) @ ifgs.design.T)
    return Pairs(
        ij=ij, lonlat=lonlat, ifgs=ifgs, patch_phase=turns.astype(np.complex64),
        coherence=np.full(len(lines), coh),
        bperp_mat=np.tile(BPERP @ ifgs.design.T, (len(lines), 1)).astype(np.float32),
        height=np.full(len(lines), 20.0), look_angle=np.full(len(lines), 0.5), record={},
        corrected=turns.astype(np.complex64), rest={},
    )  # fmt: skip


def combined(stack, pairs):
    return combine(stack, pairs, -168.0, Context(table("python", "single"), RunConfig()))


PHASE = np.array([0.3, -1.0, 0.0, 2.0, -2.5])


def test_points_of_both_kinds_are_there_once():
    out = combined(stack_of([1, 2, 3, 4], PHASE), pairs_of([3, 4, 5], PHASE))
    assert sorted(out.ij[:, 1].tolist()) == [1, 2, 3, 4, 5]
    assert out.ps_only.tolist() == [0, 1]
    assert out.common_ps.tolist() == [2, 3]
    assert out.common_sb.tolist() == [0, 1]


def test_equal_phase_of_both_stays_what_it_is():
    out = combined(stack_of([1, 2, 3], PHASE), pairs_of([2, 3, 4], PHASE))
    expected = np.exp(1j * network().design @ PHASE)
    assert np.allclose(out.corrected[:], expected, atol=1e-6)
    assert np.allclose(out.patch_phase[:], expected, atol=1e-6)
    assert np.allclose(out.bperp_mat[:], network().design @ BPERP)


def test_what_both_have_is_weighted_by_coherence_and_of_unit_modulus():
    stack, pairs = stack_of([1], 0 * PHASE), pairs_of([1], PHASE, coh=0.8)
    out = combined(stack, pairs)
    snr = weight(np.array([0.8]))[0]
    turns = np.exp(1j * network().design @ PHASE)
    # without residuals the PS are coherent without bound and outweigh the small baselines
    assert np.allclose(out.corrected[:], 1, atol=1e-6)
    noisy = stack_of([1], 0 * PHASE, residual=[0.4, -0.4, 0, 0.3, -0.3])
    out = combined(noisy, pairs)
    own = weight(out.common_ps_coherence)[0]
    mean = turns * snr + own
    assert np.allclose(out.corrected[:], mean / np.abs(mean), atol=1e-5)


def test_every_point_has_the_coherence_that_it_was_chosen_by():
    residual = [[0.4, -0.4, 0, 0.3, -0.3]]
    out = combined(stack_of([1, 2, 3], PHASE, residual=residual), pairs_of([3, 4], PHASE, coh=0.5))
    known = dict(zip(out.ij[:, 1], out.coherence, strict=True))
    assert known == {1: out.ps_only_coherence[0], 2: out.ps_only_coherence[1], 3: 0.5, 4: 0.5}


def test_a_ps_less_coherent_than_every_small_baseline_point_is_left_out():
    noisy = stack_of([1, 2], PHASE, residual=[[0, 2, -2, 1, 3], [0, 0, 0, 0, 0]])
    out = combined(noisy, pairs_of([2, 3], PHASE, coh=0.9))
    assert out.ij[:, 1].tolist() == [2, 3]


@given(st.lists(st.floats(-3, 3), min_size=5, max_size=5), st.floats(-3, 3))
def test_coherence_of_pairs_does_not_see_what_all_images_share(residual, shift):
    phase = np.array([residual], np.float32)
    pairs = NETWORK
    assert coherence(phase, pairs) <= 1 + 1e-6
    assert np.allclose(
        coherence(phase, pairs), coherence(phase + np.float32(shift), pairs), atol=1e-5
    )
    assert coherence(0 * phase, pairs) == 1


def test_pairs_close():
    images = np.exp(1j * np.linspace(-3, 3, 15).reshape(3, 5)).astype(np.complex64)
    turns = phase_of_pairs(images, NETWORK)[:]
    closure = turns[:, 0] * turns[:, 2] * np.conj(turns[:, 1])  # 0-1, 1-2, 0-2
    assert np.abs(np.angle(closure)).max() < 1e-6


def test_parts_of_the_result_are_those_of_the_whole():
    out = combined(stack_of([1, 2, 3], PHASE), pairs_of([2, 3, 4], 0.5 * PHASE))
    whole = out.corrected[:]
    assert np.array_equal(out.corrected[1:3], whole[1:3])
    assert np.array_equal(out.corrected[:, 2], whole[:, 2])
    assert np.array_equal(out.corrected[np.array([3, 0])], whole[[3, 0]])


@pytest.mark.parametrize(
    ("stack", "pairs", "message"),
    [
        (stack_of([1], PHASE), pairs_of([1], PHASE, network(days=DAYS + np.eye(5)[4])),
         "only the PS have the images"),
        (stack_of([1], PHASE), pairs_of([1], PHASE, network(master_day=DAYS[1])), "master"),
        (stack_of([1], PHASE), pairs_of([2], PHASE), "no pixel in common"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(stack, pairs, message):
    with pytest.raises(StageError, match=message):
        combined(stack, pairs)


def test_a_pixel_that_occurs_twice_is_refused():
    with pytest.raises(StageError, match=r"1 pixels of the small baselines occur twice.* line 2"):
        combined(stack_of([1, 2], PHASE), pairs_of([2, 2, 3], PHASE))


def test_a_pixel_at_two_places_is_refused():
    pairs = pairs_of([1, 2], PHASE)
    pairs.lonlat[1] += 0.01
    with pytest.raises(StageError, match="geometry differs"):
        combined(stack_of([1, 2], PHASE), pairs)
