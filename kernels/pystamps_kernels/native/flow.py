"""Cheapest cycles on a network of chains.

All numbers are integers and every search breaks ties by the number of the face, so the result does
not depend on anything but the input.
"""

from typing import Any

import numpy as np

from ..reference.costs import NO_COST, UNITS_PER_CYCLE
from ..reference.flow import FAR_VISITS, REACH, WAY_BACK
from .compile import inline, serial
from .heap import heap_drop, heap_push

FAR = 2**62


@inline
def price(cycles: Any, offset: Any, sigsq: Any, n_arcs: Any) -> Any:
    """Cost of cycles on a chain; without statistics one unit for every cycle and arc."""
    if sigsq == 0:
        return n_arcs * abs(cycles)
    if sigsq == NO_COST:
        return n_arcs * 0
    z = UNITS_PER_CYCLE * cycles + offset
    return n_arcs * ((z * z) // sigsq)


@inline
def true_price(cycles: Any, offset: Any, sigsq: Any, n_arcs: Any) -> Any:
    """Cost of cycles on a chain; without statistics one unit for any number of cycles."""
    if sigsq == 0:
        return n_arcs if cycles != 0 else n_arcs * 0
    return price(cycles, offset, sigsq, n_arcs)


@inline
def cheapest_cycles(offset: Any, sigsq: Any, n_arcs: Any) -> Any:
    """Return the number of cycles that cost least on a chain of its own."""
    if sigsq == 0 or sigsq == NO_COST:
        return offset * 0
    cycles = -((2 * offset + UNITS_PER_CYCLE) // (2 * UNITS_PER_CYCLE))
    while price(cycles + 1, offset, sigsq, n_arcs) < price(cycles, offset, sigsq, n_arcs):
        cycles += 1
    while price(cycles - 1, offset, sigsq, n_arcs) < price(cycles, offset, sigsq, n_arcs):
        cycles -= 1
    return cycles


@inline
def adjacency(tail: Any, head: Any, n_face: Any) -> Any:
    """List the chains at every face.

    Returns where each face's part of the list begins, the chains (from 1, negative where the face
    is the head), and the faces at their other ends.
    """
    starts = np.zeros(n_face + 1, np.int64)
    for chain in range(tail.size):
        if tail[chain] != head[chain]:
            starts[tail[chain] + 1] += 1
            starts[head[chain] + 1] += 1
    for face in range(n_face):
        starts[face + 1] += starts[face]
    place = starts[:-1].copy()
    links = np.empty(starts[n_face], np.int32)
    others = np.empty(starts[n_face], np.int32)
    for chain in range(tail.size):
        if tail[chain] != head[chain]:
            for face, other, link in (
                (tail[chain], head[chain], chain + 1),
                (head[chain], tail[chain], -chain - 1),
            ):
                links[place[face]] = link
                others[place[face]] = other
                place[face] += 1
    return starts, links, others


@inline
def _step_costs(chain: Any, network: Any, cycles: Any, up: Any, down: Any) -> None:
    """Cost of one cycle more and of one less on a chain."""
    n_arcs, offset, sigsq = network
    n, o, s, k = (
        np.int64(n_arcs[chain]),
        np.int64(offset[chain]),
        np.int64(sigsq[chain]),
        cycles[chain],
    )
    here = price(k, o, s, n)
    up[chain] = price(k + 1, o, s, n) - here
    down[chain] = price(k - 1, o, s, n) - here


@inline
def _reduced(link: Any, face: Any, other: Any, up: Any, down: Any, potential: Any) -> Any:
    """Cost of a cycle from a face along a link, less the rise of the potential; never negative."""
    step = up[link - 1] if link > 0 else down[-link - 1]
    return step + potential[face] - potential[other]


@inline
def _send(source: Any, end: Any, via: Any, before: Any, network: Any, flow: Any) -> None:
    """Send one cycle along the path that the search has left behind."""
    cycles, up, down, excess = flow
    excess[source] -= 1
    excess[end] += 1
    face = end
    while face != source:
        link = via[face]
        chain = abs(link) - 1
        cycles[chain] += 1 if link > 0 else -1
        _step_costs(chain, network, cycles, up, down)
        face = before[face]


@serial
def cheapest_flow(
    tail: Any, head: Any, n_arcs: Any, offset: Any, sigsq: Any, supply: Any, stop: Any
) -> Any:
    """Native twin of :func:`reference.flow.cheapest_flow`."""
    n_chain, n_face = tail.size, supply.size
    network = (n_arcs, offset, sigsq)
    cycles = np.empty(n_chain, np.int64)
    up, down = np.empty(n_chain, np.int64), np.empty(n_chain, np.int64)
    excess = supply.copy()
    for chain in range(n_chain):
        own = cheapest_cycles(
            np.int64(offset[chain]), np.int64(sigsq[chain]), np.int64(n_arcs[chain])
        )
        cycles[chain] = own
        excess[tail[chain]] -= own
        excess[head[chain]] += own
        _step_costs(chain, network, cycles, up, down)
    flow = (cycles, up, down, excess)
    graph = adjacency(tail, head, n_face)
    potential = np.zeros(n_face, np.int64)
    marks = (
        np.empty(n_face, np.int64), np.zeros(n_face, np.int32), np.zeros(n_face, np.int32),
        np.empty(n_face, np.int32), np.empty(n_face, np.int32), np.empty(n_face, np.int32),
    )  # fmt: skip
    heap = (np.empty(tail.size * 2 + n_face, np.int64), np.empty(tail.size * 2 + n_face, np.int32))
    sources = np.empty(n_face, np.int32)
    turn = 0
    for reach in REACH:
        for source in range(n_face):
            while excess[source] > 0 and stop[0] == 0:
                turn += 1
                sources[0] = source
                end = _search(sources, 1, reach, graph, flow, potential, marks, heap, turn)
                if end < 0:
                    break
                _send(source, end, marks[3], marks[4], network, flow)
    while stop[0] == 0:
        n_source = 0
        for face in range(n_face):
            if excess[face] > 0:
                sources[n_source] = face
                n_source += 1
        if n_source == 0:
            break
        turn += 1
        end = _search(sources, n_source, FAR, graph, flow, potential, marks, heap, turn)
        if end < 0:
            break
        _send_all(sources, n_source, graph, network, flow, potential, marks)
    return cycles, potential, np.abs(excess).sum() // 2


@inline
def _search(
    sources: Any, n_source: Any, reach: Any, graph: Any, flow: Any, potential: Any, marks: Any,
    heap: Any, turn: Any,
) -> Any:  # fmt: skip
    """Walk out from faces with too many cycles by Dijkstra's method and lift the potentials.

    One source stops at the first face that lacks cycles, several stop when as many are lacking as
    they have. Returns the last face found that lacks some, -1 for none.
    """
    starts, links, others = graph
    _, up, down, excess = flow
    distance, reached, settled, via, before, order = marks
    far, nodes = heap
    size = 0
    wanted = np.int64(0)
    for k in range(n_source):
        face = sources[k]
        distance[face] = 0
        reached[face] = turn
        via[face] = 0
        heap_push(far, nodes, size, np.int64(0), face)
        size += 1
        wanted += excess[face]
    if n_source == 1:
        wanted = np.int64(1)
    found = -1
    last = np.int64(0)
    n_settled = 0
    while size > 0:
        here, face = far[0], nodes[0]
        heap_drop(far, nodes, size)
        size -= 1
        if settled[face] == turn:
            continue
        last = here
        if n_settled >= reach:
            break
        settled[face] = turn
        order[n_settled] = face
        n_settled += 1
        if excess[face] < 0:
            found = face
            wanted += excess[face]
            if wanted <= 0:
                break
        for place in range(starts[face], starts[face + 1]):
            other = others[place]
            if settled[other] == turn:
                continue
            there = here + _reduced(links[place], face, other, up, down, potential)
            if reached[other] != turn or there < distance[other]:
                reached[other] = turn
                distance[other] = there
                via[other] = links[place]
                before[other] = face
                heap_push(far, nodes, size, there, other)
                size += 1
    for k in range(n_settled):
        potential[order[k]] += distance[order[k]] - last
    return found


@inline
def _send_all(
    sources: Any, n_source: Any, graph: Any, network: Any, flow: Any, potential: Any, marks: Any
) -> None:
    """Send cycles along links of no reduced cost until no source finds a way: depth first."""
    starts, links, others = graph
    _, up, down, excess = flow
    _, _, _, via, before, _ = marks
    place = starts[:-1].copy()
    on_path = np.zeros(excess.size, np.bool_)
    for k in range(n_source):
        source = sources[k]
        while excess[source] > 0:
            face = source
            on_path[source] = True
            while excess[face] >= 0:
                moved = False
                while place[face] < starts[face + 1] and not moved:
                    other, link = others[place[face]], links[place[face]]
                    if not on_path[other] and (
                        _reduced(link, face, other, up, down, potential) == 0
                    ):
                        via[other] = link
                        before[other] = face
                        on_path[other] = True
                        face = other
                        moved = True
                    else:
                        place[face] += 1
                if not moved:
                    if face == source:
                        break
                    face = before[face]
                    place[face] += 1
            if excess[face] >= 0:
                break
            _send(source, face, via, before, network, flow)
            while face != source:
                on_path[face] = False
                face = before[face]


@inline
def _gain(link: Any, network: Any, cycles: Any) -> Any:
    """Change of the true cost by one cycle along a link."""
    n_arcs, offset, sigsq = network
    chain = abs(link) - 1
    n, o, s = np.int64(n_arcs[chain]), np.int64(offset[chain]), np.int64(sigsq[chain])
    here = cycles[chain]
    there = here + (1 if link > 0 else -1)
    return true_price(there, o, s, n) - true_price(here, o, s, n)


@inline
def _way_back(
    begin: Any, goal: Any, used: Any, budget: Any, reach: Any, graph: Any, network: Any,
    cycles: Any, potential: Any, marks: Any, heap: Any, turn: Any,
) -> Any:  # fmt: skip
    """Look for a way between two faces that costs less than `budget`, over `reach` faces.

    Returns whether there is one, and the number of faces seen.
    """
    starts, links, others = graph
    distance, reached, settled, via, before = marks
    far, nodes = heap
    distance[begin] = 0
    reached[begin] = turn
    heap_push(far, nodes, 0, np.int64(0), begin)
    size, n_settled = 1, 0
    while size > 0 and n_settled < reach:
        here, face = far[0], nodes[0]
        heap_drop(far, nodes, size)
        size -= 1
        if face == goal:
            return True, n_settled
        if settled[face] == turn:
            continue
        settled[face] = turn
        n_settled += 1
        for place in range(starts[face], starts[face + 1]):
            other, link = others[place], links[place]
            if settled[other] == turn or abs(link) - 1 == used:
                continue
            step = _gain(link, network, cycles) + potential[face] - potential[other]
            there = here + max(step, 0)
            if there < budget and (reached[other] != turn or there < distance[other]):
                reached[other] = turn
                distance[other] = there
                via[other] = link
                before[other] = face
                heap_push(far, nodes, size, there, other)
                size += 1
    return False, n_settled


@serial
def share_free_chains(
    tail: Any, head: Any, n_arcs: Any, offset: Any, sigsq: Any, cycles: Any, potential: Any,
    stop: Any,
) -> Any:  # fmt: skip
    """Native twin of :func:`reference.flow.share_free_chains`."""
    n_face = potential.size
    cycles = cycles.copy()
    network = (n_arcs, offset, sigsq)
    graph = adjacency(tail, head, n_face)
    marks = (
        np.empty(n_face, np.int64), np.zeros(n_face, np.int64), np.zeros(n_face, np.int64),
        np.empty(n_face, np.int32), np.empty(n_face, np.int32),
    )  # fmt: skip
    heap = (np.empty(tail.size * 2 + n_face, np.int64), np.empty(tail.size * 2 + n_face, np.int32))
    turn = 0
    room = np.int64(FAR_VISITS) * n_face
    for reach in WAY_BACK:
        improved = True
        while improved and room > 0 and stop[0] == 0:
            improved = False
            for chain in range(tail.size):
                if sigsq[chain] != 0 or cycles[chain] == 0 or tail[chain] == head[chain]:
                    continue
                forward = cycles[chain] > 0
                begin = head[chain] if forward else tail[chain]
                goal = tail[chain] if forward else head[chain]
                turn += 1
                found, seen = _way_back(
                    begin, goal, chain, n_arcs[chain], min(reach, room), graph, network, cycles,
                    potential, marks, heap, turn,
                )  # fmt: skip
                if reach == WAY_BACK[-1]:
                    room -= seen
                if not found:
                    continue
                _, _, _, via, before = marks
                change = np.int64(0)
                face = goal
                while face != begin:
                    change += _gain(via[face], network, cycles)
                    face = before[face]
                if change >= 0:
                    continue
                improved = True
                cycles[chain] += 1 if forward else -1
                face = goal
                while face != begin:
                    cycles[abs(via[face]) - 1] += 1 if via[face] > 0 else -1
                    face = before[face]
    return cycles
