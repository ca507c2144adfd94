"""Values, series and lists of a dataset whose motion is known; what is refused, and how."""

import shutil
import subprocess

import numpy as np
import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.dataset.rows import ComputedRows
from pystamps_hpc.errors import ConfigError, DatasetError, PublishError, PystampsError, StageError
from pystamps_hpc.stages.shared.external_phase import keys_of, method_name, of_images
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_hpc.stages.shared.value_types import BASES, bases_of, value_type
from pystamps_hpc.tools.products.plot_files import write_values
from pystamps_hpc.tools.products.time_series import at_point, line_of, read_series
from pystamps_hpc.tools.products.values import read_values, relative_to_reference
from tests.stages.stacks import context
from tests.tools.test_products import DAYS, MASTER, TO_MM, YEARS, Result

FITTED = [0, 1, 3, 4]


@pytest.fixture
def result(tmp_path):
    return Result(tmp_path / "set")


def set_parameters(result, **values):
    parameters.save(parameters.load(result.root).with_values(values))


def test_every_type_of_a_mode_is_found_by_its_name_and_letters_in_any_order():
    for small_baselines in (False, True):
        for name, base in bases_of(small_baselines).items():
            for suffix in base.operations:
                asked = f"{name}-{suffix[::-1]}" if suffix else name
                assert value_type(asked, small_baselines).base is base
    assert value_type("V-OD", True).name == "V-do"
    assert value_type("V-d", False).name == "v-d"
    assert len({(base.name, base.of) for base in BASES}) == len(BASES)


@pytest.mark.parametrize(
    ("name", "small_baselines", "told"),
    [
        ("usb", False, "a single-master stack has no 'usb'; it has w, wa"),
        ("x", True, "small baselines has no 'x'"),
        ("U-dm", True, "has no 'U'"),
        ("u-dx", False, "'u' takes -d, -o"),
        ("hgt-d", False, "'hgt' takes no letters"),
        ("v-s", True, "'v' takes -d"),
        ("u-dma", False, "atmosphere removed twice"),
    ],
)
def test_types_that_a_mode_lacks_are_refused(name, small_baselines, told):
    with pytest.raises(ConfigError, match=f"value type {name}: .*{told}"):
        value_type(name, small_baselines)


def test_velocities_and_displacements_are_those_of_the_truth(result):
    velocity = read_values(result.root, "v-do")
    np.testing.assert_allclose(velocity.rows[:][:, 0], result.velocity, atol=1e-3)
    assert velocity.columns.tolist() == FITTED
    phase = read_values(result.root, "u-dmo").rows[:]
    expected = -result.displacement / TO_MM
    np.testing.assert_allclose(phase, expected - expected.mean(axis=0), atol=1e-4)
    assert not phase[:, MASTER].any()


def test_leaving_an_image_out_gives_the_velocity_of_the_others(result):
    dropped = read_values(result.root, "vdrop-do")
    for k, image in enumerate(FITTED):
        others = [number + 1 for number in FITTED if number != image]
        alone = read_values(result.root, "v-do", ifgs=others).rows[:][:, 0]
        np.testing.assert_allclose(dropped.rows[:][:, k], alone, atol=1e-9)


def test_the_bootstrap_is_what_fitting_every_sample_gives(result):
    from pystamps_hpc.tools.products.deviation import (
        deviation_of_samples,
        resampled,
        spread_of_samples,
    )

    rng = np.random.default_rng(0)
    moved = rng.normal(0, 3, (20, 9))
    days = np.arange(9) * 30.0
    variance = np.diag(rng.uniform(1, 4, 9))
    design = np.column_stack((np.ones(9), days))
    samples = resampled(9, seed=3)
    found = deviation_of_samples(moved, spread_of_samples(design, variance, samples))
    weights = 1 / np.diag(variance)
    rates = []
    for drawn in samples:
        years = np.column_stack((np.ones(9), days[drawn] / 365.25))
        normal = np.linalg.pinv(years.T @ (weights[:, None] * years))
        rates.append((normal @ years.T @ (weights[:, None] * moved[:, drawn].T))[1])
    np.testing.assert_allclose(found, np.std(rates, axis=0, ddof=1), rtol=1e-9)
    with pytest.raises(StageError, match="no unwrapped solution"):
        spread_of_samples(design, np.zeros((9, 9)), samples)


