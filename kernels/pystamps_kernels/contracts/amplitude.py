"""Contracts of the preparation: amplitudes of images, added up image after image."""

from .model import Array, Kernel, Scalar

_PARTS = "real and imaginary parts as words of float or int16"
_KINDS = "u16 u32"
_SWAPPED = Scalar("swapped", "whether the words are in the other byte order than this machine's")
_TOTAL = Array("total", "n", "f32", "sum of calibrated amplitudes so far")
_SQUARE = Array("square", "n", "f32", "sum of their squares so far")

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "prep_amplitude_sum",
        "sum and count of the amplitudes of one image, in lanes of pixels",
        (
            Array("words", "n 2", _KINDS, _PARTS),
            _SWAPPED,
            Array("excluded", "n", "bool", "pixels that the mask leaves out"),
            Scalar("total", "sum of the pixels before these"),
            Scalar("count", "their number", int),
        ),
        (
            Scalar("total", "sum in double; Inf where a sample is infinite"),
            Scalar("count", "pixels above 0.001 that are not excluded", int),
        ),
    ),
    Kernel(
        "prep_add_amplitudes",
        "add the calibrated amplitudes of some images, and their squares, image after image",
        (
            Array("words", "k n 2", _KINDS, f"{_PARTS}, of every image"),
            _SWAPPED,
            Array("constants", "k", "f32", "calibration constant of every image"),
            _TOTAL,
            _SQUARE,
            Array("low", "n", "bool", "pixels that were nearly zero in an image before"),
        ),
        (
            Array("total", "n", "f32", "sums with the images; anew from 0 where one is nearly 0"),
            Array("square", "n", "f32", "sums of squares with the images"),
            Array("low", "n", "bool", "pixels that are nearly zero in an image"),
        ),
    ),
    Kernel(
        "prep_add_pairs",
        "add the calibrated amplitudes of some pairs of images, and the squares of differences",
        (
            Array("words", "k n 2", _KINDS, f"{_PARTS}, of every image; two of each pair"),
            _SWAPPED,
            Array("constants", "k", "f32", "calibration constant of every image"),
            _TOTAL,
            Array("square", "n", "f32", "sum of the squared differences so far"),
        ),
        (
            Array("total", "n", "f32", "sums with the pairs"),
            Array("square", "n", "f32", "sums of squared differences with the pairs"),
        ),
    ),
)
