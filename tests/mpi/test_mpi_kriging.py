"""Kriging of stage 8 gives the same bits on any number of ranks; run by mpirun."""

from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.stages.stage8 import kriging
from tests.stages.stacks import context, stage8_inputs, stage8_params
from tests.stages.test_stage8_kriging import noisy, wandering

pytestmark = pytest.mark.mpi

SCENES = {
    "in time": lambda: wandering(7, n_ps=1400, n_ifg=32),  # more than a unit of arcs
    "in space": lambda: noisy(7, n_ps=4200, n_ifg=6, side=20_000.0),  # and of points
}


def noise(scene, ctx):
    """Return every result whole, on every rank."""
    params = stage8_params(scn_kriging_flag=True)
    found = kriging.noise(stage8_inputs(scene), params, np.arange(len(scene.day)), ctx)
    return {
        name: value if isinstance(value, float) else ctx.share(value)
        for name, value in found.items()
    }


@pytest.mark.parametrize("name", SCENES)
def test_no_bit_of_kriging_depends_on_the_ranks(mpi_team, name):
    scene = SCENES[name]()
    shared = noise(scene, replace(context(), team=mpi_team))
    alone = mpi_team.on_root(lambda: noise(scene, context()))
    assert alone.keys() == shared.keys()
    assert ("arc_low_pass" in alone) == (name == "in time")
    for key, value in alone.items():
        np.testing.assert_array_equal(shared[key], value, err_msg=key)