def test_lists_keep_their_order_and_each_column_may_be_shown_against_another(result):
    whole = read_values(result.root, "u").rows[:]
    some = read_values(result.root, "u", ifgs=[5, 1, 2])
    assert some.ifg_list.tolist() == [5, 1, 2]
    np.testing.assert_array_equal(some.rows[:], whole[:, [4, 0, 1]])
    against = read_values(result.root, "u", ifgs=[5, 1, 2], ref_ifg=4).rows[:]
    np.testing.assert_allclose(against, whole[:, [4, 0, 1]] - whole[:, [3]], atol=1e-5)
    before = read_values(result.root, "u", ifgs=[5, 1, 2], ref_ifg=-1).rows[:]
    np.testing.assert_allclose(before, whole[:, [4, 0, 1]] - whole[:, [4, 4, 0]], atol=1e-5)


def test_points_without_phase_have_no_value_and_spoil_no_other(result):
    whole = read_values(result.root, "v").rows[:]
    phase = read_mat(result.root / "phuw2.mat")["ph_uw"]
    phase[7] = np.nan
    write_mat(result.root / "phuw2.mat", {"ph_uw": phase})
    for name in ("v", "vs", "u-dm", "vdrop-do"):
        values = read_values(result.root, name).rows[:]
        assert np.isnan(values[7]).any()
        assert np.isfinite(np.delete(values, 7, axis=0)).all()
    kept = np.delete(read_values(result.root, "v").rows[:] - whole, 7)
    np.testing.assert_allclose(kept, kept[0], atol=1e-5)
    with pytest.raises(DatasetError, match="have no phase"):
        at_point(read_series(result.root), tuple(result.lonlat[7]), None)


def test_a_column_without_phase_in_the_reference_area_is_told(result):
    phase = read_mat(result.root / "phuw2.mat")["ph_uw"]
    phase[:, 1] = np.nan
    write_mat(result.root / "phuw2.mat", {"ph_uw": phase})
    values = read_values(result.root, "u")
    assert values.warnings == ["column 2: no value in the reference area, shown as it is"]
    assert np.isfinite(np.delete(values.rows[:], 1, axis=1)).all()


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("u", {"ifgs": [9]}, "interferogram 9 is outside 1 to 5"),
        ("u", {"ifgs": [2, 2]}, "one twice"),
        ("u", {"ifgs": []}, "none"),
        ("u", {"ref_ifg": 6}, "must be 1 to 5, or 'previous'"),
        ("v", {"ref_ifg": 1}, "ref_ifg does not apply"),
        ("u-a", {"tropo": "a_wind"}, "'a_wind' is not known; known: a_linear"),
        ("u-a", {"tropo": "a_powerlaw-k"}, "a map of coefficients .* no phase"),
        ("v-da", {"tropo": "a_pk"}, "a map of coefficients .* no phase"),
        ("wa", {"tropo": "a_powerlaw-k"}, "a map of coefficients .* no phase"),
        ("a", {"tropo": "a_erai+a_powerlaw-k"}, "a map of coefficients .* no phase"),
    ],
)
def test_what_cannot_be_asked_for_is_a_matter_of_usage(result, name, options, told):
    zero = np.zeros((400, 5), np.float32)
    write_mat(result.root / "tca2.mat", {"K_tropo_powerlaw": zero, "ph_tropo_era": zero})
    with pytest.raises(ConfigError, match=told):
        read_values(result.root, name, **options)


@pytest.mark.parametrize(
    ("name", "file", "remedy"),
    [
        ("u-s", "scn2.mat", "--end-step 8 makes it"),
        ("w-d", "rc2.mat|ph2.mat", "--end-step 5 makes it"),
        ("p", "pm2.mat", ""),
        ("wf", "uw_grid.mat", "--end-step 6 makes it"),
        ("a", "tca2.mat", "TRAIN makes it"),
        ("o", "scla2.mat", "scla_deramp y"),
    ],
)
def test_a_missing_artifact_is_named_with_what_makes_it(result, name, file, remedy):
    with pytest.raises(PystampsError, match=f"({file}).*{remedy}"):
        read_values(result.root, name).rows[:]


def test_an_area_without_points_a_stack_without_points_and_no_wavelength(result):
    set_parameters(result, ref_lon=(1.0, 2.0))
    with pytest.raises(StageError, match="0 PS in reference area"):
        read_values(result.root, "u")
    set_parameters(result, ref_lon=(-np.inf, np.inf), ref_radius=-np.inf)
    assert read_values(result.root, "u").warnings
    set_parameters(result, **{"lambda": np.nan})
    with pytest.raises(DatasetError, match="wavelength is not known"):
        read_values(result.root, "v")
    points = read_mat(result.root / "ps2.mat") | {"n_ps": 0.0}
    write_mat(result.root / "ps2.mat", points)
    with pytest.raises(DatasetError, match="holds 0 PS"):
        read_values(result.root, "hgt")


