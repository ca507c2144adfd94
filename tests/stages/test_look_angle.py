"""How far the look-angle error is searched: baselines, incidence and wavelength."""

import numpy as np
import pytest

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages.shared.look_angle import mean_incidence, trial_wraps

BPERP = np.array([-200.0, -70, 10, 90, 160])


def test_the_search_range_follows_baselines_incidence_and_wavelength():
    largest = 4 * np.pi * 20 / (0.0555 * 830_000 * np.sin(0.6))
    expected = np.ptp(BPERP) * largest / (2 * np.pi)
    assert trial_wraps(BPERP, 0.6, 20, 0.0555, np.float64) == pytest.approx(expected, rel=1e-14)
    assert trial_wraps(BPERP.astype("f4"), 0.6, 20, 0.0555, np.float32).dtype == np.float32


def test_the_incidence_is_the_mean_of_the_angles_that_there_are():
    incidence = np.array([0.6, 0.6, 0, np.nan, 0.6])
    assert mean_incidence(incidence, None, 1) == pytest.approx(0.6, rel=1e-14)
    look_angle = np.array([0.5, np.nan, 0.6], np.float32)
    assert mean_incidence(None, look_angle, 1) == pytest.approx(0.602, rel=1e-6)
    assert mean_incidence(None, look_angle, 1).dtype == np.float32
    assert mean_incidence(None, None, 1) == np.deg2rad(21)


@pytest.mark.parametrize(
    ("incidence", "look_angle", "version", "message"),
    [
        (np.array([90.0]), None, 1, "angle 90 rad from inc1.mat: inc: must lie between 0 and pi/2"),
        (None, np.array([np.nan]), 2, "angle nan rad from la2.mat: la: must lie between"),
    ],
)
def test_angles_that_are_none_are_refused(incidence, look_angle, version, message):
    with pytest.raises(StageError, match=message):
        mean_incidence(incidence, look_angle, version)
