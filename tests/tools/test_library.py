"""A dataset as an xarray.Dataset: what is in it, what is read, what is refused."""

import shutil
import subprocess
import sys
import tomllib
import tracemalloc
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import pystamps_hpc
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.dataset.rows import ComputedRows, block
from pystamps_hpc.errors import DatasetError, MatError, ToolMissingError
from tests.tools.test_products import DAYS, MASTER, TO_MM, Result

xarray = pytest.importorskip("xarray")
open_dataset = pystamps_hpc.open_dataset

IMAGES = [0, 1, 3, 4]


@pytest.fixture
def result(tmp_path):
    return Result(tmp_path / "set")


def test_velocity_and_displacement_are_those_of_the_truth(result):
    found = open_dataset(result.root)
    np.testing.assert_allclose(found.velocity, result.velocity, atol=1e-6)
    np.testing.assert_allclose(found.displacement, result.displacement, atol=6e-3)
    assert (found.displacement[:, MASTER] == 0).all()
    for variable in (found.velocity, found.displacement):
        assert variable.sign == "positive: towards the satellite"
        assert variable.reference == "the mean of all 400 PS"


def test_phase_has_its_dates_and_says_where_it_comes_from(result):
    found = open_dataset(result.root)
    date = str(found.date.values[3])[:10]
    stored = read_mat(result.root / "phuw2.mat")["ph_uw"]
    np.testing.assert_array_equal(found.unwrapped.sel(date=date), stored[:, 3])
    about = found.unwrapped.attrs
    assert (about["units"], about["stamps"]) == ("rad", "phuw2.ph_uw")
    assert about["sign"] == "positive: farther from the satellite than at the master"
    # farther is away: displacement is positive towards the satellite
    moved = -(found.unwrapped - found.scla - found.master_atmosphere) * TO_MM
    residual = (moved - found.displacement).values[:, IMAGES]
    plane = np.column_stack([found.x, found.y, np.ones(400)])
    ramp = plane @ np.linalg.lstsq(plane, residual, rcond=None)[0]
    np.testing.assert_allclose(residual, ramp, atol=6e-3)


def test_interferograms_of_a_single_master_are_without_that_of_the_master_with_itself(result):
    phasors = np.exp(1j * np.random.default_rng(3).uniform(-3, 3, (400, 5))).astype(np.complex64)
    phasors[:, MASTER] = 7
    phasors[5, 4] = 0
    write_mat(result.root / "ph2.mat", {"ph": phasors})
    parameters.save(parameters.load(result.root).set_value("drop_ifg_index", (4,)))
    found = open_dataset(result.root)
    assert found.ifg.values.tolist() == [1, 2, 4, 5]
    expected = np.angle(phasors[:, IMAGES])
    expected[5, 3] = np.nan
    np.testing.assert_array_equal(found.wrapped, expected)
    assert found.dropped.values.tolist() == [False, False, True, False]
    assert set(found.first.values) == {found.date.values[MASTER]}
    assert found.sel(ifg=5).second == found.date[4]
    assert np.isfinite(found.displacement).all()  # the line of mean_v.mat is through all four


def test_an_image_that_is_left_out_of_the_line_has_no_displacement(tmp_path):
    result = Result(tmp_path / "set", unwrap_ifg_index=np.array([[1.0, 2, 5]]))
    found = open_dataset(result.root).displacement
    assert np.isnan(found[:, 3]).all()
    np.testing.assert_allclose(found[:, 4], result.displacement[:, 4], atol=6e-3)


def test_what_is_not_there_is_left_out_and_what_comes_later_is_added(result):
    for name in ("phuw2", "scla2", "mean_v", "pm2"):
        (result.root / f"{name}.mat").unlink()
    found = open_dataset(result.root)
    assert set(found.data_vars) <= {"incidence", "look_angle"}
    assert {"lon", "lat", "height", "bperp", "date"} <= set(found.coords)
    noise = np.arange(5, dtype=np.float32)[:, None]
    write_mat(result.root / "ifgstd2.mat", {"ifg_std": noise})
    assert open_dataset(result.root).noise.values.tolist() == IMAGES


def test_a_fit_that_stamps_has_left_is_made_when_the_velocity_is_read(result):
    (result.root / "mean_v.mat").unlink()
    np.testing.assert_allclose(open_dataset(result.root).velocity, result.velocity, atol=1e-3)


def test_a_mean_v_without_a_type_is_fitted_anew_and_says_so(result):
    write_mat(result.root / "mean_v.mat", {"m": np.full((2, 400), 7.0)})
    found = open_dataset(result.root)
    assert found.velocity.value_type == "v-do"
    assert "fitted anew, as v-do" in found.velocity.comment
    np.testing.assert_allclose(found.velocity, result.velocity, atol=1e-3)
    np.testing.assert_allclose(found.displacement, result.displacement, atol=6e-3)


def test_velocities_are_relative_to_the_area_that_they_were_made_with(tmp_path):
    result = Result(tmp_path / "set", ref_ps=np.array([[3.0], [10], [17]]))
    parameters.save(parameters.load(result.root).with_values({"ref_lon": (12.3, 12.31)}))
    found = open_dataset(result.root)
    for variable in (found.velocity, found.displacement):
        assert variable.reference.startswith("the mean of 3 PS around 12.")
    (result.root / "mean_v.mat").unlink()
    assert open_dataset(result.root).velocity.reference == "longitude 12.3 to 12.31 degrees"