def test_a_parameter_that_tells_another_mode_than_the_network_is_refused(result):
    set_parameters(result, small_baseline_flag="y")
    with pytest.raises(DatasetError, match="lacks pairs of images, but small_baseline_flag is 'y'"):
        read_values(result.root, "u")


def test_too_few_images_have_no_velocity(result):
    with pytest.raises(StageError, match="1 interferograms are used, 2 are needed"):
        read_values(result.root, "v", ifgs=[1, 3])
    with pytest.raises(StageError, match="2 columns are used, 3 are needed"):
        read_values(result.root, "vdrop", ifgs=[1, 2])


def test_values_of_ones_own_have_a_row_per_point(result):
    with pytest.raises(DatasetError, match="3 rows of values for 400 PS"):
        relative_to_reference(result.root, np.zeros((3, 1)))
    phase = np.exp(1j * np.random.default_rng(0).normal(1, 0.1, (400, 2)))
    turned = relative_to_reference(result.root, 7 * phase)
    np.testing.assert_allclose(np.abs(turned), 1)
    np.testing.assert_allclose(np.angle(turned.sum(axis=0)), 0, atol=1e-12)


def test_phase_of_a_pair_is_away_at_its_second_image_and_that_of_an_image_after_the_master():
    pairs = [base.name for base in BASES if base.of == "pairs" and base.unit == "rad"]
    assert pairs == ["usb", "rsb", "asb", "isb", "tsb"]
    for name in pairs:
        assert value_type(name, True).sign.endswith("away from the satellite at the second image)")
    for name in ("u-dm", "s", "a", "i", "t"):
        assert value_type(name, True).sign.endswith("away from the satellite, after the master)")
    assert value_type("v-do", True).sign == "(positive: towards the satellite)"
    assert not value_type("vs-d", True).sign


def test_the_drift_of_envisat_grows_with_range_and_time(result):
    plain = read_values(result.root, "u").rows[:]
    (result.root / "master.res").write_text("Product type: ASAR\n")
    drift = plain - read_values(result.root, "u").rows[:]
    pixel = np.arange(1, 401) - 200.5
    expected = -pixel[:, None] * 7.8 * 3.87e-7 / 0.056 * 4 * np.pi * YEARS
    np.testing.assert_allclose(drift, expected, atol=1e-5)


def test_corrections_have_long_names_short_names_and_sums():
    assert method_name("a_e") == method_name("a_erai") == "erai"
    assert keys_of(method_name("a_m+a_eh")) == ("ph_tropo_meris", "ph_tropo_era_hydro")
    with pytest.raises(StageError, match="'a_x' is not known"):
        method_name("a_m+a_x")


def test_a_map_of_coefficients_is_shown_in_its_unit(result):
    slopes = np.random.default_rng(2).normal(0, 1e-3, (400, 5)).astype(np.float32)
    write_mat(result.root / "tca2.mat", {"K_tropo_powerlaw": slopes})
    shown = read_values(result.root, "a", tropo="a_powerlaw-k")
    assert shown.unit == "rad/m"
    np.testing.assert_array_equal(shown.rows[:], slopes)


def test_a_sum_leaves_columns_without_spectrometer_at_zero(result):
    rng = np.random.default_rng(0)
    meris, era = rng.normal(0, 1, (2, 400, 5)).astype(np.float32)
    meris[:, 1] = 0
    write_mat(result.root / "tca2.mat", {"ph_tropo_meris": meris, "ph_tropo_era_hydro": era})
    set_parameters(result, ref_radius=-np.inf)
    total = read_values(result.root, "a", tropo="a_meris+a_erai-h").rows[:]
    np.testing.assert_array_equal(total, (meris + era) * [1, 0, 1, 1, 1])
    with pytest.raises(PystampsError, match=r"no variable 'ph_tropo_wrf'.*ph_tropo_meris"):
        read_values(result.root, "a", tropo="a_wrf")


def test_corrections_of_pairs_give_those_of_images_or_say_what_is_cut_off():
    pairs = np.array([[0, 1], [0, 2], [1, 2], [2, 3], [1, 3], [3, 4]])
    network = Ifgs(pairs, np.zeros(6), DAYS, DAYS[MASTER], None)
    images = np.random.default_rng(1).normal(0, 1, (50, 5)).astype(np.float32)
    images -= images[:, [MASTER]]
    correction = images[:, pairs[:, 1]] - images[:, pairs[:, 0]]
    correction[:, 1] = 0
    every = np.arange(6)
    found = of_images(correction, network, every, context())
    np.testing.assert_allclose(found[:], images, atol=1e-5)
    np.testing.assert_array_equal(found[:, 3], found[:][:, 3])
    correction[:, 5] = 0
    with pytest.raises(StageError, match=r"pairs 2, 6 have no estimate; isolated .*2017"):
        of_images(correction, network, every, context())
    correction[:, [2, 3]] = 0
    with pytest.raises(StageError, match="the master has none"):
        of_images(correction, network, every, context())


