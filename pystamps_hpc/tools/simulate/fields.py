"""What the phase is made of: deformation, DEM error, topography, atmosphere, orbit errors.

All lengths are changes of range: positive is away from the satellite.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from ...dataset.rows import FloatArray
from .options import Options


def _hill(u: FloatArray, v: FloatArray, u0: float, v0: float, width: float) -> FloatArray:
    return np.asarray(np.exp(-((u - u0) ** 2 + (v - v0) ** 2) / (2 * width**2)))


def velocity(options: Options, u: FloatArray, v: FloatArray) -> FloatArray:
    """Return the rate of range change [mm/yr]: a subsidence bowl, an uplift and a tilt.

    Parameters
    ----------
    u, v : (n,) float64
        Position in the scene, -0.5 to 0.5 from edge to edge.
    """
    bowl = _hill(u, v, -0.15, 0.12, 0.13)
    uplift = _hill(u, v, 0.24, -0.22, 0.10)
    return options.velocity * (bowl - 0.5 * uplift + 0.1 * (u + v))


def seasonal(options: Options, u: FloatArray, v: FloatArray) -> FloatArray:
    """Return the amplitude of the yearly term, a sine that is zero at the master date [mm]."""
    return options.seasonal * _hill(u, v, 0.1, 0.2, 0.2)


def height(u: FloatArray, v: FloatArray) -> FloatArray:
    """Return the height of the ground [m]."""
    hills = 90 * _hill(u, v, 0.3, 0.3, 0.2) + 140 * _hill(u, v, -0.35, -0.2, 0.25)
    return np.asarray(120 + hills + 15 * np.sin(9 * u) * np.cos(7 * v))


def dem_error(options: Options, u: FloatArray, v: FloatArray, own: FloatArray) -> FloatArray:
    """Return the DEM error [m]: a third of its deviation is smooth, the rest is the pixel's own.

    Values beyond three deviations are cut off, so that the default search range of stage 2
    (``max_topo_err``, 20 m) holds all of them. `own` is normally distributed, (n,).
    """
    smooth = np.sin(5 * u + 1) * np.sin(6 * v - 2)
    return options.dem_error * (0.45 * smooth + 0.95 * np.clip(own, -2.5, 2.5))


@dataclass(frozen=True)
class Turbulence:
    """Tropospheric delay of an image on a square grid over the scene.

    The delay is a Gaussian field whose one-dimensional spectrum falls with the power -8/3
    (Hanssen 2001, section 4.7), so its two-dimensional spectrum falls with -11/3.

    Attributes
    ----------
    shape : (int, int)
        Grid nodes along the track and across.
    spacing : float
        Distance of nodes [m].
    strength : float
        Mean over the images of the standard deviation [mm].
    """

    shape: tuple[int, int]
    spacing: float
    strength: float

    @classmethod
    def over(cls, options: Options, extent: tuple[float, float]) -> "Turbulence":
        """Choose a grid of at most about 2000 nodes a side over (along, across) [m]."""
        spacing = max(120.0, max(extent) / 2000)
        along, across = (int(np.ceil(side / spacing)) + 2 for side in extent)
        return cls((along, across), spacing, options.atmosphere)

    def delay(self, rng: np.random.Generator) -> FloatArray:
        """Return one image's delay on the grid [mm], as float32 of ``shape``.

        The field is cut out of one of twice the size, because the Fourier transform is periodic.
        """
        rows, columns = (fft.next_fast_len(2 * n, real=True) for n in self.shape)
        frequency = np.hypot(fft.fftfreq(rows)[:, None], fft.rfftfreq(columns)[None, :])
        frequency[0, 0] = np.inf
        noise = rng.standard_normal((rows, columns), dtype=np.float32)
        field = fft.irfft2(fft.rfft2(noise) * frequency ** (-11 / 6), s=(rows, columns))
        cut = field[: self.shape[0], : self.shape[1]]
        wanted = self.strength * rng.uniform(0.6, 1.4)
        return np.asarray((cut - cut.mean()) * (wanted / cut.std()), np.float32)

    def at(self, field: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
        """Interpolate a grid linearly at positions from the scene centre [m]."""
        row = y / self.spacing + (self.shape[0] - 1) / 2
        column = x / self.spacing + (self.shape[1] - 1) / 2
        return np.asarray(ndimage.map_coordinates(field, (row, column), order=1, mode="nearest"))
