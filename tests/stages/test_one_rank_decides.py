"""What LAPACK decides, one rank decides for all: another processor may give it other bits."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import lapack

from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.stages import stage6, stage6_sb, stage7, stage7_sb, stage8

from . import stacks, unwrapping

FACTORISATIONS = ("cholesky", "eigh", "eigvalsh", "inv", "lstsq", "matrix_rank", "pinv", "solve",
                  "svd")  # fmt: skip


class Root(SerialTeam):
    """A team of one that knows whether it works for all."""

    for_all = False

    def on_root(self, fn):
        """See Team."""
        with self.working_for_all():
            return fn()

    @contextmanager
    def working_for_all(self):
        before, self.for_all = self.for_all, True
        yield
        self.for_all = before


@pytest.fixture
def team(monkeypatch):
    """A team on which nobody factorises for itself."""
    team = Root()

    def guarded(name, function):
        def call(*values, **options):
            assert team.for_all, f"{name} on every rank"
            return function(*values, **options)

        return call

    for home, names in ((np.linalg, FACTORISATIONS), (lapack, ("dgetrf", "dgecon"))):
        for name in names:
            monkeypatch.setattr(home, name, guarded(name, getattr(home, name)))
    return team


@pytest.mark.parametrize("method", ["3D", "2D"])
def test_in_unwrapping(team, method):
    stack = unwrapping.moving_ground(n_image=6)
    params = unwrapping.params(unwrap_method=method)
    stage6.solve(stack.inputs, params, replace(unwrapping.context(), team=team))


@pytest.mark.parametrize("method", ["3D", "3D_QUICK"])
def test_in_unwrapping_small_baselines(team, method):
    stack = unwrapping.small_baselines(
        unwrapping.moving_ground(n_image=6), unwrapping.neighbours(6)
    )
    params = unwrapping.sb_params(unwrap_method=method)
    stage6_sb.solve(stack.inputs, params, replace(unwrapping.context(), team=team))


@pytest.mark.parametrize("scla_method", ["L1", "L2"])
def test_in_the_fit_of_the_look_angle_error(team, scla_method):
    changes = {"scla_method": scla_method, "scla_deramp": True}
    scene, ctx = stacks.stack(), replace(stacks.context(), team=team)
    stage7.solve(stacks.stage7_inputs(scene), stacks.stage7_params(**changes), ctx)
    pairs = stacks.stage7_sb_inputs(scene, stacks.pairs_of(scene))
    stage7_sb.solve(pairs, stacks.stage7_sb_params(**changes), ctx)


def test_in_the_velocity(team):
    scene, ctx = stacks.stack(), replace(stacks.context(), team=team)
    stage8.solve(stacks.stage8_inputs(scene), stacks.stage8_params(scn_deramp_ifg="all"), ctx)
