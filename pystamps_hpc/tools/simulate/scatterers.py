"""The candidate pixels and their echoes: what amplitude and phase each image sees of them.

A persistent scatterer is a constant echo of amplitude 1 in circular Gaussian clutter of deviation
``sigma`` per component, so that its amplitude dispersion and its phase deviation [rad] are both
close to ``sigma`` (Ferretti et al. 2001). A false candidate keeps its amplitude but has a new
phase in every image: the tail of the other pixels' dispersions that reaches below the threshold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...dataset.rows import BoolArray, ComplexArray, FloatArray, IntArray
from ...errors import ConfigError
from .geometry import Scene
from .options import Options

_STREAMS = ("acquisitions", "sites", "choice", "dem error", "delay", "orbit", "echo", "gain")
#: Sites drawn per wanted candidate: some turn out above the dispersion threshold.
_SPARE = 1.5


def stream(options: Options, name: str, *part: int) -> np.random.Generator:
    """Return the random numbers of one purpose and part (an image), independent of all others."""
    key = (_STREAMS.index(name), *(part or (0,)))
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence(options.seed, spawn_key=key))
    )


@dataclass(frozen=True)
class Sites:
    """Pixels that may become candidates, in raster order (azimuth line, then range sample).

    Attributes
    ----------
    azimuth, sample : (n,) int64
        Azimuth line and range sample, from 0.
    is_ps : (n,) bool
        Whether the phase persists.
    sigma : (n,) float32
        Clutter per component, relative to the echo.
    """

    azimuth: IntArray
    sample: IntArray
    is_ps: BoolArray
    sigma: FloatArray

    def __len__(self) -> int:
        return len(self.azimuth)


@dataclass(frozen=True)
class Candidates:
    """The sites that pass the dispersion test and were chosen.

    Attributes
    ----------
    sites : Sites
        Everything that was drawn.
    index : (n,) int64
        Chosen sites, ascending.
    dispersion : (n,) float64
        Amplitude dispersion of each chosen site.
    """

    sites: Sites
    index: IntArray
    dispersion: FloatArray

    @property
    def azimuth(self) -> IntArray:
        """Azimuth lines, from 0."""
        return self.sites.azimuth[self.index]

    @property
    def sample(self) -> IntArray:
        """Range samples, from 0."""
        return self.sites.sample[self.index]

    @property
    def is_ps(self) -> BoolArray:
        """Whether the phase persists."""
        return self.sites.is_ps[self.index]

    @property
    def sigma(self) -> FloatArray:
        """Clutter per component, relative to the echo."""
        return self.sites.sigma[self.index]


def draw_sites(scene: Scene) -> Sites:
    """Scatter sites over the raster, none twice."""
    options = scene.options
    rng = stream(options, "sites")
    wanted = wanted_of(options)
    n_ps, n_false = (int(np.ceil(_SPARE * n)) + 50 * (n > 0) for n in wanted)
    pixels = scene.width * scene.length
    if n_ps + n_false > pixels:
        raise ConfigError(
            f"candidates {options.candidates}: {n_ps + n_false} pixels are needed, the scene has"
            f" {scene.length} x {scene.width}; use a lower density or a smaller pixel spacing"
        )
    pixel = np.sort(rng.choice(pixels, n_ps + n_false, replace=False, shuffle=False))
    is_ps = np.zeros(len(pixel), np.bool_)
    is_ps[rng.choice(len(pixel), n_ps, replace=False)] = True
    sigma = np.where(
        is_ps,
        draw_clutter(rng, len(pixel)),
        options.da_threshold * (0.6 + 0.4 * np.sqrt(rng.random(len(pixel)))),
    )
    return Sites(pixel // scene.width, pixel % scene.width, is_ps, sigma.astype(np.float32))


def draw_clutter(rng: np.random.Generator, n: int) -> FloatArray:
    """Return the clutter per component of persistent scatterers, relative to their echo, (n,)."""
    return np.asarray(0.08 + 0.22 * rng.beta(2, 3, n))


def wanted_of(options: Options) -> tuple[int, int]:
    """Return how many candidates are to be persistent scatterers, and how many are not."""
    if not options.noise:
        return options.candidates, 0
    n_ps = round(options.ps_fraction * options.candidates)
    return n_ps, options.candidates - n_ps


def echo(options: Options, sites: Sites, image: int) -> ComplexArray:
    """Return what one image sees of every site.

    Returns
    -------
    (n,) complex64
        Echo relative to the constant amplitude of the site, without the model phase.
    """
    rng = stream(options, "echo", image)
    clutter = sites.sigma * rng.standard_normal((2, len(sites)), dtype=np.float32)
    seen = np.empty(len(sites), np.complex64)
    seen.real = 1 + clutter[0]
    seen.imag = clutter[1]
    if not options.noise:
        return np.abs(seen).astype(np.complex64)
    false = ~sites.is_ps
    turn = rng.random(int(false.sum()), dtype=np.float32)
    seen[false] = np.abs(1 + clutter[0, false]) * np.exp(np.complex64(2j * np.pi) * turn)
    return seen


def gains(options: Options) -> FloatArray:
    """Return the amplitude calibration constant of every image, as it is printed."""
    gain = 90 * np.exp(0.15 * stream(options, "gain").standard_normal(options.images))
    return np.array([float(f"{constant:g}") for constant in gain])


def draw_persistent(scene: Scene, block: int, lines: range) -> Sites:
    """Scatter the persistent scatterers of some lines of a stack, none twice.

    The scene has the wanted number of them, evenly over its lines.
    """
    wanted, pixels = wanted_of(scene.options)[0], scene.width * scene.length
    if not 1 <= wanted <= pixels:
        raise ConfigError(
            f"candidates {scene.options.candidates}: {wanted} persistent scatterers, the scene has"
            f" {scene.length} x {scene.width} pixels; use other candidates, ps_fraction or density"
        )
    first, stop = (wanted * line // scene.length for line in (lines.start, lines.stop))
    rng = stream(scene.options, "sites", 0, block)
    chosen = rng.choice(len(lines) * scene.width, stop - first, replace=False, shuffle=False)
    pixel = np.sort(chosen) + lines.start * scene.width
    sigma = draw_clutter(rng, len(pixel)).astype(np.float32)
    azimuth, sample = np.divmod(pixel, scene.width)
    return Sites(azimuth, sample, np.ones(len(pixel), np.bool_), sigma)


def speckle(
    options: Options, sites: Sites, place: IntArray, pixels: int, image: int, block: int
) -> ComplexArray:
    """Return what one image sees of every pixel of some lines of a stack.

    Parameters
    ----------
    sites : Sites
        Persistent scatterers.
    place : (n,) int64
        Where they are among the pixels.
    pixels : int
        Number of pixels.
    image, block : int
        Image, and number of the block of lines.

    Returns
    -------
    (pixels,) complex64
        Echo relative to the clutter's deviation per component, without the model phase; without
        noise persistent scatterers have the phase 0 and the other pixels no echo.
    """
    rng = stream(options, "echo", image, block)
    seen = rng.standard_normal((pixels, 2), dtype=np.float32).view(np.complex64)[:, 0]
    seen[place] += 1 / sites.sigma
    if options.noise:
        return seen
    alone = np.zeros_like(seen)
    alone[place] = np.abs(seen[place])
    return alone


def choose_candidates(options: Options, sites: Sites, pairs: IntArray) -> Candidates:
    """Choose the wanted number of sites among those below the dispersion threshold.

    Parameters
    ----------
    pairs : (n_ifg, 2) int64
        Images of each interferogram; the dispersion of small baselines is that of their pairs.
    """
    square = dispersion2(options, pairs, lambda image: np.abs(echo(options, sites, image)))
    passed = square < np.float32(threshold(options)) ** 2

    rng = stream(options, "choice")
    chosen = []
    for wanted, kind in zip(wanted_of(options), (sites.is_ps, ~sites.is_ps), strict=True):
        possible = np.flatnonzero(passed & kind)
        if len(possible) < wanted:
            raise ConfigError(
                f"da_threshold {options.da_threshold}: only {len(possible)} of {wanted} candidates"
                " of one kind stay below it; raise the threshold"
            )
        chosen.append(rng.choice(possible, wanted, replace=False, shuffle=False))
    index = np.sort(np.concatenate(chosen))
    return Candidates(sites, index, np.sqrt(np.maximum(square[index], 0)).astype(np.float64))


def threshold(options: Options) -> float:
    """Return the dispersion that a candidate must stay below."""
    return (1.5 if options.small_baseline else 1.0) * options.da_threshold


def dispersion2(
    options: Options, pairs: IntArray, amplitude: Callable[[int], FloatArray]
) -> FloatArray:
    """Return the squared amplitude dispersion, (n,) float32.

    Parameters
    ----------
    pairs : (n_ifg, 2) int64
        Images of each interferogram.
    amplitude : callable
        ``amplitude(image)``, (n,) float32.

    Notes
    -----
    As StaMPS ``selpsc_patch`` and ``selsbc_patch`` compute it: sums in single precision, population
    moments; docs/science/loading.md, Amplitude dispersion.
    """
    if options.small_baseline:
        return _dispersion2_of_pairs(pairs, lru_cache(maxsize=8)(amplitude))
    total: FloatArray = np.zeros((), np.float32)
    square: FloatArray = np.zeros((), np.float32)
    for image in range(options.images):
        seen = amplitude(image)
        total = total + seen
        square = square + seen * seen
    return np.asarray(np.float32(options.images) * square / (total * total) - np.float32(1))


def _dispersion2_of_pairs(pairs: IntArray, amplitude: Callable[[int], FloatArray]) -> FloatArray:
    """Return mean squared difference over squared mean amplitude of the pairs."""
    total: FloatArray = np.zeros((), np.float32)
    square: FloatArray = np.zeros((), np.float32)
    for first, second in pairs.tolist():
        total = total + amplitude(first)
        total = total + amplitude(second)
        square = square + (amplitude(first) - amplitude(second)) ** 2
    mean = total / np.float32(2 * len(pairs))
    return np.asarray(square / np.float32(len(pairs)) / (mean * mean))
