"""What the benchmarks claim: only completed runs, the same arithmetic, growth from real figures."""

import copy
import json

import numpy as np
import pytest

from benchmarks import (
    backends,
    clap_work,
    growth,
    kernels,
    memory,
    pictures,
    plain,
    roofline,
    scaling,
    small_baselines,
    truth,
    written,
)
from benchmarks.case import Case
from benchmarks.cases import cases
from benchmarks.scene import CLAP_WINDOW, LOW_PASS, Scene
from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.tools.simulate import VelocityError
from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import function
from pystamps_kernels.native import clap_response, fourier

PEAKS = roofline.Peaks(
    stream=1e10, flops=1e10, sincos=1e8, libm=1e8, roots=1e9, single_flops=2e10, single_roots=4e9
)
NATIVE = backends.Configuration("native", 1, 1)


@pytest.fixture(scope="module")
def measured_peaks():
    """What a thread of this machine can do."""
    return roofline.measure()


def entry(backend, ranks, threads, seconds):
    return {"backend": backend, "ranks": ranks, "threads": threads, "ok": True,
            "wall_sec": {"mean": seconds}, "parallel_sec": seconds / 3}  # fmt: skip


def test_c076_a_configuration_that_is_not_ok_gets_no_speed_up():
    refused = {"backend": "native", "ranks": 1, "threads": 2, "ok": False, "reason": "skipped"}
    entries = [refused, entry("python", 1, 1, 8.0), entry("native", 2, 1, 2.0)]
    entries += [entry("native", 1, 1, 3.0), entry("python", 2, 1, 5.0)]
    backends.compare(entries, {2: 3.2})
    assert "speedup" not in refused
    assert [e["speedup"] for e in entries[1:]] == pytest.approx([1, 4, 8 / 3, 8 / 5])
    assert entries[2]["efficiency"] == pytest.approx(3 / 2 / 2)
    assert entries[2]["efficiency_of_2_to_4_and_6"] == pytest.approx(3 / 2 / 2)
    able = 2 * 3 / 3.2  # what two cores do that share something
    assert entries[2]["efficiency_of_machine"] == pytest.approx(3 / 2 / able)
    assert entries[2]["serial_share"] == pytest.approx((2 / 3 - 1 / able) / (1 - 1 / able))
    assert not {"serial_share", "efficiency_of_machine"} & {*entries[3], *entries[4]}
    assert "not ok: skipped" in backends.row(refused)


def test_patches_take_as_long_as_the_busiest_rank_and_merged_stages_as_their_row_says():
    stages = [
        {"stage": 1, "scope": "patch", "sum_sec": 9.0, "wall_sec": 9.0, "imbalance": 1.0},
        {"stage": 2, "scope": "patch", "sum_sec": 8.0, "wall_sec": 9.0, "imbalance": 1.5},
        {"stage": 6, "scope": "merged", "sum_sec": 3.0, "wall_sec": 3.0, "imbalance": None},
        {"stage": 7, "scope": "merged", "sum_sec": 9.0, "wall_sec": 9.0, "imbalance": None},
    ]
    assert backends.parallel_seconds(stages, 2) == 8 / 2 * 1.5 + 3


def test_c043_c076_a_pre_filled_tree_is_refused_and_a_fresh_copy_is_measured(simulated, tmp_path):
    window = backends.Window(simulated, 1, 1, "double")
    tree = backends.fresh_copy(window, tmp_path / "tree")
    first = backends.run_once(NATIVE, window, tree, tmp_path)
    again = backends.run_once(NATIVE, window, tree, tmp_path)
    assert first["ok"], first
    assert first["bytes_out"] > 0
    assert len(first["peak_rss_mib"]) == 1
    assert not again["ok"]
    assert "skipped_existing" in again["reason"]
    document = backends.benchmark(
        backends.Window(tree, 1, 1, "double"), [NATIVE, backends.Configuration("cuda", 1, 1)], 1, 0
    )
    assert document["configurations"][0]["speedup"] == 1
    assert list(document["skipped"]) == ["cuda"]
    json.dumps(document)


def test_every_kernel_has_a_case_that_fits_its_contract():
    made = cases(Scene(300, 8))
    assert set(made) == set(all_kernels())
    for name, make in made.items():
        all_kernels()[name].check(make().arguments)


@pytest.mark.parametrize("name", ["stage2_deviation", "stage8_temporal_highpass"])
def test_pieces_of_the_reference_join_to_the_whole(name):
    case = cases(Scene(5000, 6))[name]()
    kernel = all_kernels()[name]
    run = function(kernel, "python", "double")
    np.testing.assert_allclose(
        kernels.in_pieces(run, kernel, case)(), run(*case.arguments), rtol=1e-12, atol=1e-12
    )


