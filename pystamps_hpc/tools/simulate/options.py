"""What can be chosen about a simulated dataset, and whether the choice can work."""

import datetime
import math
from dataclasses import dataclass
from typing import Literal

from ...errors import ConfigError

#: Stage 2 filters windows of 32 cells of 50 m, stage 6 windows of 32 cells of 200 m (defaults of
#: ``clap_win`` x ``filter_grid_size`` and ``unwrap_gold_n_win`` x ``unwrap_grid_size``).
SMALLEST_PATCH = 1800.0
SMALLEST_SCENE = 7200.0


@dataclass(frozen=True)
class Options:
    """Options of :func:`simulate`; every strength may be 0 to leave its effect out.

    Parameters
    ----------
    patches : (int, int)
        Patches in azimuth and in range; the scene itself does not depend on them.
    candidates : int
        Distinct candidate pixels of the scene (overlaps repeat some of them in two patches).
    images : int
        Acquisitions, master included.
    seed : int
        Same seed and options, same bytes.
    overlap : int
        Pixels by which a patch reaches beyond its own part on each inner side.
    ps_fraction : float
        Share of candidates that are persistent scatterers; the others have random phase.
    density : float
        Candidates per square kilometre. Scenes below 7.2 km x 7.2 km are widened to that size,
        because stage 6 refuses smaller ones, and become sparser.
    range_spacing, azimuth_spacing : float
        Pixel spacing [m], in slant range and along the track.
    heading : float
        Flight direction, degrees clockwise from north; the antenna looks to the right.
    longitude, latitude : float
        Centre of the scene [deg].
    start : str
        First acquisition, ``yyyymmdd``.
    span_days, repeat_days : int
        Wanted time span, and the repeat cycle of which all intervals are multiples [days]. The
        span grows where the images need more cycles.
    baseline : float
        Standard deviation of the perpendicular baselines to the master [m].
    velocity : float
        Largest subsidence rate [mm/yr]; an uplift of half the rate and a gentle tilt come with it.
    seasonal : float
        Largest amplitude of the yearly term [mm].
    dem_error : float
        Standard deviation of the DEM error of single pixels [m].
    atmosphere : float
        Mean over the images of the standard deviation of the tropospheric delay [mm].
    orbit : float
        Standard deviation of the orbital ramp from one edge of the scene to the other [mm].
    noise : bool
        False gives every candidate its exact model phase, without clutter; amplitudes still vary.
    da_threshold : float
        Amplitude dispersion that a candidate must stay below; that of pairs of small baselines is
        about half as large again, and so is what it must stay below there.
    small_baseline : bool
        Interferograms of pairs that are near each other in time and space, none of one master.
    max_days : int
        Longest time between the images of a pair [days].
    max_bperp : float
        Largest perpendicular baseline of a pair [m].
    slc : {"snap", "gamma", "isce"} or None
        Write the whole stack of images and interferograms as a processor leaves it, to be prepared,
        instead of candidates. Then `ps_fraction` of `candidates` are persistent scatterers, and
        every other pixel is clutter, which is a candidate if its amplitude hardly varies by chance.
        Images of GAMMA are of 16-bit integers.
    delaunay : bool
        The edges of the triangulation in the plane of time (in units of `max_days`) and baseline
        (of `max_bperp`) instead of all pairs within the limits.
    """

    patches: tuple[int, int] = (2, 1)
    candidates: int = 20_000
    images: int = 20
    seed: int = 1
    overlap: int = 20
    ps_fraction: float = 0.7
    density: float = 200.0
    range_spacing: float = 20.0
    azimuth_spacing: float = 40.0
    heading: float = -168.0
    longitude: float = 12.3
    latitude: float = 44.1
    start: str = "20160115"
    span_days: int = 732
    repeat_days: int = 12
    baseline: float = 150.0
    velocity: float = 15.0
    seasonal: float = 4.0
    dem_error: float = 4.0
    atmosphere: float = 3.0
    orbit: float = 4.0
    noise: bool = True
    da_threshold: float = 0.4
    small_baseline: bool = False
    max_days: int = 200
    max_bperp: float = 300.0
    delaunay: bool = False
    slc: Literal["snap", "gamma", "isce"] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        if min(self.patches) < 1:
            raise ConfigError(f"patches {self.patches}: both counts must be at least 1")
        for name, least in (
            ("candidates", 1), ("images", 3), ("seed", 0), ("overlap", 0), ("span_days", 1),
            ("repeat_days", 1), ("baseline", 0), ("velocity", 0), ("seasonal", 0),
            ("dem_error", 0), ("atmosphere", 0), ("orbit", 0),
        ):  # fmt: skip
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= least):
                raise ConfigError(f"{name} {value}: must be a number of at least {least}")
        for name in (
            "density", "range_spacing", "azimuth_spacing", "da_threshold", "max_days", "max_bperp",
        ):  # fmt: skip
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"{name} {value}: must be a positive number")
        of_pairs = {"delaunay": False, "max_days": 200, "max_bperp": 300.0}
        given = [name for name, usual in of_pairs.items() if getattr(self, name) != usual]
        if given and not self.small_baseline:
            raise ConfigError(f"{given[0]}: only for small baselines; give small_baseline too")
        if self.slc not in (None, "snap", "gamma", "isce"):
            raise ConfigError(f"slc {self.slc}: no processor of a stack; snap, gamma or isce")
        if self.slc and (self.patches, self.overlap) != ((2, 1), 20):
            raise ConfigError("patches, overlap: a stack has none, its preparation cuts it")
        if not 0 < self.ps_fraction <= 1:
            raise ConfigError(f"ps_fraction {self.ps_fraction}: must be above 0 and at most 1")
        if not 0.3 <= self.da_threshold <= 1:
            raise ConfigError(
                f"da_threshold {self.da_threshold}: must be between 0.3 and 1, persistent"
                " scatterers have dispersions up to 0.3"
            )
        if not (math.isfinite(self.heading) and abs(self.heading) <= 360):
            raise ConfigError(f"heading {self.heading}: must be between -360 and 360 degrees")
        if not (abs(self.longitude) <= 175 and abs(self.latitude) <= 75):
            raise ConfigError(
                f"centre {self.longitude}, {self.latitude}: must lie within 175 degrees of"
                " longitude and 75 degrees of latitude"
            )
        try:
            datetime.datetime.strptime(self.start, "%Y%m%d")
        except ValueError as error:
            raise ConfigError(f"start {self.start!r}: must be a date yyyymmdd") from error

    @property
    def side(self) -> float:
        """Side of the square scene on the ground [m]."""
        return max(SMALLEST_SCENE, 1000.0 * math.sqrt(self.candidates / self.density))
