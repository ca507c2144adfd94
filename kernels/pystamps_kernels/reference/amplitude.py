"""Amplitudes of complex images, calibrated and added up in the order of the images.

Images come as they lie on disk: words of IEEE single, or of 16-bit integers, in either byte order.
Sums over images are in single precision without fused products, so a pixel does not depend on how
an image is cut; those over pixels are in double.
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32] | NDArray[np.uint16]
Sums = NDArray[np.float32]
Flags = NDArray[np.bool_]

LANES = 512  # sums over pixels: the first pixel belongs to the first, pixel 512 to it again
LEAST = 0.001  # amplitude that counts in the calibration
NEARLY_ZERO = 0.00005  # calibrated amplitude below which a pixel has no echo


def amplitude(words: Words, swapped: bool) -> Sums:
    """Amplitude of complex samples.

    Parameters
    ----------
    words : (n, 2) uint32 or uint16
        Real and imaginary part: words of IEEE single, or of int16.
    swapped : bool
        Whether their bytes are in the other order than this machine's.

    Returns
    -------
    (n,) float32
        Modulus, in double rounded once to single; infinite where a part is.

    Examples
    --------
    >>> amplitude(np.array([[3, -4]], np.int16).view(np.uint16), False).tolist()
    [5.0]
    """
    native = words.byteswap() if swapped else words
    parts = native.view(np.int16 if words.dtype == np.uint16 else np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = parts.astype(np.float64) ** 2
        modulus = np.sqrt(squares[:, 0] + squares[:, 1]).astype(np.float32)
    modulus[np.isinf(squares).any(axis=1)] = np.inf
    return modulus


def amplitude_sum(
    words: Words, swapped: bool, excluded: Flags, total: float, count: int
) -> tuple[float, int]:
    """Sum of the amplitudes of one image, and how many were added.

    Parameters
    ----------
    words, swapped
        As :func:`amplitude`.
    excluded : (n,) bool
        Pixels that do not count; neither do those up to 0.001, nor NaN.
    total, count : float, int
        Sum and number of the pixels before these.

    Returns
    -------
    total, count : float, int
        With these.

    Notes
    -----
    StaMPS ``calamp``; docs/science/preparation.md, Calibration.

    Examples
    --------
    >>> echoes = np.array([[3, 4], [0, 0], [0, 7]], np.int16).view(np.uint16)
    >>> amplitude_sum(echoes, False, np.zeros(3, bool), 10.0, 2)
    (22.0, 4)
    """
    found = amplitude(words, swapped).astype(np.float64)
    counts = (found > LEAST) & ~excluded
    lanes = np.zeros((-(-len(found) // LANES), LANES))
    lanes.reshape(-1)[: len(found)] = np.where(counts, found, 0)
    sums = np.cumsum([total, *lanes.sum(axis=0)])  # one after the other
    return float(sums[-1]), count + int(np.count_nonzero(counts))


def add_amplitudes(
    words: Words, swapped: bool, constants: Sums, total: Sums, square: Sums, low: Flags
) -> tuple[Sums, Sums, Flags]:
    """Add some images to the sums over images, one after the other.

    Parameters
    ----------
    words : (k, n, 2) uint32 or uint16
        Samples of each image, as :func:`amplitude`.
    swapped : bool
        As :func:`amplitude`.
    constants : (k,) float32
        Calibration constant of each image.
    total, square : (n,) float32
        Sums of calibrated amplitudes and of their squares over the images before.
    low : (n,) bool
        Pixels that were nearly zero in one of them.

    Returns
    -------
    total, square : (n,) float32
        With these images. Where one is nearly zero `total` begins anew, and `square` stays.
    low : (n,) bool
        With the pixels that are nearly zero in one of these images.

    Notes
    -----
    StaMPS ``selpsc_patch``; docs/science/preparation.md, Candidates of a single master.

    Examples
    --------
    >>> echoes = np.array([[[3, 4], [0, 0]]], np.int16).view(np.uint16)
    >>> ones, twos = np.ones(2, np.float32), np.full(1, 2, np.float32)
    >>> [sums.tolist() for sums in add_amplitudes(echoes, False, twos, ones, ones, ones > 1)]
    [[3.5, 0.0], [7.25, 1.0], [False, True]]
    """
    for image, constant in zip(words, constants, strict=True):
        with np.errstate(over="ignore", invalid="ignore"):
            calibrated = amplitude(image, swapped) / constant
            nearly_zero = calibrated.astype(np.float64) <= NEARLY_ZERO
            added, squared = total + calibrated, square + calibrated * calibrated
        total = np.where(nearly_zero, np.float32(0), added)
        square = np.where(nearly_zero, square, squared)
        low = low | nearly_zero
    return total, square, low


def add_pairs(
    words: Words, swapped: bool, constants: Sums, total: Sums, square: Sums
) -> tuple[Sums, Sums]:
    """Add some pairs of images to the sums over pairs, one after the other.

    Parameters
    ----------
    words : (k, n, 2) uint32 or uint16
        Samples of each image, as :func:`amplitude`; images 0 and 1 are a pair, 2 and 3, and so on.
    swapped : bool
        As :func:`amplitude`.
    constants : (k,) float32
        Calibration constant of each image.
    total, square : (n,) float32
        Sums of calibrated amplitudes, and of squared differences, over the pairs before.

    Returns
    -------
    total, square : (n,) float32
        With these pairs.

    Notes
    -----
    StaMPS ``selsbc_patch``; docs/science/preparation.md, Candidates of small baselines.

    Examples
    --------
    >>> pair = np.array([[[0, 4]], [[0, 7]]], np.int16).view(np.uint16)
    >>> constants, zero = np.array([2, 7], np.float32), np.zeros(1, np.float32)
    >>> [sums.tolist() for sums in add_pairs(pair, False, constants, zero, zero)]
    [[3.0], [1.0]]
    """
    for k in range(0, len(words), 2):
        with np.errstate(over="ignore", invalid="ignore"):
            one = amplitude(words[k], swapped) / constants[k]
            other = amplitude(words[k + 1], swapped) / constants[k + 1]
            difference = one - other
            total, square = total + one + other, square + difference * difference
    return total, square
