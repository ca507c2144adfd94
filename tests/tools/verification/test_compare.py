"""One value against another: kinds, classes, shapes, limits exactly at the edge."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pystamps_hpc.dataset.schema import ARTIFACTS
from pystamps_hpc.errors import ConfigError
from pystamps_hpc.tools.verification.compare import Policy, Rule, compare
from pystamps_hpc.tools.verification.compare.tally import Tally

from .trees import column

ANY = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.complex64, np.bool_]),
    hnp.array_shapes(min_dims=2, max_dims=3, max_side=5),
)
KINDS = ("exact", "float", "wrapped", "phasor", "row", "cycle", "ignore")


@given(ANY, st.sampled_from(KINDS), st.booleans())
def test_a_value_equals_itself_in_every_kind_and_profile(value, kind, scientific):
    difference = compare(value, value.copy(), Rule(kind, scientific=scientific))
    assert difference.ok
    assert difference.max_abs == 0
    assert difference.outliers == 0


@given(ANY, ANY)
def test_exact_is_symmetric(one, other):
    rule = Rule("exact")
    assert compare(one, other, rule).ok == compare(other, one, rule).ok


def test_float_passes_at_its_tolerance_and_fails_one_unit_above():
    rule = Rule("float", atol=0.5, rtol=0.25)
    golden = column(2.0)
    assert compare(column(3.0), golden, rule).ok
    assert not compare(column(np.nextafter(3.0, 4)), golden, rule).ok


def test_wrapped_phases_are_equal_modulo_their_period_and_phasors_by_their_angle():
    rule = Rule("wrapped", atol=1e-3)
    golden = column(3.1, -3.1)
    assert compare(golden + np.array([[2 * np.pi], [-4 * np.pi]]), golden, rule).ok
    assert compare(golden + 0.01, golden, rule).failure_kind == "wrap_mismatch"
    phasor = np.exp(1j * golden)
    assert compare(5 * phasor, phasor, rule).ok
    assert compare(phasor * 0, phasor, rule).max_abs == np.inf


def test_unwrapped_phases_are_never_wrapped_to_pass():
    golden = column(*np.linspace(0, 40, 50))
    run = golden.copy()
    run[17] += 2 * np.pi
    for kind in ("float", "cycle"):
        difference = compare(run, golden, Rule(kind, atol=1e-3))
        assert difference.where == (17, 0)
    assert difference.failure_kind == "cycle_mismatch"
    assert "1 on another cycle" in difference.problem
    off = compare(golden + 2 * np.pi, golden, Rule("cycle", atol=1e-3))
    assert off.failure_kind == "cycle_mismatch"


def test_scientific_cycles_allow_an_offset_of_a_column_and_few_points_by_two_cycles():
    rng = np.random.default_rng(1)
    golden = rng.normal(0, 30, (1000, 3)).astype(np.float32)
    rule = Rule("cycle", atol=1e-3, outliers=5e-3, scientific=True)
    run = golden + np.array([2, -4, 0], np.float32) * np.float32(np.pi)
    assert compare(run, golden, rule).ok
    run[:15, 2] += 4 * np.pi
    difference = compare(run, golden, rule)
    assert (difference.ok, difference.outliers) == (True, 15)
    run[15, 2] += 2 * np.pi
    assert compare(run, golden, rule).failure_kind == "cycle_mismatch"
    three = golden.copy()
    three[0, 0] += 6 * np.pi
    assert "more than two cycles" in compare(three, golden, rule).problem
    crooked = golden.copy()
    crooked[0, 0] += 0.01
    assert "not congruent" in compare(crooked, golden, rule).problem


def test_a_phasor_is_measured_against_its_modulus_or_the_median_of_all():
    golden = np.array([[1e-6, 1.0, 2.0, 4.0]], np.complex128)
    rule = Rule("phasor", rtol=0.1)
    assert compare(golden + np.array([[0.14, 0, 0, 0]]), golden, rule).ok
    assert not compare(golden + np.array([[0.16, 0, 0, 0]]), golden, rule).ok
    assert compare(golden + np.array([[0, 0, 0, 0.39j]]), golden, rule).ok
    assert compare(golden + np.array([[0.39, 0, 0, 0]]), golden, Rule("row", rtol=0.1)).ok


@pytest.mark.parametrize(("n_outliers", "ok"), [(20, True), (21, False)])
def test_the_outlier_fraction_is_inclusive(n_outliers, ok):
    golden = np.zeros((1000, 1))
    run = golden.copy()
    run[:n_outliers] = 0.5
    rule = Rule("float", atol=0.1, outliers=0.02, cap=0.5, scientific=True)
    difference = compare(run, golden, rule)
    assert difference.ok == ok
    assert difference.outliers == n_outliers


def test_the_cap_is_inclusive_and_hard():
    golden = np.zeros((1000, 1))
    rule = Rule("float", atol=0.1, outliers=0.02, cap=0.5, scientific=True)
    for value, ok in ((0.5, True), (np.nextafter(0.5, 1), False)):
        run = golden.copy()
        run[123] = value
        difference = compare(run, golden, rule)
        assert difference.ok == ok
        assert difference.where == (123, 0)


def test_outliers_need_a_cap_and_the_scientific_profile():
    with pytest.raises(ConfigError, match="finite max_abs"):
        Rule("float", outliers=0.1, scientific=True)
    with pytest.raises(ConfigError, match="profile scientific"):
        Rule("float", outliers=0.1, cap=1.0)


def test_a_bulk_criterion_holds_besides_the_limit_of_all():
    golden = np.zeros((1000, 1))
    run = golden.copy()
    run[0] = 1e-3
    rule = Rule("float", atol=2e-3, bulk=(0.999, 1e-5))
    assert compare(run, golden, rule).ok
    run[1] = 1e-3
    assert "quantile" in compare(run, golden, rule).problem


def test_nan_equals_nan_at_the_same_place_only_and_infinity_by_sign():
    rule = Rule("float", atol=1.0)
    golden = column(np.nan, 1.0, np.inf)
    same = compare(golden.copy(), golden, rule)
    assert same.ok
    assert same.compared == 2
    moved = compare(column(1.0, np.nan, np.inf), golden, rule)
    assert (moved.outliers, moved.max_abs) == (2, np.inf)
    assert not compare(column(np.nan, 1.0, -np.inf), golden, rule).ok


def test_shapes_are_exact_and_a_turned_vector_is_noted_in_the_scientific_profile():
    golden = column(1.0, 2.0, 3.0)
    assert compare(golden.T, golden, Rule()).failure_kind == "shape_mismatch"
    accepted = compare(golden.T.copy(), golden, Rule(scientific=True))
    assert accepted.ok
    assert accepted.notes == ("transposed",)


def test_empty_values_are_equal_by_shape_or_in_the_scientific_profile_at_all():
    nothing, row = np.empty((0, 0)), np.empty((1, 0), np.float32)
    assert compare(np.empty((0, 0), bool), nothing, Rule()).ok
    assert compare(row, nothing, Rule()).failure_kind == "shape_mismatch"
    assert compare(row, nothing, Rule(scientific=True)).ok


def test_another_float_class_is_a_failure_unless_the_schema_allows_it():
    golden = column(1.0, 2.0)
    slope, baselines = ARTIFACTS["pm1"].keys["K_ps"], ARTIFACTS["ps1"].keys["bperp"]
    run = golden.astype(np.float32)
    assert compare(run, golden, Rule(), slope).failure_kind == "class_mismatch"
    noted = compare(run, golden, Rule(), baselines)
    assert (noted.ok, noted.notes) == (True, ("class single, golden double",))
    assert compare(run, golden, Rule(scientific=True), slope).ok


def test_integers_and_logicals_equal_doubles_of_whole_value():
    golden = column(0.0, 1.0)
    for dtype in (np.int32, np.uint8, np.bool_):
        assert compare(golden.astype(dtype), golden, Rule()).ok
    assert not compare(column(0, 2).astype(np.int32), golden, Rule()).ok
    found = compare(column(0, 1).astype(np.int32), column(0.0, 1.5), Rule("float", atol=9.0))
    assert found.failure_kind == "class_mismatch"


def test_a_zero_imaginary_part_may_be_narrowed_away_and_no_other():
    golden = column(1 + 0j, 2 + 0j, dtype=np.complex64)
    run = golden.real.copy()
    assert compare(run, golden, Rule()).ok
    assert compare(golden, run, Rule()).ok
    golden[1] += 1e-7j
    assert compare(run, golden, Rule("phasor", rtol=1.0)).failure_kind == "class_mismatch"


def test_sparse_matrices_have_the_same_pattern_without_explicit_zeros():
    golden = scipy.sparse.csc_array(np.diag([1.0, 2.0, 3.0]))
    rows = np.array([0, 1, 2, 0])
    padded = scipy.sparse.csc_array(([1.0, 2, 3, 0], (rows, [0, 1, 2, 2])), shape=(3, 3))
    assert compare(padded, golden, Rule()).ok
    changed = golden.tolil()
    changed[2, 1] = 4.0
    difference = compare(changed.tocsc(), golden, Rule())
    assert (difference.failure_kind, difference.where) == ("set_mismatch", (2, 1))
    value = compare((golden * np.array([1, 1, 2.0])).tocsc(), golden, Rule())
    assert (value.failure_kind, value.where) == ("value_mismatch", (2, 2))
    dense = compare(golden.toarray(), golden, Rule())
    assert dense.failure_kind == "class_mismatch"


def test_sets_overlap_in_the_scientific_profile_and_are_identical_in_the_strict():
    golden = np.ones((1000, 1), bool)
    run = golden.copy()
    run[5] = False
    assert compare(run, golden, Rule("set")).where == (5, 0)
    assert compare(run, golden, Rule("set", outliers=1e-3, scientific=True)).ok
    run[6] = False
    loose = compare(run, golden, Rule("set", outliers=1e-3, scientific=True))
    assert loose.failure_kind == "set_mismatch"
    lists = compare(column(*range(999)), column(*range(1000)), Rule("set", outliers=1e-3,
                    scientific=True))  # fmt: skip
    assert lists.ok


def test_text_is_equal_up_to_trailing_blanks():
    assert compare("y  ", "y", Rule()).ok
    assert compare("n", "y", Rule()).failure_kind == "value_mismatch"
    assert compare("n", column(1.0), Rule()).failure_kind == "class_mismatch"


def test_an_ignored_key_is_recorded_only():
    difference = compare(column(1.0, 9.0), column(1.0, 2.0), Rule("ignore"))
    assert (difference.ok, difference.max_abs) == (True, 7.0)
    assert compare(column(1.0), column(1.0, 2.0), Rule("ignore")).ok


@given(hnp.arrays(np.float64, (100, 3), elements=st.floats(0, 1e6)))
def test_quantiles_are_at_most_four_percent_too_large(values):
    tally = Tally()
    for first in range(0, 100, 30):
        block = values[first : first + 30]
        tally.add(first, block, np.zeros(block.shape, bool))
    exact = np.sort(values.ravel())[int(np.ceil(0.999 * values.size)) - 1]
    if exact > 1e-19:
        assert exact * (1 - 1e-9) <= tally.quantile(0.999) <= 1.04 * exact
    assert tally.where == np.unravel_index(np.argmax(values), values.shape)
    assert np.isclose(tally.rms, np.sqrt(np.mean(values**2)))


def test_the_native_triangulator_widens_two_rules_and_no_other():
    triangle, qhull = Policy("strict", ("chain",)), Policy("strict", ("chain", "qhull"))
    assert qhull.rule("weed1", "ps_max").atol == 5e-3
    assert qhull.rule("weed1", "ps_std").bulk == (0.999, 5e-4)
    for artifact, key in (("weed1", "ix_weed"), ("pm1", "K_ps"), ("phuw2", "ph_uw")):
        assert qhull.rule(artifact, key) == triangle.rule(artifact, key)
