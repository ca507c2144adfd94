"""Pairs are read as their files list them, or refused with what is wrong with the network."""

import numpy as np
import pytest

from pystamps_hpc.dataset import candidates
from pystamps_hpc.dataset.candidates.text import day_text
from pystamps_hpc.errors import DatasetError

from .scenes import PAIRS, pairs_scene, write_doris_sb, write_snap_sb

WRITERS = (write_snap_sb, write_doris_sb)
TREE = PAIRS[:3]
LOOP = PAIRS[:4]


def named(network):
    return [tuple(map(day_text, pair)) for pair in network.day[network.pairs]]


def write_isce_sb(root, made):
    """Write a DORIS set with a baseline raster of every image, 10 m apart."""
    patch, known = write_doris_sb(root, made)
    for k, day in enumerate(made.days):
        path = root / f"baselineGRID_{day}"
        np.full((400, 300), 10.0 * (k + 1), np.float32).tofile(path)
        properties = {"width": 300, "length": 400, "data_type": "FLOAT"}
        text = "".join(
            f'<property name="{name}"><value>{value}</value></property>'
            for name, value in properties.items()
        )
        path.with_name(f"{path.name}.xml").write_text(text)
    return patch, known.with_values({"insar_processor": "isce"})


@pytest.mark.parametrize("write", [*WRITERS, write_isce_sb])
def test_pairs_stay_in_the_order_of_their_file(tmp_path, write):
    made = pairs_scene(pairs=PAIRS[::-1])
    read = candidates.read(*write(tmp_path, made))
    network = read.network
    assert named(network) == list(made.pairs)
    assert network.columns.tolist() == [0, 1, 2, 3, 4]
    assert [*map(day_text, network.day)] == sorted({*made.days, made.master})
    assert (day_text(network.master_day), network.master) == (made.master, None)
    np.testing.assert_array_equal(read.phase, made.phase)


def test_a_snap_network_has_the_days_of_its_pairs_and_a_baseline_of_each(tmp_path):
    pairs = (("20100101", "20100220"), ("20100220", "20100401"), ("20100101", "20100401"))
    read = candidates.read(*write_snap_sb(tmp_path, pairs_scene(pairs=pairs)))
    assert [*map(day_text, read.network.day)] == ["20100101", "20100220", "20100401"]
    np.testing.assert_allclose(read.geometry.baseline[2], [3 * -173.6289257, 3 * 108.3307236])


def test_images_have_the_baselines_and_the_master_none(tmp_path):
    made = pairs_scene(days=("20100301", "20100101", "20100201"))
    patch, known = write_doris_sb(tmp_path, made)
    geometry = candidates.read(patch, known).geometry
    assert geometry.bperp.tolist() == [201, 301.5, 0, 100.5]
    assert geometry.day_ix.tolist() == [1, 2, 0]
    assert geometry.calibration is None
    assert geometry.baselines is None
    for k, day in enumerate(made.days):
        nodes = np.tile([10.0 * (k + 1), 99], 2500)
        (tmp_path / f"bperp_{day}.1.in").write_text(" ".join(map(str, nodes)))
    first, second, master, last = candidates.read(patch, known).geometry.baselines
    assert master is None
    # those at 1000 m do not count
    assert {grid.at_1000 for grid in (first, second, last)} == {None}
    assert [grid.at_zero[0, 0] for grid in (first, second, last)] == [20, 30, 10]


def test_the_flag_chooses_the_reader(tmp_path):
    patch, known = write_snap_sb(tmp_path, pairs_scene())
    with pytest.raises(DatasetError, match=r"more than one master .* set small_baseline_flag y"):
        candidates.read(patch, known.with_values({"small_baseline_flag": "n"}))
    assert candidates.scene_of(patch, known).network.master is None


def test_pairs_of_doris_need_no_oversampling_factor(tmp_path):
    patch, known = write_doris_sb(tmp_path, pairs_scene())
    (tmp_path / "slc_osfactor.1.in").unlink()
    wanted = {"heading": -167.3, "lambda": 0.0562}
    assert candidates.sensor_parameters(tmp_path, known, [patch]) == wanted


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ((*PAIRS, PAIRS[1]), "names the pair 20100201_20100220 twice; leave it out and extract"),
        (
            (*PAIRS, PAIRS[1][::-1]),
            "names 20100220_20100201 and 20100201_20100220, which are one pair; leave it out",
        ),
        ((*PAIRS, ("20100101", "20100101")), "20100101_20100101 pairs an image with itself"),
        (
            (("20100101", "20100201"), ("20100201", "20100301"), ("20100101", "20100301")),
            "no interferogram has the master 20100220, from which times are counted",
        ),
    ],
)
def test_a_network_that_cannot_be_meant_is_refused(tmp_path, write, pairs, message):
    with pytest.raises(DatasetError, match=message):
        candidates.read(*write(tmp_path, pairs_scene(pairs=pairs)))


