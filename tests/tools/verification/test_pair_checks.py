"""What verification holds against runs of small baselines."""

import shutil
from contextlib import ExitStack

import numpy as np
import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.tools.verification.compare import verify_run_alone
from pystamps_hpc.tools.verification.compare.merged import Merged
from pystamps_hpc.tools.verification.compare.pair_checks import PAIR_CHECKS
from tests.golden.parity import golden_root

pytestmark = pytest.mark.golden

ARTIFACTS = ("ps2", "bp2", "rc2", "pm2", "parms", "phuw2", "phuw_sb2", "phuw_sb_res2", "scla2",
             "scla_sb2", "scla_smooth_sb2")  # fmt: skip


@pytest.fixture
def run(tmp_path):
    golden = golden_root() / "sb-small" / "expected"
    if not golden.exists():
        pytest.skip("no golden data")
    for name in ARTIFACTS:
        shutil.copy(golden / f"{name}.mat", tmp_path)
    rate = np.linspace(-0.1, 0.1, 2927)
    wavelength = float(parameters.load(tmp_path).value("lambda"))
    velocity = -rate * 365.25 * wavelength * 1000 / (4 * np.pi)
    fit = {"m": np.stack([rate, rate]), "mean_v": velocity[:, None], "lambda": wavelength}
    write_mat(tmp_path / "mean_v.mat", {**fit, "lambda": np.array([[wavelength]])})
    return tmp_path


def bad(run):
    with ExitStack() as stack:
        merged = Merged(run, stack, parameters.load(run))
        found = [finding for check in PAIR_CHECKS for finding in check(merged)]
    assert len(found) == 8
    return [f"{f.artifact}.{f.key}: {f.what}" for f in found if not f.difference.ok]


def spoil(run, artifact, key, row, column, by):
    values = read_mat(run / f"{artifact}.mat")
    values[key] = values[key].copy()
    values[key][row, column] += by
    (run / f"{artifact}.mat").unlink()
    write_mat(run / f"{artifact}.mat", values)


def test_the_golden_set_holds(run):
    assert bad(run) == []


@pytest.mark.parametrize(
    ("artifact", "key", "column", "expected"),
    [
        ("phuw_sb2", "ph_uw", 3, ["phuw_sb2.ph_uw: congruence with rc2.ph_rc"]),
        ("phuw_sb_res2", "ph_res", 3, ["phuw_sb_res2.ph_res: difference of the images"]),
        ("phuw2", "ph_uw", 7, ["phuw2.ph_uw: columns of master and images without phase are zero",
                               "phuw_sb_res2.ph_res: difference of the images"]),
        ("scla_sb2", "ph_scla", 3, ["scla_sb2.ph_scla: slope times baseline"]),
        ("scla2", "ph_scla", 3, ["scla2.ph_scla: slope times baseline"]),
        ("mean_v", "mean_v", 0, ["mean_v.mean_v: rate of mean_v.m"]),
    ],
)  # fmt: skip
def test_a_planted_error_is_found(run, artifact, key, column, expected):
    spoil(run, artifact, key, 100, column, 0.5)
    assert bad(run) == expected


def test_a_combined_dataset_is_congruent_without_a_look_angle_error_of_its_own(run):
    values = {name: read_mat(run / f"{name}.mat") for name in ("pm2", "rc2", "bp2")}
    look = values["pm2"].pop("K_ps") * values["bp2"]["bperp_mat"]
    phase = values["rc2"]["ph_rc"] * np.exp(1j * look)
    for name, content in (("pm2", values["pm2"]), ("rc2", {"ph_rc": phase.astype(np.complex64)})):
        (run / f"{name}.mat").unlink()
        write_mat(run / f"{name}.mat", content)
    assert bad(run) == []
    spoil(run, "phuw_sb2", "ph_uw", 100, 3, 0.5)
    assert bad(run) == ["phuw_sb2.ph_uw: congruence with rc2.ph_rc"]


def test_a_flag_of_the_other_mode_is_one_failure_with_its_remedy(run):
    known = parameters.load(run)
    known.file.unlink()
    parameters.save(known.with_values({"small_baseline_flag": "n"}))
    (failed,) = verify_run_alone(run).failed
    assert "small_baseline_flag is 'n'; correct the parameter" in failed["message"]
