"""PS and small baselines combined as StaMPS does."""

import shutil

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset.mat import read_mat
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.tools.combine import combine_datasets
from pystamps_hpc.tools.doctor import examine
from pystamps_hpc.tools.status import collect_status

from .parity import golden_root

pytestmark = [pytest.mark.golden, pytest.mark.usefixtures("golden")]

TOLERANCE = {"pm2.ph_patch": 5e-6, "rc2.ph_rc": 5e-6, "ps2.xy": 2e-5, "merge2.psu_coh": 2e-7,
             "merge2.psnu_coh": 2e-7}  # fmt: skip
"""What the golden set states; every other key is the same bytes."""


@pytest.fixture(scope="module")
def trees():
    root = golden_root() / "products" / "merge" / "mergeA"
    ps = root / "input" / "INSAR_20160911"
    return ps, ps / "SMALL_BASELINES", root / "expected" / "MERGED"


def test_every_key_is_that_of_stamps(trees, tmp_path):
    ps, sb, expected = trees
    combined = combine_datasets(ps, sb, tmp_path / "merged")
    names = {path.name for path in expected.glob("*.mat")}
    assert {path.name for path in combined.root.iterdir()} == names
    for name in sorted(names):
        made, golden = read_mat(combined.root / name), read_mat(expected / name)
        assert made.keys() == golden.keys()
        for key, value in golden.items():
            where = f"{name.removesuffix('.mat')}.{key}"
            if isinstance(value, str):
                assert made[key] == value
                continue
            assert made[key].shape == value.shape, where
            assert made[key].dtype == value.dtype, where
            off = np.abs(np.nan_to_num(made[key]) - np.nan_to_num(value)).max(initial=0)
            assert off <= TOLERANCE.get(where, 0), f"{where}: {off}"
    assert combined.n_ps == combined.ps_only + combined.sb_only + combined.in_both == 1675


def test_the_datasets_are_not_mixed_up(trees, tmp_path):
    ps, sb, _ = trees
    with pytest.raises(DatasetError, match="is one of small baselines, --ps wants"):
        combine_datasets(sb, ps, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_another_track_is_refused_before_anything_is_written(trees, tmp_path):
    from pystamps_hpc.dataset import parameters

    ps, sb, _ = trees
    shutil.copytree(sb, tmp_path / "sb")
    (tmp_path / "sb" / "parms.mat").chmod(0o644)
    parameters.save(parameters.load(tmp_path / "sb").set_value("heading", -12.0))
    with pytest.raises(DatasetError, match=r"parameter heading .* not of the same track"):
        combine_datasets(ps, tmp_path / "sb", tmp_path / "merged")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sb"]


def test_a_combined_dataset_is_healthy_and_goes_on_with_stage_6(trees, tmp_path):
    ps, sb, _ = trees
    root = combine_datasets(ps, sb, tmp_path / "merged").root
    status = collect_status(root)
    assert (status["merged_stage"], status["gaps"]) == (0, [])
    assert status["next"]["text"] == "stages 6-8"
    document, code = examine(SerialTeam(), RunConfig(), "dataset", root)
    assert (document["problems"], code) == ([], 0)
