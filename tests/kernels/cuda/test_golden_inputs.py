"""Every CUDA kernel on what real data give it: the arguments of calls in golden stages."""

from contextlib import suppress
from functools import partial

import numpy as np
import pytest

from pystamps_hpc.stages.stage2 import random_phase
from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import KernelTable

from ...golden.parity import GoldenSet, golden_root
from ...golden.test_kriging import KrigingSet
from ...golden.test_preparation import call_of
from ...slc_stacks import prepared
from ...stages.stacks import context
from .test_kernels import CUDA, results, some_rows


def of_stage(name, stage, target, scratch, held="", **values):
    """Run a stage of a golden set, by its own parameters but for some."""
    golden = GoldenSet(name, scratch)
    if held:  # what an earlier run left
        scope = "merged" if target == "root" else "patch"
        root = golden.tree(stage, scope).root
        (root / f"{held}.mat").symlink_to(golden_root() / name / "expected" / f"{held}.mat")
    golden.run(stage, target, "double", solver="native", values=values)


def of_preparation(name, scratch):
    """Choose the candidates of a golden stack."""
    call = call_of(name, scratch)
    prepared(call.root, processor=call.processor, force=True, **call.options)


def of_kriging(scratch):
    """Krige arcs of the original, in time and in space."""
    KrigingSet("krig-arcs").run(context())


PATCH, SB = "PATCH_1", "sb-small"
RUNS = {
    partial(of_preparation, "snap-ps"): ("prep_add_amplitudes",),
    partial(of_preparation, "snap-sb"): ("prep_add_pairs",),
    partial(of_stage, "ps-small", 1, PATCH): (
        "stage1_look_angles", "stage1_perpendicular_baselines", "stage1_column_means",
    ),
    partial(of_stage, "isce", 1, PATCH): ("stage1_bilinear",),
    partial(of_stage, "ps-small", 2, PATCH): (
        "stage2_phasors_of_cycles", "stage2_topofit_coh_row_invariant", "stage2_histogram",
        "stage2_unit_phasors", "stage2_ph_weight", "stage2_grid_accumulate", "stage2_clap_grid",
        "stage2_deviation", "stage2_topofit", "stage2_angle",
    ),
    partial(of_stage, "ps-small", 3, PATCH, gamma_stdev_reject=0.1): (
        "stage3_bootstrap_deviation", "stage3_clap_cells",
    ),
    partial(of_stage, "ps-small", 4, PATCH): ("stage4_edge_stats",),
    partial(of_stage, SB, 4, PATCH, weed_standard_dev=1.0): ("stage4_pair_edge_stats",),
    partial(of_stage, SB, 5, "root"): ("stage5_cell_sums",),
    partial(of_stage, "ps-small", 6, "root"): (
        "stage6_wrapped_phase", "stage6_cell_sums", "stage6_goldstein", "stage6_nearest_node",
        "stage6_arc_phasors", "stage6_phase_steps", "stage6_look_angle", "stage6_subtract_phase",
        "stage6_star_smooth", "stage6_arc_noise", "stage6_arc_variance", "stage6_edge_costs",
        "stage6_residues", "stage6_solution_cost", "stage6_to_points",
    ),
    partial(of_stage, SB, 6, "root", unwrap_method="3D"): (
        "stage6_low_pass", "stage6_network_smooth", "stage6_column_products",
        "stage6_network_inversion",
    ),
    partial(of_stage, SB, 6, "root", held="phuw_sb2", unwrap_hold_good_values="y"): (
        "stage6_held_smooth",
    ),
    partial(of_stage, "ps-small", 7, "root"): ("stage7_scla", "stage7_scla_smooth"),
    partial(of_stage, "ps-small", 7, "root", scla_method="L1"): (
        "stage7_lad_fit", "stage7_scla_of_slope",
    ),
    partial(of_stage, SB, 7, "root"): ("stage7_image_baselines", "stage7_scla_of_pairs"),
    partial(of_stage, "ps-small", 8, "root"): (
        "stage8_temporal_highpass", "stage8_spatial_lowpass", "stage8_velocity_fit",
    ),
    of_kriging: (
        "stage8_series_variograms", "stage8_fit_variograms", "stage8_spatial_variogram",
        "stage8_krig_time", "stage8_krig_space",
    ),
}  # fmt: skip
"""What is run, and the kernels whose first call of more than a row is kept."""


