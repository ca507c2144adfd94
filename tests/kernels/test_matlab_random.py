"""MATLAB's random numbers: the well-known ones, and where draws go on."""

import numpy as np
import pytest

from pystamps_hpc.stages.stage2.random_streams import matlab_state
from pystamps_kernels.dispatch import table


def test_the_start_of_matlabs_generator_is_the_well_known_one(kernels):
    draws, _ = kernels.stage2_matlab_uniform(matlab_state(0), 5)
    known = [0.9501292851, 0.2311385136, 0.6068425835, 0.4859824687, 0.8912989661]
    np.testing.assert_allclose(draws, known, atol=5e-11)
    draws, _ = kernels.stage2_matlab_uniform(matlab_state(2005), 4)
    known = [0.0929589905831912, 0.37373775840752277, 0.44877057937117765, 0.6138667461568371]
    np.testing.assert_array_equal(draws, known)


def test_draws_go_on_where_they_stopped_and_leave_the_state_alone():
    python, native = table("python", "double"), table("native", "double")
    state = matlab_state(7)
    before = state.copy()
    whole, end = native.stage2_matlab_uniform(state, 3000)
    np.testing.assert_array_equal(state, before)
    first, middle = python.stage2_matlab_uniform(state, 1234)
    rest, python_end = python.stage2_matlab_uniform(middle, 3000 - 1234)
    np.testing.assert_array_equal(np.concatenate((first, rest)), whole)
    np.testing.assert_array_equal(python_end, end)
    assert ((whole > 0) & (whole < 1)).all()
    assert whole.mean() == pytest.approx(0.5, abs=0.03)
