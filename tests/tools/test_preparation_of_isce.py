"""Preparation of ISCE's stacks: topsStack read directly, headers against the rasters' sizes."""

import subprocess
from importlib.util import find_spec
from shutil import which

import numpy as np
import pytest

from pystamps_hpc.dataset import candidates, parameters
from pystamps_hpc.dataset.candidates.isce import read_raster
from pystamps_hpc.errors import DatasetError
from pystamps_hpc.tools.preparation import rasters
from tests.stub_chain import tree_digest

from ..slc_stacks import DATES, MASTER, columns, prepared, write_isce, write_tops

OTHERS = [date for date in DATES if date != MASTER]


def test_a_stack_of_topsstack_becomes_a_dataset_that_stage_1_reads(tmp_path, monkeypatch):
    images = write_tops(tmp_path)
    before = tree_digest(tmp_path / "merged")
    monkeypatch.setattr(rasters, "PIECE", 8 * 31 * 5)  # five lines
    found = prepared(tmp_path, processor="auto", patches=(2, 1), overlap=(3, 4))
    assert tree_digest(tmp_path / "merged") == before
    assert (found.stack.processor, found.stack.width, found.stack.length) == ("isce", 31, 24)
    reference = images.echoes[DATES.index(MASTER)]
    for patch in found.patches:
        folder = tmp_path / patch.name
        place, _, _ = columns(folder, 5)
        line, sample = place.T
        assert len(line) > 50
        phase = np.fromfile(folder / "pscands.1.ph", "<c8").reshape(5, -1)
        for k, date in enumerate(OTHERS):
            product = reference * images.echoes[DATES.index(date)].conj()
            np.testing.assert_allclose(phase[k], product[line, sample], rtol=1e-5, atol=1e-2)
        read = candidates.read(folder, parameters.load(folder, tmp_path))
        np.testing.assert_allclose(read.lonlat[:, 0], 12 + 3e-4 * sample + 1e-5 * line, atol=1e-5)
        np.testing.assert_allclose(read.height, line + sample / 4, atol=1e-3)
        assert len(read.network.day) == len(DATES)


def test_what_stage_1_of_stamps_reads_is_written_beside(tmp_path):
    write_tops(tmp_path)
    prepared(tmp_path, processor="isce")
    words = {name: (tmp_path / name).read_text().split() for name in (
        "day.1.in", "bperp.1.in", "master_day.1.in", "width.txt", "len.txt", "lambda.1.in",
        "heading.1.in", "processor.txt", "slc_osfactor.1.in")}  # fmt: skip
    assert words["day.1.in"] == OTHERS
    steps = [DATES.index(date) - DATES.index(MASTER) for date in OTHERS]
    assert words["bperp.1.in"] == [f"{40.75 * step:.2f}" for step in steps]
    assert words["master_day.1.in"] == [MASTER]
    assert (words["width.txt"], words["len.txt"]) == (["31"], ["24"])
    assert float(words["lambda.1.in"][0]) == 0.05546576
    assert float(words["heading.1.in"][0]) == pytest.approx(258 - 270 - 0.15, abs=1e-4)
    grid = read_raster(tmp_path / f"baselineGRID_{DATES[0]}")
    np.testing.assert_allclose(grid, np.tile(-120 - 1.5 * np.arange(4), (3, 1)))
    angles = read_raster(tmp_path / "inc_angle.raw")
    np.testing.assert_allclose(angles, np.tile(30 + 0.1 * np.arange(31), (24, 1)), rtol=1e-6)
    assert read_raster(tmp_path / "dem.raw")[3, 8] == 5
    assert "PATCH_1" in (tmp_path / "patch.list").read_text()


def test_the_master_is_by_default_the_reference_of_the_stack(tmp_path):
    write_tops(tmp_path)
    assert prepared(tmp_path, master=None).stack.master == DATES[2]
    with pytest.raises(DatasetError, match=r"no image of the master 20150101; its dates: 20160103"):
        prepared(tmp_path, master="20150101")


def test_merged_may_be_a_link_and_the_wavelength_is_found_beside_its_target(tmp_path):
    write_tops(tmp_path / "stack")
    root = tmp_path / f"INSAR_{DATES[1]}"
    root.mkdir()
    (root / "merged").symlink_to(tmp_path / "stack/merged")
    assert prepared(root, master=None).stack.master == DATES[1]
    (tmp_path / "stack/reference/IW1.xml").unlink()
    (root / "lambda.1.in").unlink()
    with pytest.raises(DatasetError, match=r"lambda.1.in: file not found.*0.05546576"):
        prepared(root, master=None)
    (root / "lambda.1.in").write_text("0.24\n")
    assert prepared(root, master=None).kept == ("PATCH_1",)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (f"baselines/{DATES[1]}/{DATES[1]}", f"baselines/{DATES[1]}/{DATES[1]}: file not found"),
        ("geom_reference/los.rdr.full", "los.rdr.full: cannot be read"),
        ("geom_reference/lat.rdr.full", "lat.rdr.full: cannot be read"),
        (f"SLC/{DATES[1]}/{DATES[1]}.slc.full", f"{DATES[1]}.slc.full: cannot be read"),
        (f"SLC/{MASTER}/{MASTER}.slc.full.xml", f"{MASTER}.slc.full.xml: file not found"),
    ],
)
def test_a_file_of_topsstack_that_is_missing_is_named(tmp_path, file, told):
    write_tops(tmp_path)
    (tmp_path / "merged" / file).unlink()
    with pytest.raises(DatasetError, match=told):
        prepared(tmp_path)


