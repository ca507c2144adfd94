"""Preparation: what is chosen, what is refused, and what a second run does."""

import errno
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import candidates, parameters
from pystamps_hpc.dataset.tree import discover_dataset
from pystamps_hpc.errors import ConfigError, DatasetError, PublishError
from pystamps_hpc.parallel.context import QuietLog
from pystamps_hpc.stages.prepare.patches import cut_scene
from pystamps_hpc.stages.prepare.selection import Images, choose, choose_of_pairs
from pystamps_hpc.tools.preparation import extraction, picture, plan_preparation, rasters
from pystamps_hpc.tools.preparation.options import Options
from pystamps_hpc.tools.preparation.suggestion import suggest
from pystamps_kernels.dispatch import table

from ..slc_stacks import (
    DATES,
    MASTER,
    columns,
    files_of,
    prepared,
    scene,
    write_snap,
    write_snap_pairs,
)

KERNELS = table("native", "double")


# the science


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_patches_cover_every_pixel_once(length, width, data):
    count = data.draw(st.integers(1, min(length, 9))), data.draw(st.integers(1, min(width, 9)))
    overlap = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 40))
    patches = cut_scene(length, width, count, overlap)
    owners = np.zeros((length, width), int)
    for patch in patches:
        owners[slice(*patch.own.azimuth), slice(*patch.own.range)] += 1
        assert patch.full.azimuth[0] == max(patch.own.azimuth[0] - overlap[0], 0)
        assert patch.full.range[1] == min(patch.own.range[1] + overlap[1], width)
    assert (owners == 1).all()
    assert [patch.name for patch in patches] == [f"PATCH_{k + 1}" for k in range(len(patches))]


def test_stamps_leaves_what_a_division_leaves():
    patches = cut_scene(9, 10, (1, 3), (0, 2), whole=False)
    assert [patch.own.range for patch in patches] == [(0, 3), (3, 6), (6, 9)]
    assert [patch.full.range for patch in patches] == [(0, 5), (1, 8), (4, 10)]


def chosen(amplitudes, threshold=0.4, rule=choose, constants=None):
    """Choose among pixels whose amplitude in each image is given, (image, pixel)."""
    parts = [np.column_stack([row, np.zeros(len(row))]) for row in amplitudes]
    words = np.array(parts, "f4").view("u4")
    images = Images(lambda some: words[some], swapped=False, at_once=2)
    constants = np.array(constants or [1.0] * len(words), "f4")
    excluded = np.zeros(len(amplitudes[0]), bool)
    return rule(images, constants, excluded, threshold, KERNELS)


@pytest.mark.parametrize("spread", [0.1, 0.25, 0.375])
def test_two_amplitudes_have_the_dispersion_of_their_spread(spread):
    found = chosen([[100 * (1 + sign * spread)] for sign in (1, -1, 1, -1)])
    assert found.dispersion[0] == pytest.approx(spread, rel=1e-5)
    assert found.taken[0]


def test_the_threshold_itself_is_not_below_it():
    amplitudes = [[150.0], [50.0]]  # a dispersion of 0.5 without any rounding
    assert not chosen(amplitudes, 0.5).taken[0]
    assert chosen(amplitudes, -0.5).taken[0]
    assert chosen(amplitudes, float(np.nextafter(np.float32(0.5), np.float32(1)))).taken[0]


def test_calibration_takes_the_brightness_of_an_image_out():
    rng = np.random.default_rng(1)
    amplitudes = rng.uniform(50, 150, (8, 400))
    gains = rng.uniform(0.5, 2, 8)
    plain = chosen(amplitudes)
    scaled = chosen(amplitudes * gains[:, None], constants=[float(gain) for gain in gains])
    np.testing.assert_allclose(scaled.dispersion, plain.dispersion, rtol=1e-4)


def test_a_pixel_that_is_nearly_zero_in_an_image_is_no_candidate():
    amplitudes = np.full((6, 3), 100.0)
    amplitudes[2, 1] = 1e-5
    found = chosen(amplitudes)
    assert found.taken.tolist() == [True, False, True]


@pytest.mark.parametrize("echo", [np.nan, np.inf])
def test_a_pixel_without_number_is_no_candidate(echo):
    amplitudes = np.full((6, 2), 100.0)
    amplitudes[3, 0] = echo
    assert chosen(amplitudes).taken.tolist() == [False, True]


