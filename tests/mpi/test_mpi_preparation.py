"""Several ranks prepare what one does; run by mpirun, see test_mpi_jobs.py."""

import shutil
import tempfile
from pathlib import Path

import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.tools.preparation import (
    Options,
    extraction,
    plan_preparation,
    prepare_stack,
    rasters,
)
from pystamps_kernels.dispatch import table

from ..slc_stacks import MASTER, files_of, prepared, write_snap, write_snap_pairs, write_tops

pytestmark = pytest.mark.mpi


@pytest.fixture
def shared(mpi_team):
    """Return a folder that all ranks see."""
    folder = mpi_team.on_root(lambda: Path(tempfile.mkdtemp()))
    yield folder
    mpi_team.on_root(lambda: shutil.rmtree(folder))


def prepared_by(team, root, **options):
    config = RunConfig().with_values({"output.fsync": False})
    chosen = Options(master=MASTER, **options)
    layout = team.on_root(lambda: plan_preparation(root, chosen, config, team.size))
    context = Context(table("native", "double"), config, team, threads=2)
    return prepare_stack(layout, False, context, "test")


@pytest.mark.parametrize("write", [write_snap, write_snap_pairs, write_tops])
def test_ranks_write_the_same_bytes(mpi_team, shared, monkeypatch, write):
    for module in (rasters, extraction):
        monkeypatch.setattr(module, "PIECE", 8 * 31 * 5)
    monkeypatch.setattr(rasters, "GROUP", 8 * 31 * 5 * 2)
    root = shared / "stack"
    mpi_team.on_root(lambda: write(root))
    found = prepared_by(mpi_team, root, patches=(2, 2), overlap=(3, 3))

    def compared():
        together = files_of(root)
        for name in (*(patch.name for patch in found.patches), ".pystamps-hpc"):
            shutil.rmtree(root / name)
        (root / "parms.mat").unlink()
        alone = prepared(root, patches=(2, 2), overlap=(3, 3))
        assert alone.candidates == found.candidates
        return files_of(root) == together

    assert mpi_team.on_root(compared)


def test_an_error_of_one_rank_ends_all(mpi_team, shared):
    root = shared / "stack"

    def spoiled():
        write_snap(root)
        (root / "rslc/20160208.rslc").write_bytes(bytes(24 * 31 * 8))

    mpi_team.on_root(spoiled)
    with pytest.raises(DatasetError, match="no valid pixel"):
        prepared_by(mpi_team, root)
