"""Where everything is: raster, orbit, acquisition dates, baselines, coordinates, patches.

The antenna is seen as stage 1 sees it (GAMMA parameter file): a circular orbit of radius
``sar_to_earth_center`` over a sphere of radius ``earth_radius_below_sensor``.
"""

import datetime
from dataclasses import dataclass

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray
from ...errors import ConfigError
from ...stages.prepare.patches import Patch, cut_scene
from .options import SMALLEST_PATCH, Options

SPEED_OF_LIGHT = 299_792_458.0
RADAR_FREQUENCY = 5.405e9
ORBIT_RADIUS = 7_070_000.0
EARTH_RADIUS = 6_368_000.0
NEAR_RANGE = 845_000.0
PRF = 486.486

_EQUATOR = 6_378_137.0
_ECCENTRICITY2 = 0.00669437999014


@dataclass(frozen=True)
class Scene:
    """The raster and its geometry.

    Attributes
    ----------
    width, length : int
        Range samples and azimuth lines.
    """

    options: Options
    width: int
    length: int

    @property
    def wavelength(self) -> float:
        """Radar wavelength [m]."""
        return SPEED_OF_LIGHT / RADAR_FREQUENCY

    def slant_range(self, sample: AnyArray | float) -> FloatArray:
        """Return the slant range of range samples [m]."""
        return np.asarray(NEAR_RANGE + sample * self.options.range_spacing)

    def look(self, sample: AnyArray | float) -> FloatArray:
        """Return the look angle at the antenna [rad]."""
        rho = self.slant_range(sample)
        return _acos(
            (ORBIT_RADIUS**2 + rho**2 - EARTH_RADIUS**2) / (2 * ORBIT_RADIUS * rho), "look angle"
        )

    def incidence(self, sample: AnyArray | float) -> FloatArray:
        """Return the incidence angle on the ground [rad]."""
        rho = self.slant_range(sample)
        return _acos(
            (ORBIT_RADIUS**2 - EARTH_RADIUS**2 - rho**2) / (2 * EARTH_RADIUS * rho),
            "incidence angle",
        )

    def ground(self, azimuth: AnyArray, sample: AnyArray) -> tuple[FloatArray, FloatArray]:
        """Return ground range and along-track position from the scene centre [m]."""
        centre = (self.width - 1) / 2
        x = EARTH_RADIUS * np.asarray(self._earth_angle(sample) - self._earth_angle(centre))
        y = (azimuth - (self.length - 1) / 2) * self.options.azimuth_spacing
        return x, y

    def lonlat(self, azimuth: AnyArray, sample: AnyArray) -> tuple[FloatArray, FloatArray]:
        """Return longitude and latitude [deg].

        Metres north are turned into latitude with the meridian radius of the centre, metres east
        into longitude along the parallel of the point.
        """
        x, y = self.ground(azimuth, sample)
        heading = np.radians(self.options.heading)
        east = y * np.sin(heading) + x * np.cos(heading)
        north = y * np.cos(heading) - x * np.sin(heading)
        centre = 1 - _ECCENTRICITY2 * np.sin(np.radians(self.options.latitude)) ** 2
        meridian = _EQUATOR * (1 - _ECCENTRICITY2) / centre**1.5
        latitude = np.radians(self.options.latitude) + north / meridian
        parallel = _EQUATOR / np.sqrt(1 - _ECCENTRICITY2 * np.sin(latitude) ** 2) * np.cos(latitude)
        return self.options.longitude + np.degrees(east / parallel), np.degrees(latitude)

    def _earth_angle(self, sample: AnyArray | float) -> FloatArray:
        rho = self.slant_range(sample)
        return _acos(
            (ORBIT_RADIUS**2 + EARTH_RADIUS**2 - rho**2) / (2 * ORBIT_RADIUS * EARTH_RADIUS),
            "ground range",
        )


def _acos(cosine: FloatArray, what: str) -> FloatArray:
    if np.any(np.abs(cosine) > 1):
        raise ConfigError(f"{what}: the scene is too wide for the orbit; use fewer candidates")
    return np.asarray(np.arccos(cosine))


