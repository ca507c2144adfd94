"""Transfers by CuPy's own calls, with streams that do nothing before someone waits for them."""

from itertools import pairwise

import numpy as np
import pytest

from pystamps_kernels.clap_windows import Clap
from pystamps_kernels.cuda import cells, clap, edge_stats, pieces, resident
from pystamps_kernels.cuda.cupy_device import CupyDevice
from pystamps_kernels.cuda.device import fetched, using
from pystamps_kernels.cuda.patch import ResidentPatch

from .test_kernels import arguments_of, results, some_rows

N_PIECE = 5
ROWS = N_PIECE * pieces.UNIT - 20
IN_PIECES = [
    ("stage2_ph_weight", "double"), ("stage2_topofit_row_invariant", "double"),
    ("stage6_star_smooth", "double"), ("stage7_scla", "double"), ("stage8_velocity_fit", "double"),
    ("stage2_phasors_of_cycles", "double"), ("stage1_column_means", "single"),
    ("stage6_edge_costs", "double"),
]  # fmt: skip


OTHER_PIECES = {
    "stage2_clap_grid": lambda grid, *rest: (grid[:24, :24, :3].copy(), *rest),
    "stage3_clap_cells": lambda grid, cells, *rest: (grid[:, :, :3].copy(), cells[:4], *rest),
    "stage2_grid_accumulate": lambda ph, *rest: (ph[:, :3].copy(), *rest),
    "stage5_cell_sums": lambda values, *rest: (values, *rest),
    "stage4_edge_stats": lambda ph, a, b, *rest: (ph, a[:ROWS], b[:ROWS], *rest),
    "stage4_pair_edge_stats": lambda ph, a, b, *rest: (ph, a[:ROWS], b[:ROWS], *rest),
}  # fmt: skip
"""Kernels whose pieces are planes, columns and edges; how a call is cut to few of them."""


@pytest.fixture
def small_pieces(monkeypatch):
    """Let a piece have one unit of rows, one plane, one column."""
    for module in (pieces, edge_stats, clap, cells):
        monkeypatch.setattr(module, "piece_rows", lambda *sizes, unit=pieces.UNIT: unit)


def in_turn(log, what):
    return [lane for asked, lane in log if asked == what]


@pytest.mark.parametrize("form", IN_PIECES, ids=" ".join)
def test_no_bit_depends_on_when_the_device_does_its_work(
    cupy, late, stand_in, monkeypatch, small_pieces, form
):
    arguments = some_rows(form, arguments_of(form[0])[0], slice(0, ROWS))
    at_once = results(form, arguments)
    with using(late):
        found = results(form, arguments)
    for one, other in zip(found, at_once, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", OTHER_PIECES)
def test_planes_columns_and_edges_go_by_two_lanes_and_change_no_bit(
    cupy, late, stand_in, small_pieces, name
):
    form = (name, "double")
    arguments = OTHER_PIECES[name](*arguments_of(name)[0])
    with using(late):
        found = results(form, arguments)
    launched = in_turn(cupy.log, "launch")
    alternating = [lane for lane, before in pairwise([None, *launched]) if lane != before]
    for one, other in zip(found, results(form, arguments), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(alternating) >= 3
    for lane in (0, 1):  # what another lane has not made yet is not used
        assert ("wait", lane) in cupy.log


def test_a_piece_is_uploaded_while_the_one_before_it_is_computed(cupy, late, small_pieces):
    form = ("stage2_ph_weight", "double")
    results(form, some_rows(form, arguments_of(form[0])[0], slice(0, ROWS)))
    assert in_turn(cupy.log, "launch") == [piece % 2 for piece in range(N_PIECE)]
    landed = [
        place
        for place, (what, lane) in enumerate(cupy.log)
        if what == "wait"
        and ("launch", lane) in cupy.log[_last_wait(cupy.log, place, lane) : place]
    ]
    launched = [place for place, (what, _) in enumerate(cupy.log) if what == "launch"]
    uploaded = [place for place, (what, _) in enumerate(cupy.log) if what == "upload"]
    assert len(landed) == len(launched) == N_PIECE
    for piece in range(N_PIECE - 1):
        # under way before anyone waits for the piece before it, and not before its room is free
        assert launched[piece] < launched[piece + 1] < landed[piece]
        assert any(launched[piece] < place < landed[piece] for place in uploaded)
    for piece in range(N_PIECE - 2):
        assert landed[piece] < launched[piece + 2]


def _last_wait(log, place, lane):
    """Place after the wait for a lane that came before."""
    waits = [k for k in range(place) if log[k] == ("wait", lane)]
    return waits[-1] + 1 if waits else 0


def test_pinned_memory_that_nobody_holds_until_the_copy_is_done_is_found(
    cupy, late, small_pieces, monkeypatch
):
    monkeypatch.setattr(CupyDevice, "_hold", lambda self, item: None)
    form = ("stage2_ph_weight", "double")
    arguments = some_rows(form, arguments_of(form[0])[0], slice(0, ROWS))
    assert np.isnan(results(form, arguments)[0]).any()


def test_a_patch_is_taken_in_by_two_lanes(cupy, late, stand_in, monkeypatch):
    monkeypatch.setattr(resident, "READ", 100)
    form = ("stage2_ph_weight", "double")
    given = some_rows(form, arguments_of(form[0])[0], slice(0, 430))
    ph, bperp = (np.ascontiguousarray(array[:, :4]) for array in given[:2])
    lin = np.random.default_rng(0).integers(0, 24 * 25, len(ph))
    weight = np.linspace(0.5, 2, len(ph))

    def fitted(device):
        with using(device):
            patch = ResidentPatch(
                lambda rows: ph[rows], lambda rows: bperp[rows], ph.shape, lin, (24, 25), False
            )
            clap = Clap(1.0, 0.3, 12, 4, np.ones((16, 16)))
            assert patch.filter(np.zeros(len(ph)), weight, clap)
            return [*patch.fit(0.5), patch.residual(), patch.at_cells()]

    held = fitted(late)
    assert set(in_turn(cupy.log, "upload")) == {0, 1}
    for one, other in zip(held, fitted(stand_in), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_the_pool_may_take_is_all_that_is_free(cupy, late):
    assert late.free_bytes() == cupy.free
    held = cupy.empty((1000,), "f8")
    cupy.memory.set_limit(size=20000)
    assert late.free_bytes() == 20000 - held.nbytes
    del held
    assert late.free_bytes() == 20000


def test_a_device_without_memory_says_so_in_one_line(cupy, late, monkeypatch):
    def full(shape, dtype):
        raise cupy.cuda.memory.OutOfMemoryError("out of memory allocating 4,096 bytes")

    monkeypatch.setattr(cupy, "empty", full)
    form = ("stage2_ph_weight", "double")
    with pytest.raises(MemoryError, match=r"device 0 has \d+ MiB free, which is too little: out"):
        results(form, arguments_of(form[0])[0])


def test_what_has_landed_gives_its_memory_back_while_the_device_is_active(cupy, late):
    n_group, size = 4, 8000
    cupy.memory.set_limit(size=2 * size)
    with late.active():
        for group in range(n_group):
            planes = late.upload(np.full(size // 8, float(group)))
            np.testing.assert_array_equal(fetched(late, planes), group)
            del planes
            assert cupy.memory.used_bytes() == 0