@pytest.mark.parametrize("version", ["v5", "v7.3"])
def test_opening_and_slicing_takes_no_memory_for_the_rest(tmp_path, version, monkeypatch):
    monkeypatch.setattr("pystamps_hpc.dataset.contents._MARGIN_NS", 0)  # small files are held
    n_ps = 100_000
    result = Result(tmp_path / "set", n_ps=n_ps)
    phase = np.random.default_rng(1).normal(size=(n_ps, 5)).astype(np.float32)
    write_mat(result.root / "phuw2.mat", {"ph_uw": phase}, mat_format=version)
    open_dataset(result.root).unwrapped[:2].load()  # imports
    tracemalloc.start()
    found = open_dataset(result.root)
    some = found.unwrapped.isel(ps=slice(50_000, 50_100)).values
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(some, phase[50_000:50_100])
    assert peak < 0.25 * phase.nbytes


KEYS = (
    3,
    -2,
    slice(None),
    slice(2, 7),
    slice(-1, None, -2),
    slice(4, 4),
    np.array([8, 0, 0, -3]),
    np.array([], np.int64),
    np.arange(9) % 2 == 0,
)


@pytest.mark.parametrize("computed", [False, True])
def test_rows_are_sliced_as_arrays_are(computed):
    from pystamps_hpc.tools.library.lazy import lazily

    values = np.arange(81.0).reshape(9, 9)
    source = values
    if computed:
        source = ComputedRows((9, 9), values.dtype, lambda r, c: block(values, r, c))
    of_all = xarray.Variable(("ps", "date"), lazily(source, None))
    in_memory = xarray.Variable(("ps", "date"), values)
    column = xarray.Variable(("ps",), lazily(source, 2))
    for rows in KEYS:
        np.testing.assert_array_equal(column[rows], values[:, 2][rows])
        for columns in KEYS:
            np.testing.assert_array_equal(of_all[rows, columns], in_memory[rows, columns])


def test_a_patch_has_its_candidates_and_which_of_them_are_kept(finished):
    patch = finished / "PATCH_1"
    found = open_dataset(patch, candidates=True)
    select, weed = (read_mat(patch / f"{name}.mat") for name in ("select1", "weed1"))
    chosen = select["ix"].ravel().astype(int)[select["keep_ix"].ravel()] - 1
    assert np.flatnonzero(found.selected).tolist() == chosen.tolist()
    kept = chosen[weed["ix_weed"].ravel()]
    assert np.flatnonzero(found.kept).tolist() == kept.tolist()
    assert {"amplitude_dispersion", "coherence", "wrapped", "residual"} <= set(found.data_vars)
    ps = open_dataset(patch)
    assert ps.sizes["ps"] == len(kept)
    np.testing.assert_array_equal(ps.lon, found.lon[kept])


def test_a_dataset_between_stages_is_opened_by_its_patches(finished, tmp_path):
    root = tmp_path / "half"
    shutil.copytree(finished, root)
    for path in root.glob("*2.mat"):
        path.unlink()
    with pytest.raises(DatasetError, match=r"not merged.*--end-step 5 makes it.*half/PATCH_1"):
        open_dataset(root)
    patch = root / "PATCH_1"
    for path in [*patch.glob("*2.mat"), patch / "weed1.mat"]:
        path.unlink()
    found = open_dataset(patch)
    assert "selected" in found
    assert "kept" not in found
    (patch / "ps1.mat").unlink()
    with pytest.raises(DatasetError, match=r"ps1.mat: file does not exist; .*--end-step 1"):
        open_dataset(patch)


def test_the_engine_of_xarray_opens_it_and_it_can_be_saved(finished, tmp_path):
    from pystamps_hpc.tools.library.engine import PystampsBackend

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    module, _, name = project["entry-points"]["xarray.backends"]["pystamps"].partition(":")
    assert getattr(import_module(module), name) is PystampsBackend
    assert PystampsBackend().guess_can_open(finished)
    assert not PystampsBackend().guess_can_open(tmp_path)
    found = xarray.open_dataset(finished, engine=PystampsBackend, drop_variables=["scn"])
    assert "scn" not in found
    pytest.importorskip("h5netcdf")
    found.to_netcdf(tmp_path / "all.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "all.nc", engine="h5netcdf") as saved:
        xarray.testing.assert_equal(saved.load(), found.load())


def test_files_of_other_points_are_refused_by_name(result):
    write_mat(result.root / "pm2.mat", {"coh_ps": np.ones((399, 1))})
    with pytest.raises(DatasetError, match=r"pm2.mat: 'coh_ps' is 399 x 1, expected 400 x 1"):
        open_dataset(result.root)
    write_mat(result.root / "pm2.mat", {"coh_ps": np.ones((400, 1))})
    write_mat(result.root / "phuw2.mat", {"ph_uw": np.ones((400, 4), np.float32)})
    with pytest.raises(DatasetError, match=r"phuw2.mat: 'ph_uw' is 400 x 4, expected 400 x 5"):
        open_dataset(result.root)
    (result.root / "ps2.mat").write_bytes(b"")
    with pytest.raises(MatError, match=r"ps2.mat"):
        open_dataset(result.root)
    with pytest.raises(DatasetError, match="does not exist"):
        open_dataset(result.root / "nowhere")


def test_without_xarray_the_extra_is_named_and_the_package_stays_light(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ToolMissingError, match=r"pip install 'pystamps-hpc\[gis\]'"):
        open_dataset(result.root)
    program = "import sys, pystamps_hpc; pystamps_hpc.open_dataset; print('xarray' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout.strip() == "False", ended.stderr


def test_days_are_dates(result):
    found = open_dataset(result.root)
    assert (np.diff(found.date) / np.timedelta64(1, "D")).tolist() == np.diff(DAYS).tolist()
    assert found.attrs["master"] == str(found.date.values[MASTER])[:10]