def test_pairs_are_judged_by_their_differences():
    # drifts from pair to pair, which a single master sees and pairs do not
    drift = [[a] for size in (50.0, 100.0, 150.0) for a in (size * 0.9, size * 1.1)]
    difference = np.sqrt(np.mean([(0.2 * size) ** 2 for size in (50, 100, 150)]))
    found = chosen(drift, 0.6, choose_of_pairs)
    assert found.dispersion[0] == pytest.approx(difference / 100, rel=1e-5)
    assert found.taken[0]
    assert not chosen(drift, 0.3).taken[0]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000))
def test_candidates_are_those_of_the_formula(length, width, seed):
    images = scene(length, width, seed=seed)
    amplitude = np.abs(images.echoes.astype("c16")).astype("f4").reshape(len(DATES), -1)
    means = [float(f"{np.float32(row[row > 0.001].mean(dtype=float)):g}") for row in amplitude]
    found = chosen(amplitude, constants=means)
    calibrated = amplitude / np.array(means, "f4")[:, None]
    dispersion = calibrated.std(axis=0, dtype=float) / calibrated.mean(axis=0, dtype=float)
    clear = np.abs(dispersion - 0.4) > 1e-4
    np.testing.assert_array_equal(found.taken[clear], dispersion[clear] < 0.4)
    variance = np.nan_to_num(found.dispersion) ** 2  # less than 0 by rounding: NaN
    np.testing.assert_allclose(variance, dispersion**2, atol=1e-5)


# the files


def test_a_stack_becomes_a_dataset_that_stage_1_reads(tmp_path, monkeypatch):
    root = tmp_path / "with blank"
    images = write_snap(root)
    monkeypatch.setattr(rasters, "PIECE", 8 * 31 * 5)  # five lines
    found = prepared(root, patches=(2, 2), overlap=(3, 4))
    assert sum(found.candidates.values()) > 100
    slaves = [date for date in DATES if date != MASTER]
    for patch in found.patches:
        folder = root / patch.name
        place, dispersion, phase = columns(folder, len(slaves))
        assert len(place) == found.candidates[patch.name]
        line, sample = place.T
        assert (np.diff(line * 31 + sample) > 0).all()
        assert (patch.full.azimuth[0] <= line).all()
        assert (line < patch.full.azimuth[1]).all()
        assert (dispersion < 0.4).all()
        np.testing.assert_array_equal(phase, images.ifgs[:, line, sample])
        amplitude = np.fromfile(folder / "mean_amp.flt", "f4")
        assert len(amplitude) == np.prod([b - a for a, b in (patch.full.azimuth, patch.full.range)])
        read = candidates.read(folder, parameters.load(folder, root))
        np.testing.assert_array_equal(read.azimuth, line)
        np.testing.assert_allclose(read.height, line + sample / 4, atol=1e-3)
        np.testing.assert_allclose(read.lonlat[:, 0], 12 + 3e-4 * sample + 1e-5 * line, atol=1e-5)
    assert len(read.network.day) == len(DATES)


def test_small_baselines_are_seen_from_the_layout(tmp_path):
    write_snap_pairs(tmp_path)
    found = prepared(tmp_path)
    assert found.stack.small_baselines
    assert found.threshold == "0.6"
    assert parameters.load(tmp_path).small_baselines
    assert (tmp_path / "selsbc.in").exists()
    assert not (tmp_path / "selpsc.in").exists()
    folder = tmp_path / "PATCH_1"
    assert not (folder / "pscands.1.ij0").exists()
    read = candidates.read(folder, parameters.load(folder, tmp_path))
    assert len(read.network.pairs) == 9


def test_an_image_of_several_pairs_is_calibrated_once_if_it_is_one_file(tmp_path, monkeypatch):
    write_snap_pairs(tmp_path)
    seen = {}
    for path in sorted((tmp_path / "SMALL_BASELINES").glob("*/*.rslc")):
        if path.name in seen:
            path.unlink()
            path.symlink_to(seen[path.name])
        else:
            seen[path.name] = path
    read = []
    plain = rasters._written

    def noted(path, *rest):
        read.append(path)
        return plain(path, *rest)

    monkeypatch.setattr(rasters, "_written", noted)
    found = prepared(tmp_path)
    assert len(read) == len(DATES)
    assert len(found.stack.slcs) == 18


