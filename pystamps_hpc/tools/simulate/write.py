"""The files that StaMPS' preparation leaves for stage 1, SNAP flavour.

Paths inside the text files are relative to a patch, as stage 1 runs there.
"""

import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from ...dataset import parameters
from ...dataset.rows import ComplexArray, FloatArray, IntArray
from ...dataset.tree import STATE_DIRECTORY
from .geometry import (
    EARTH_RADIUS,
    NEAR_RANGE,
    ORBIT_RADIUS,
    PRF,
    RADAR_FREQUENCY,
    Acquisitions,
    Patch,
    Scene,
)

_ROWS = 1 << 18


def write_root(
    root: Path, scene: Scene, images: Acquisitions, patches: Iterable[Patch], gain: FloatArray
) -> None:
    """Write ``parms.mat`` and the text files of the root, ``rslc/*.par`` and ``diff0/*.base``.

    Parameters
    ----------
    gain : (n_image,) float64
        Amplitude calibration constants.
    """
    master = images.dates[images.master]
    calibration = [
        f"../rslc/{date}.rslc {constant:g}"
        for date, constant in zip(images.dates, gain, strict=True)
    ]
    texts: dict[str, Sequence[object]] = {
        "processor.txt": ["snap"],
        "width.txt": [scene.width],
        "len.txt": [scene.length],
        "rsc.txt": [f"../rslc/{master}.rslc.par"],
        "calamp.in": [f"../rslc/{date}.rslc" for date in images.dates],
        "calamp.out": calibration,
        "selpsc.in": [scene.options.da_threshold, scene.width, *calibration],
        "pscphase.in": [
            scene.width,
            *(f"../diff0/{master}_{images.dates[k]}.diff" for k in images.slaves),
        ],
        "psclonlat.in": [scene.width, f"../geo/{master}.lon", f"../geo/{master}.lat"],
        "pscdem.in": [scene.width, "../geo/elevation_dem.rdc"],
        "patch.list": [patch.name for patch in patches],
    }
    for name, lines in texts.items():
        _write_lines(root / name, lines)
    for folder in ("rslc", "diff0"):
        (root / folder).mkdir()
    for date in images.dates:
        (root / "rslc" / f"{date}.rslc.par").write_text(_slc_parameters(scene, date))
    for k in images.slaves:
        base = root / "diff0" / f"{master}_{images.dates[k]}.base"
        base.write_text(_baseline(images.baseline[k], images.rate[k]))
    _write_parameters(root, images.dates[-1])


def _write_parameters(root: Path, date: str) -> None:
    """Write all parameters with their defaults; stage 1 finds out heading and wavelength.

    The day of creation is that of the last image, so that equal options give equal bytes.
    """
    created = datetime.strptime(date, "%Y%m%d").strftime("%d-%b-%Y")
    parameters.save(parameters.load(root).with_values({parameters.CREATED: created}))
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
