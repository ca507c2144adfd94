"""Stages 2 and 3 on a GPU that the processor stands in for: phase stays there, no bit changes."""

from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages import stage2, stage3
from pystamps_hpc.stages.stage2 import on_device
from pystamps_hpc.stages.stage3 import on_device as selection
from pystamps_kernels.cuda import patch as resident
from pystamps_kernels.cuda import selection as resident_selection
from pystamps_kernels.cuda.device import using
from pystamps_kernels.cuda.pieces import TAKEN

from ..kernels.cuda.stand_in import StandIn
from .patches import PARAMS2, PARAMS3, context, inputs3, patch, with_nulls

FEW = replace(PARAMS2, gamma_max_iterations=2)
NAMES = ("slope", "offset", "coherence", "n_opt", "residual", "patch_phase", "ph_weight", "ph_grid")


@pytest.fixture(autouse=True)
def known_random_phases(monkeypatch):
    """The coherence of random phases, which takes long and is not iterated."""
    counts = 1000 * np.exp(-(((np.arange(100) - 30) / 15) ** 2)).round()
    monkeypatch.setattr(stage2, "random_histogram", lambda *arguments: counts)


@pytest.fixture
def device(built):
    with using(StandIn(built)) as made:
        yield made


def solved(inputs, arithmetic="double", params=FEW, backend="cuda"):
    """Solve a patch with the kernels of an iteration in one backend, all others in Python."""
    ctx = context(arithmetic, "python")
    chosen = {**ctx.kernels.backends, **dict.fromkeys(on_device.KERNELS, backend)}
    ctx = replace(ctx, kernels=replace(ctx.kernels, backends=chosen))
    return stage2.solve(inputs, params, ctx), ctx


def same(one, other):
    for name in NAMES:
        np.testing.assert_array_equal(getattr(one, name)[:], getattr(other, name)[:], name)


def cases():
    inputs, _ = patch(300, n_image=6)
    shared = np.tile(inputs.ifgs.bperp.astype(np.float32), (300, 1))
    return {
        "double": (inputs, "double", FEW),
        "single": (inputs, "single", FEW),
        "nulls": (with_nulls(inputs, [7]), "double", FEW),
        "shared baselines": (replace(inputs, bperp_mat=shared), "double", FEW),
        "shared baselines in single": (replace(inputs, bperp_mat=shared), "single", FEW),
        "SNR": (inputs, "double", replace(FEW, filter_weighting="SNR")),
    }


@pytest.mark.parametrize("name", cases())
def test_a_patch_that_stays_on_the_device_gives_the_bits_of_the_kernels(device, monkeypatch, name):
    inputs, arithmetic, params = cases()[name]
    held, ctx = solved(inputs, arithmetic, params)
    assert ctx.log.facts["resident_on_device"]
    monkeypatch.setattr("pystamps_kernels.cuda.patch.fits_on_device", lambda *sizes: False)
    apart, ctx = solved(inputs, arithmetic, params)
    assert not ctx.log.facts["resident_on_device"]
    same(held, apart)
    reference, _ = solved(inputs, arithmetic, params, backend="python")
    np.testing.assert_allclose(held.coherence, reference.coherence, atol=1e-5)
    np.testing.assert_array_equal(held.n_opt, reference.n_opt)


def test_the_phase_is_uploaded_once(device):
    inputs, _ = patch(300)
    before = device.uploaded
    solved(inputs, params=replace(FEW, gamma_max_iterations=1))
    once, before = device.uploaded - before, device.uploaded
    solved(inputs, params=replace(FEW, gamma_max_iterations=3, gamma_change_convergence=0))
    more = device.uploaded - before - once
    assert once > inputs.phase.nbytes
    assert (
        more < 2 * inputs.phase.nbytes
    )  # of two iterations: slopes, weights, tables of the filter


def test_a_phase_that_is_not_finite_is_told_with_its_cell(device, monkeypatch):
    weights = np.ones(300)
    weights[4] = np.inf
    monkeypatch.setattr(stage2, "initial_weights", lambda *arguments: weights)
    with pytest.raises(StageError, match="is not finite at grid cell"):
        solved(patch(300)[0])


def test_what_a_patch_takes_is_known_before(device):
    needed = resident.resident_bytes(1000, 20, 500, 4)
    assert needed == 1000 * 20 * (3 * 8 + 4 + 4) + 2 * 500 * 20 * 8
    device.free = needed / TAKEN
    assert resident.fits_on_device(1000, 20, 500, 4)
    device.free -= 1
    assert not resident.fits_on_device(1000, 20, 500, 4)


# --- stage 3

SELECTED = ("selected", "kept", "patch_phase", "residual", "slope", "offset", "coherence")


@pytest.fixture(scope="module")
def estimated():
    """Inputs of stage 3, where eight candidates are coherent, one of them without phase."""
    inputs, stable = patch(300, n_image=6)
    counts = 1000 * np.exp(-(((np.arange(100) - 30) / 15) ** 2)).round()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stage2, "random_histogram", lambda *arguments: counts)
        found = stage2.solve(inputs, FEW, context("double", "python"))
    few = np.flatnonzero(stable)[:8]
    coherence = np.where(np.isin(np.arange(300), few), found.coherence.max(), 0.05)
    return replace(inputs3(with_nulls(inputs, few[:1]), found), coherence=coherence)


def selected(inputs, arithmetic="double", params=PARAMS3, backend="cuda"):
    ctx = context(arithmetic, "python")
    chosen = {**ctx.kernels.backends, **dict.fromkeys(selection.KERNELS, backend)}
    ctx = replace(ctx, kernels=replace(ctx.kernels, backends=chosen))
    return stage3.solve(inputs, params, ctx), ctx


@pytest.mark.parametrize(
    ("arithmetic", "dropped"), [("double", ()), ("single", ()), ("double", (2, 4))]
)
def test_a_selection_that_stays_on_the_device_gives_the_bits_of_the_kernels(
    device, monkeypatch, estimated, arithmetic, dropped
):
    params = replace(PARAMS3, drop_ifg_index=dropped)
    before = device.uploaded
    held, ctx = selected(estimated, arithmetic, params)
    once, before = device.uploaded - before, device.uploaded
    assert ctx.log.facts["resident_on_device"]
    monkeypatch.setattr("pystamps_kernels.cuda.selection.fits_on_device", lambda *sizes: False)
    apart, ctx = selected(estimated, arithmetic, params)
    assert not ctx.log.facts["resident_on_device"]
    of_phase = 8 * estimated.phase[:1].nbytes
    assert device.uploaded - before >= once + 2 * of_phase  # deviations of two kernels
    for name in SELECTED:
        np.testing.assert_array_equal(getattr(held, name)[:], getattr(apart, name)[:], name)
    reference, _ = selected(estimated, arithmetic, params, "python")
    assert held.selected.size == 8
    np.testing.assert_array_equal(held.selected, reference.selected)
    np.testing.assert_allclose(held.coherence, reference.coherence, atol=1e-5)


def test_what_a_selection_takes_is_known_before(device):
    needed = 100 * 20 * (4 * 8 + 4 + 4) + 20 * 50 * 8
    device.free = needed / TAKEN
    assert resident_selection.fits_on_device(100, 20, 50, 4)
    device.free -= 1
    assert not resident_selection.fits_on_device(100, 20, 50, 4)