def test_by_default_nothing_is_lost_at_the_edges(tmp_path):
    for name, reference in (("ours", False), ("theirs", True)):
        write_snap(tmp_path / name)
        found = prepared(tmp_path / name, reference, patches=(1, 2), overlap=(0, 0))
        last = max(columns(tmp_path / name / p.name, 5)[0][:, 1].max() for p in found.patches)
        assert last == (30 if not reference else 29)  # 31 columns


def test_by_default_16_bit_images_have_no_stripes(tmp_path):
    amplitudes = []
    for name, reference in (("ours", False), ("theirs", True)):
        write_snap(tmp_path / name, short=True)
        prepared(tmp_path / name, reference, processor="gamma")
        amplitude = np.fromfile(tmp_path / name / "PATCH_1/mean_amp.flt", "f4").reshape(24, 31)
        amplitudes.append(amplitude)
    np.testing.assert_array_equal(amplitudes[0][::2], amplitudes[1][::2])
    odd = 256 * amplitudes[1][1::2]  # and more pixels count as nearly zero there
    assert np.mean(odd == amplitudes[0][1::2]) > 0.98


def test_by_default_short_patches_of_small_baselines_keep_to_their_lines(tmp_path):
    for name, reference in (("ours", False), ("theirs", True)):
        write_snap_pairs(tmp_path / name)
        found = prepared(tmp_path / name, reference, patches=(4, 1), overlap=(0, 0))
        inside = [
            ((patch.full.azimuth[0] <= line) & (line < patch.full.azimuth[1])).all()
            for patch in found.patches
            for line in [columns(tmp_path / name / patch.name, 9)[0][:, 0]]
        ]
        assert all(inside) != reference
        assert (found.candidates["PATCH_4"] > 0) != reference  # six lines are left there


def test_by_default_a_negative_variance_is_a_dispersion_of_0(tmp_path):
    images = scene()
    images.echoes[:] = 0.1 * images.echoes[:1]  # equal images
    for name, reference in (("ours", False), ("theirs", True)):
        write_snap(tmp_path / name, images)
        prepared(tmp_path / name, reference)
        words = (tmp_path / name / "PATCH_1/pscands.1.da").read_text().split()
        assert ("-nan" in words) == reference
        assert ("nan" in "".join(words)) == reference
        assert len(words) == 24 * 31


def test_a_mask_leaves_pixels_out_of_calibration_and_choice(tmp_path):
    write_snap(tmp_path / "whole")
    constants = prepared(tmp_path / "whole").constants
    images = write_snap(tmp_path / "masked")
    mask = np.zeros((24, 31), np.uint8)
    mask[:10] = 7
    mask.tofile(tmp_path / "masked/water.msk")
    found = prepared(tmp_path / "masked", mask=Path("water.msk"))
    assert columns(tmp_path / "masked/PATCH_1", 5)[0][:, 0].min() == 10
    expected = np.abs(images.echoes[:, 10:]).astype("f4").mean(axis=(1, 2), dtype=float)
    np.testing.assert_allclose([float(c) for c in found.constants.values()], expected, rtol=1e-5)
    assert [*found.constants.values()] != [*constants.values()]


# what is wrong with a stack