def test_a_kernel_is_compared_with_its_reference():
    kernel = all_kernels()["stage2_deviation"]
    found = kernels.measure(
        kernel, cases(Scene(500, 6))["stage2_deviation"](), "double", PEAKS, 1, 2
    )
    assert found["largest_error"] == 0
    assert found["ratio"] > 0
    assert kernels.largest_error(np.array([1.0, np.nan]), np.array([1.5, np.nan])) == 0.5
    assert kernels.largest_error(np.array([np.nan]), np.array([1.0])) == np.inf


def test_the_roofline_is_the_slower_of_memory_and_arithmetic():
    assert PEAKS.seconds(Case((), flops=1e10), 5e9, 1) == (1.0, "arithmetic")
    assert PEAKS.seconds(Case((), flops=1e10), 8e9, 2) == (0.8, "memory")
    assert PEAKS.seconds(Case((), pairs=1e8), 0, 2) == (0.5, "arithmetic")


def test_work_in_single_precision_is_held_to_the_peaks_of_single_precision():
    work = Case((), flops=1e10, roots=1e9)
    assert PEAKS.seconds(work, 0, 1) == (2.0, "arithmetic")
    in_single = Case((), single_flops=work.flops, single_roots=work.roots)
    assert PEAKS.seconds(in_single, 0, 1) == (0.75, "arithmetic")


def test_the_clap_filter_does_less_than_the_textbook_and_what_its_source_says():
    window = clap_work.counted(fourier.transform, CLAP_WINDOW)
    assert window.flops == CLAP_WINDOW * 494  # radix 4, then 8: counted by hand
    assert window.flops < CLAP_WINDOW * 5 * CLAP_WINDOW * 5  # 5 n log2 n for each of n rows
    assert clap_work.counted(clap_response.smooth_moduli, CLAP_WINDOW) == clap_work.Work(
        21 * CLAP_WINDOW**2, CLAP_WINDOW**2
    )
    one, two = (
        sum(part.flops for part in clap_work.grid_work((n, 96), 24, 32, 5)) for n in (48, 96)
    )
    assert 2 < two / one < 4  # windows overlap: more than twice as many on twice


@pytest.mark.parametrize(
    ("name", "form"),
    [("stage2_clap_grid", "double"), ("stage3_clap_cells", "double"),
     ("stage3_clap_cells", "single")],
)  # fmt: skip
def test_the_clap_filter_is_no_faster_than_the_machine(name, form, measured_peaks):
    case = cases(Scene(3000, 6, form == "single"))[name]()
    run = function(all_kernels()[name], "native", form)
    found = run(*case.arguments)
    least, bound = measured_peaks.seconds(case, kernels.traffic(case, found), 1)
    share = least / roofline.fastest(lambda: run(*case.arguments), 3)
    assert bound == "arithmetic"
    assert 0.1 < share <= 1


def test_the_plain_procedures_give_what_the_saving_ones_give():
    scene = Scene(400, 5)
    number = np.unique(scene.cell_number, return_inverse=True)[1]
    arguments = (scene.grid, scene.occupied, CLAP_WINDOW, 1.0, 0.3, LOW_PASS, 1)
    per_cell = function(all_kernels()["stage3_clap_cells"], "native", "single")(*arguments)
    per_ps = plain.window_per_ps(scene.grid, scene.cells, CLAP_WINDOW, 1.0, 0.3, LOW_PASS)
    np.testing.assert_allclose(per_ps, per_cell[number], atol=1e-9)
    case = cases(scene)["stage8_temporal_highpass"]()
    filtered = function(all_kernels()["stage8_temporal_highpass"], "native", "double")(
        *case.arguments
    )
    network = plain.highpass_through_network(scene.unwrapped, case.arguments[1], scene.edges)
    np.testing.assert_allclose(network, filtered - filtered[0], atol=1e-4)


def test_growth_is_the_slope_of_cost_over_size_in_logarithms():
    sizes = [50_000, 200_000, 1_000_000]
    assert growth.exponent(sizes, [3 * n**1.2 for n in sizes]) == pytest.approx(1.2)
    runs = [{"n_candidates": n, "stage_sec": {"2 patch": n / 1e5}} for n in sizes]
    table = growth.exponents(copy.deepcopy(runs))
    assert table["2 patch"] == pytest.approx(1.0)