def test_a_file_holds_what_stamps_saves_and_is_replaced_only_if_asked(result, tmp_path):
    values = read_values(result.root, "u-dm", ifgs=[4, 2])
    path = tmp_path / "new" / "ps_plot_u-dm.mat"
    summary = write_values(values, path)
    found = read_mat(path)
    np.testing.assert_array_equal(found["ph_disp"], values.rows[:])
    assert found["ph_disp"].dtype == np.float32
    assert found["ifg_list"].tolist() == [[4, 2]]
    assert found["unit"] == "rad"
    assert len(found["ref_ps"]) == 400
    np.testing.assert_allclose(summary[:, 0], found["ph_disp"].min(axis=0))
    np.testing.assert_allclose(summary[:, 1], found["ph_disp"].mean(axis=0), atol=1e-6)
    with pytest.raises(DatasetError, match="exists; --force replaces it"):
        write_values(values, path)
    write_values(values, path, force=True)
    with pytest.raises(PublishError, match="cannot publish"):
        write_values(values, path / "below.mat")


@pytest.mark.skipif(shutil.which("octave") is None, reason="Octave is not installed")
@pytest.mark.parametrize("name", ["v-do", "u", "w"])
def test_octave_reads_the_file(result, name, tmp_path):
    phasors = np.exp(1j * read_mat(result.root / "phuw2.mat")["ph_uw"]).astype(np.complex64)
    write_mat(result.root / "rc2.mat", {"ph_rc": phasors})
    values = read_values(result.root, name)
    write_values(values, tmp_path / "v.mat")
    program = (
        f"v = load('{tmp_path}/v.mat'); printf('%.9g %.9g ', real(v.ph_disp(3, :)), "
        "imag(v.ph_disp(3, :))); printf('%d ', v.ifg_list); printf('%s', v.value_type);"
    )
    ended = subprocess.run(
        ["octave", "--no-gui", "--norc", "--quiet", "--eval", program],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    *numbers, told = ended.stdout.split()
    row = values.rows[np.array([2])][0]
    expected = [*row.real, *row.imag, *values.ifg_list]
    np.testing.assert_allclose([float(n) for n in numbers], expected, rtol=1e-6)
    assert told == name


def test_series_of_a_point_a_circle_and_a_difference(result):
    series = read_series(result.root)
    assert series.value_type == "v-do"
    one = at_point(series, tuple(result.lonlat[3] + 1e-6), None)
    assert one.ps.tolist() == [3]
    np.testing.assert_allclose(one.displacement, result.displacement[3, FITTED], atol=5e-3)
    line = line_of(series, one.displacement)
    assert line.velocity == pytest.approx(result.velocity[3], abs=0.01)
    many = at_point(series, tuple(result.lonlat[3]), 900.0)
    assert 3 in many.ps
    assert len(many.ps) > 1
    np.testing.assert_allclose(
        many.displacement, result.displacement[many.ps][:, FITTED].mean(axis=0), atol=5e-3
    )
    with pytest.raises(DatasetError, match=r"no PS within 1 m .* nearest, PS \d+, is"):
        at_point(series, tuple(result.lonlat[3] + 1e-4), 1.0)
    for lonlat, radius in (((np.nan, 44), None), ((12, 91), None), ((12, 44), -1.0)):
        with pytest.raises(ConfigError):
            at_point(series, lonlat, radius)
    with pytest.raises(ConfigError, match="time series are of velocities of images"):
        read_series(result.root, "u")


@pytest.mark.parametrize("name", ["u-dmo", "s", "vdrop-do", "vs", "w", "p"])
def test_stacks_are_computed_when_they_are_read(result, name):
    rng = np.random.default_rng(0)
    phasors = np.exp(1j * rng.normal(0, 1, (400, 5))).astype(np.complex64)
    for artifact, key, values in (
        ("rc2", "ph_rc", phasors),
        ("pm2", "ph_patch", phasors[:, 1:]),
        ("scn2", "ph_scn_slave", rng.normal(0, 1, (400, 5))),
    ):
        write_mat(result.root / f"{artifact}.mat", {key: values})
    rows = read_values(result.root, name).rows
    assert isinstance(rows, ComputedRows)
    whole, few = rows[:], np.array([5, 2, 390])
    np.testing.assert_array_equal(rows[few], whole[few])
    np.testing.assert_array_equal(rows[100:130], whole[100:130])
    np.testing.assert_array_equal(rows[:, 0], whole[:, 0])
