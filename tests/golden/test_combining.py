"""PS and small baselines combined as StaMPS does."""

import io
import shutil

import numpy as np
import pytest

from pystamps_hpc.cli import main, shapes
from pystamps_hpc.cli.commands import status
from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.lock import DatasetLock, new_owner
from pystamps_hpc.dataset.mat import read_mat
from pystamps_hpc.dataset.tree import discover_dataset
from pystamps_hpc.errors import DatasetError, LockError, MatError, StaleError
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline.records import task_record
from pystamps_hpc.pipeline.state import TargetState
from pystamps_hpc.pipeline.table import task
from pystamps_hpc.tools import combine
from pystamps_hpc.tools.combine import combine_datasets
from pystamps_hpc.tools.doctor import examine
from pystamps_hpc.tools.status import collect_status

from .parity import golden_root

pytestmark = [pytest.mark.golden, pytest.mark.usefixtures("golden")]

TOLERANCE = {"pm2.ph_patch": 5e-6, "rc2.ph_rc": 5e-6, "ps2.xy": 2e-5, "merge2.psu_coh": 2e-7,
             "merge2.psnu_coh": 2e-7}  # fmt: skip
"""What the golden set states; every other key is the same bytes."""

OWN = {"merge2.mat": {"coh_ps"}}
"""Keys that StaMPS does not write."""


@pytest.fixture(scope="module")
def trees():
    root = golden_root() / "products" / "merge" / "mergeA"
    ps = root / "input" / "INSAR_20160911"
    return ps, ps / "SMALL_BASELINES", root / "expected" / "MERGED"


def test_every_key_is_that_of_stamps(trees, tmp_path):
    ps, sb, expected = trees
    combined = combine_datasets(ps, sb, tmp_path / "merged")
    names = {path.name for path in expected.glob("*.mat")}
    assert {path.name for path in combined.root.glob("*.mat")} == names
    for name in sorted(names):
        made, golden = read_mat(combined.root / name), read_mat(expected / name)
        assert made.keys() - golden.keys() == OWN.get(name, set())
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


@pytest.mark.parametrize(
    ("flagged", "message"),
    [("ps", r"holds ifgday_ix.*small_baseline_flag is 'n'"), ("sb", r"lacks ifgday_ix.* is 'y'")],
)
def test_a_flag_of_the_other_kind_is_told_with_its_remedy(trees, tmp_path, flagged, message):
    ps, sb, _ = trees
    wrong = copied(sb if flagged == "ps" else ps, tmp_path / "wrong")
    parameters.save(
        parameters.load(wrong).with_values({"small_baseline_flag": "ny"[flagged == "sb"]})
    )
    with pytest.raises(MatError, match=f"{message}.*correct the parameter"):
        combine_datasets(*((ps, wrong) if flagged == "ps" else (wrong, sb)), tmp_path / "merged")


def test_a_combined_dataset_is_not_combined_again(trees, tmp_path):
    ps, sb, _ = trees
    merged = combine_datasets(ps, sb, tmp_path / "merged").root
    with pytest.raises(DatasetError, match="is a combined dataset already; give one of the two"):
        combine_datasets(ps, merged, tmp_path / "again")


def test_a_dataset_in_which_a_run_works_is_refused(trees, tmp_path):
    ps, sb, _ = trees
    busy = copied(ps, tmp_path / "busy")
    with (
        DatasetLock(busy, new_owner("r1", ["run"])),
        pytest.raises(LockError, match=r"busy: data set is in use: run r1"),
    ):
        combine_datasets(busy, sb, tmp_path / "merged")
    combine_datasets(busy, sb, tmp_path / "merged")


def test_what_is_out_of_date_is_refused_as_by_a_run_or_kept_on_demand(trees, tmp_path):
    ps, sb, _ = trees
    old = copied(ps, tmp_path / "old")
    row = task(5, "merged", "ps")
    for name in row.required:  # the set has not all of them
        if not (old / f"{name}.mat").exists():
            shutil.copyfile(old / "la2.mat", old / f"{name}.mat")
    settings = task_record(
        discover_dataset(old, need_patches=False), RunConfig(), parameters.load(old), None, row,
        "root", (),
    )  # fmt: skip
    TargetState(old, {5: {**settings, "science_version": 0, "marker": []}}).save()
    with pytest.raises(StaleError, match=r"ifgstd2.mat is out of date .*science version 0"):
        combine_datasets(old, sb, tmp_path / "merged")
    keep = RunConfig().with_values({"runtime.stale_policy": "keep"})
    (kept,) = combine_datasets(old, sb, tmp_path / "merged", keep).kept
    assert "ifgstd2.mat: out of date" in kept


def test_files_that_change_while_they_are_read_are_refused(trees, tmp_path, monkeypatch):
    ps, sb, _ = trees
    moving = copied(sb, tmp_path / "moving")

    def changing(bundle, directory, team, output):
        (moving / "rc2.mat").write_bytes(b"another run")

    monkeypatch.setattr(combine, "write_bundle", changing)
    with pytest.raises(DatasetError, match=r"moving: rc2.mat changed while it was read"):
        combine_datasets(ps, moving, tmp_path / "merged")
    assert [path.name for path in tmp_path.iterdir()] == ["moving"]


def test_status_tells_what_was_combined_and_what_changed_since(trees, tmp_path):
    ps, sb, _ = trees
    own = copied(sb, tmp_path / "sb")
    root = combine_datasets(ps, own, tmp_path / "merged").root
    known = collect_status(root)["combined_of"]
    assert known == {"ps": {"root": str(ps.resolve()), "changed": []},
                     "sb": {"root": str(own.resolve()), "changed": []}}  # fmt: skip
    (own / "pm2.mat").write_bytes(b"made again")
    known = collect_status(root)
    assert known["combined_of"]["sb"]["changed"] == ["pm2.mat"]
    text = shapes.text_of(status.view(known), io.StringIO())
    assert "pm2.mat in" in text
    assert "changed after the two were combined" in text


def test_files_are_written_as_configured(trees, tmp_path):
    ps, sb, _ = trees
    (tmp_path / "run.yaml").write_text("output: {mat_format: v7.3}\n")
    words = ["--config", str(tmp_path / "run.yaml"), "merge", "--ps", str(ps), "--sb", str(sb)]
    assert main([*words, "--out", str(tmp_path / "merged")]) == 0
    assert b"MATLAB 7.3" in (tmp_path / "merged" / "rc2.mat").read_bytes()[:512]


def copied(tree, target):
    """Copy a tree with files that can be written, and take it out of the write protection."""
    shutil.copytree(tree, target, ignore=shutil.ignore_patterns("SMALL_BASELINES", ".golden"))
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    return target


def test_another_track_is_refused_before_anything_is_written(trees, tmp_path):
    ps, sb, _ = trees
    copied(sb, tmp_path / "sb")
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
