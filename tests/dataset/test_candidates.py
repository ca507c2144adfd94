"""Candidate files are read in the right byte order, or refused with what is wrong with them."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.dataset import candidates
from pystamps_hpc.dataset.candidates import doris, pscands
from pystamps_hpc.dataset.candidates.text import day_text
from pystamps_hpc.dataset.parameters import Parameters
from pystamps_hpc.errors import DatasetError

from .scenes import ORBIT, scene, write_doris, write_patch, write_snap


def rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def other_days(network):
    return [day_text(day) for day in network.day[network.pairs[:, 1]]]


@pytest.mark.parametrize("read_whole", [pscands.SMALL_BYTES, 0])
def test_a_snap_patch_is_read_as_it_was_written(tmp_path, monkeypatch, read_whole):
    monkeypatch.setattr(pscands, "SMALL_BYTES", read_whole)
    made = scene()
    read = candidates.read(*write_snap(tmp_path, made))
    np.testing.assert_array_equal(read.azimuth, made.ij[:, 0])
    np.testing.assert_array_equal(read.range_sample, made.ij[:, 1])
    np.testing.assert_array_equal(read.lonlat, made.lonlat)
    np.testing.assert_array_equal(read.phase, made.phase)
    np.testing.assert_array_equal(read.height, made.height)
    np.testing.assert_allclose(read.amplitude_dispersion, made.dispersion, rtol=1e-6)
    assert other_days(read.network) == list(made.days)
    assert day_text(read.network.master_day) == made.master
    assert read.geometry.prf == 486.486
    np.testing.assert_allclose(read.geometry.baseline[1], [2 * -173.6289257, 2 * 108.3307236])
    assert read.warnings == ()


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("processor", ["snap", "doris"])
def test_a_wrong_byte_order_is_recognised(tmp_path, processor, order):
    made = scene(n=200)
    patch, parameters = (write_snap if processor == "snap" else write_doris)(tmp_path, made)
    write_patch(patch, made, order)
    if (processor == "snap") == (order == ">"):
        candidates.read(patch, parameters)
        return
    with pytest.raises(DatasetError, match=rf"pscands\.1\.ll: .*\({processor}\); .*-endian"):
        candidates.read(patch, parameters)
    made.lonlat.astype(">f4" if processor == "snap" else "<f4").tofile(patch / "pscands.1.ll")
    made.height.astype(">f4" if processor == "snap" else "<f4").tofile(patch / "pscands.1.hgt")
    with pytest.raises(DatasetError, match=r"pscands\.1\.ph: .*does processor\.txt name"):
        candidates.read(patch, parameters)


def test_files_that_are_plausible_in_no_order_are_damaged(tmp_path):
    patch, parameters = write_snap(tmp_path, scene(n=200))
    noise = np.random.default_rng(0).integers(0, 2**32, 400, dtype=np.uint32)
    noise.tofile(patch / "pscands.1.ll")
    with pytest.raises(DatasetError, match="the file is damaged"):
        candidates.read(patch, parameters)


def test_exchanged_longitudes_and_latitudes_are_noticed(tmp_path):
    made = scene()
    east = made.lonlat + np.float32([100, 0])
    patch, parameters = write_snap(tmp_path, made.but(lonlat=east[:, ::-1]))
    with pytest.raises(DatasetError, match=r"12 latitudes beyond 90 degrees.*exchanged"):
        candidates.read(patch, parameters)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("ph", None, "file not found.*extract the candidates again"),
        ("ij", None, "file not found.*extract the candidates again"),
        ("ph", lambda old: old[: 12 * 2 * 8],
         r"192 bytes, expected 288 \(12 candidates x 3 interferograms x 8\); perhaps an "
         "interferogram was missing.*extract"),
        ("ll", lambda old: old[:-4], "92 bytes, expected 96 .*12 candidates.* truncated.*extract"),
        ("hgt", lambda old: old[:-4], "44 bytes, expected 48 .*12 candidates.* truncated.*extract"),
        ("hgt", lambda old: old + bytes(16), "64 bytes, expected 48 .*other candidates.*extract"),
        ("da", lambda old: b"0.1\n-nan\n", "2 lines, expected 12.*extract"),
        ("da", lambda old: old + b"0.3\n", "13 lines, expected 12.*extract"),
    ],
)  # fmt: skip
def test_a_candidate_file_of_another_length_is_told_with_cause_and_remedy(
    tmp_path, name, change, message
):
    patch, parameters = write_snap(tmp_path, scene())
    path = patch / f"pscands.1.{name}"
    path.unlink() if change is None else path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DatasetError, match=rf"pscands\.1\.{name}: .*{message}"):
        candidates.read(patch, parameters)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n2 3\n", "has 2 columns, expected 3"),
        ("1 2 three\n", "pscands.1.ij: "),
        ("1 2 3.5\n", "pixels must be integers from 0"),
        *((f"1 1 1\n{row}\n3 3 3\n", r"pscands\.1\.ij: .*(candidate 2|row 2)")
          for row in ("1 inf 3", "1 1e20 3", "1 -1 3", "1 2")),
    ],
)  # fmt: skip
def test_a_broken_candidate_list_is_refused(tmp_path, text, message):
    patch, parameters = write_snap(tmp_path, scene(n=3))
    (patch / "pscands.1.ij").write_text(text)
    with pytest.raises(DatasetError, match=message):
        candidates.read(patch, parameters)


def test_optional_files_may_be_missing(tmp_path):
    read = candidates.read(*write_snap(tmp_path, scene().but(height=None, dispersion=None)))
    assert read.height is None
    assert read.amplitude_dispersion is None


def test_no_candidates_are_no_error(tmp_path):
    read = candidates.read(*write_snap(tmp_path, scene(n=0)))
    assert read.azimuth.shape == (0,)
    assert read.lonlat.shape == (0, 2)
    assert read.phase.shape == (3, 0)


def test_many_unplaced_candidates_give_a_warning(tmp_path):
    made = scene(n=50)
    lonlat = made.lonlat.copy()
    lonlat[:2] = np.nan
    lonlat[2:5] = 0
    read = candidates.read(*write_snap(tmp_path, made.but(lonlat=lonlat)))
    assert len(read.warnings) == 2
    assert read.warnings[0].startswith("PATCH_1: 2 candidates without longitude")
    assert "pscands.1.ll: 3 of 50 positions cannot be those of their pixels" in read.warnings[1]
    assert "(rows 3, 4, 5), such as 0, 0" in read.warnings[1]
    assert np.isnan(read.lonlat[:5]).all()


def test_a_null_interferogram_of_the_master_is_left_out(tmp_path):
    made = scene(days=("20100101", "20100220", "20100301"))
    read = candidates.read(*write_snap(tmp_path, made))
    assert other_days(read.network) == ["20100101", "20100301"]
    assert read.network.columns.tolist() == [0, 2]
    np.testing.assert_array_equal(read.phase, made.phase)
    assert len(read.geometry.baseline) == 2
    assert "master with itself" in read.warnings[0]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("pscphase.in", "0_20100101", "1_20100101", "more than one master .20100220, 2010"),
        ("pscphase.in", "_20100101", "_20100301", "names an image twice: 20100301"),
        ("pscphase.in", "20100220_20100101", "20100220", r"expected yyyymmdd_yyyymmdd\.diff"),
        ("pscphase.in", "_20100101", "_20109901", "no pair of dates in the name"),
        ("pscphase.in", "240\n", "", "begins with '../diff0/20100220_20100101.diff', expected a"),
        ("pscphase.in", "20100220_20100201", "20100101_20100201_20100301", "more than one pair"),
        ("rsc.txt", "../rslc/", "../rslc/" + 5000 * "x", r"x\.\.\.: file not found \(tried"),
    ],
)
def test_a_list_of_files_that_is_damaged_is_told_in_one_line(tmp_path, name, old, new, message):
    patch, parameters = write_snap(tmp_path, scene())
    rewrite(tmp_path / name, old, new)
    with pytest.raises(DatasetError, match=message) as error:
        candidates.read(patch, parameters)
    assert len(str(error.value)) < 1200


def test_a_missing_key_is_told_with_the_keys_found(tmp_path):
    patch, parameters = write_snap(tmp_path, scene())
    base = tmp_path / "diff0" / "20100220_20100201.base"
    rewrite(base, "initial_baseline_rate", "other")
    with pytest.raises(
        DatasetError,
        match=r"20100201\.base: key 'initial_baseline_rate' with 3 values is missing \(keys found: "
        r"initial_baseline\(TCN\), other\)",
    ):
        candidates.read(patch, parameters)


def test_a_moved_dataset_finds_its_files_by_name(tmp_path):
    made = scene()
    patch, parameters = write_snap(tmp_path / "old", made)
    before = candidates.read(patch, parameters)
    for name in ("rsc.txt", "pscphase.in"):
        rewrite(tmp_path / "old" / name, "../", f"{tmp_path}/with blank/export/")
    shutil.move(tmp_path / "old", tmp_path / "new")
    after = candidates.read(tmp_path / "new" / "PATCH_1", parameters)
    np.testing.assert_array_equal(after.geometry.baseline, before.geometry.baseline)


def test_dates_that_disagree_between_files_give_a_warning(tmp_path):
    patch, parameters = write_snap(tmp_path, scene())
    (tmp_path / "day.1.in").write_text("20100101\n20100201\n20100301\n")
    assert candidates.read(patch, parameters).warnings == ()
    (tmp_path / "day.1.in").write_text("20100101\n20100202\n20100301\n")
    (tmp_path / "rslc" / "20100220.rslc.par").rename(tmp_path / "rslc" / "20100101.rslc.par")
    rewrite(tmp_path / "rsc.txt", "20100220", "20100101")
    master, days = candidates.read(patch, parameters).warnings
    assert "20100101.rslc.par: is of 20100101, the interferograms have the master 2010" in master
    assert days.endswith("in the days 20100201, 20100202")


@pytest.mark.parametrize("processor", ["gsar", "roi_pac"])
def test_other_processors_are_not_supported(tmp_path, processor):
    parameters = Parameters(stored={"insar_processor": processor})
    with pytest.raises(DatasetError, match=f"{processor} is not supported in stage 1; supported: "):
        candidates.read(tmp_path, parameters)


def test_gamma_is_read_as_snap(tmp_path):
    patch, parameters = write_snap(tmp_path, scene())
    candidates.read(patch, parameters.with_values({"insar_processor": "gamma"}))


def test_sensor_values_come_from_the_file_of_the_master(tmp_path):
    _, parameters = write_snap(tmp_path, scene())
    assert candidates.sensor_parameters(tmp_path, parameters) == {
        "heading": -168.0,
        "lambda": 299792458 / 5.405e9,
        "platform": "SIMSAR",
    }
    _, parameters = write_snap(tmp_path, scene().but(orbit={**ORBIT, "radar_frequency": "0 Hz"}))
    with pytest.raises(DatasetError, match="radar_frequency 0 must be above 0"):
        candidates.sensor_parameters(tmp_path, parameters)


def test_sources_are_the_files_that_were_read(tmp_path):
    patch, parameters = write_snap(tmp_path, scene())
    found = candidates.Sources().of(patch, parameters)
    names = {path.relative_to(tmp_path).as_posix() for path in found if path.is_file()}
    assert names == {
        *(f"PATCH_1/pscands.1.{kind}" for kind in ("ij", "ll", "ph", "da", "hgt")),
        "rsc.txt", "pscphase.in", "rslc/20100220.rslc.par",
        *(f"diff0/20100220_{day}.base" for day in ("20100101", "20100201", "20100301")),
    }  # fmt: skip
    (tmp_path / "diff0" / "20100220_20100101.base").unlink()
    assert list(candidates.Sources().of(patch, parameters))


def test_sources_outside_of_the_dataset_count_too(tmp_path):
    patch, parameters = write_snap(tmp_path / "set", scene())
    far = tmp_path / "far"
    (tmp_path / "set" / "diff0").rename(far)
    listing = tmp_path / "set" / "pscphase.in"
    listing.write_text(listing.read_text().replace("../diff0", str(far)))
    sources = candidates.Sources().of(patch, parameters)
    assert len([path for path in sources if path.is_relative_to(far)]) == 3


def test_patches_share_the_sources_of_a_scene_unless_they_have_their_own(tmp_path, monkeypatch):
    patch, parameters = write_doris(tmp_path, scene())
    like, own = (shutil.copytree(patch, tmp_path / name) for name in ("PATCH_2", "PATCH_3"))
    shutil.copy(tmp_path / "bperp.1.in", own)
    alone = {each: set(candidates.Sources().of(each, parameters)) for each in (patch, like, own)}
    assert len(alone[own]) == len(alone[like]) + 1
    looked_at = []
    scene_files = doris.scene_files
    monkeypatch.setattr(doris, "scene_files", lambda at: looked_at.append(at) or scene_files(at))
    shared = candidates.Sources()
    for each in (patch, own, like):
        assert set(shared.of(each, parameters)) == alone[each]
    assert looked_at == [patch, own]


# --- files as real users have them ---------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    ["D:\\InSAR\\export\\{folder}\\", "D:/My InSAR/export/{folder}/", "..\\{folder}\\"],
)
def test_paths_of_another_system_lead_to_the_files_of_the_dataset(tmp_path, written):
    patch, parameters = write_snap(tmp_path, scene())
    before = candidates.read(patch, parameters)
    for name, folder in (("rsc.txt", "rslc"), ("pscphase.in", "diff0")):
        text = (tmp_path / name).read_text()
        text = text.replace(f"../{folder}/", written.format(folder=folder))
        (tmp_path / name).write_bytes(text.replace("\n", "\r\n").encode("utf-16"))
    after = candidates.read(patch, parameters)
    np.testing.assert_array_equal(after.geometry.baseline, before.geometry.baseline)


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("{m}_{s}.vv.diff", "{m}_{s}.vv.base"),
        ("{m}_{s}.rslc.diff", "{m}_{s}.base"),
        ("{m:-}_{s:-}.diff", "{m:-}_{s:-}.base"),
        ("{m:_}_{s:_}.diff", "{m:_}_{s:_}.base"),
        ("T117_00048213_{m}_{s}.diff", "T117_00048213_{m}_{s}.base"),
    ],
)
def test_dates_are_found_in_the_names_that_programs_give(tmp_path, name, base):
    class Day(str):
        def __format__(self, separator):
            return separator.join((self[:4], self[4:6], self[6:]))

    made = scene()
    patch, parameters = write_snap(tmp_path, made)
    lines = ["240"]
    for day in made.days:
        words = {"m": Day(made.master), "s": Day(day)}
        old = tmp_path / "diff0" / f"{made.master}_{day}.base"
        old.rename(tmp_path / "diff0" / base.format(**words))
        lines.append("../diff0/" + name.format(**words))
    (tmp_path / "pscphase.in").write_text("\n".join(lines))
    read = candidates.read(patch, parameters)
    assert other_days(read.network) == list(made.days)
    assert day_text(read.network.master_day) == made.master


def test_a_master_that_comes_second_in_all_names_is_told(tmp_path):
    made = scene()
    patch, parameters = write_snap(tmp_path, made)
    listing = "".join(f"../diff0/{day}_{made.master}.diff\n" for day in made.days)
    (tmp_path / "pscphase.in").write_text("240\n" + listing)
    with pytest.raises(DatasetError, match="all interferograms end with 20100220, as if the maste"):
        candidates.read(patch, parameters)


def test_of_several_parameter_files_that_of_the_master_counts(tmp_path):
    patch, parameters = write_snap(tmp_path, scene())
    (tmp_path / "rslc/20090101.rslc.par").write_text("prf: 1\n")
    (tmp_path / "rsc.txt").write_text("../rslc/20090101.rslc.par\n../rslc/20100220.rslc.par\n")
    read = candidates.read(patch, parameters)
    assert read.geometry.prf == 486.486
    assert read.warnings == ()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("earth_radius_below_sensor", "6368.0 km", "6368 is not possible, expected 6.3e.06 to"),
        ("sar_to_earth_center", "0.0 m", "sar_to_earth_center 0 is not possible"),
        ("prf", "486,486 Hz", "'486,486', not a number; write a decimal point"),
        ("prf", "inf Hz", "'inf', not a number"),
    ],
)
def test_a_geometry_that_no_satellite_has_is_refused(tmp_path, key, value, message):
    patch, parameters = write_snap(tmp_path, scene().but(orbit={**ORBIT, key: value}))
    with pytest.raises(DatasetError, match=message):
        candidates.read(patch, parameters)


@pytest.mark.parametrize("write", [write_snap, write_doris])
def test_without_a_word_the_files_tell_the_processor(tmp_path, write):
    patch, parameters = write(tmp_path, scene())
    read = candidates.read(patch, Parameters())
    np.testing.assert_array_equal(read.phase, candidates.read(patch, parameters).phase)
    values = candidates.sensor_parameters(tmp_path, Parameters(), [patch])
    assert values["insar_processor"] == parameters.value("insar_processor")


def test_files_of_another_processor_than_the_one_set_are_named(tmp_path):
    patch, _ = write_snap(tmp_path, scene())
    with pytest.raises(
        DatasetError, match=r"insar_processor=doris \(parms.mat\), but the files are those of snap"
    ):
        candidates.read(patch, Parameters(stored={"insar_processor": "doris"}))
    for name in ("rsc.txt", "pscphase.in"):
        (tmp_path / name).unlink()
    with pytest.raises(DatasetError, match=r"processor.txt: file not found, and neither rsc.txt"):
        candidates.read(patch, Parameters())


def test_a_list_of_pixels_that_all_other_files_contradict_is_the_one_to_blame(tmp_path):
    patch, parameters = write_snap(tmp_path, scene())
    path = patch / "pscands.1.ij"
    path.write_text("".join(path.read_text().splitlines(True)[:-3]))
    with pytest.raises(DatasetError, match=r"ij: 9 lines, but .* hold 12 candidates.*extract") as e:
        candidates.read(patch, parameters)
    assert len(str(e.value).splitlines()) == 1


def test_everything_wrong_in_a_patch_is_told_at_once(tmp_path):
    patch, parameters = write_snap(tmp_path, scene())
    (patch / "pscands.1.ph").write_bytes(b"1")
    (patch / "pscands.1.da").write_text("x\n")
    (tmp_path / "diff0/20100220_20100101.base").unlink()
    rewrite(tmp_path / "rslc/20100220.rslc.par", "prf:", "none:")
    (examined,) = candidates.examine({patch: parameters})
    assert examined.candidates is None
    assert len(examined.problems) == 4


def test_the_files_of_a_scene_are_read_once_for_all_its_patches(tmp_path, monkeypatch):
    patch, parameters = write_snap(tmp_path, scene())
    shutil.copytree(patch, tmp_path / "PATCH_2")
    shutil.copytree(patch, tmp_path / "PATCH_3")
    shutil.copy(tmp_path / "rsc.txt", tmp_path / "PATCH_3")
    read = []
    real = candidates.SINGLE_MASTER["snap"]
    watched = replace(real, scene=lambda patch: read.append(patch.name) or real.scene(patch))
    monkeypatch.setitem(candidates.SINGLE_MASTER, "snap", watched)
    folders = [tmp_path / f"PATCH_{k}" for k in (1, 2, 3)]
    found = list(candidates.examine(dict.fromkeys(folders, parameters)))
    assert read == ["PATCH_1", "PATCH_3"]
    assert [len(each.candidates.azimuth) for each in found] == [12, 12, 12]
