"""Stacks of images whose texts and headers are damaged."""

from pathlib import Path

from pystamps_hpc.dataset.problems import Problems
from pystamps_hpc.dataset.slc_stack import read_stack, require_sound
from tests.slc_stacks import MASTER, write_doris_stack, write_isce_stack, write_snap, write_tops

TEXTS = (".txt", ".in", ".par", ".base", ".xml", ".vrt", ".hdr", ".res", ".rsc", ".out", ".log",
         ".dorisin")  # fmt: skip
VIRTUAL = """\
<VRTDataset rasterXSize="31" rasterYSize="24">
  <VRTRasterBand dataType="CFloat32" band="1" subClass="VRTRawRasterBand"></VRTRasterBand>
</VRTDataset>
"""
ENVI = "ENVI\nsamples = 31\nlines   = 24\nbands   = 1\ndata type = 6\ninterleave = bil\n"


def _texts(folder: Path) -> list[Path]:
    named = ("baseline", "input_file")
    return sorted(p for p in folder.rglob("*") if p.suffix in TEXTS or p.name in named)


def build_snap(folder: Path) -> list[Path]:
    write_snap(folder)
    write_snap(folder / "gamma", short=True)
    return [p for p in _texts(folder) if p.name == f"{MASTER}.rslc.par"]


def build_isce(folder: Path) -> list[Path]:
    write_isce_stack(folder)
    write_tops(folder / "tops")
    image = folder / "reference/reference.slc"
    image.with_name("reference.slc.vrt").write_text(VIRTUAL)
    image.with_name("reference.slc.hdr").write_text(ENVI)
    (folder / "water.msk").write_bytes(bytes(24 * 31))
    settings = f"source_data slc_stack\nslc_stack_reference {MASTER}\nmaskfile water.msk\n"
    (folder / "input_file").write_text(settings)
    return _texts(folder)


def build_doris(folder: Path) -> list[Path]:
    write_doris_stack(folder)
    return _texts(folder)


def read(folder: Path, path: Path) -> None:
    """Find the stack that a file is of, by its name and by what lies there."""
    root = next(top for top in (folder / "tops", folder / "gamma", folder) if top in path.parents)
    found = Problems()
    for given in (None, MASTER):
        stack = found.tried(read_stack, "auto", root, given)
        if stack is not None:
            found.tried(require_sound, stack, None)
    found.require_none()
