"""The model phase: deformation and DEM error of every candidate, delay and orbit of every image."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from . import fields
from .geometry import Acquisitions, Scene, perpendicular_baseline
from .scatterers import Candidates, stream


@dataclass(frozen=True)
class Truth:
    """The model of every candidate: what its phase is made of, atmosphere and orbits aside.

    Attributes
    ----------
    x, y : (n,) float64
        Position from the scene centre across and along the track [m].
    u, v : (n,) float64
        The same from edge to edge, -0.5 to 0.5.
    look : (n,) float64
        Look angle [rad].
    velocity, seasonal : (n,) float64
        Rate of range change [mm/yr]; amplitude of the yearly sine [mm].
    dem_error : (n,) float64
        Height above the DEM [m].
    dem_slope : (n,) float64
        Phase per metre of perpendicular baseline [rad/m], StaMPS' ``K_ps``.
    """

    x: FloatArray
    y: FloatArray
    u: FloatArray
    v: FloatArray
    look: FloatArray
    velocity: FloatArray
    seasonal: FloatArray
    dem_error: FloatArray
    dem_slope: FloatArray


def truth_of(scene: Scene, candidates: Candidates) -> Truth:
    """Evaluate the model at the candidates."""
    options = scene.options
    azimuth, sample = candidates.azimuth, candidates.sample
    x, y = scene.ground(azimuth, sample)
    u, v = x / options.side, y / options.side
    # drawn for all sites, so that a pixel has the same error whichever others are chosen
    own = stream(options, "dem error").standard_normal(len(candidates.sites))[candidates.index]
    error = fields.dem_error(options, u, v, own)
    leverage = scene.slant_range(sample) * np.sin(scene.incidence(sample))
    return Truth(
        x=x,
        y=y,
        u=u,
        v=v,
        look=scene.look(sample),
        velocity=fields.velocity(options, u, v),
        seasonal=fields.seasonal(options, u, v),
        dem_error=error,
        dem_slope=-4 * np.pi / scene.wavelength * error / leverage,
    )


def model_phase(
    scene: Scene, images: Acquisitions, truth: Truth, azimuth: IntArray, k: int
) -> FloatArray:
    """Return the phase of deformation and DEM error of image ``k`` [rad], not wrapped."""
    years = images.years[k]
    change = truth.velocity * years + truth.seasonal * np.sin(2 * np.pi * years)
    bperp = perpendicular_baseline(scene, images, k, azimuth, truth.look)
    return np.asarray(4e-3 * np.pi / scene.wavelength * change + truth.dem_slope * bperp)


def image_error(scene: Scene, truth: Truth, k: int) -> FloatArray:
    """Return delay and orbit error of one image at the candidates [mm]."""
    options = scene.options
    error = fields.orbit_ramp(options, truth.u, truth.v, stream(options, "orbit", k))
    if options.atmosphere:
        extent = (scene.length * options.azimuth_spacing, options.side)
        turbulence = fields.Turbulence.over(options, extent)
        delay = turbulence.delay(stream(options, "delay", k))
        error = error + turbulence.at(delay, truth.x, truth.y)
    return error
