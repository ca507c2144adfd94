"""What a preparation does beside its passes: rasters read ahead, patches published, a picture."""

import os
import threading
import time
from types import SimpleNamespace

import pytest
from numpy.testing import assert_array_equal

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset.publish import Publication
from pystamps_hpc.dataset.slc_stack import Raster
from pystamps_hpc.errors import DatasetError, PublishError
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.tools.preparation import Options, ahead, overview, plan_preparation, running
from pystamps_hpc.tools.preparation.ahead import read_ahead
from pystamps_hpc.tools.preparation.publishing import publisher
from pystamps_kernels.dispatch import table

from ..slc_stacks import MASTER, prepared, write_snap

PLAN = {"patches": (3, 2), "overlap": (2, 2)}


@pytest.fixture
def asked(monkeypatch):
    """Return the list of what the system is asked to read: offset and size."""
    calls = []
    monkeypatch.setattr(
        os, "posix_fadvise", lambda _, start, size, advice: calls.append((start, size))
    )
    return calls


@pytest.fixture
def rasters(tmp_path):
    """Return five rasters of 10 lines x 4 samples."""
    found = []
    for k in range(5):
        path = tmp_path / f"{k}.slc"
        path.write_bytes(bytes(10 * 4 * 8))
        found.append(Raster(path, 4, 10, "fcomplex"))
    return found


def context(team=None):
    return Context(table("python", "double"), RunConfig(), team or SerialTeam(), threads=2)


def soon(holds):
    """Wait for a thread; then a moment longer, in which it could go too far."""
    end = time.monotonic() + 10
    while not holds() and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(0.02)
    return holds()


def reading():
    """Whether anything is read ahead."""
    return any(thread.name == "read ahead" for thread in threading.enumerate())


def test_as_many_rasters_are_read_ahead_as_have_room_and_one_more_for_each_that_is_used(
    asked, rasters, monkeypatch
):
    monkeypatch.setattr(ahead, "AHEAD", 3 * 5 * 4 * 8)
    with read_ahead(rasters, range(2, 7), context()) as used:
        assert reading()
        assert soon(lambda: asked == 3 * [(2 * 4 * 8, 5 * 4 * 8)])
        used()
        assert soon(lambda: len(asked) == 4)
    assert len(asked) == 4


def test_a_raster_that_cannot_be_opened_is_left_to_who_reads_it(asked, rasters):
    rasters[0].path.unlink()
    with read_ahead(rasters, range(10), context()):
        assert soon(lambda: len(asked) == 4)


def test_several_ranks_read_nothing_ahead(asked, rasters):
    with read_ahead(rasters, range(10), context(SimpleNamespace(size=2))) as used:
        used()
        assert not reading()


def test_a_raster_larger_than_what_may_be_ahead_is_not_read_ahead(asked, rasters, monkeypatch):
    monkeypatch.setattr(ahead, "AHEAD", 10 * 4 * 8 - 1)
    with read_ahead(rasters, range(10), context()) as used:
        used()
        assert not reading()


def test_all_bands_of_expected_lines_are_asked_for(asked, tmp_path):
    path = tmp_path / "two.raw"
    path.write_bytes(bytes(2 * 6 * 3 * 4))
    raster = Raster(path, 3, 6, "float", bands=2, band=1)
    raster.expect(slice(0, 1))
    assert not asked  # of a file that is opened for every read
    with raster.opened() as file:
        file.expect(slice(2, 4))
    assert asked == [(2 * 2 * 3 * 4, 2 * 2 * 3 * 4)]


def test_patches_that_cannot_be_published_end_the_preparation(tmp_path, monkeypatch):
    write_snap(tmp_path)
    plain = Publication.commit

    def fails(publication, names):
        if publication.target.name == "PATCH_6":
            raise PublishError("no space")
        plain(publication, names)

    monkeypatch.setattr(Publication, "commit", fails)
    with pytest.raises(PublishError, match="no space"):
        prepared(tmp_path, **PLAN)
    there = {path.parent.name for path in tmp_path.glob("PATCH_*/pscands.1.ph")}
    assert there == {"PATCH_1", "PATCH_4", "PATCH_2", "PATCH_5", "PATCH_3"}
    assert not list(tmp_path.glob("PATCH_*/.pystamps-hpc/tmp/*"))
    monkeypatch.undo()
    assert prepared(tmp_path, **PLAN).kept == ("PATCH_1", "PATCH_2", "PATCH_4", "PATCH_5")


def test_what_could_not_be_published_is_told_though_the_next_patches_fail_too(
    tmp_path, monkeypatch
):
    write_snap(tmp_path)
    layout = plan_preparation(tmp_path, Options(master=MASTER, **PLAN), RunConfig())
    told = []
    ctx = SimpleNamespace(config=RunConfig(), warn=told.append, on_root=lambda call: call())
    monkeypatch.setattr(Publication, "commit", lambda *_: (_ for _ in ()).throw(OSError("full")))

    def prepare():
        with publisher(layout, None, ctx, "run") as publishing:
            publishing.publish(publishing.stage(layout.strips[0]))
            raise DatasetError("the next")

    with pytest.raises(DatasetError, match="the next"):
        prepare()
    assert told == ["what was made before could not be published: full"]


def test_a_damaged_patch_that_is_kept_is_left_out_of_the_picture_with_a_warning(tmp_path, coarse):
    write_snap(tmp_path)
    layout = plan_preparation(tmp_path, Options(master=MASTER, **PLAN), RunConfig())
    prepared(tmp_path, **PLAN)
    amplitude = tmp_path / "PATCH_1" / "mean_amp.flt"
    amplitude.write_bytes(amplitude.read_bytes()[:-8])
    told = []
    running._picture(layout, prepared(tmp_path, **PLAN), SimpleNamespace(warn=told.append))
    assert any("PATCH_1: is missing in the picture" in line for line in told)


@pytest.fixture
def coarse(monkeypatch):
    """Let an overview have cells of 4 pixels, and be taken instead of drawn."""
    monkeypatch.setattr(overview, "MOST", 10)
    monkeypatch.setattr(running, "candidates_picture", lambda layout, counts, seen, path: seen)


def test_an_overview_has_each_candidate_in_the_patch_that_owns_it(tmp_path, coarse):
    for name in ("one", "several"):
        write_snap(tmp_path / name)
    one, several = prepared(tmp_path / "one"), prepared(tmp_path / "several", **PLAN)
    assert one.overview.density.shape == (6, 8)
    assert one.overview.density.sum() == one.candidates["PATCH_1"]
    assert_array_equal(several.overview.density, one.overview.density)
    assert_array_equal(several.overview.amplitude, one.overview.amplitude)


def test_patches_that_are_kept_are_drawn_too(tmp_path, coarse):
    write_snap(tmp_path)
    layout = plan_preparation(tmp_path, Options(master=MASTER, **PLAN), RunConfig())
    log = SimpleNamespace(warn=pytest.fail)
    made, kept = (running._picture(layout, prepared(tmp_path, **PLAN), log) for _ in range(2))
    assert made.density.any()
    assert_array_equal(made.density, kept.density)
    assert_array_equal(made.amplitude, kept.amplitude)
