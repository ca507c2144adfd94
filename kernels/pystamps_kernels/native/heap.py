"""A binary heap of (distance, node) in two arrays; of equal distances the lower node comes first.

The caller keeps the size: it stores behind the last entry and takes from the front.
"""

from typing import Any

from .compile import inline


@inline
def _before(distance: Any, node: Any, other_distance: Any, other_node: Any) -> Any:
    return distance < other_distance or (distance == other_distance and node < other_node)


@inline
def heap_push(distances: Any, nodes: Any, size: Any, distance: Any, node: Any) -> None:
    """Add an entry to a heap of `size` entries."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if not _before(distance, node, distances[above], nodes[above]):
            break
        distances[place] = distances[above]
        nodes[place] = nodes[above]
        place = above
    distances[place] = distance
    nodes[place] = node


@inline
def heap_drop(distances: Any, nodes: Any, size: Any) -> None:
    """Remove the first of `size` entries."""
    last = size - 1
    distance, node = distances[last], nodes[last]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= last:
            break
        if below + 1 < last and _before(
            distances[below + 1], nodes[below + 1], distances[below], nodes[below]
        ):
            below += 1
        if not _before(distances[below], nodes[below], distance, node):
            break
        distances[place] = distances[below]
        nodes[place] = nodes[below]
        place = below
    distances[place] = distance
    nodes[place] = node
