"""Preparation against the original programs, byte for byte."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from pystamps_hpc.errors import DatasetError

from ..slc_stacks import prepared
from .parity import golden_root

pytestmark = [pytest.mark.golden, pytest.mark.usefixtures("golden")]

SETS = ("snap-ps", "snap-sb", "gamma-ps-scomplex", "isce-ps", "isce-sb", "doris-ps", "doris-sb")
EDGES = (
    "constant", "doris-11-patches", "doris-complex-short", "doris-oversampled", "dupmaster",
    "equalities", "equalities-neg", "formats", "gamma-no-lonlat", "mask-absolute", "mask-relative",
    "neg-threshold", "no-dem", "sb-equalities", "sb-mask", "sb-neg-threshold", "sb-short-patches",
    "sb-zeros", "two-images", "zeros", "zeros-ij0",
)  # fmt: skip


@dataclass
class Call:
    """A call of the original and what it wrote."""

    tree: Path
    root: Path
    processor: str
    options: dict
    expected: Path


def call_of(name, scratch):
    source = golden_root() / "prep" / name
    described = json.loads((source / "call.json").read_text())
    tree = scratch / "input"
    shutil.copytree(source / "input", tree, copy_function=shutil.copy)
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    given = described["parameters"]
    options = {
        "patches": (given.get("az_patches", 1), given.get("rg_patches", 1)),
        "overlap": (given.get("az_overlap"), given.get("rg_overlap")),
        "master": given.get("master"),
        "dispersion": given.get("da_thresh"),
    }
    if "mask" in given and described["flavour"] != "isce":  # its input_file names the mask
        options["mask"] = Path(given["mask"].replace("<DATASET>", str(tree)))
    root = tree / described.get("run_in", ".")
    return Call(tree, root, described["flavour"], options, source / "expected")


@pytest.mark.parametrize("name", [*SETS, *(f"edges/{name}" for name in EDGES)])
def test_every_file_is_that_of_the_original(name, tmp_path):
    call = call_of(name, tmp_path)
    prepared(call.root, reference=True, processor=call.processor, force=True, **call.options)
    wanted = [path for path in sorted(call.expected.rglob("*")) if path.is_file()]
    assert wanted
    for path in wanted:
        found = call.tree / path.relative_to(call.expected)
        assert found.read_bytes() == path.read_bytes(), found


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("edges/empty-slc", "no valid pixel"),
        ("edges/low-slc", "no valid pixel"),
        ("edges-damaged/inf-pixel", "infinite sample"),
        ("edges-damaged/overflow-last", "infinite sample"),
        ("edges-damaged/mask-short", "mask_short.bin"),
        ("edges-damaged/snap-no-lonlat", "lon"),
        ("edges-damaged/truncated-slc2", "truncated"),
        ("edges-damaged/truncated-slc3", "truncated"),
        ("edges-damaged/short-geo", "truncated"),
    ],
)
def test_what_the_originals_silently_spoil_is_refused(name, told, tmp_path):
    call = call_of(name, tmp_path)
    single = call.processor if call.processor in ("snap", "gamma") else "snap"
    for path in (call.tree / "PATCH_1").parent.glob("PATCH_*"):
        shutil.rmtree(path)
    _parameter_files(call.tree)
    with pytest.raises(DatasetError, match=told):
        prepared(call.root, processor=single, **call.options)


def _parameter_files(tree):
    """Give a stack whose programs were called one by one the parameters that they lacked."""
    for slc in tree.glob("rslc/*.rslc"):
        path = slc.with_name(f"{slc.name}.par")
        if not path.exists():
            path.write_text("range_samples: 37\nazimuth_lines: 40\nimage_format: FCOMPLEX\n")


def test_a_mask_counts_the_same_however_it_is_named(tmp_path):
    trees = []
    for name in ("mask-relative", "mask-absolute"):
        call = call_of(f"edges/{name}", tmp_path / name)
        prepared(call.root, processor="snap", **call.options)
        trees.append(call.root)
    for path in sorted(trees[0].glob("PATCH_*/*")):
        if path.is_file():
            assert path.read_bytes() == (trees[1] / path.relative_to(trees[0])).read_bytes(), path


def test_a_master_that_contradicts_the_files_of_isce_is_refused(tmp_path):
    call = call_of("isce-ps", tmp_path)
    with pytest.raises(DatasetError, match="20150101, the stack has the master"):
        prepared(call.root, processor="isce", master="20150101")
    pairs = call_of("isce-sb", tmp_path / "sb")
    with pytest.raises(DatasetError, match="no pair has an image of the master 20150101"):
        prepared(pairs.root, processor="isce", master="20150101")
    next(pairs.root.glob("*/secondary.slc")).unlink()
    with pytest.raises(DatasetError, match="expected one of each of its two dates"):
        prepared(pairs.root, processor="isce", master=None)


def test_an_interferogram_of_doris_without_image_is_refused(tmp_path):
    call = call_of("doris-ps", tmp_path)
    next(call.root.glob("*/slave_res.slc")).unlink()
    with pytest.raises(DatasetError, match=r"there is no slave_res\.slc"):
        prepared(call.root, processor="doris", master=None)