def damaged(root, file, change):
    path = next(root.glob(file))
    content = change(path.read_bytes())
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("rslc/20160208.rslc", lambda b: b[:-8], "20160208.rslc: 5,944 bytes, expected 5,952"),
        ("rslc/20160208.rslc", lambda b: b + b"1", "another size"),
        ("rslc/20160208.rslc", lambda b: b[: len(b) // 2], "SCOMPLEX"),
        ("rslc/20160208.rslc", lambda b: bytes(len(b)), "no valid pixel"),
        ("rslc/20160208.rslc", lambda b: np.frombuffer(b, ">f4").astype("<f4").tobytes(),
         "little-endian"),
        ("rslc/20160208.rslc", lambda b: np.full(len(b) // 4, np.nan, ">f4").tobytes(), "no valid"),
        ("rslc/20160208.rslc", lambda b: np.full(len(b) // 4, np.inf, ">f4").tobytes(), "infinite"),
        ("rslc/20160208.rslc", lambda b: None, "20160208, of which there is no image"),
        ("diff0/*_20160208.diff", lambda b: b[8:], "20160208.diff: 5,944 bytes"),
        ("diff0/*_20160208.base", lambda b: None, "20160208.base: file not found"),
        ("geo/*.lon", lambda b: None, "lon: file not found"),
        ("geo/*.lat", lambda b: None, "lat: file not found"),
        ("geo/*.lon", lambda b: b[4:], "lon: 2,972 bytes, expected 2,976"),
        (f"rslc/{MASTER}.rslc.par", lambda b: None, "the master is one of"),
        (f"rslc/{MASTER}.rslc.par", lambda b: b.replace(b"range_samples", b"samples"),
         "'range_samples'"),
        (f"rslc/{MASTER}.rslc.par", lambda b: b.replace(b": 31", b": 3x1"), "not a number"),
    ],
)  # fmt: skip
def test_a_stack_that_cannot_be_used_is_refused_before_work(tmp_path, file, change, told):
    write_snap(tmp_path)
    damaged(tmp_path, file, change)
    with pytest.raises(DatasetError, match=told):
        prepared(tmp_path)
    assert not (tmp_path / "patch.list").exists()


def test_dates_that_contradict_each_other_are_all_named(tmp_path):
    write_snap(tmp_path)
    (tmp_path / f"diff0/{MASTER}_20160208.diff").rename(tmp_path / f"diff0/{MASTER}_20160209.diff")
    (tmp_path / f"diff0/{MASTER}_20160103.diff").rename(tmp_path / "diff0/20160315_20160103.diff")
    with pytest.raises(DatasetError) as error:
        prepared(tmp_path)
    text = str(error.value)
    assert "20160209, of which there is no image" in text
    assert "has the master 20160315" in text


def test_a_link_to_nothing_is_named(tmp_path):
    write_snap(tmp_path)
    path = tmp_path / "rslc/20160208.rslc"
    path.unlink()
    path.symlink_to(tmp_path / "gone")
    with pytest.raises(DatasetError, match=r"20160208.rslc: cannot be read"):
        prepared(tmp_path)


def test_the_master_is_found_or_asked_for(tmp_path):
    write_snap(tmp_path)
    assert prepared(tmp_path, master=None).stack.master == MASTER
    with pytest.raises(DatasetError, match=f"20150101, the interferograms have {MASTER}"):
        prepared(tmp_path, master="20150101")
    with pytest.raises(ConfigError, match="not a date"):
        prepared(tmp_path, master="2015")
    write_snap_pairs(tmp_path / "pairs")
    with pytest.raises(DatasetError, match="--master-date"):
        prepared(tmp_path / "pairs", master=None)


def test_windows_line_ends_do_no_harm(tmp_path):
    write_snap(tmp_path)
    for path in [*tmp_path.glob("rslc/*.par"), *tmp_path.glob("diff0/*.base")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert prepared(tmp_path).stack.width == 31


@pytest.mark.parametrize(("size", "told"), [(24 * 30, "expected 744"), (None, "mask not found")])
def test_a_mask_of_another_scene_is_refused(tmp_path, size, told):
    write_snap(tmp_path)
    if size:
        (tmp_path / "mask").write_bytes(bytes(size))
    with pytest.raises(DatasetError, match=told):
        prepared(tmp_path, mask=Path("mask"))


def test_positions_that_are_unknown_are_told(tmp_path):
    write_snap(tmp_path)
    for name in ("lon", "lat"):
        path = next(tmp_path.glob(f"geo/*.{name}"))
        values = np.fromfile(path, ">f4").reshape(24, 31)
        values[:2] = 0 if name == "lon" else values[:2]
        values[3] = np.nan
        values[:2] = 0
        values.tofile(path)
    log = QuietLog()
    prepared(tmp_path, log=log)
    assert any("no longitude and latitude" in warning for warning in log.warnings)


def test_an_image_without_interferogram_is_told(tmp_path):
    write_snap(tmp_path)
    for kind in ("diff", "base"):
        (tmp_path / f"diff0/{MASTER}_20160208.{kind}").unlink()
    log = QuietLog()
    prepared(tmp_path, log=log)
    assert any("in no interferogram" in w and "20160208" in w for w in log.warnings)


def test_a_patch_without_candidates_is_told_and_a_scene_without_is_refused(tmp_path):
    images = scene()
    rng = np.random.default_rng(2)
    images.echoes[:, :12] = rng.normal(0, 30, (6, 12, 31)) * rng.exponential(9, (6, 12, 31))
    write_snap(tmp_path, images)
    log = QuietLog()
    found = prepared(tmp_path, log=log, patches=(2, 1), overlap=(0, 0), dispersion="0.15")
    assert found.candidates["PATCH_1"] == 0 < found.candidates["PATCH_2"]
    assert any("PATCH_1: no candidate" in warning for warning in log.warnings)
    assert (tmp_path / "PATCH_1/pscands.1.ph").stat().st_size == 0


def test_without_a_candidate_nothing_that_is_there_goes(tmp_path):
    for name, options in (("old", {"patches": (2, 1)}), ("fresh", {})):
        root = tmp_path / name
        write_snap(root)
        if options:
            prepared(root, **options)
        before = files_of(root)
        with pytest.raises(DatasetError, match="with a higher --amp-dispersion"):
            prepared(root, dispersion="0.001", patches=(2, 2), force=True)
        assert files_of(root) == before
        assert len(list(root.glob("PATCH_*"))) == (2 if options else 0)


def test_patches_before_the_first_candidate_are_made_too(tmp_path):
    images = scene()
    rng = np.random.default_rng(2)
    images.echoes[:, :12] = rng.normal(0, 30, (6, 12, 31)) * rng.exponential(9, (6, 12, 31))
    write_snap(tmp_path, images)
    found = prepared(tmp_path, patches=(4, 1), overlap=(0, 0), dispersion="0.15")
    assert [bool(n) for n in found.candidates.values()] == [False, False, True, True]
    again = prepared(tmp_path, patches=(4, 1), overlap=(0, 0), dispersion="0.15")
    assert again.kept == tuple(again.candidates)
    assert again.candidates == found.candidates


def test_integers_of_the_other_byte_order_are_recognised(tmp_path):
    images = scene()
    images.echoes[0, :3] = 0
    write_snap(tmp_path, images, short=True)
    path = tmp_path / f"rslc/{DATES[2]}.rslc"
    path.write_bytes(np.fromfile(path, ">i2").astype("<i2").tobytes())
    with pytest.raises(DatasetError, match=rf"{DATES[2]}.rslc: half .* exchange the bytes"):
        prepared(tmp_path, processor="gamma")


def test_counts_that_hold_candidates_twice_are_said_to(tmp_path):
    write_snap(tmp_path)
    options = {"master": MASTER, "patches": (2, 1)}
    layouts = [
        plan_preparation(tmp_path, Options(**options, overlap=(n, n)), RunConfig()) for n in (0, 3)
    ]
    assert [picture._counted(layout) for layout in layouts] == [
        "", "; in overlaps counted in each patch",
    ]  # fmt: skip


@pytest.mark.parametrize("options", [{"dispersion": "low"}, {"patches": (0, 1)},
                                     {"overlap": (0, -1)}])  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ConfigError):
        Options(**options)


def test_an_overlap_larger_than_the_patches_is_told(tmp_path):
    write_snap(tmp_path)
    log = QuietLog()
    prepared(tmp_path, log=log, patches=(4, 1), overlap=(7, 0))
    assert any("PATCH_2, PATCH_3: the overlap is larger" in warning for warning in log.warnings)


def test_more_patches_than_pixels_are_refused(tmp_path):
    write_snap(tmp_path)
    with pytest.raises(ConfigError, match="32 patches in range: the scene has 31 pixels"):
        prepared(tmp_path, patches=(1, 32))


def test_parameters_of_the_other_kind_are_refused(tmp_path):
    write_snap(tmp_path)
    parameters.save(parameters.load(tmp_path).with_values({"small_baseline_flag": "y"}))
    with pytest.raises(DatasetError, match="parms set small_baseline_flag n"):
        prepared(tmp_path)


def test_an_unknown_stack_is_refused_with_what_was_looked_for(tmp_path):
    with pytest.raises(DatasetError, match=r"which processor.*diff0"):
        prepared(tmp_path)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (f"{DATES[0]}_{DATES[1]}/{DATES[1]}.rslc", "has the images 20160103, expected one of each"),
        (f"{DATES[0]}_{DATES[1]}/{DATES[0]}_{DATES[1]}.diff", "no interferogram there; form it"),
    ],
)
def test_pairs_have_both_images_and_an_interferogram(tmp_path, file, told):
    write_snap_pairs(tmp_path)
    (tmp_path / "SMALL_BASELINES" / file).unlink()
    with pytest.raises(DatasetError, match=told):
        prepared(tmp_path)


def test_positions_that_are_all_0_are_refused(tmp_path):
    write_snap(tmp_path)
    damaged(tmp_path, "geo/*.lon", lambda content: bytes(len(content)))
    with pytest.raises(DatasetError, match=r"lon: holds nothing but 0"):
        prepared(tmp_path)


def test_heights_of_few_pixels_are_no_damage(tmp_path):
    write_snap(tmp_path)
    heights = np.full((24, 31), np.nan, ">f4")
    heights[:, :2] = 170
    heights.tofile(tmp_path / "geo/elevation_dem.rdc")
    assert prepared(tmp_path).candidates["PATCH_1"] > 0


def test_of_several_positions_those_of_the_master_are_taken(tmp_path):
    write_snap(tmp_path)
    for kind in ("lon", "lat"):
        np.full((24, 31), 5, ">f4").tofile(tmp_path / f"geo/20100101.{kind}")
    log = QuietLog()
    found = prepared(tmp_path, log=log)
    assert [each.path.stem for each in found.stack.lonlat] == [MASTER, MASTER]
    assert any("2 files *.lon" in warning for warning in log.warnings)


def test_another_processor_than_that_of_the_stack_is_refused(tmp_path):
    write_snap(tmp_path)
    with pytest.raises(DatasetError, match="not a stack of isce; it looks like one of snap"):
        prepared(tmp_path, processor="isce")


def test_a_mask_that_leaves_nothing_is_named(tmp_path):
    write_snap(tmp_path)
    (tmp_path / "all").write_bytes(b"1" * 24 * 31)
    with pytest.raises(DatasetError, match=r"no valid pixel that the mask .*all leaves"):
        prepared(tmp_path, mask=Path("all"))


# what is there already


def test_the_master_of_pairs_is_remembered_and_another_refused(tmp_path):
    write_snap_pairs(tmp_path)
    prepared(tmp_path)
    assert prepared(tmp_path, master=None).kept == ("PATCH_1",)
    with pytest.raises(DatasetError, match=rf"master date \({MASTER}, now {DATES[1]}\)"):
        prepared(tmp_path, master=DATES[1])


def test_a_patch_that_was_changed_is_kept(tmp_path):
    write_snap(tmp_path)
    prepared(tmp_path)
    path = tmp_path / "PATCH_1/pscands.1.ph"
    path.write_bytes(b"!" + path.read_bytes()[1:])
    os.utime(path, (1, 1))
    with pytest.raises(DatasetError, match="PATCH_1 have been changed"):
        prepared(tmp_path)
    assert path.read_bytes().startswith(b"!")


def test_patches_of_an_earlier_plan_are_told(tmp_path):
    write_snap(tmp_path)
    prepared(tmp_path, patches=(3, 1), overlap=(0, 0))
    log = QuietLog()
    prepared(tmp_path, log=log, force=True)
    assert [w.partition(":")[0] for w in log.warnings] == ["PATCH_2", "PATCH_3"]


def test_no_candidates_are_replaced_without_force(tmp_path):
    write_snap(tmp_path)
    with pytest.raises(DatasetError, match="no candidate in any patch"):
        prepared(tmp_path, dispersion="0.001")
    assert prepared(tmp_path).candidates["PATCH_1"] > 0


def test_a_stack_without_patches_is_led_to_the_preparation(tmp_path):
    write_snap(tmp_path)
    with pytest.raises(DatasetError, match="pystamps-hpc prep makes them"):
        discover_dataset(tmp_path)


def test_settings_of_the_user_stay(tmp_path):
    write_snap(tmp_path)
    parameters.save(parameters.load(tmp_path).with_values({"max_topo_err": 7.0}))
    prepared(tmp_path)
    known = parameters.load(tmp_path)
    assert known.value("max_topo_err") == 7
    assert known.value("insar_processor") == "snap"  # doris, by default, before


def test_the_same_command_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    write_snap(tmp_path / "whole")
    prepared(tmp_path / "whole", patches=(3, 2), overlap=(2, 2))
    write_snap(tmp_path / "stopped")
    plain, calls = extraction.extract, []

    def stops(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr("pystamps_hpc.tools.preparation.extract", stops)
    with pytest.raises(KeyboardInterrupt):
        prepared(tmp_path / "stopped", patches=(3, 2), overlap=(2, 2))
    assert not list((tmp_path / "stopped").glob("PATCH_*/.pystamps-hpc/tmp/*"))
    monkeypatch.undo()
    monkeypatch.setattr(rasters, "_written", lambda *_: pytest.fail("calibrated again"))
    found = prepared(tmp_path / "stopped", patches=(3, 2), overlap=(2, 2))
    assert found.kept == ("PATCH_1", "PATCH_4")

    def without_place(files, root):
        return {name: content.replace(str(root).encode(), b"") for name, content in files.items()}

    ours, theirs = (
        without_place(files_of(tmp_path / name), tmp_path / name) for name in ("whole", "stopped")
    )
    assert ours == theirs


def test_patches_that_are_there_are_kept_unless_forced(tmp_path):
    write_snap(tmp_path)
    prepared(tmp_path)
    before = files_of(tmp_path)
    with pytest.raises(DatasetError, match=r"amplitude dispersion \(0.4, now 0.2\); they are kept"):
        prepared(tmp_path, dispersion="0.2")
    assert files_of(tmp_path) == before
    assert prepared(tmp_path).kept == ("PATCH_1",)
    (tmp_path / "PATCH_1/note").write_text("of the user")
    found = prepared(tmp_path, dispersion="0.2", force=True)
    assert 0 < found.candidates["PATCH_1"] < before["PATCH_1/pscands.1.da"].count(b"\n")
    assert (tmp_path / "PATCH_1/note").exists()


def test_images_that_have_changed_are_noticed(tmp_path):
    write_snap(tmp_path)
    prepared(tmp_path)
    path = tmp_path / "rslc/20160208.rslc"
    os.utime(path, (1, 1))
    with pytest.raises(DatasetError, match="other rasters"):
        prepared(tmp_path)


def test_patches_of_another_program_are_kept(tmp_path):
    write_snap(tmp_path)
    (tmp_path / "PATCH_1").mkdir()
    (tmp_path / "PATCH_1/pscands.1.ph").write_bytes(b"8 bytes.")
    with pytest.raises(DatasetError, match="not made here"):
        prepared(tmp_path)
    prepared(tmp_path, force=True)


def test_a_full_disk_leaves_no_half_patch(tmp_path, monkeypatch):
    write_snap(tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(PublishError, match=r"mean_amp.flt: no space left on device"):
        prepared(tmp_path)
    assert not list(tmp_path.glob("PATCH_1/pscands.1.*"))
    monkeypatch.undo()
    assert prepared(tmp_path).candidates["PATCH_1"] > 0


# how many patches


@pytest.mark.parametrize("ranks", [1, 2, 3, 7])
def test_patches_are_chosen_to_fill_the_ranks(tmp_path, ranks):
    write_snap(tmp_path)
    stack = prepared(tmp_path).stack
    large = type(stack)(**{**vars(stack), "width": 25_000, "length": 6_000})
    (along, across), overlap = suggest(large, ranks, 8e9)
    assert along * across % ranks == 0
    assert 6_000 * 25_000 * len(stack.ifgs) / (along * across) <= 1e8
    assert max(overlap) <= 200
    narrow = suggest(large, ranks, 1e9)[0]
    assert narrow[0] * narrow[1] > along * across
    assert suggest(large, ranks, 1e8)[0] == (along, across)  # smaller patches would not help


def test_few_pixels_make_one_patch(tmp_path):
    write_snap(tmp_path)
    found = prepared(tmp_path, patches=None)
    assert len(found.patches) == 1
    assert [p.full.lines for p in found.patches] == [(1, 31, 1, 24)]


def test_an_overlap_that_is_asked_for_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("pystamps_hpc.tools.preparation.suggestion.PIXELS_OF_IMAGES", 1900.0)
    write_snap(tmp_path)
    first = prepared(tmp_path, patches=None, overlap=(None, 1)).patches[0]
    assert first.full.range[1] - first.own.range[1] == 1


def test_dates_ascend(tmp_path):
    write_snap(tmp_path)
    dates = prepared(tmp_path).stack.dates
    assert all(one < other for one, other in pairwise(dates))
