"""The notebooks of the documentation run from the first cell to the last."""

import os
import shutil
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
for needed in ("ipykernel", "xarray", "h5netcdf", "matplotlib"):
    pytest.importorskip(needed)

ROOT = Path(__file__).resolve().parents[2]
BOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_a_finished_dataset(path, finished, tmp_path, monkeypatch):
    shutil.copytree(finished, tmp_path / "demo")
    folders = (str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    client = nbclient.NotebookClient(
        read(path), timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()


def test_there_are_three_notebooks_kept_without_what_they_print():
    assert {path.stem for path in BOOKS} == {"look", "run-and-judge", "verify-and-export"}
    for path in BOOKS:
        for cell in read(path).cells:
            assert not cell.get("outputs"), path
            assert not cell.get("execution_count"), path


def test_every_notebook_is_linked_from_the_page_on_the_library():
    page = (ROOT / "docs" / "library.md").read_text()
    for path in BOOKS:
        assert f"](notebooks/{path.name})" in page