ALIKE = {
    "stage2_topofit_row_invariant": lambda calls: (
        calls["stage2_topofit"][0], calls["stage2_topofit"][1][0], calls["stage2_topofit"][2]
    ),
    "stage4_edge_stats_undirected": lambda calls: calls["stage4_edge_stats"],
    "stage4_pair_edge_stats_undirected": lambda calls: calls["stage4_pair_edge_stats"],
    "stage6_cost_records": lambda calls: calls["stage6_solution_cost"][2:],
    "stage8_edge_noise": lambda calls: calls["stage6_arc_phasors"],
}  # fmt: skip
"""Kernels that these runs do not call, and whose arguments are those of others.

Baselines that all candidates share, arcs by Qhull, the costs of SNAPHU the program do not occur;
``edge_noise`` is called by no stage.
"""

NOWHERE = {"stage6_anneal": "no arc of the golden small baselines is noisy enough"}
"""Kernels that real data give nothing here, and why."""


def arcs_of(call):
    return call[0], call[1][:300], call[2][:300], *call[3:]


WHOLE = {
    "stage1_column_means", "stage2_grid_accumulate", "stage2_histogram", "stage5_cell_sums",
    "stage6_cell_sums", "stage6_cost_records", "stage6_goldstein",
    "stage6_low_pass", "stage6_nearest_node", "stage6_residues", "stage6_solution_cost",
    "stage7_scla_smooth",
}  # fmt: skip
CUT = {
    "stage6_column_products": lambda call: (call[0][:300],),
    "stage2_clap_grid": lambda call: (np.ascontiguousarray(call[0][:48, :48, :1]), *call[1:]),
    "stage3_clap_cells": lambda call: (
        np.ascontiguousarray(call[0][:, :, :2]), call[1][1000:1008], *call[2:]
    ),
    "stage3_bootstrap_deviation": lambda call: (call[0][:60], call[1][:60], *call[2:]),
    "stage4_edge_stats": arcs_of,
    "stage4_edge_stats_undirected": arcs_of,
    "stage4_pair_edge_stats": arcs_of,
    "stage4_pair_edge_stats_undirected": arcs_of,
    "stage7_lad_fit": lambda call: (call[0], call[1][:60], call[2][:60]),
    "stage8_spatial_lowpass": lambda call: (*call[:-2], 5000, 5020),
    "stage8_spatial_variogram": lambda call: (*call[:4], 0, 100),
    "stage8_fit_variograms": lambda call: (call[0], call[1][:60], call[2]),
    "stage8_krig_time": lambda call: (call[0][:20], call[1][:20], *call[2:]),
}  # fmt: skip
"""How a call is cut that is not whole, so that it does not take long: to 300 rows by default."""

KERNELS = [*(name for names in RUNS.values() for name in names), *ALIKE]

pytestmark = pytest.mark.golden


class EnoughError(Exception):
    """All kernels of a run have been called."""


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Kernel -> arguments of a call in a golden stage, whole."""
    if not golden_root().exists():
        pytest.skip(f"no golden data in {golden_root()}; set PYSTAMPS_HPC_DATA_ROOT")
    kept, wanted, bound = {}, set(), KernelTable.bound

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
        patched.setattr(random_phase, "N_RANDOM", 4096)
        for run, names in RUNS.items():
            wanted.update(names)
            with suppress(EnoughError):
                run(tmp_path_factory.mktemp("golden"))
            assert kept.keys() >= wanted, wanted - kept.keys()
    return kept | {name: arguments(kept) for name, arguments in ALIKE.items()}


def test_no_cuda_kernel_is_left_out():
    assert sorted([*KERNELS, *NOWHERE]) == sorted({name for name, _ in CUDA})


@pytest.mark.parametrize("name", KERNELS)
def test_cuda_equals_the_reference_on_golden_inputs(calls, device, name):
    form = (name, "double")
    arguments = calls[name]
    if name in CUT:
        arguments = CUT[name](arguments)
    elif name not in WHOLE:
        arguments = some_rows(form, arguments, slice(0, 300))
    kernel = all_kernels()[name]
    kernel.check(arguments)
    wanted, found = results(form, arguments, "python"), results(form, arguments)
    for item, one, other in zip(kernel.returns, wanted, found, strict=True):
        tolerance = kernel.tolerance.get(item.name, 0)
        np.testing.assert_allclose(other, one, rtol=0, atol=tolerance, err_msg=item.name)
