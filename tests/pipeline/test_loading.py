"""Inputs are read by their annotations; lengths that keys share must agree."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.dataset.rows import FloatArray, Rows
from pystamps_hpc.errors import MatError
from pystamps_hpc.pipeline.loading import find_inputs, input_files, load_inputs
from pystamps_hpc.pipeline.presence import Look
from pystamps_hpc.pipeline.saving import bundle_of
from pystamps_hpc.stages.shared.ifgs import Ifgs

N_PS, N_IFG, N_SEL = 7, 5, 3


@dataclass(frozen=True)
class Inputs:
    """Some keys of every kind."""

    bperp: Annotated[FloatArray, "ps1.bperp"]
    day: Annotated[FloatArray, "ps1.day"]
    phase: Annotated[Rows, "ph1.ph"]
    bperp_mat: Annotated[Rows, "bp1.bperp_mat"]
    dispersion: Annotated[FloatArray | None, "da1.D_A"]
    selected: Annotated[FloatArray, "select1.ix"]
    slope: Annotated[FloatArray, "select1.K_ps2"]
    feedback: Annotated[FloatArray | None, "scla_smooth2.K_ps_uw"]


FILES = {
    "ps1": {"bperp": np.zeros((N_IFG, 1)), "day": np.zeros((N_IFG, 1))},
    "ph1": {"ph": np.ones((N_PS, N_IFG), np.complex64)},
    "bp1": {"bperp_mat": np.ones((N_PS, N_IFG - 1), np.float32)},
    "da1": {"D_A": np.ones((N_PS, 1))},
    "select1": {"ix": np.ones((N_SEL, 1)), "K_ps2": np.ones((N_SEL, 1))},
    "scla_smooth2": {"K_ps_uw": np.ones((N_PS, 1))},
}


def load(folder, **files):
    (folder / "parms.mat").unlink(missing_ok=True)
    write_mat(folder / "parms.mat", {"small_baseline_flag": "n"})
    for name, keys in {**FILES, **files}.items():
        write_mat(folder / f"{name}.mat", keys)
    feedback = frozenset({"scla_smooth2.mat"})
    return load_inputs(Inputs, folder, parameters.load(folder), feedback=feedback)


def test_keys_arrive_in_the_shape_of_the_schema(tmp_path):
    inputs = load(tmp_path)
    assert inputs.bperp.shape == (N_IFG,)
    assert inputs.selected.tolist() == [0] * N_SEL
    assert inputs.phase.shape == (N_PS, N_IFG)


def test_what_one_rank_has_found_others_can_be_sent(tmp_path):
    load(tmp_path)
    sent = pickle.dumps(find_inputs(Inputs, tmp_path, parameters.load(tmp_path)))
    assert len(sent) < 5000  # large values stay on disk
    received = pickle.loads(sent).filled(Inputs)
    assert received.phase[:].tolist() == FILES["ph1"]["ph"].tolist()
    assert received.selected.tolist() == [0] * N_SEL


@dataclass(frozen=True)
class OfImages:
    """What small baselines read of the dataset above."""

    bperp: Annotated[FloatArray | None, "parent.bperp"]


def test_baselines_of_images_are_those_of_the_dataset_above_and_read_only_for_held_values(tmp_path):
    folder = tmp_path / "SMALL_BASELINES"
    folder.mkdir()

    def read(**values):
        (folder / "parms.mat").unlink(missing_ok=True)
        write_mat(folder / "parms.mat", {"small_baseline_flag": "y", **values})
        own = parameters.load(folder)
        found = load_inputs(OfImages, folder, own).bperp
        assert (found is None) == (not list(input_files(OfImages, folder, own, Look())))
        return found

    assert read(unwrap_hold_good_values="y") is None
    write_mat(tmp_path / "ps2.mat", {"bperp": np.arange(4.0)[:, None]})
    np.testing.assert_array_equal(read(unwrap_hold_good_values="y"), [0, 1, 2, 3])
    assert read() is None


@dataclass(frozen=True)
class Troposphere:
    """What stages 6 and 7 read of other programs."""

    tropo: Annotated[tuple[Rows, ...] | None, "tropo.phase"]


@pytest.mark.parametrize(("flag", "name"), [("n", "tca2.mat"), ("y", "tca_sb2.mat")])
def test_the_troposphere_is_read_if_it_is_subtracted_and_has_to_be_finite(tmp_path, flag, name):
    def read(**values):
        (tmp_path / "parms.mat").unlink(missing_ok=True)
        write_mat(tmp_path / "parms.mat", {"small_baseline_flag": flag, **values})
        own = parameters.load(tmp_path)
        found = load_inputs(Troposphere, tmp_path, own).tropo
        files = [Path(path).name for path, _ in input_files(Troposphere, tmp_path, own, Look())]
        assert files == ([] if found is None else [name])
        return found

    assert read() is None
    with pytest.raises(MatError, match=f"{name}: file does not exist; subtr_tropo is 'y'"):
        read(subtr_tropo="y")
    phase = np.arange(12, dtype=np.float32).reshape(4, 3)
    write_mat(tmp_path / name, {"ph_tropo_linear": phase, "ph_tropo_era": phase * np.nan})
    (linear,) = read(subtr_tropo="y")
    np.testing.assert_array_equal(linear[:], phase)
    (era,) = read(subtr_tropo="y", tropo_method="a_erai")
    with pytest.raises(MatError, match="key 'ph_tropo_era' is not finite in row 1, column 1"):
        era[:]
    with pytest.raises(MatError, match="no variable 'ph_tropo_gacos'"):
        read(subtr_tropo="y", tropo_method="a_gacos")


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("ps1", {**FILES["ps1"], "day": np.zeros((4, 1))}, r"'day' has shape \(4, 1\)"),
        ("bp1", {"bperp_mat": np.ones((N_PS, N_IFG))}, r"'bperp_mat' .*expected \(7, 4\)"),
        ("da1", {"D_A": np.ones((6, 1))}, r"'D_A' has shape \(6, 1\), expected \(7, 1\)"),
        ("select1", {**FILES["select1"], "K_ps2": np.ones((4, 1))}, r"'K_ps2' .*expected \(3, 1\)"),
    ],
)
def test_a_length_that_differs_is_refused(tmp_path, name, keys, message):
    with pytest.raises(MatError, match=message):
        load(tmp_path, **{name: keys})


@dataclass(frozen=True)
class WithNetwork:
    """A network, and keys with and without the null column of its master."""

    ifgs: Annotated[Ifgs, "ps1"]
    phase: Annotated[Rows, "ph1.ph"]
    bperp_mat: Annotated[Rows, "bp1.bperp_mat"]


def test_the_null_column_of_the_master_is_there_on_disk_only(tmp_path):
    number = np.arange(1.0, N_IFG + 1)[:, None]
    network = {"bperp": np.where(number == 2, 0, number), "day": number, "master_day": 2,
               "master_ix": 2, "n_ifg": N_IFG, "n_image": N_IFG}  # fmt: skip
    phase = np.arange(N_PS * N_IFG).reshape(N_PS, N_IFG).astype(np.complex64)
    phase[:, 1] = 1
    load(tmp_path, ps1=network, ph1={"ph": phase})
    inputs = load_inputs(WithNetwork, tmp_path, parameters.load(tmp_path))
    assert (inputs.ifgs.master, inputs.ifgs.bperp.tolist()) == (1, [1, 3, 4, 5])
    assert inputs.phase.shape == inputs.bperp_mat.shape == (N_PS, N_IFG - 1)
    np.testing.assert_array_equal(inputs.phase[2:4], np.delete(phase, 1, axis=1)[2:4])
    np.testing.assert_array_equal(inputs.phase[:, 1], phase[:, 2])

    bundle = bundle_of(inputs)
    assert {key: np.ravel(value).tolist() for key, value in bundle["ps1"].items()} == {
        key: np.ravel(value).tolist() for key, value in network.items()
    }
    np.testing.assert_array_equal(bundle["ph1"]["ph"].rows[:], phase)
    assert bundle["bp1"]["bperp_mat"].rows.shape == (N_PS, N_IFG - 1)


def test_pairs_and_the_flag_of_small_baselines_go_together(tmp_path):
    load(tmp_path)
    pairs = {**FILES["ps1"], "ifgday_ix": np.ones((N_IFG, 2))}
    for flag, keys, message in (
        ("n", pairs, r"ps1.mat: holds ifgday_ix, .* but small_baseline_flag is 'n'; correct"),
        ("y", FILES["ps1"], r"ps1.mat: lacks ifgday_ix, .* but small_baseline_flag is 'y'"),
    ):
        write_mat(tmp_path / "ps1.mat", keys)
        write_mat(tmp_path / "parms.mat", {"small_baseline_flag": flag})
        with pytest.raises(MatError, match=message):
            load_inputs(WithNetwork, tmp_path, parameters.load(tmp_path))


def test_an_empty_optional_key_is_absent(tmp_path):
    assert load(tmp_path, da1={"D_A": np.zeros((0, 0))}).dispersion is None


def test_the_stage_judges_what_an_earlier_pass_left(tmp_path):
    assert len(load(tmp_path, scla_smooth2={"K_ps_uw": np.ones((2, 1))}).feedback) == 2


def with_bad(values, place, bad):
    changed = values.copy()
    changed[place] = bad
    return changed


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused_with_its_place(tmp_path, bad):
    files = {"ps1": {**FILES["ps1"], "bperp": with_bad(np.zeros((N_IFG, 1)), 3, bad)}}
    with pytest.raises(MatError, match=r"ps1.mat: key 'bperp' is not finite in row 4, column 1"):
        load(tmp_path, **files)


@pytest.mark.parametrize("bad", [np.nan, complex(1, np.inf)])
def test_a_large_variable_is_looked_at_when_it_is_read(tmp_path, bad):
    phase = load(tmp_path, ph1={"ph": with_bad(FILES["ph1"]["ph"], (4, 2), bad)}).phase
    assert phase[:4].shape == (4, N_IFG)
    assert phase[:, [0, 1]].shape == (N_PS, 2)
    for read in (slice(None), slice(3, 6), np.array([4, 1]), (slice(None), 2)):
        with pytest.raises(MatError, match=r"ph1.mat: key 'ph' is not finite in row 5, column 3"):
            phase[read]


def test_nan_is_let_through_where_it_has_a_meaning(tmp_path):
    nan = np.full((N_PS, 1), np.nan)
    assert np.isnan(load(tmp_path, da1={"D_A": nan}).dispersion).all()


def test_a_sum_that_overflows_is_no_number_that_is_not_finite(tmp_path):
    most = np.full((N_PS, N_IFG - 1), np.finfo(np.float32).max)
    assert load(tmp_path, bp1={"bperp_mat": most}).bperp_mat[:].shape == (N_PS, N_IFG - 1)
