"""Arithmetic on phasors."""

import numpy as np
import pytest


@pytest.fixture
def rows():
    rng = np.random.default_rng(5)
    rows = (rng.normal(size=(200, 5)) + 1j * rng.normal(size=(200, 5))).astype("c8")
    rows[3, 2] = 0
    return rows


@pytest.mark.parametrize("name", ["stage2_unit_phasors", "stage5_unit_phase"])
def test_unit_phasors_keep_the_angle_and_zeros(kernels, rows, name):
    unit = getattr(kernels, name)(rows)
    assert unit[3, 2] == 0
    np.testing.assert_allclose(np.abs(unit[rows != 0]), 1, rtol=2e-7)
    np.testing.assert_allclose(np.angle(unit * rows.conj()), 0, atol=1e-6)


def test_a_deviation_is_the_product_with_the_conjugate(kernels, rows):
    model = rows[::-1].copy()
    deviation = kernels.stage2_deviation(rows, model)
    np.testing.assert_allclose(deviation, rows * model.conj(), atol=2e-6)


def test_a_phase_is_that_of_the_phasor_and_can_be_taken_off(kernels, rows):
    phase = kernels.stage2_angle(rows)
    np.testing.assert_allclose(phase, np.angle(rows), atol=5e-7)
    turned = kernels.stage6_subtract_phase(rows, phase)
    np.testing.assert_allclose(turned, np.abs(rows), atol=1e-6)


def test_phasors_of_cycles_are_on_the_unit_circle(kernels):
    cycles = np.random.default_rng(3).random((4, 900))
    phasors = kernels.stage2_phasors_of_cycles(cycles)
    np.testing.assert_allclose(phasors, np.exp(2j * np.pi * cycles.T), atol=1e-15)
