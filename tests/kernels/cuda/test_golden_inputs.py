"""Main CUDA kernels on what real data give them: the arguments of golden stages."""

from contextlib import suppress

import numpy as np
import pytest

from pystamps_hpc.stages import stage2
from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import KernelTable

from ...golden.parity import GoldenSet, golden_root
from .test_kernels import results, some_rows

STAGES = {
    2: ("PATCH_1", (
        "stage2_ph_weight", "stage2_grid_accumulate", "stage2_clap_grid", "stage2_topofit",
    )),
    3: ("PATCH_1", ("stage3_clap_cells",)),
    4: ("PATCH_1", ("stage4_edge_stats",)),
    6: ("root", (
        "stage6_wrapped_phase", "stage6_goldstein", "stage6_look_angle", "stage6_star_smooth",
        "stage6_arc_noise", "stage6_edge_costs",
    )),
    7: ("root", ("stage7_scla",)),
    8: ("root", ("stage8_temporal_highpass", "stage8_spatial_lowpass")),
}  # fmt: skip
"""Stage -> target, and the kernels whose first call of more than a row is kept."""
KERNELS = [name for _, names in STAGES.values() for name in names]

CUT = {
    "stage2_grid_accumulate": lambda call: call,
    "stage6_goldstein": lambda call: call,
    "stage2_clap_grid": lambda call: (np.ascontiguousarray(call[0][:48, :48, :1]), *call[1:]),
    "stage3_clap_cells": lambda call: (
        np.ascontiguousarray(call[0][:, :, :2]), call[1][1000:1008], *call[2:]
    ),
    "stage4_edge_stats": lambda call: (call[0], call[1][:300], call[2][:300], *call[3:]),
    "stage8_spatial_lowpass": lambda call: (*call[:-2], 5000, 5020),
}  # fmt: skip
"""How a call is cut so that it does not take long here; 300 rows of the other kernels."""

pytestmark = pytest.mark.golden


class EnoughError(Exception):
    """All kernels of a stage have been called."""


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Kernel -> arguments of a call in a golden stage, cut."""
    if not golden_root().exists():
        pytest.skip(f"no golden data in {golden_root()}; set PYSTAMPS_HPC_DATA_ROOT")
    golden, kept = GoldenSet("ps-small", tmp_path_factory.mktemp("golden")), {}
    counts = 1000 * np.exp(-(((np.arange(100) - 30) / 15) ** 2)).round()
    bound, wanted = KernelTable.bound, set()

    def keeping(self, name):
        def call(*arguments):
            if name in wanted and len(arguments[0]) > 1:
                kept.setdefault(name, arguments)
            if kept.keys() >= wanted:
                raise EnoughError
            return bound(self, name)(*arguments)

        return call

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(KernelTable, "bound", keeping)
        patched.setattr(stage2, "random_histogram", lambda *arguments: counts)
        for stage, (target, names) in STAGES.items():
            wanted.update(names)
            with suppress(EnoughError):
                golden.run(stage, target, "double", solver="native")
    return kept


@pytest.mark.parametrize("name", KERNELS)
def test_cuda_equals_the_reference_on_golden_inputs(calls, device, name):
    form = (name, "double")
    cut = CUT.get(name, lambda call: some_rows(form, call, slice(0, 300)))
    arguments = cut(calls[name])
    kernel = all_kernels()[name]
    wanted, found = results(form, arguments, "python"), results(form, arguments)
    for item, one, other in zip(kernel.returns, wanted, found, strict=True):
        tolerance = kernel.tolerance.get(item.name, 0)
        np.testing.assert_allclose(other, one, rtol=0, atol=tolerance, err_msg=item.name)
