"""The files that StaMPS' preparation leaves for stage 1, SNAP flavour.

Paths inside the text files are relative to a patch, as stage 1 runs there.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from ...dataset import parameters
from ...dataset.rows import ComplexArray, FloatArray, IntArray
from ...dataset.tree import STATE_DIRECTORY
from ...stages.prepare.patches import Patch
from .geometry import (
    EARTH_RADIUS,
    NEAR_RANGE,
    ORBIT_RADIUS,
    PRF,
    RADAR_FREQUENCY,
    Acquisitions,
    Scene,
)
from .scatterers import threshold

_ROWS = 1 << 18


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
    stack = _small_baselines(images, pairs) if scene.options.small_baseline else _stack(images)
    calibration = [f"../{slc} {gain[k]:g}" for k, slc in stack.slcs]
    texts: dict[str, Sequence[object]] = {
        "processor.txt": ["snap"],
        "width.txt": [scene.width],
        "len.txt": [scene.length],
        "rsc.txt": [f"../{[slc for k, slc in stack.slcs if k == images.master][-1]}.par"],
        "calamp.in": [f"../{slc}" for _, slc in stack.slcs],
        "calamp.out": calibration,
        stack.selection: [f"{threshold(scene.options):g}", scene.width, *calibration],
        "pscphase.in": [scene.width, *(f"../{name}.diff" for name in stack.ifgs)],
        "psclonlat.in": [scene.width, f"../geo/{master}.lon", f"../geo/{master}.lat"],
        "pscdem.in": [scene.width, "../geo/elevation_dem.rdc"],
        "patch.list": [patch.name for patch in patches],
    }
    for name, lines in texts.items():
        _write_lines(root / name, lines)
    for k, slc in stack.slcs:
        path = root / f"{slc}.par"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_slc_parameters(scene, images.dates[k]))
    for (i, k), name in zip(pairs.tolist(), stack.ifgs, strict=True):
        path = root / f"{name}.base"
        path.parent.mkdir(parents=True, exist_ok=True)
        vector, rate = (values[k] - values[i] for values in (images.baseline, images.rate))
        path.write_text(_baseline(vector, rate))
    _write_parameters(root, images.dates[-1], scene.options.small_baseline)


@dataclass(frozen=True)
class _Files:
    """Where StaMPS' preparation has images and interferograms.

    Attributes
    ----------
    slcs : list of (int, str)
        Image and path, in the order of calibration.
    ifgs : list of str
        Path of each interferogram without its suffix.
    selection : str
        Name of the list for the choice of candidates.
    """

    slcs: list[tuple[int, str]]
    ifgs: list[str]
    selection: str


def _stack(images: Acquisitions) -> _Files:
    dates, master = images.dates, images.dates[images.master]
    slcs = [(k, f"rslc/{date}.rslc") for k, date in enumerate(dates)]
    return _Files(slcs, [f"diff0/{master}_{dates[k]}" for k in images.slaves], "selpsc.in")


def _small_baselines(images: Acquisitions, pairs: IntArray) -> _Files:
    named = [(pair, "_".join(images.dates[k] for k in pair)) for pair in pairs.tolist()]
    slcs = [(k, f"SMALL_BASELINES/{name}/{images.dates[k]}.rslc") for pair, name in named
            for k in pair]  # fmt: skip
    return _Files(slcs, [f"SMALL_BASELINES/{name}/{name}" for _, name in named], "selsbc.in")


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


def _slc_parameters(scene: Scene, date: str) -> str:
    centre = NEAR_RANGE + scene.width / 2 * scene.options.range_spacing
    return f"""\
Gamma Interferometric SAR Processor (ISP) - Image Parameter File

title:     simulated
sensor:    SIMSAR
date:      {date[:4]} {date[4:6]} {date[6:]}
start_time: 36000.0 s
azimuth_lines: {scene.length}
range_samples: {scene.width}
image_format: FCOMPLEX
heading: {scene.options.heading!r} degrees
range_pixel_spacing: {scene.options.range_spacing!r} m
azimuth_pixel_spacing: {scene.options.azimuth_spacing!r} m
near_range_slc: {NEAR_RANGE:.4f} m
center_range_slc: {centre:.4f} m
radar_frequency: {RADAR_FREQUENCY:.6e} Hz
prf: {PRF!r} Hz
sar_to_earth_center: {ORBIT_RADIUS:.4f} m
earth_radius_below_sensor: {EARTH_RADIUS:.4f} m
"""


def _baseline(baseline: FloatArray, rate: FloatArray) -> str:
    def numbers(values: FloatArray) -> str:
        return " ".join(f"{value:.7f}" for value in values)

    return (
        f"initial_baseline(TCN): {numbers(baseline)} m m m\n"
        f"initial_baseline_rate: {numbers(rate)} m/s m/s m/s\n"
        f"precision_baseline(TCN): {numbers(np.zeros(3))} m m m\n"
    )


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
        _write_lines(
            folder / name, (box.range[0] + 1, box.range[1], box.azimuth[0] + 1, box.azimuth[1])
        )
    with (folder / "pscands.1.ij").open("w") as ij, (folder / "pscands.1.da").open("w") as da:
        for first in range(0, len(azimuth), _ROWS):
            rows = slice(first, first + _ROWS)
            pixels = zip(azimuth[rows].tolist(), sample[rows].tolist(), strict=True)
            ij.write("".join([f"{k} {i} {j}\n" for k, (i, j) in enumerate(pixels, first + 1)]))
            da.write("".join([f"{value:g}\n" for value in dispersion[rows].tolist()]))
    np.column_stack([sample, azimuth]).astype(">i4").tofile(folder / "pscands.1.ij.int")
    lonlat.astype(">f4").tofile(folder / "pscands.1.ll")
    height.astype(">f4").tofile(folder / "pscands.1.hgt")


def append_phase(folder: Path, phase: ComplexArray) -> None:
    """Append one interferogram's phasors, (n,) complex, to a patch."""
    with (folder / "pscands.1.ph").open("ab") as file:
        phase.astype(">c8").tofile(file)
