"""What is known of a network before a run, and lists of its numbers that cannot be meant."""

from itertools import pairwise

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.dataset.parameters import Parameters
from pystamps_hpc.dataset.tree import Dataset
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.pipeline.acceptance import require_indices
from pystamps_hpc.pipeline.stack import known_stack
from pystamps_hpc.pipeline.table import task
from tests.dataset.scenes import PAIRS, pairs_scene, scene, write_doris_sb, write_snap

MASTER = 734189.0
"""Day of the master of the scenes."""


def stack_of(root, written):
    """Return what is known of a scene, and parameters that hold there."""
    _, known = written
    return known_stack(Dataset(root, ("PATCH_1",)), known), known


@pytest.fixture
def pairs(tmp_path):
    return stack_of(tmp_path, write_doris_sb(tmp_path, pairs_scene()))


def write_network(path, pairs, day):
    write_mat(path, {
        "n_ps": 1.0, "lonlat": np.array([[10.0, 50.0]]), "n_ifg": float(len(pairs)),
        "n_image": float(len(day)), "day": day[:, None], "master_day": MASTER, "master_ix": 3.0,
        "bperp": np.zeros((len(pairs), 1)), "ifgday_ix": pairs + 1.0, "ifgday": 0.0 * pairs,
    })  # fmt: skip


def test_candidates_and_artifacts_tell_the_same_network(tmp_path, pairs):
    of_candidates, known = pairs
    ifgs = of_candidates.ifgs
    assert (len(ifgs), ifgs.n_columns, ifgs.master) == (5, 5, None)
    write_network(tmp_path / "PATCH_1/ps1.mat", ifgs.pairs, ifgs.day)
    stored = known_stack(Dataset(tmp_path, ("PATCH_1",)), known)
    assert (of_candidates.n_points, stored.n_points) == (0, 1)
    np.testing.assert_array_equal(stored.ifgs.pairs, ifgs.pairs)
    np.testing.assert_array_equal(stored.ifgs.day, ifgs.day)


def test_an_artifact_with_images_that_are_not_there_tells_nothing(tmp_path, pairs):
    stack, known = pairs
    write_network(tmp_path / "ps2.mat", stack.ifgs.pairs, stack.ifgs.day)
    assert known_stack(Dataset(tmp_path, ("PATCH_1",)), known).n_points == 1
    # the candidates do
    write_network(tmp_path / "ps2.mat", stack.ifgs.pairs + 1, stack.ifgs.day)
    again = known_stack(Dataset(tmp_path, ("PATCH_1",)), known)
    assert (again.n_points, again.ifgs.pairs.max()) == (0, 3)


def test_a_single_master_has_a_column(tmp_path):
    stack, _ = stack_of(tmp_path, write_snap(tmp_path, scene()))
    assert (len(stack.ifgs), stack.ifgs.n_columns, stack.ifgs.master) == (3, 4, 2)


@pytest.mark.parametrize(
    ("stage", "values", "words"),
    [
        (3, {"drop_ifg_index": (6.0,)}, "drop_ifg_index: 6 is outside 1 to 5"),
        (6, {"drop_ifg_index": (1.0, 2.0, 3.0, 4.0)}, "leaves 1 of 5 interferograms"),
        (
            6,
            {"drop_ifg_index": (2.0, 4.0, 5.0)},
            r"fall into 2 islands of images: 2010-01-01, 2010-02-01 \| 2010-02-20, 2010-03-01; add",
        ),
        (7, {"scla_drop_index": (5.0,)}, "scla_drop_index: 5 is outside 1 to 4"),
        (
            7,
            {"sb_scla_drop_index": (1.0, 2.0, 3.0, 5.0)},
            "1 interferograms are left, 2 are needed",
        ),
        (7, {"scla_drop_index": (1.0,)}, "2 images give 1 differences, 2 are needed"),
    ],
)
def test_lists_that_a_network_does_not_bear_are_refused(pairs, stage, values, words):
    stack, known = pairs
    spec = task(stage, "patch" if stage == 3 else "merged", "sb").spec
    with pytest.raises(DatasetError, match=words):
        require_indices(known.with_values(values), spec, stack)


def test_pairs_that_are_left_out_may_be_an_island(tmp_path):
    made = pairs_scene(
        pairs=(*PAIRS, ("20100401", "20100501")),
        days=("20100101", "20100201", "20100301", "20100401", "20100501"),
    )
    stack, known = stack_of(tmp_path, write_doris_sb(tmp_path, made))
    spec = task(3, "patch", "ps").spec
    with pytest.raises(DatasetError, match="2 islands"):
        require_indices(known, spec, stack)
    require_indices(known.with_values({"drop_ifg_index": (6.0,)}), spec, stack)


def test_images_that_are_left_out_may_not_cut_others_off_from_the_master(tmp_path, pairs):
    _, known = pairs
    day = MASTER + 12.0 * np.arange(-2, 4)
    write_network(tmp_path / "ps2.mat", np.array(list(pairwise(range(6)))), day)
    stack = known_stack(Dataset(tmp_path, ("PATCH_1",)), known)
    spec = task(7, "merged", "sb").spec
    with pytest.raises(DatasetError, match="no pairs join 2010-03-16, 2010-03-28 to the master"):
        require_indices(known.with_values({"scla_drop_index": (4.0,)}), spec, stack)
    require_indices(known.with_values({"scla_drop_index": (1.0, 3.0)}), spec, stack)


def test_lists_together_may_leave_too_few_images_of_a_single_master(tmp_path):
    stack, _ = stack_of(tmp_path, write_snap(tmp_path, scene()))
    known = Parameters(stored={"drop_ifg_index": (1.0,), "scla_drop_index": (4.0,)})
    with pytest.raises(DatasetError, match="2 images give 1 differences, 2 are needed"):
        require_indices(known, task(7, "merged", "ps").spec, stack)


def test_a_single_master_never_falls_apart(tmp_path):
    stack, _ = stack_of(tmp_path, write_snap(tmp_path, scene()))
    known = Parameters(stored={"drop_ifg_index": (1.0,)})
    require_indices(known, task(3, "patch", "ps").spec, stack)
