"""Every rank writes its rows of a bundle, and the files are those of one process; by mpirun."""

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from pystamps_hpc.config import OutputConfig
from pystamps_hpc.dataset.rows import FloatArray, Rows, applied
from pystamps_hpc.errors import PublishError, StageError
from pystamps_hpc.parallel import mpi
from pystamps_hpc.parallel.team import UNIT, SerialTeam
from pystamps_hpc.pipeline import saving
from pystamps_hpc.pipeline.saving import bundle_of, publish
from pystamps_hpc.pipeline.table import task

from .rows import OnDisk, ignore, phase

pytestmark = pytest.mark.mpi
N_PS = 5 * UNIT + 7
PHASE, SLOPE = phase(N_PS), phase(N_PS, (), np.float64)


@dataclass(frozen=True)
class Outputs:
    """A vector in memory, rows that every rank reads, and two matrices spread over the ranks."""

    coherence: Annotated[FloatArray, "pm2.coh_ps"]
    phase: Annotated[Rows, "ph2.ph"]
    patch_phase: Annotated[Rows, "pm2.ph_patch"]
    residual: Annotated[Rows, "pm2.ph_res"]


@pytest.fixture
def shared(mpi_team):
    """Return a folder that all ranks see."""
    folder = mpi_team.on_root(lambda: Path(tempfile.mkdtemp()))
    yield folder
    mpi_team.on_root(lambda: shutil.rmtree(folder))


def save(team, folder, residual=SLOPE, **output):
    spread = team.map_rows(lambda rows: (PHASE[rows], residual[rows]), N_PS, UNIT, ignore)
    outputs = Outputs(
        np.ones(N_PS), applied(np.conj, OnDisk(PHASE), PHASE.dtype), spread[0], spread[1]
    )
    row, options = task(5, "patch", "ps"), OutputConfig(**output)
    return publish(row, bundle_of(outputs), folder, team, options, "test", {})


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "output",
    [{"mat_format": "v5"}, {"mat_format": "v7.3"}, {"compress": True}, {"fsync": False}],
    ids=str,
)
@pytest.mark.parametrize("nodes", [1, 2])
def test_files_that_all_ranks_write_are_those_of_one_process(
    mpi_team, mpi_team_on_two_nodes, shared, monkeypatch, nodes, output
):
    written, pwrite = [], os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda *words: written.append(1) or pwrite(*words))
    save(mpi_team if nodes == 1 else mpi_team_on_two_nodes, shared / "together", **output)
    if mpi_team.size > 1:
        assert bool(written) == ("compress" not in output)

    def compared():
        save(SerialTeam(), shared / "alone", **output)
        assert len(contents(shared / "alone")) == 2
        return contents(shared / "alone") == contents(shared / "together")

    assert mpi_team.on_root(compared)


@pytest.mark.parametrize("row", [3, N_PS - 1])
def test_a_row_that_is_not_finite_on_any_rank_is_named_and_nothing_is_published(
    mpi_team, shared, row
):
    residual = SLOPE.copy()
    residual[row] = np.nan
    with pytest.raises(StageError, match=f"pm2.ph_res: .* in row {row + 1} "):
        save(mpi_team, shared, residual)
    assert mpi_team.on_root(lambda: contents(shared)) == {}


@pytest.mark.mpi(min_size=2)
@pytest.mark.parametrize("call", ["pwrite", "close"])
def test_a_disk_that_is_full_for_one_rank_is_told_by_all_and_nothing_is_published(
    mpi_team, shared, monkeypatch, call
):
    def full(*words):
        if call == "close":
            close(*words)
        raise OSError(errno.ENOSPC, "No space left on device")

    close, last = os.close, mpi_team.size - 1
    with monkeypatch.context() as patch:
        if mpi_team.rank == last:
            patch.setattr(os, call, full)
        with pytest.raises(PublishError) as caught:
            save(mpi_team, shared, fsync=False)
    assert caught.value.rank == last
    told = str(caught.value)
    assert f"{shared}/" in told
    assert "no space left on device" in told
    assert "1 MiB needed" in told
    assert mpi_team.on_root(lambda: contents(shared)) == {}


@pytest.mark.mpi(min_size=2)
def test_a_folder_that_one_rank_does_not_see_is_an_error_of_all(mpi_team, shared, monkeypatch):
    monkeypatch.setattr(saving, "wait_until", lambda condition: condition())
    mine = shared if mpi_team.rank != 1 else shared / "elsewhere"
    with pytest.raises(PublishError, match=r"elsewhere.*No such file"):
        save(mpi_team, mine)
    assert mpi_team.on_root(lambda: contents(shared)) == {}


@pytest.mark.mpi(min_size=2)
def test_a_file_that_shows_late_on_other_nodes_is_waited_for(mpi_team, shared, monkeypatch):
    exists, asked = Path.exists, []

    def late(path):
        asked.append(path)
        return len(asked) > 3 and exists(path)

    if mpi_team.rank > 0:
        monkeypatch.setattr(Path, "exists", late)
    assert set(save(mpi_team, shared)) == {"pm2", "ph2"}
    assert mpi_team.rank == 0 or len(asked) > 3


@pytest.mark.mpi(min_size=2)
def test_the_rows_of_a_rank_are_written_where_they_are_and_not_sent(mpi_team, shared, monkeypatch):
    monkeypatch.setattr(mpi.MpiTeam, "pull", lambda *words: pytest.fail("rows were sent"))
    assert set(save(mpi_team, shared)) == {"pm2", "ph2"}