def test_a_line_of_sight_that_is_truncated_or_empty_is_refused(tmp_path):
    write_tops(tmp_path)
    path = tmp_path / "merged/geom_reference/los.rdr.full"
    content = path.read_bytes()
    path.write_bytes(content[:-8])
    with pytest.raises(DatasetError, match=r"los.rdr.full: 5,944 bytes, expected 5,952"):
        prepared(tmp_path)
    path.write_bytes(bytes(len(content)))
    with pytest.raises(DatasetError, match="no line of sight"):
        prepared(tmp_path)


def test_grids_of_different_sizes_are_refused(tmp_path):
    write_tops(tmp_path)
    write_isce(tmp_path / f"merged/baselines/{DATES[1]}/{DATES[1]}", np.ones((2, 4), "<f4"))
    with pytest.raises(DatasetError, match="grids of different sizes"):
        prepared(tmp_path)


@pytest.mark.parametrize(
    ("header", "text", "told"),
    [
        (".xml", '<imageFile><property name="width"><value>30</value></property><property '
         'name="length"><value>24</value></property><property name="data_type"><value>CFLOAT'
         "</value></property></imageFile>", "24 lines x 30 samples, expected 24 lines x 31"),
        (".xml", "<imageFile></imageFile>", "'width' is missing or unknown"),
        (".vrt", '<VRTDataset rasterXSize="31" rasterYSize="24"><VRTRasterBand '
         'dataType="Float32" band="1"></VRTRasterBand></VRTDataset>', "1 band.s. of f4, expected"),
        (".hdr", "ENVI\nsamples = 31\nlines = 25\nbands = 1\ndata type = 6\n", "25 lines x 31"),
    ],
)  # fmt: skip
def test_a_header_that_says_otherwise_is_refused(tmp_path, header, text, told):
    write_tops(tmp_path)
    path = tmp_path / f"merged/SLC/{DATES[1]}/{DATES[1]}.slc.full{header}"
    path.write_text(text)
    with pytest.raises(DatasetError, match=told) as error:
        prepared(tmp_path)
    assert path.name in str(error.value)


def virtual_only(root):
    """Leave the virtual rasters of one image and of the line of sight only."""
    for name in (f"SLC/{DATES[1]}/{DATES[1]}.slc.full", "geom_reference/los.rdr.full"):
        path = root / "merged" / name
        path.rename(path.with_name("pieces"))
        bands = 2 if path.name.startswith("los") else 1
        size = 4 if bands == 2 else 8
        rows = "".join(
            f'<VRTRasterBand dataType="{"Float32" if bands == 2 else "CFloat32"}" band="{k + 1}" '
            'subClass="VRTRawRasterBand"><SourceFilename relativeToVRT="1">pieces'
            f"</SourceFilename><ByteOrder>LSB</ByteOrder><ImageOffset>{k * 31 * 4}</ImageOffset>"
            f"<PixelOffset>{size}</PixelOffset><LineOffset>{31 * 8}</LineOffset></VRTRasterBand>"
            for k in range(bands)
        )
        text = f'<VRTDataset rasterXSize="31" rasterYSize="24">{rows}</VRTDataset>'
        path.with_name(f"{path.name}.vrt").write_text(text)


@pytest.mark.skipif(not find_spec("rasterio"), reason="needs the extra 'gdal'")
def test_virtual_rasters_are_read_with_rasterio(tmp_path):
    written = []
    for name in ("flat", "virtual"):
        write_tops(tmp_path / name)
        if name == "virtual":
            virtual_only(tmp_path / name)
        prepared(tmp_path / name)
        files = ("inc_angle.raw", "heading.1.in", "PATCH_1/pscands.1.ij", "PATCH_1/pscands.1.ph")
        written.append([(tmp_path / name / file).read_bytes() for file in files])
    assert written[0] == written[1]


def test_virtual_rasters_without_rasterio_are_refused_with_the_command(tmp_path, monkeypatch):
    write_tops(tmp_path)
    virtual_only(tmp_path)
    monkeypatch.setattr("pystamps_hpc.dataset.slc_stack.virtual.find_spec", lambda _: None)
    with pytest.raises(DatasetError, match=r"gdal_translate .*\.vrt .*extra 'gdal'") as error:
        prepared(tmp_path)
    if which("gdal_translate"):
        command = str(error.value).partition("it with ")[2].partition(", or install")[0]
        subprocess.run(command.split(), check=True, capture_output=True)
        with pytest.raises(DatasetError, match=r"los.rdr.full: file not found"):
            prepared(tmp_path)


def test_bands_that_lie_otherwise_are_refused_with_the_command(tmp_path):
    write_tops(tmp_path)
    path = tmp_path / "merged/geom_reference/los.rdr.full.xml"
    path.write_text(path.read_text().replace("BIL", "BIP"))
    with pytest.raises(DatasetError, match=r"los.rdr.full.xml: bands lie BIP.*INTERLEAVE=BIL"):
        prepared(tmp_path)


def test_without_looks_names_have_no_full_and_positions_may_be_single(tmp_path):
    for name in ("full", "plain"):
        write_tops(tmp_path / name)
    merged = tmp_path / "plain/merged"
    for path in sorted(merged.rglob("*.full*")):
        path.rename(path.with_name(path.name.replace(".full", "")))
    for path in (merged / "geom_reference").glob("[lh]*t.rdr"):
        write_isce(path, np.fromfile(path).astype("<f4").reshape(24, 31))
    for name in ("full", "plain"):
        prepared(tmp_path / name)
    for name in ("lat.raw", "dem.raw", "PATCH_1/pscands.1.ph", "PATCH_1/pscands.1.ll"):
        assert (tmp_path / "full" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
