"""Values by several ranks: the bytes of one, and one error."""

import pytest

from tests.mpi import mpi_run
from tests.tools.test_products import Result

pytestmark = mpi_run.starts_jobs

N_PS = 41_000  # two turns of three ranks, the last one of a part of the ranks


def job(n, *words):
    return mpi_run.run(n, ["-m", "pystamps_hpc", "values", *map(str, words), "--json"], 120.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Result(tmp_path_factory.mktemp("values") / "set", N_PS).root


@pytest.mark.parametrize("value_type", ["u-dm", "v-do", "vdrop-o", "vs"])
def test_any_number_of_ranks_writes_the_same_bytes(root, tmp_path, value_type):
    found = []
    for n in (1, 3):
        path = tmp_path / f"{n}.mat"
        ended = job(n, value_type, "--dataset", root, "--output", path)
        assert ended.code == 0, ended.err
        document = ended.report | {"file": ""}
        found.append((path.read_bytes(), document))
    assert found[0] == found[1]
    assert found[0][1]["ps"] == N_PS


def test_a_file_that_cannot_be_written_is_one_error_of_all_ranks(root, tmp_path):
    (tmp_path / "file").write_text("in the way")
    ended = job(2, "u", "--dataset", root, "--output", tmp_path / "file" / "u.mat")
    assert ended.code == 1
    assert ended.err.count("u.mat: Not a directory") == 1
