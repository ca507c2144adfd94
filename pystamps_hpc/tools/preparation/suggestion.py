"""How many patches suit a scene, the ranks and their memory."""

import math

from ...dataset.slc_stack import SlcStack
from ...pipeline.expected_memory import CELLS_PER_POINT, Extent, least
from ...pipeline.table import tasks

PIXELS_OF_IMAGES = 4e6 * 25
"""Pixels times interferograms of a patch that StaMPS works on in good time; its manual."""

DENSITY = 0.1
"""Share of the pixels that are candidates, at most, as it is reckoned with."""

SMALLEST = 250_000
"""Pixels of a patch below which memory hardly becomes less."""

OVERLAP = 200
"""Pixels that a patch reaches beyond its own part, where it is large; StaMPS' manual."""


def suggest(stack: SlcStack, ranks: int, memory: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return patches and overlap, in azimuth and in range.

    Parameters
    ----------
    stack : SlcStack
        What the processor left.
    ranks : int
        Ranks that are to be filled evenly.
    memory : float
        Memory that a rank may fill [bytes].

    Returns
    -------
    patches, overlap : (int, int)
        As many patches as keep each in good time and memory, a multiple of the ranks, nearly
        square in pixels; and their overlap.
    """
    n_ifg = max(len(stack.ifgs), 1)
    wanted = math.ceil(stack.width * stack.length * n_ifg / PIXELS_OF_IMAGES)
    most = max(stack.width * stack.length // SMALLEST, 1)
    needed = wanted
    while needed < most and not _fits(stack, n_ifg, needed, memory):
        needed = min(math.ceil(1.5 * needed), most)
    if _fits(stack, n_ifg, needed, memory):  # else smaller patches would not help
        wanted = max(wanted, needed)
    wanted = math.ceil(wanted / ranks) * ranks
    counts = _shapes(stack, wanted, ranks)
    sides = stack.length // counts[0], stack.width // counts[1]
    overlap = tuple(min(OVERLAP, side // 4) for side in sides)
    return counts, (overlap[0], overlap[1])


def _shapes(stack: SlcStack, wanted: int, ranks: int) -> tuple[int, int]:
    """Return counts in azimuth and range whose product is the next multiple of the ranks."""

    def judged(counts: tuple[int, int]) -> tuple[float, int]:
        along, across = stack.length / counts[0], stack.width / counts[1]
        return abs(math.log(along / across)) + counts[0] * counts[1] / wanted, counts[0]

    most = min(2 * wanted, 4 * ranks + wanted)
    shapes = [
        (azimuth, sample)
        for azimuth in range(1, min(most, stack.length) + 1)
        for sample in range(-(-wanted // azimuth), min(most // azimuth, stack.width) + 1)
        if azimuth * sample % ranks == 0
    ]
    return min(shapes, key=judged, default=(1, 1))


def _fits(stack: SlcStack, n_ifg: int, count: int, memory: float) -> bool:
    """Whether the patch stages fit into the memory of a rank."""
    points = math.ceil(DENSITY * stack.width * stack.length / count)
    extent = Extent(points, n_ifg, CELLS_PER_POINT * points)
    of_mode = tasks("sb" if stack.small_baselines else "ps")
    specs = [row.spec for row in of_mode if row.spec.scope == "patch"]
    return max(least(spec, extent) for spec in specs) <= memory
