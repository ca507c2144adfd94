"""Stage 2 on a GPU that the processor stands in for: the patch stays there, no bit changes."""

from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages import stage2
from pystamps_hpc.stages.stage2 import on_device
from pystamps_kernels.cuda import patch as resident
from pystamps_kernels.cuda.device import using

from ..kernels.cuda.stand_in import COMPILER, StandIn
from .patches import PARAMS2, context, patch, with_nulls

FEW = replace(PARAMS2, gamma_max_iterations=2)
NAMES = ("slope", "offset", "coherence", "n_opt", "residual", "patch_phase", "ph_weight", "ph_grid")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    if COMPILER is None:
        pytest.skip("no g++")
    return tmp_path_factory.mktemp("cuda")


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
    inputs, _ = patch(300)
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
    device.free = needed / resident.TAKEN
    assert resident.fits_on_device(1000, 20, 500, 4)
    device.free -= 1
    assert not resident.fits_on_device(1000, 20, 500, 4)
