"""Cosine and sine of a phase without a branch, so that a loop over phases is vectorised."""

import math

from .compile import inline


@inline
def cos_sin(cycles: float) -> tuple[float, float]:
    """Return cosine and sine of a phase [cycles] below 2^50, good to two units in the last place.

    The phase is taken to the nearest quarter cycle, which is exact; the rest, at most an eighth,
    goes through the Taylor polynomials.
    """
    quarters = math.floor(4 * cycles + 0.5)
    x = (cycles - 0.25 * quarters) * 6.283185307179586
    z = x * x
    cos = 4.779477332387385e-14
    cos = cos * z - 1.1470745597729725e-11
    cos = cos * z + 2.08767569878681e-09
    cos = cos * z - 2.755731922398589e-07
    cos = cos * z + 2.48015873015873e-05
    cos = cos * z - 0.001388888888888889
    cos = cos * z + 0.041666666666666664
    cos = cos * z - 0.5
    cos = cos * z + 1.0
    sin = 2.8114572543455206e-15
    sin = sin * z - 7.647163731819816e-13
    sin = sin * z + 1.6059043836821613e-10
    sin = sin * z - 2.505210838544172e-08
    sin = sin * z + 2.7557319223985893e-06
    sin = sin * z - 0.0001984126984126984
    sin = sin * z + 0.008333333333333333
    sin = sin * z - 0.16666666666666666
    sin = sin * z * x + x
    quadrant = quarters - 4 * math.floor(0.25 * quarters)
    odd = quadrant == 1.0 or quadrant == 3.0
    re = sin if odd else cos
    im = cos if odd else sin
    re = -re if quadrant == 1.0 or quadrant == 2.0 else re
    im = -im if quadrant >= 2.0 else im
    return re, im
