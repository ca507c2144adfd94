"""The model phase: deformation and DEM error of every pixel, delay and orbit of every image."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from . import fields
from .geometry import Acquisitions, Scene, perpendicular_baseline
from .scatterers import stream


@dataclass(frozen=True)
class Truth:
    """The model of some pixels: what their phase is made of, atmosphere and orbits aside.

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


def truth_of(scene: Scene, azimuth: IntArray, sample: IntArray, own: FloatArray) -> Truth:
    """Evaluate the model at pixels.

    Parameters
    ----------
    azimuth, sample : (n,) int64
        Azimuth lines and range samples, from 0.
    own : (n,) float64
        Normally distributed: the pixels' own part of the DEM error.
    """
    options = scene.options
    x, y = scene.ground(azimuth, sample)
    u, v = x / options.side, y / options.side
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


@dataclass(frozen=True)
class ImageError:
    """Delay and orbit error of one image.

    Attributes
    ----------
    ramp : (2,) float64
        Orbit error across and along the track, from edge to edge [mm].
    turbulence : Turbulence
        Where the nodes of the delay are.
    delay : (rows, columns) float32 or None
        Delay at the nodes [mm].
    """

    ramp: FloatArray
    turbulence: fields.Turbulence
    delay: FloatArray | None

    def at(self, truth: Truth) -> FloatArray:
        """Return the error at pixels [mm]."""
        error = self.ramp[0] * truth.u + self.ramp[1] * truth.v
        if self.delay is not None:
            error = error + self.turbulence.at(self.delay, truth.x, truth.y)
        return np.asarray(error)


def image_error(scene: Scene, k: int) -> ImageError:
    """Draw delay and orbit error of one image."""
    options = scene.options
    extent = (scene.length * options.azimuth_spacing, options.side)
    turbulence = fields.Turbulence.over(options, extent)
    delay = turbulence.delay(stream(options, "delay", k)) if options.atmosphere else None
    ramp = options.orbit * stream(options, "orbit", k).standard_normal(2)
    return ImageError(ramp, turbulence, delay)
