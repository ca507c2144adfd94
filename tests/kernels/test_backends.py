"""What holds for every kernel: backends agree, and neither threads nor cuts change a bit."""

import numba
import numpy as np
import pytest

from pystamps_kernels.contracts import Array, all_kernels
from pystamps_kernels.dispatch import table

from .arguments import all_arguments

BACKENDS = ["python", "native"]
FORMS = [
    (name, arithmetic) for name, kernel in all_kernels().items() for arithmetic in kernel.forms
]
WHOLE = {
    "stage2_clap_grid", "stage2_histogram", "stage4_adjacent_keep", "stage4_duplicate_keep",
    "stage4_edge_stats", "stage4_edge_stats_undirected", "stage4_pair_edge_stats",
    "stage4_pair_edge_stats_undirected", "stage6_chains", "stage6_cheapest_flow",
    "stage6_column_products", "stage6_cost_records", "stage6_goldstein", "stage6_low_pass",
    "stage6_nearest_node", "stage6_share_free_chains", "stage7_scla_smooth",
}  # fmt: skip
"""Kernels whose results depend on all rows."""
BY_BLOCKS = ("stage2_topofit", "stage7_lad_fit")
"""Kernels whose definition multiplies blocks of rows, so that its last bits depend on the cut."""


def leading(item):
    return (item.shape.split() or [""])[0] if isinstance(item, Array) else ""


def rows_of(kernel):
    """Return which arguments are cut with the rows of the first result."""
    cut = [leading(item) == leading(kernel.returns[0]) != "" for item in kernel.arguments]
    return cut if kernel.name not in WHOLE else []


def stacks_of(kernel):
    """Return which arguments hold the rows of the first result once per image: ``k n 2``."""
    n = leading(kernel.returns[0])
    return [isinstance(item, Array) and item.shape.split()[:2] == ["k", n] and n != "k"
            for item in kernel.arguments]  # fmt: skip


BY_ROW = [
    (backend, form)
    for form in FORMS
    for backend in BACKENDS
    if any(rows_of(all_kernels()[form[0]]))
    and not (backend == "python" and form[0].startswith(BY_BLOCKS))
]


def results(backend, form, arguments):
    found = getattr(table(backend, form[1]), form[0])(*arguments)
    return found if isinstance(found, tuple) else (found,)


def test_every_kernel_has_arguments_that_fit_its_contract():
    assert set(all_arguments()) == set(all_kernels())
    for name, calls in all_arguments().items():
        for arguments in calls:
            all_kernels()[name].check(arguments)


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
def test_native_equals_the_reference_for_any_number_of_threads(form):
    kernel = all_kernels()[form[0]]
    threads = numba.get_num_threads()
    for arguments in all_arguments()[form[0]]:
        with np.errstate(invalid="ignore"):
            wanted = results("python", form, arguments)
        numba.set_num_threads(1)
        try:
            alone = results("native", form, arguments)
        finally:
            numba.set_num_threads(threads)
        found = results("native", form, arguments)
        for item, value, one, other in zip(kernel.returns, wanted, alone, found, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=item.name)
            assert np.asarray(one).dtype == np.asarray(value).dtype
            tolerance = kernel.tolerance.get(item.name, 0)
            if form[1] == "double":
                tolerance = kernel.native_double.get(item.name, tolerance)
            np.testing.assert_allclose(one, value, rtol=0, atol=tolerance, err_msg=item.name)


@pytest.mark.parametrize(("backend", "form"), BY_ROW)
def test_a_row_does_not_depend_on_where_the_rows_are_cut(backend, form):
    kernel = all_kernels()[form[0]]
    cut, stacks = rows_of(kernel), stacks_of(kernel)
    for arguments in all_arguments()[form[0]]:
        n = len(arguments[cut.index(True)])
        whole = results(backend, form, arguments)
        for rows in (slice(0, 1), slice(n // 40, n // 16), slice(n - 5, n)):
            part = [
                a[rows] if by_row else np.ascontiguousarray(a[:, rows]) if stacked else a
                for a, by_row, stacked in zip(arguments, cut, stacks, strict=True)
            ]
            for one, other in zip(results(backend, form, part), whole, strict=True):
                np.testing.assert_array_equal(one, other[rows])


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
@pytest.mark.parametrize("backend", BACKENDS)
def test_no_argument_is_modified(backend, form):
    for arguments in all_arguments()[form[0]]:
        copies = [np.array(item, copy=True) for item in arguments]
        with np.errstate(invalid="ignore"):
            results(backend, form, arguments)
        for item, copy in zip(arguments, copies, strict=True):
            np.testing.assert_array_equal(item, copy)