def scene_of(options: Options) -> Scene:
    """Return the raster that covers a square of the wanted size on the ground."""
    length = max(1, round(options.side / options.azimuth_spacing))
    step = options.range_spacing
    narrow = Scene(options, 1, length)
    swath = options.side + EARTH_RADIUS * float(narrow._earth_angle(0.0))
    far = np.sqrt(
        ORBIT_RADIUS**2
        + EARTH_RADIUS**2
        - 2 * ORBIT_RADIUS * EARTH_RADIUS * np.cos(swath / EARTH_RADIUS)
    )
    scene = Scene(options, max(1, round((far - NEAR_RANGE) / step)), length)
    scene.incidence(scene.width)
    return scene


@dataclass(frozen=True)
class Acquisitions:
    """Dates and baselines of the images.

    Attributes
    ----------
    dates : tuple of str
        ``yyyymmdd``, ascending.
    years : (n_image,) float64
        Time since the master [yr of 365.25 days].
    master : int
        Position of the master.
    baseline, rate : (n_image, 3) float64
        TCN baseline to the master at the mid line [m] and its rate [m/s], as printed in ``.base``.
    bperp : (n_image,) float64
        Perpendicular baseline at the centre of the scene [m].
    """

    dates: tuple[str, ...]
    years: FloatArray
    master: int
    baseline: FloatArray
    rate: FloatArray
    bperp: FloatArray

    @property
    def slaves(self) -> tuple[int, ...]:
        """Positions of all images but the master."""
        return tuple(k for k in range(len(self.dates)) if k != self.master)


def acquisitions_of(scene: Scene, rng: np.random.Generator) -> Acquisitions:
    """Draw dates (jittered by whole repeat cycles) and baselines (normally distributed)."""
    options = scene.options
    cycles = max(options.span_days // options.repeat_days, options.images - 1)
    spacing = cycles / (options.images - 1)
    jitter = (int(spacing) - 1) // 2
    slots = np.rint(np.arange(options.images) * spacing).astype(np.int64)
    slots[1:-1] += rng.integers(-jitter, jitter, options.images - 2, endpoint=True)
    days = slots * options.repeat_days
    first = datetime.datetime.strptime(options.start, "%Y%m%d")
    dates = tuple(f"{first + datetime.timedelta(days=int(day)):%Y%m%d}" for day in days)

    master = options.images // 2
    wanted = options.baseline * rng.standard_normal(options.images)
    drift = options.baseline / 300 * rng.standard_normal(options.images)
    wanted[master] = drift[master] = 0
    look = float(scene.look((scene.width - 1) / 2))
    across = np.array([0.0, np.cos(look), -np.sin(look)])
    baseline = np.round(wanted[:, None] * across, 7) + 0.0
    rate = np.round(drift[:, None] * across, 7) + 0.0
    return Acquisitions(
        dates,
        (days - days[master]) / 365.25,
        master,
        baseline,
        rate,
        baseline @ across,
    )


def perpendicular_baseline(
    scene: Scene, images: Acquisitions, k: int, azimuth: IntArray, look: FloatArray
) -> FloatArray:
    """Return the perpendicular baseline of image ``k`` at pixels [m].

    Parameters
    ----------
    azimuth : (n,) int64
        Azimuth lines, from 0.
    look : (n,) float64
        Look angle [rad].

    Notes
    -----
    As stage 1 computes it; docs/science/loading.md, Perpendicular baselines.
    """
    time = (azimuth - (scene.length / 2 - 0.5)) / PRF
    across = images.baseline[k, 1] + images.rate[k, 1] * time
    normal = images.baseline[k, 2] + images.rate[k, 2] * time
    return np.asarray(across * np.cos(look) - normal * np.sin(look))


def patches_of(scene: Scene) -> tuple[Patch, ...]:
    """Cut the scene: azimuth counts fastest, the last patch of a direction ends at the edge."""
    options = scene.options
    patches = cut_scene(scene.length, scene.width, options.patches, (options.overlap,) * 2)
    for patch in patches:
        x, y = scene.ground(np.array(patch.full.azimuth), np.array(patch.full.range))
        shortest = min(np.ptp(x), np.ptp(y))
        if shortest < SMALLEST_PATCH:
            raise ConfigError(
                f"patches {options.patches[0]}x{options.patches[1]}: {patch.name} is"
                f" {shortest:.0f} m wide, the filter of stage 2 needs {SMALLEST_PATCH:.0f} m; use"
                " fewer patches, more candidates or more overlap"
            )
    return patches
