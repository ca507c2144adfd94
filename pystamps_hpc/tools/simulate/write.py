"""The files that StaMPS' preparation leaves for stage 1, SNAP flavour.

Paths inside the text files are relative to a patch, as stage 1 runs there.
"""

import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from ...dataset import parameters
from ...dataset.candidates.lists import write_lists
from ...dataset.rows import ComplexArray, FloatArray, IntArray
from ...dataset.tree import STATE_DIRECTORY
from ...stages.prepare.patches import Patch
from .geometry import Acquisitions, Scene
from .scatterers import threshold
from .snap import names_of, write_texts


def write_root(
    root: Path,
    scene: Scene,
    images: Acquisitions,
    pairs: IntArray,
    patches: Iterable[Patch],
    gain: FloatArray,
) -> None:
    """Write ``parms.mat``, the text files of the root, and parameters of images and baselines.

    Parameters
    ----------
    pairs : (n_ifg, 2) int64
        Images of each interferogram.
    gain : (n_image,) float64
        Amplitude calibration constants.
    """
    master = images.dates[images.master]
    small = scene.options.small_baseline
    stack = names_of(scene, images, pairs)
    calibration = [f"../{slc} {gain[k]:g}" for k, slc in stack.slcs]
    texts: dict[str, Sequence[object]] = {
        "processor.txt": ["snap"],
        "width.txt": [scene.width],
        "len.txt": [scene.length],
        "rsc.txt": [f"../{[slc for k, slc in stack.slcs if k == images.master][-1]}.par"],
        "calamp.in": [f"../{slc}" for _, slc in stack.slcs],
        "calamp.out": calibration,
        "selsbc.in" if small else "selpsc.in": [
            f"{threshold(scene.options):g}", scene.width, *calibration,
        ],
        "pscphase.in": [scene.width, *(f"../{name}.diff" for name in stack.ifgs)],
        "psclonlat.in": [scene.width, f"../geo/{master}.lon", f"../geo/{master}.lat"],
        "pscdem.in": [scene.width, "../geo/elevation_dem.rdc"],
        "patch.list": [patch.name for patch in patches],
    }  # fmt: skip
    for name, lines in texts.items():
        _write_lines(root / name, lines)
    write_texts(root, scene, images, pairs)
    _write_parameters(root, images.dates[-1], small)


def _write_parameters(root: Path, date: str, small_baselines: bool) -> None:
    """Write all parameters with their defaults; stage 1 finds out heading and wavelength.

    The day of creation is that of the last image, so that equal options give equal bytes.
    """
    created = datetime.strptime(date, "%Y%m%d").strftime("%d-%b-%Y")
    mode = {"small_baseline_flag": "y"} if small_baselines else {}
    known = parameters.load(root).with_values({parameters.CREATED: created, **mode})
    parameters.save(known)
    shutil.rmtree(root / STATE_DIRECTORY)


def _write_lines(path: Path, lines: Iterable[object]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


def write_patch(
    folder: Path,
    patch: Patch,
    azimuth: IntArray,
    sample: IntArray,
    lonlat: FloatArray,
    height: FloatArray,
    dispersion: FloatArray,
) -> None:
    """Write everything of a patch but its phase.

    Parameters
    ----------
    azimuth, sample : (n,) int64
        Pixels of the candidates, from 0.
    lonlat : (n, 2) float64
        Longitude and latitude [deg].
    height : (n,) float64
        Height [m].
    dispersion : (n,) float64
        Amplitude dispersion.
    """
    folder.mkdir()
    for name, box in (("patch.in", patch.full), ("patch_noover.in", patch.own)):
        _write_lines(folder / name, box.lines)
    write_lists(folder, azimuth, sample, dispersion)
    lonlat.astype(">f4").tofile(folder / "pscands.1.ll")
    height.astype(">f4").tofile(folder / "pscands.1.hgt")


def append_phase(folder: Path, phase: ComplexArray) -> None:
    """Append one interferogram's phasors, (n,) complex, to a patch."""
    with (folder / "pscands.1.ph").open("ab") as file:
        phase.astype(">c8").tofile(file)