def test_all_wrong_pairs_are_told_at_once(tmp_path):
    pairs = (*PAIRS, PAIRS[0], PAIRS[1][::-1])
    with pytest.raises(DatasetError, match=r"20100101_20100201 twice.*\n.*which are one pair"):
        candidates.read(*write_snap_sb(tmp_path, pairs_scene(pairs=pairs)))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("ifgday.1.in", "20100101 20100201\n20100201", "'20100201' is not the two dates of an int"),
        ("ifgday.1.in", "20100101 2010021", "'2010021' is not a date yyyymmdd"),
        ("ifgday.1.in", "\n", "names no interferogram"),
        ("ifgday.1.in", "20100101 20100501", r"pairs the days 20100501, of which there is no ima"),
        ("bperp.1.in", "1 2", "2 baselines, expected 3, one per day.1.in"),
        ("bperp_20100101.1.in", "0 " * 5000, r"bperp_20100201\.1\.in not found in "),
    ],
)
def test_contradictions_between_doris_files_are_refused(tmp_path, name, text, message):
    patch, known = write_doris_sb(tmp_path, pairs_scene())
    (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match=message):
        candidates.read(patch, known)


def test_files_that_a_snap_network_lacks_are_named(tmp_path):
    patch, known = write_snap_sb(tmp_path, pairs_scene())
    (tmp_path / "SMALL_BASELINES/20100101_20100301/20100101_20100301.base").unlink()
    with pytest.raises(DatasetError, match=r"20100101_20100301\.base: file not found"):
        candidates.read(patch, known)
    (tmp_path / "rsc.txt").unlink()
    with pytest.raises(DatasetError, match=r"^rsc.txt not found in [^\n]*; put it there$"):
        candidates.read(patch, known)


def test_the_name_of_its_file_tells_the_master(tmp_path):
    patch, known = write_snap_sb(tmp_path, pairs_scene())
    folder = tmp_path / "SMALL_BASELINES/20100101_20100201"
    (folder / "20100220.rslc.par").rename(folder / "master.par")
    listing = tmp_path / "rsc.txt"
    listing.write_text("../SMALL_BASELINES/20100101_20100201/master.par\n")
    with pytest.raises(DatasetError, match=r"master\.par: no date in its name, which tells the m"):
        candidates.read(patch, known)


@pytest.mark.parametrize("write", WRITERS)
def test_a_phase_file_must_hold_every_pair(tmp_path, write):
    made = pairs_scene()
    with pytest.raises(DatasetError, match=r"480 \(12 candidates x 5 interferograms x 8\)"):
        candidates.read(*write(tmp_path, made.but(phase=made.phase[:4])))


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(("pairs", "loops"), [(TREE, "no loop"), (LOOP, "one loop"), (PAIRS, "")])
def test_a_network_without_redundancy_is_told(tmp_path, write, pairs, loops):
    read = candidates.read(*write(tmp_path, pairs_scene(pairs=pairs)))
    told = [line for line in read.warnings if "loop" in line]
    assert len(told) == bool(loops)
    assert all(f"interferograms of 4 images close {loops}, so that" in line for line in told)


def test_an_image_in_no_pair_is_told(tmp_path):
    made = pairs_scene(days=("20100101", "20100201", "20100301", "20100501"))
    (_, warning) = candidates.read(*write_doris_sb(tmp_path, made)).warnings
    assert "ifgday.1.in: no interferogram has the images 20100501; they will be" in warning


def test_a_day_file_that_disagrees_with_the_pairs_is_told(tmp_path):
    patch, known = write_snap_sb(tmp_path, pairs_scene())
    (tmp_path / "day.1.in").write_text("20100101\n20100201\n20100401\n")
    (warning,) = candidates.read(patch, known).warnings
    assert warning.endswith("in the days 20100301, 20100401")
