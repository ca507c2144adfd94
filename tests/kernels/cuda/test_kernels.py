"""Every CUDA kernel's own source against the reference, on whatever device there is."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.cuda.device import DeviceMemoryError
from pystamps_kernels.dispatch import function

from ..arguments import all_arguments
from ..test_backends import FORMS, rows_of, stacks_of

CUDA = [
    form
    for form in FORMS
    if function(all_kernels()[form[0]], "cuda", form[1]) is not None
    and (form[1] == "double" or all_kernels()[form[0]].single)
]
BY_ROW = [
    form
    for form in CUDA
    if any(rows_of(all_kernels()[form[0]])) and form[0] != "stage6_anneal"  # a block takes a row
]
ONE_PIECE = {
    "stage7_lad_fit", "stage8_series_variograms", "stage8_fit_variograms", "stage8_krig_time",
    "stage8_krig_space",
}  # fmt: skip
"""Kernels whose arguments here have fewer rows than a piece."""
ADDED = {"stage1_column_means", "stage6_column_products"}
IN_PIECES = [
    form
    for form in CUDA
    if (form in BY_ROW and form[0] not in ONE_PIECE)
    or "edge_stats" in form[0]
    or form[0] in {"stage2_clap_grid", "stage2_grid_accumulate", "stage5_cell_sums", *ADDED}
]
"""Kernels that share the memory of the device out, in pieces of rows, edges, planes or columns."""
ROWS = 1500
"""Rows that are enough here, more than a piece and than the blocks of any kernel."""
FEWER = {
    "stage3_bootstrap_deviation": 600, "stage6_anneal": 2, "stage6_held_smooth": 300,
    "stage6_look_angle": 700,
}  # fmt: skip
"""The same of kernels that take long here."""
BEGINS = {"stage6_anneal": 3}
"""First row of those, where it is not 0: here so that an arc is not the first of all."""
CELLS, POINTS, EDGES = 20, 60, 1300
"""Cells of ``stage3_clap_cells``, points of ``stage8_spatial_lowpass``, edges of a network."""


def arguments_of(name):
    """Return the calls of a kernel, with fewer rows where it would take long."""
    calls = all_arguments()[name]
    if name == "stage3_clap_cells":
        return [(grid, cells[:CELLS], *rest) for grid, cells, *rest in calls]
    if name == "stage8_spatial_lowpass":
        return [(*rest, first, first + POINTS) for *rest, first, _ in calls]
    if "edge_stats" in name:
        return [(phase, a[:EDGES], b[:EDGES], *rest) for phase, a, b, *rest in calls]
    first = BEGINS.get(name, 0)
    rows = slice(first, first + FEWER.get(name, ROWS))
    return [some_rows((name, ""), call, rows) for call in calls]


def results(form, arguments, backend="cuda"):
    with np.errstate(invalid="ignore"):
        found = function(all_kernels()[form[0]], backend, form[1])(*arguments)
    return [np.asarray(item) for item in (found if isinstance(found, tuple) else (found,))]


@cache
def expected(form):
    return [results(form, arguments, "python") for arguments in arguments_of(form[0])]


def some_rows(form, arguments, rows):
    kernel = all_kernels()[form[0]]
    cut = rows_of(kernel) or [False] * len(arguments)
    return [
        a[rows] if own else np.ascontiguousarray(a[:, rows]) if stacked else a
        for a, own, stacked in zip(arguments, cut, stacks_of(kernel), strict=True)
    ]


def test_what_has_no_cuda_form_is_on_the_page_with_its_reason():
    page = Path(__file__).parents[3].joinpath("docs/gpu.md").read_text(encoding="utf-8")
    table = page.partition("## Native only")[2]
    told = re.findall(r"^\| `(\w+)` \| [^|]{3,} \|$", table, re.M)
    assert sorted(told) == sorted(set(all_kernels()) - {name for name, _ in CUDA})


def test_every_promised_kernel_has_a_cuda_form():
    promised = {
        "stage2_grid_accumulate", "stage2_histogram", "stage2_topofit",
        "stage2_topofit_row_invariant", "stage2_topofit_coh_row_invariant", "stage4_edge_stats",
        "stage7_scla", "stage8_edge_noise", "stage2_clap_grid", "stage3_clap_cells",
        "stage6_goldstein",
    }  # fmt: skip
    assert promised <= {name for name, _ in CUDA}


def test_a_kernel_has_a_cuda_form_for_both_arithmetics_or_for_none():
    of_both = {name for name, kernel in all_kernels().items() if kernel.single}
    assert {name for name, form in CUDA if form == "single"} == {
        name for name, form in CUDA if name in of_both and form == "double"
    }


@pytest.mark.parametrize("form", CUDA, ids=" ".join)
def test_cuda_equals_the_reference(device, form):
    kernel = all_kernels()[form[0]]
    for arguments, wanted in zip(arguments_of(form[0]), expected(form), strict=True):
        copies = [np.array(item, copy=True) for item in arguments]
        found = results(form, arguments)
        for item, value, one in zip(kernel.returns, wanted, found, strict=True):
            assert one.dtype == value.dtype
            tolerance = kernel.tolerance.get(item.name, 0)
            np.testing.assert_allclose(one, value, rtol=0, atol=tolerance, err_msg=item.name)
        for item, copy in zip(arguments, copies, strict=True):
            np.testing.assert_array_equal(item, copy)


@pytest.mark.parametrize("form", BY_ROW, ids=" ".join)
def test_a_row_does_not_depend_on_the_size_of_the_last_block(device, form):
    arguments = arguments_of(form[0])[0]
    cut = rows_of(all_kernels()[form[0]])
    n = len(arguments[cut.index(True)])
    whole = results(form, some_rows(form, arguments, slice(0, 300)))
    for rows in (slice(0, 0), slice(0, 1), slice(3, 18), slice(3, 19), slice(3, 20), slice(9, 266)):
        if rows.stop > n:
            continue
        for one, other in zip(results(form, some_rows(form, arguments, rows)), whole, strict=True):
            np.testing.assert_array_equal(one, other[rows])


@pytest.mark.parametrize("form", IN_PIECES, ids=" ".join)
def test_no_bit_depends_on_the_memory_of_the_device(stand_in, form):
    arguments = arguments_of(form[0])[0]
    if form in BY_ROW:
        arguments = some_rows(form, arguments, slice(0, 700))
    whole = results(form, arguments)
    launches, stand_in.launched[:] = len(stand_in.launched), []
    stand_in.free = 1 << 12
    with pytest.raises(DeviceMemoryError, match=r"device 0 has 0 MiB free, \d+ MiB needed"):
        results(form, arguments)
    pieces = None
    while pieces is None:
        stand_in.free = stand_in.free * 5 // 4
        stand_in.launched[:] = []
        try:
            pieces = results(form, arguments)
        except DeviceMemoryError:
            continue
    assert len(stand_in.launched) > launches
    for one, other in zip(pieces, whole, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["stage2_clap_grid", "stage6_goldstein"])
def test_windows_too_large_for_shared_memory_come_out_the_same(stand_in, name):
    form, arguments = (name, "double"), arguments_of(name)[0]
    inside = results(form, arguments)
    stand_in.shared_bytes = 8192
    np.testing.assert_array_equal(results(form, arguments)[0], inside[0])


def test_rows_too_long_for_a_block_are_refused(stand_in):
    stand_in.shared_bytes = 256
    with pytest.raises(DeviceMemoryError, match="set its backend to native"):
        results(("stage2_topofit", "double"), arguments_of("stage2_topofit")[0])
