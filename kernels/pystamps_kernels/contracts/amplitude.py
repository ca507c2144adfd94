"""Contracts of the preparation: amplitudes of images, added up image after image."""

from .model import Array, Kernel, Scalar

_WORDS = "n 2"
_KINDS = "u16 u32"
_SWAPPED = Scalar("swapped", "whether the words are in the other byte order than this machine's")
_TOTAL = Array("total", "n", "f32", "sum of calibrated amplitudes so far")
_SQUARE = Array("square", "n", "f32", "sum of their squares so far")

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "prep_amplitude_sum",
        "sum and count of the amplitudes of one image, pixel after pixel",
        (
            Array("words", _WORDS, _KINDS, "real and imaginary parts as words of float or int16"),
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
        "add the calibrated amplitudes of one image, and their squares",
        (
            Array("words", _WORDS, _KINDS, "real and imaginary parts as words of float or int16"),
            _SWAPPED,
            Scalar("constant", "calibration constant of the image"),
            _TOTAL,
            _SQUARE,
            Array("low", "n", "bool", "pixels that were nearly zero in an image before"),
        ),
        (
            Array("total", "n", "f32", "sums with this image; anew from 0 where it is nearly zero"),
            Array("square", "n", "f32", "sums of squares with this image"),
            Array("low", "n", "bool", "pixels that are nearly zero in an image"),
        ),
    ),
    Kernel(
        "prep_add_pair",
        "add the calibrated amplitudes of a pair of images, and the squares of their differences",
        (
            Array("first", _WORDS, _KINDS, "words of the first image"),
            Array("second", _WORDS, _KINDS, "words of the second image"),
            _SWAPPED,
            Scalar("first_constant", "calibration constant of the first image"),
            Scalar("second_constant", "that of the second"),
            _TOTAL,
            Array("square", "n", "f32", "sum of the squared differences so far"),
        ),
        (
            Array("total", "n", "f32", "sums with this pair"),
            Array("square", "n", "f32", "sums of squared differences with this pair"),
        ),
    ),
)
