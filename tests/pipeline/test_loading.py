"""Inputs are read by their annotations; lengths that keys share must agree."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.dataset.rows import FloatArray, Rows
from pystamps_hpc.errors import MatError
from pystamps_hpc.pipeline.loading import load_inputs

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


def test_an_empty_optional_key_is_absent(tmp_path):
    assert load(tmp_path, da1={"D_A": np.zeros((0, 0))}).dispersion is None


def test_the_stage_judges_what_an_earlier_pass_left(tmp_path):
    assert len(load(tmp_path, scla_smooth2={"K_ps_uw": np.ones((2, 1))}).feedback) == 2
