"""The files of SNAP and GAMMA: where images and interferograms lie, and their parameters."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from .geometry import (
    EARTH_RADIUS,
    NEAR_RANGE,
    ORBIT_RADIUS,
    PRF,
    RADAR_FREQUENCY,
    Acquisitions,
    Scene,
)


@dataclass(frozen=True)
class Names:
    """Where images and interferograms lie.

    Attributes
    ----------
    slcs : list of (int, str)
        Image and path, in the order of calibration; of small baselines two of each pair.
    ifgs : list of str
        Path of each interferogram without its suffix.
    """

    slcs: list[tuple[int, str]]
    ifgs: list[str]


def names_of(scene: Scene, images: Acquisitions, pairs: IntArray) -> Names:
    """Return the paths of a single master, or of pairs of small baselines (n_ifg, 2)."""
    dates = images.dates
    named = [(pair, "_".join(dates[k] for k in pair)) for pair in pairs.tolist()]
    if scene.options.small_baseline:
        slcs = [(k, f"SMALL_BASELINES/{name}/{dates[k]}.rslc") for pair, name in named
                for k in pair]  # fmt: skip
        return Names(slcs, [f"SMALL_BASELINES/{name}/{name}" for _, name in named])
    slcs = [(k, f"rslc/{date}.rslc") for k, date in enumerate(dates)]
    return Names(slcs, [f"diff0/{name}" for _, name in named])


def write_texts(
    root: Path,
    scene: Scene,
    images: Acquisitions,
    pairs: IntArray,
    image_format: str = "FCOMPLEX",
) -> None:
    """Write the parameters of images and baselines, and the folders that they lie in."""
    names = names_of(scene, images, pairs)
    for k, slc in names.slcs:
        path = root / f"{slc}.par"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_slc_parameters(scene, images.dates[k], image_format))
    for (i, k), name in zip(pairs.tolist(), names.ifgs, strict=True):
        path = root / f"{name}.base"
        path.parent.mkdir(parents=True, exist_ok=True)
        vector, rate = (values[k] - values[i] for values in (images.baseline, images.rate))
        path.write_text(_baseline(vector, rate))


def _slc_parameters(scene: Scene, date: str, image_format: str) -> str:
    centre = NEAR_RANGE + scene.width / 2 * scene.options.range_spacing
    return f"""\
Gamma Interferometric SAR Processor (ISP) - Image Parameter File

title:     simulated
sensor:    SIMSAR
date:      {date[:4]} {date[4:6]} {date[6:]}
start_time: 36000.0 s
azimuth_lines: {scene.length}
range_samples: {scene.width}
image_format: {image_format}
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
