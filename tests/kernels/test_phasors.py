"""Arithmetic on phasors."""

import math
from itertools import product

import numpy as np
import pytest

from pystamps_kernels.dispatch import table

from .conftest import BACKENDS


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


def test_native_phases_in_double_are_rounded_once():
    rng = np.random.default_rng(2)
    phasors = (rng.normal(size=(3000, 7)) + 1j * rng.normal(size=(3000, 7))).astype("c8")
    kernels = table("native", "double")
    phase = kernels.stage2_angle(phasors)
    exact = np.arctan2(phasors.imag.astype("f8"), phasors.real.astype("f8"))
    np.testing.assert_array_equal(phase, exact.astype("f4"))
    real, unit = np.ones_like(phasors), 100 * phase
    cos, sin = (of(unit.astype("f8")).astype("f4") for of in (np.cos, np.sin))
    np.testing.assert_array_equal(kernels.stage6_subtract_phase(real, unit), cos - 1j * sin)


def test_phases_of_axes_zeros_and_nan_are_those_of_the_c_library():
    parts = np.array([0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45, 3e38, np.nan], np.float32)
    phasors = np.empty((len(parts), len(parts)), np.complex64)
    phasors.real, phasors.imag = parts, parts[:, None]
    wanted = np.array([[math.atan2(z.imag, z.real) for z in row] for row in phasors])
    for backend, arithmetic in product(BACKENDS, ("double", "single")):
        phase = table(backend, arithmetic).stage2_angle(phasors)
        np.testing.assert_allclose(phase, wanted, rtol=2e-7, atol=1e-45)
        told = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(phase[told]), np.signbit(wanted[told]))


def test_nothing_but_nan_comes_of_a_phase_that_is_not_finite(kernels):
    ones = np.ones((2, 2), np.complex64)
    phase = np.array([[np.nan, 0], [np.inf, -np.inf]], np.float32)
    with np.errstate(invalid="ignore"):
        turned = kernels.stage6_subtract_phase(ones, phase)
    np.testing.assert_array_equal(np.isnan(turned), [[True, False], [True, True]])


def test_phasors_of_cycles_are_on_the_unit_circle(kernels):
    cycles = np.random.default_rng(3).random((4, 900))
    phasors = kernels.stage2_phasors_of_cycles(cycles)
    np.testing.assert_allclose(phasors, np.exp(2j * np.pi * cycles.T), atol=1e-15)
