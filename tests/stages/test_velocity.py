"""Mean velocity: sign, corrections, reference, weights."""

import numpy as np
import pytest

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages.shared.velocity import PhaseSeries, fit_velocity, line_of_sight_velocity

from .stacks import context, stack

TYPES = ("v", "v-d", "v-o", "v-do")


def corrections(scene, **known):
    """Return look-angle error and master phase of zero, or as given."""
    zero = {"d": np.zeros_like(scene.phase), "m": np.zeros(len(scene.xy), np.float32)}
    return {**zero, **known}


def known_errors(scene):
    return corrections(scene, d=look_angle_of(scene), m=np.float32(scene.master_phase))


def series(scene, **changes):
    values = {
        "phase": scene.phase,
        "taken_off": corrections(scene),
        "xy": scene.xy,
        "ifgs": scene.ifgs,
        "fitted": scene.ifgs.columns,
        "covariance": np.diag(scene.ifg_std[scene.ifgs.columns].astype(float) ** 2),
        "ref_ps": np.arange(len(scene.xy)),
        "deramp_degree": 1.0,
    }
    return PhaseSeries(**{**values, **changes})


def look_angle_of(scene):
    baselines = np.insert(scene.bperp_mat, scene.master, 0, axis=1)
    return (scene.slope[:, None] * baselines).astype(np.float32)


def test_falling_phase_is_motion_towards_the_satellite():
    assert line_of_sight_velocity(np.array([-0.01]), 0.0555)[0] > 0
    # one cycle per year is half a wavelength per year
    assert line_of_sight_velocity(np.array([-2 * np.pi / 365.25]), 0.06)[0] == pytest.approx(30)


@pytest.mark.parametrize("arithmetic", ["double", "single"])
def test_without_look_angle_error_the_rate_comes_back(arithmetic):
    scene = stack(seed=1)
    fit = fit_velocity(
        "v-d",
        series(scene, taken_off=known_errors(scene)),
        context(arithmetic),
    )
    np.testing.assert_allclose(fit[:, 1], scene.rate - scene.rate.mean(), atol=1e-8)
    np.testing.assert_allclose(fit[:, 0], 0, atol=5e-6)


def test_master_phase_is_the_offset_unless_only_the_look_angle_error_is_taken_off():
    scene = stack(seed=2)
    known = series(scene, taken_off=known_errors(scene))
    offsets = fit_velocity("v-do", known, context())[:, 0]
    design = np.column_stack((scene.xy.astype(float), np.ones(60)))
    plane = design @ np.linalg.lstsq(design, scene.master_phase, rcond=None)[0]
    np.testing.assert_allclose(offsets, scene.master_phase - plane, atol=1e-5)


@pytest.mark.parametrize("value_type", TYPES)
def test_the_reference_area_is_at_rest(value_type):
    scene = stack(seed=3)
    chosen = np.array([3, 8, 30])
    fit = fit_velocity(value_type, series(scene, ref_ps=chosen), context())
    np.testing.assert_allclose(fit[chosen].mean(axis=0), 0, atol=1e-6)


def test_ramps_are_taken_off():
    scene = stack(seed=4)
    plane = (scene.xy / 1000) @ np.random.default_rng(0).normal(0, 2, (2, 12))
    tilted = (scene.phase + plane).astype(np.float32)
    flat = fit_velocity("v-o", series(scene), context())
    np.testing.assert_allclose(
        fit_velocity("v-o", series(scene, phase=tilted), context()), flat, atol=1e-5
    )


def test_only_used_interferograms_count():
    scene = stack(seed=5)
    fitted = np.setdiff1d(scene.ifgs.columns, [1, 4])
    kept = {"fitted": fitted, "covariance": np.eye(len(fitted))}
    garbage = scene.phase.copy()
    garbage[:, [1, 4]] = np.random.default_rng(0).normal(0, 100, (60, 2))
    one = fit_velocity("v-do", series(scene, **kept), context())
    other = fit_velocity("v-do", series(scene, **kept, phase=garbage), context())
    np.testing.assert_array_equal(one, other)


def test_noisier_interferograms_weigh_less():
    scene = stack(seed=6)
    scene.phase[:, 2] += np.random.default_rng(0).normal(0, 5, 60).astype(np.float32)
    fitted, quiet = scene.ifgs.columns, series(scene).covariance
    loud, others = quiet.copy(), np.flatnonzero(fitted != 2)
    loud[2, 2] = 1e8
    kept = {"fitted": fitted[others], "covariance": quiet[np.ix_(others, others)]}
    truth = fit_velocity("v", series(scene, **kept), context())
    np.testing.assert_allclose(
        fit_velocity("v", series(scene, covariance=loud), context()), truth, atol=1e-4
    )
    assert np.abs(fit_velocity("v", series(scene), context()) - truth).max() > 1e-3


def test_without_reference_nothing_is_taken_off():
    scene = stack(seed=7)
    free = fit_velocity("v", series(scene, ref_ps=None, covariance=np.eye(11)), context())
    fitted = np.delete(np.arange(12), scene.master)
    design = np.column_stack((np.ones(11), scene.day[fitted] - scene.day[scene.master]))
    expected = np.linalg.lstsq(design, scene.phase[:, fitted].T.astype(float), rcond=None)[0].T
    np.testing.assert_allclose(free, expected, atol=1e-9)


def test_what_is_missing_is_named():
    scene = stack(seed=8)
    with pytest.raises(StageError, match="stage 7"):
        fit_velocity("v-d", series(scene, taken_off=corrections(scene, d=None)), context())
    with pytest.raises(StageError, match="1 interferograms"):
        fit_velocity("v", series(scene, fitted=np.array([0])), context())
