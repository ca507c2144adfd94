"""Reference area, least-squares operators and ramps."""

import numpy as np
import pytest

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages.shared import ramps
from pystamps_hpc.stages.shared.least_squares import operator, pseudo_inverse
from pystamps_hpc.stages.shared.reference_area import (
    ReferenceArea,
    mean_over_ps,
    reference_ps,
    require_reachable,
)

from .stacks import EVERYWHERE, ORIGIN, context, stack


def area(**changes):
    return ReferenceArea(**{**EVERYWHERE, **changes})


def found(scene, **changes):
    chosen = reference_ps(area(**changes), scene.lonlat, scene.xy, ORIGIN)
    return None if chosen is None else chosen.tolist()


def test_by_default_every_ps_is_reference():
    assert found(stack()) == list(range(60))


def test_the_intervals_are_open():
    scene = stack()
    west, east = np.sort(scene.lonlat[:, 0])[[10, 20]]
    inside = found(scene, ref_lon=(west, east))
    assert len(inside) == 9


def test_local_intervals_come_first():
    scene = stack()
    inside = found(scene, ref_x=(500.0, 900.0), ref_y=(-1.0, 3000.0), ref_radius=-np.inf)
    x = scene.xy[:, 0]
    assert inside == np.flatnonzero((x > 500) & (x < 900)).tolist()


def test_a_circle_is_measured_in_the_local_projection():
    scene = stack()
    # this point is 82.97989, 111.07015 m from the origin
    scene.lonlat[0] = ORIGIN[0] + 0.5, ORIGIN[1] + 0.5
    scene.lonlat[1] = 12.501, 41.901
    origin = np.array([12.5, 41.9])
    radius = np.hypot(82.97989, 111.07015)
    for grown, expected in ((1e-3, [1]), (-1e-3, None)):
        circle = area(ref_centre_lonlat=(12.5, 41.9), ref_radius=radius + grown)
        if expected is None:
            with pytest.raises(StageError, match="0 PS in reference area"):
                reference_ps(circle, scene.lonlat, scene.xy, origin)
        else:
            assert reference_ps(circle, scene.lonlat, scene.xy, origin).tolist() == expected


@pytest.mark.parametrize("turn", [-360, 360])
def test_an_area_may_be_given_in_the_other_convention_of_longitudes(turn):
    scene = stack()
    west, east = np.sort(scene.lonlat[:, 0])[[10, 20]] + 1e-7
    interval = {"ref_lon": (west, east)}
    circle = {"ref_centre_lonlat": (east, ORIGIN[1]), "ref_radius": 900.0}
    for changes in (interval, circle):
        expected = found(scene, **changes)
        lonlat = scene.lonlat - [turn, 0]
        require_reachable(area(**changes), (*lonlat.min(axis=0), *lonlat.max(axis=0)))
        for origin in (ORIGIN, ORIGIN - [turn, 0]):
            chosen = reference_ps(area(**changes), lonlat, scene.xy, origin)
            assert chosen.tolist() == expected


def test_an_area_beyond_all_points_is_refused_before_they_are_known():
    lonlat = stack().lonlat
    extent = (*lonlat.min(axis=0), *lonlat.max(axis=0))
    for changes in (
        {"ref_lon": (0.0, 1.0)},
        {"ref_centre_lonlat": (ORIGIN[0] + 1, ORIGIN[1]), "ref_radius": 900.0},
    ):
        with pytest.raises(StageError, match="0 PS in reference area"):
            require_reachable(area(**changes), extent)


def test_minus_infinity_means_no_reference():
    assert found(stack(), ref_radius=-np.inf) is None


def test_an_empty_area_names_parameters_and_extent():
    with pytest.raises(StageError, match=r"ref_lon \(0.0, 1.0\).*longitude 12\.3"):
        found(stack(), ref_lon=(0.0, 1.0))


def test_means_in_single_are_sequential_and_leave_nan_out():
    phase = np.random.default_rng(0).normal(0, 1, (5000, 3)).astype(np.float32)
    phase[7, 1] = np.nan
    chosen = np.arange(0, 5000, 2)
    single = mean_over_ps(phase, context("single"), chosen)
    double = mean_over_ps(phase, context("double"), chosen)
    total = np.float32(0)
    for value in phase[::2, 0]:
        total += value
    assert single[0] == total / np.float32(2500)
    np.testing.assert_array_equal(
        double, np.nanmean(phase[::2].astype(np.float64), axis=0).astype(np.float32)
    )
    assert single.dtype == double.dtype == np.float32


def test_an_operator_solves_weighted_least_squares():
    rng = np.random.default_rng(0)
    design = np.column_stack((np.ones(8), rng.normal(0, 100, 8)))
    root = rng.normal(0, 1, (8, 8))
    covariance = root @ root.T + np.eye(8)
    weight = np.linalg.inv(covariance)
    expected = np.linalg.inv(design.T @ weight @ design) @ design.T @ weight
    np.testing.assert_allclose(operator(design, covariance), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        operator(design, 7 * covariance), operator(design, covariance), atol=1e-12
    )


def test_a_singular_covariance_is_reduced_to_its_positive_part():
    design = np.ones((3, 1))
    covariance = np.diag([1.0, 4.0, 0.0])
    np.testing.assert_allclose(operator(design, covariance), [[0.8, 0.2, 0.0]], atol=1e-12)


def test_an_undetermined_coefficient_is_the_smallest():
    design = np.column_stack((np.ones(4), 2 * np.ones(4)))
    np.testing.assert_allclose(pseudo_inverse(design) @ np.full(4, 5.0), [1.0, 2.0])


@pytest.mark.parametrize("degree", [1, 1.5, 2, 3])
def test_a_ramp_of_its_degree_is_removed_exactly(degree):
    scene = stack(n_ps=5000, n_ifg=3)
    terms = ramps.regressors(scene.xy, degree)
    truth = terms @ np.random.default_rng(0).normal(0, 1, (terms.shape[1], 3))
    phase = truth.astype(np.float32)
    phase[5, 1] = np.nan
    fitted = ramps.fit_ramps(terms, phase, np.arange(3), context())
    np.testing.assert_allclose(fitted.at(slice(None)), truth, atol=1e-5)


@pytest.mark.parametrize("degree", [2, 3])
def test_higher_degrees_have_no_linear_terms(degree):
    scene = stack()
    terms = ramps.regressors(scene.xy, degree)
    x = scene.xy[:, 0] - scene.xy[:, 0].mean()
    phase = (x[:, None] / 300).astype(np.float32)
    fitted = ramps.fit_ramps(terms, phase, np.arange(1), context())
    assert np.abs(phase - fitted.at(slice(None))).max() > 0.1


def test_a_column_of_five_valid_ps_is_not_deramped():
    scene = stack()
    terms = ramps.regressors(scene.xy, 1)
    phase = np.random.default_rng(0).normal(0, 1, (60, 2)).astype(np.float32)
    phase[5:, 1] = np.nan
    log = context()
    fitted = ramps.fit_ramps(terms, phase, np.array([3, 7]), log)
    assert not fitted.coefficients[:, 1].any()
    assert log.log.warnings[0].startswith("interferograms 8: not deramped")


def test_an_unknown_degree_is_named():
    with pytest.raises(StageError, match=r"2\.5 is no degree"):
        ramps.regressors(stack().xy, 2.5)
