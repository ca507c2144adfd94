"""The angle of a phasor without a branch, so that a loop over phasors is vectorised."""

import math

from .compile import inline

TAN_EIGHTH = 0.4142135623730951  # tan(pi/8)
CYCLE = 2 * math.pi


@inline
def cycles(y: float, x: float) -> float:
    """Return the angle of ``x + iy`` in cycles, in [-1/2, 1/2] and zero for a zero phasor."""
    value = _first_quadrant(abs(y), abs(x))
    value = 0.5 - value if x < 0 else value
    return -value if y < 0 else value


@inline
def radians(y: float, x: float) -> float:
    """Return the angle of ``x + iy`` in radians; signs of zeros and NaN as the C library has it.

    It is NaN, too, where both parts are infinite, which the C library takes for a diagonal.
    """
    value = _first_quadrant(abs(y), abs(x))
    value = 0.5 - value if math.copysign(1.0, x) < 0 else value
    value = math.nan if math.isnan(x) or math.isnan(y) else value
    return CYCLE * math.copysign(value, y)


@inline
def _first_quadrant(side_y: float, side_x: float) -> float:
    """Return the angle of two sides, neither negative, in cycles.

    The octant is found by comparisons; in it the polynomial is the Chebyshev interpolation of
    ``atan(t) / t / 2 pi`` in ``t^2`` up to ``tan(pi/8)``, good to one unit in the last place.
    """
    short, long = min(side_x, side_y), max(side_x, side_y)
    upper = short > TAN_EIGHTH * long
    rise = short - long if upper else short
    run = short + long if upper else long
    t = rise / (run if run > 0 else 1.0)
    z = t * t
    value = -0.0028338167400843444
    value = value * z + 0.006042358173997341
    value = value * z - 0.008013614365614182
    value = value * z + 0.009305595808396688
    value = value * z - 0.010604417164727426
    value = value * z + 0.01224227036878328
    value = value * z - 0.014468611642996702
    value = value * z + 0.017683881982953932
    value = value * z - 0.022736420431411483
    value = value * z + 0.03183098861828499
    value = value * z - 0.05305164769729811
    value = value * z + 0.15915494309189535
    value = value * t + (0.125 if upper else 0.0)
    return 0.25 - value if side_y > side_x else value
