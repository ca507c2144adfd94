"""Tests of the parallel layer; those marked ``mpi`` run under mpirun with ``--with-mpi``."""

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "mpi(min_size): needs MPI ranks; see pytest-mpi")
    if not config.pluginmanager.hasplugin("pytest_mpi"):
        config.pluginmanager.register(WithoutPlugin())


class WithoutPlugin:
    """Skips what pytest-mpi would run, where it is not installed."""

    def pytest_collection_modifyitems(self, items):
        for item in items:
            if item.get_closest_marker("mpi"):
                item.add_marker(pytest.mark.skip(reason="pytest-mpi is not installed"))


@pytest.fixture(scope="session")
def mpi_team():
    mpi = pytest.importorskip("pystamps_hpc.parallel.mpi")
    return mpi.MpiTeam()


@pytest.fixture(scope="session")
def mpi_team_without_threads():
    mpi = pytest.importorskip("pystamps_hpc.parallel.mpi")
    return mpi.MpiTeam(threads=False)


@pytest.fixture(scope="session")
def mpi_team_on_two_nodes():
    """Even and odd ranks share no memory, as if dealt out to two nodes in turn."""
    mpi = pytest.importorskip("pystamps_hpc.parallel.mpi")
    world = mpi.MPI.COMM_WORLD
    return mpi.MpiTeam(node=mpi.MPI.Intracomm(world.Split(world.rank % 2)))


@pytest.fixture(params=["threads", "no threads"])
def team(request, mpi_team, mpi_team_without_threads):
    return mpi_team if request.param == "threads" else mpi_team_without_threads