def test_a_budget_is_kept_up_to_a_quarter_or_refused_before_work():
    one = {"patches": "1x1", "budget_mib": 1000, "code": 0, "cpu_sec": 9.0, "least_mib": 700}
    kept, above = ({**one, "peak_mib": peak} for peak in (1250, 1251))
    refused = {"patches": "1x1", "budget_mib": 500, "code": 3, "cpu_sec": 1.0, "refused": "no"}
    assert not memory.broken([kept, refused])
    assert memory.broken([above]) == ["1x1 patches, 1000 MiB: the peak is 1251 MiB"]
    assert memory.broken([{**refused, "code": 1}]) == ["1x1 patches, 500 MiB: ended with 1: no"]
    figures = {"candidates": 9, "images": 3, "fixed_mib": 251, "runs": [kept, refused]}
    text = memory.page(figures)
    assert "| 1x1 | 1000 | 700 | 1250 | 1.25 | 9 |" in text
    assert "| 1x1 | 500 | - | refused | - | 1 |" in text
    assert memory.row({**kept, "code": 143})[3] == "ended with 143"


def test_small_baselines_are_held_to_the_cost_of_a_single_master():
    ones = dict.fromkeys(small_baselines.POINTS, 1000.0)
    document = {"candidates": 9, "images": 3, "interferograms": 5,
                "costs": {"ps": ones, "sb": {**ones, "7 merged": 2330.0}}}  # fmt: skip
    assert ["7 merged", "1000", "2330", "2.33"] in small_baselines.rows(document)
    text = small_baselines.page(document)
    assert "9 candidates, 5 interferograms in both: pairs of\n3 images" in text
    assert "| whole program | 1000 | 1000 | 1.00 |" in text


@pytest.mark.parametrize(
    ("case", "kind", "bound"),
    [
        ("noise-free", "single master", 0.05), ("noise", "single master", 0.6),
        ("noise-free", "small baselines", 0.3), ("noise", "small baselines", 0.3),
        ("everything", "small baselines", None), ("noise", "both", None),
        ("noise", "cells of pairs", None),
    ],
)  # fmt: skip
def test_velocities_are_held_to_what_can_be_known(case, kind, bound):
    error = VelocityError(9, 1, 0.31, 0.0, 0.0, 0.9, 0.5)
    outcome = truth.Outcome(case, error, 3.0, kind)
    assert outcome.bound == (None if bound is None else pytest.approx(bound))
    assert outcome.ok == (bound in (None, 0.6))


def test_the_scene_of_the_pictures_is_drawn_in_a_process_of_its_own(tmp_path):
    pytest.importorskip("matplotlib")
    pictures.write_scene(tmp_path / "scene", 500, 6)
    run = pictures.drawn(tmp_path / "scene", "a panel", ("u-dm", "--output", "panel.pdf"))
    assert (tmp_path / "scene" / "products" / "panel.pdf").read_bytes().startswith(b"%PDF")
    assert 50 < run["peak_mib"] < 2048
    assert run["cpu_sec"] > 0


def test_bytes_are_told_by_artifact_and_by_who_reads_them(tmp_path):
    for folder in ("PATCH_1", "PATCH_2"):
        tmp_path.joinpath(folder).mkdir()
        write_mat(tmp_path / folder / "ps1.mat", {"n_ps": 20.0})
        fit = {"ph_patch": np.ones((20, 3), "c8"), "ph_weight": np.ones((20, 3), "c8")}
        write_mat(tmp_path / folder / "pm1.mat", fit)
    arcs = {"dph_noise": np.ones((5, 3), "f4"), "edge_noise_std": np.ones((5, 1), "f4")}
    write_mat(tmp_path / "uw_space_time.mat", arcs)
    write_mat(tmp_path / "ps2.mat", {"n_ps": 10.0})
    found = {each.artifact: each for each in written.artifacts(tmp_path)}
    size = (tmp_path / "PATCH_1/pm1.mat").stat().st_size
    assert found["pm1"] == written.Written("pm1", "patch", 1, 2 * size, 2 * 20 * 3 * 8, 0)
    assert (found["uw_space_time"].times, found["uw_space_time"].ours) == (2, 5 * 4)
    rows = {row[0]: row for row in written.table(list(found.values()), tmp_path, 3)}
    assert rows["pm1"][5] == f"{2 * size / (40 * 3):.1f}"
    assert rows["uw_space_time"][2] == "twice"


def test_tables_of_other_commands_stay_when_the_page_is_written_anew():
    page = "before\n<!-- bytes -->\n| a |\n<!-- end -->\nafter\n<!-- other -->\n<!-- end -->\n"
    assert scaling.kept("bytes", page) == "<!-- bytes -->\n| a |\n<!-- end -->"
    assert scaling.kept("kernels", page) == "<!-- kernels -->\n<!-- end -->"
