"""The velocity of a chain against the truth of its simulation; in full: ``make truth``."""

import pytest

from benchmarks.truth import CASES, run_case
from pystamps_hpc.tools.simulate import Options


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """A fifth of the candidates and half of the images, the same bounds."""
    small = Options(patches=(2, 1), candidates=10_000, images=15, span_days=1096)
    folder = tmp_path_factory.mktemp("truth")
    return {case: run_case(case, small, folder / case) for case in CASES}


@pytest.fixture(scope="module")
def from_images(tmp_path_factory):
    """The same cases from the images on; the candidates are chosen in them."""
    small = Options(candidates=10_000, images=15, span_days=1096, slc="snap")
    folder = tmp_path_factory.mktemp("truth")
    return {case: run_case(case, small, folder / case) for case in ("noise-free", "noise")}


def test_without_noise_the_velocity_is_exact(outcomes):
    outcome = outcomes["noise-free"]
    assert outcome.error.n_ps > 9_000
    assert outcome.error.rmse < 0.05


def test_with_noise_alone_the_velocity_is_nearly_that_of_least_squares(outcomes):
    outcome = outcomes["noise"]
    assert outcome.error.noise_bound > 0.1
    assert outcome.error.rmse <= 1.2 * outcome.error.noise_bound


def test_atmosphere_orbits_and_seasons_do_not_bias_the_velocity(outcomes):
    error = outcomes["everything"].error
    assert outcomes["noise"].error.rmse < error.rmse < 3
    assert abs(error.bias) < error.rmse / 2
    assert error.n_false < 0.1 * error.n_ps  # density_rand accepts some


def test_images_give_the_velocity_that_candidates_give(outcomes, from_images):
    for case, outcome in from_images.items():
        assert outcome.error.n_ps > 0.8 * outcomes[case].error.n_ps
        assert outcome.error.n_false < 0.1 * outcome.error.n_ps
        assert outcome.ok, outcome.row()
