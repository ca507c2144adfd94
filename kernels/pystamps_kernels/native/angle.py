"""The angle of a phasor without a branch, so that a loop over phasors is vectorised."""

from .compile import inline

TAN_EIGHTH = 0.4142135623730951  # tan(pi/8)


@inline
def cycles(y: float, x: float) -> float:
    """Return the angle of ``x + iy`` in cycles, in [-1/2, 1/2] and zero for a zero phasor.

    The octant is found by comparisons; in it the polynomial is the Chebyshev interpolation of
    ``atan(t) / t / 2 pi`` in ``t^2`` up to ``tan(pi/8)``, good to one unit in the last place.
    """
    side_x, side_y = abs(x), abs(y)
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
    value = 0.25 - value if side_y > side_x else value
    value = 0.5 - value if x < 0 else value
    return -value if y < 0 else value
