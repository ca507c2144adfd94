"""Tests of the parallel layer; those marked ``mpi`` run under mpirun with ``--with-mpi``."""


def pytest_configure(config):
    config.addinivalue_line("markers", "mpi(min_size): needs MPI ranks; see pytest-mpi")
    if not config.pluginmanager.hasplugin("pytest_mpi"):
        config.pluginmanager.register(WithoutPlugin())


class WithoutPlugin:
    """Skips what pytest-mpi would run, where it is not installed."""

    def pytest_collection_modifyitems(self, items):
        import pytest

        for item in items:
            if item.get_closest_marker("mpi"):
                item.add_marker(pytest.mark.skip(reason="pytest-mpi is not installed"))
