"""Cheapest cycles on a network of chains: a flow of convex cost by successive shortest paths.

Every chain starts with the cycles that are cheapest for itself. The faces that then have too many
send them, one by one and on the cheapest way, to faces that lack some. Potentials keep the cost of
every further step at or above zero, so that each search is Dijkstra's, reaches only as far as the
next face that lacks cycles, and the flow is the cheapest of all when nothing is left.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from .costs import NO_COST, UNITS_PER_CYCLE

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Faces that a search from a single source may visit, pass by pass; then all sources search at once.
REACH = (30, 100, 300, 1000)

# Faces that a search for a way back may visit: near by, then far, there as long as all searches
# together have not visited every face so many times.
WAY_BACK = (300, 3000)
FAR_VISITS = 6


@dataclass
class _Network:
    """Chains, their cycles, and for every face the links that leave it (chains from 1, signed)."""

    tail: Ints
    head: Ints
    n_arcs: Ints
    offset: Ints
    sigsq: Ints
    cycles: Longs
    links: list[list[int]] = field(default_factory=list)

    def connect(self, n_face: int) -> None:
        """List the links of every face in order of their chains."""
        self.links = [[] for _ in range(n_face)]
        for chain in range(self.tail.size):
            if self.tail[chain] != self.head[chain]:
                self.links[self.tail[chain]].append(chain + 1)
                self.links[self.head[chain]].append(-chain - 1)

    def end(self, link: int) -> int:
        """Return the face that a link leads to."""
        return int(self.head[link - 1] if link > 0 else self.tail[-link - 1])

    def price(self, chain: int, cycles: int, once: bool = False) -> int:
        """Cost of cycles on a chain; one without statistics pays for every cycle, or `once`."""
        n_arcs, sigsq = int(self.n_arcs[chain]), int(self.sigsq[chain])
        if sigsq == 0:
            return n_arcs * (min(abs(cycles), 1) if once else abs(cycles))
        if sigsq == NO_COST:
            return 0
        return n_arcs * ((UNITS_PER_CYCLE * cycles + int(self.offset[chain])) ** 2 // sigsq)

    def step(self, link: int, once: bool = False) -> int:
        """Cost of one cycle along a link."""
        chain = abs(link) - 1
        here = int(self.cycles[chain])
        there = here + (1 if link > 0 else -1)
        return self.price(chain, there, once) - self.price(chain, here, once)

    def send(self, path: list[int]) -> None:
        """Send one cycle along links."""
        for link in path:
            self.cycles[abs(link) - 1] += 1 if link > 0 else -1


def cheapest_flow(
    tail: Ints, head: Ints, n_arcs: Ints, offset: Ints, sigsq: Ints, supply: Longs, stop: Bools
) -> tuple[Longs, Longs, int]:
    """Find the cycles of least cost that leave every face by its supply.

    Parameters
    ----------
    tail, head, n_arcs : (n_chain,) int32
        See :func:`.chains.chains`.
    offset, sigsq : (n_chain,) int32
        Cost parabola along the chain, ``n_arcs (200 k + offset)^2 // sigsq`` for k cycles; with
        sigsq 0 it costs ``n_arcs |k|``.
    supply : (n_face,) int64
        Cycles that have to leave each face; they add up to zero.
    stop : (1,) bool
        Set by another thread to return at once.

    Returns
    -------
    cycles : (n_chain,) int64
        Cycles of each chain.
    potential : (n_face,) int64
        Proof: no cycle more or less on a chain costs less than the potential rises along it.
    left : int
        Cycles that found no way, or not yet.

    Notes
    -----
    Parabolas with sigsq below 32768 are convex also after the integer division. Ahuja, Magnanti
    and Orlin, Network Flows (1993), sections 9.7 and 14.5.

    Examples
    --------
    A cycle has to get from face 0 to face 1, by an arc that expects it or by one that does not.

    >>> tail, head, n_arcs = (np.array(x, np.int32) for x in ([0, 0], [1, 1], [1, 1]))
    >>> offset, sigsq = (np.array(x, np.int32) for x in ([0, -180], [500, 500]))
    >>> supply, stop = np.array([1, -1]), np.zeros(1, bool)
    >>> cycles, _, left = cheapest_flow(tail, head, n_arcs, offset, sigsq, supply, stop)
    >>> cycles.tolist(), left
    ([0, 1], 0)
    """
    network = _Network(tail, head, n_arcs, offset, sigsq, np.zeros(tail.size, np.int64))
    excess = supply.copy()
    for chain in range(tail.size):
        own = _own_cycles(network, chain)
        network.cycles[chain] = own
        excess[tail[chain]] -= own
        excess[head[chain]] += own
    network.connect(supply.size)
    potential = np.zeros(supply.size, np.int64)
    for reach in REACH:
        for source in range(supply.size):
            while excess[source] > 0 and not stop[0]:
                end, via = _search([source], reach, network, excess, potential)
                if end < 0:
                    break
                _send(source, end, via, network, excess)
    while not stop[0] and (sources := np.flatnonzero(excess > 0).tolist()):
        if _search(sources, supply.size + 1, network, excess, potential)[0] < 0:
            break
        _send_all(sources, network, excess, potential)
    return network.cycles, potential, int(np.abs(excess).sum()) // 2


def _own_cycles(network: _Network, chain: int) -> int:
    """Return the number of cycles that cost least on a chain of its own."""
    if network.sigsq[chain] in (0, NO_COST):
        return 0
    twice = 2 * UNITS_PER_CYCLE
    cycles = -((2 * int(network.offset[chain]) + UNITS_PER_CYCLE) // twice)
    for side in (1, -1):
        while network.price(chain, cycles + side) < network.price(chain, cycles):
            cycles += side
    return cycles


def _search(
    sources: list[int], reach: int, network: _Network, excess: Longs, potential: Longs
) -> tuple[int, dict[int, tuple[int, int]]]:
    """Walk out from faces with too many cycles by Dijkstra's method and lift the potentials.

    One source stops at the first face that lacks cycles, several stop when as many are lacking as
    they have. Returns the last face found that lacks some (-1 for none), and how each was reached.
    """
    distance = dict.fromkeys(sources, 0)
    heap = [(0, face) for face in sources]
    via: dict[int, tuple[int, int]] = {}
    settled: dict[int, int] = {}
    wanted = 1 if len(sources) == 1 else int(excess[sources].sum())
    found, last = -1, 0
    while heap:
        here, face = heappop(heap)
        if face in settled:
            continue
        last = here
        if len(settled) >= reach:
            break
        settled[face] = here
        if excess[face] < 0:
            found = face
            wanted += int(excess[face])
            if wanted <= 0:
                break
        for link in network.links[face]:
            other = network.end(link)
            if other in settled:
                continue
            there = here + network.step(link) + int(potential[face] - potential[other])
            if other not in distance or there < distance[other]:
                distance[other] = there
                via[other] = (link, face)
                heappush(heap, (there, other))
    for face, here in settled.items():
        potential[face] += here - last
    return found, via


def _path(source: int, end: int, via: dict[int, tuple[int, int]]) -> Iterator[int]:
    while end != source:
        link, end = via[end]
        yield link


def _send(
    source: int, end: int, via: dict[int, tuple[int, int]], network: _Network, excess: Longs
) -> None:
    """Send one cycle along the path that a search has left behind."""
    excess[source] -= 1
    excess[end] += 1
    network.send(list(_path(source, end, via)))


def _send_all(sources: list[int], network: _Network, excess: Longs, potential: Longs) -> None:
    """Send cycles along links of no reduced cost until no source finds a way: depth first."""
    place = [0] * excess.size
    on_path: set[int] = set()
    for source in sources:
        while excess[source] > 0:
            face = source
            on_path.add(source)
            via: dict[int, tuple[int, int]] = {}
            while excess[face] >= 0:
                moved = False
                while place[face] < len(network.links[face]) and not moved:
                    link = network.links[face][place[face]]
                    other = network.end(link)
                    rise = potential[other] - potential[face]
                    if other not in on_path and network.step(link) == rise:
                        via[other] = (link, face)
                        on_path.add(other)
                        face = other
                        moved = True
                    else:
                        place[face] += 1
                if not moved:
                    if face == source:
                        break
                    face = via[face][1]
                    place[face] += 1
            if excess[face] >= 0:
                break
            _send(source, face, via, network, excess)
            while face != source:
                on_path.discard(face)
                face = via[face][1]


def share_free_chains(
    tail: Ints, head: Ints, n_arcs: Ints, offset: Ints, sigsq: Ints, cycles: Longs,
    potential: Longs, stop: Bools,
) -> Longs:  # fmt: skip
    """Improve cheapest cycles where a chain without statistics pays once for any number of them.

    :func:`cheapest_flow` charges such a chain for every cycle, SNAPHU charges it once. For every
    one that carries cycles, a way back is sought near by: one cycle more around this ring is free
    on the chain itself, and pays where it empties another or shares a third.

    Parameters
    ----------
    tail, head, n_arcs, offset, sigsq, stop
        See :func:`cheapest_flow`.
    cycles, potential : int64
        Its result.

    Returns
    -------
    (n_chain,) int64
        Cycles of each chain, not dearer than before.
    """
    network = _Network(tail, head, n_arcs, offset, sigsq, cycles.copy())
    network.connect(potential.size)
    room = FAR_VISITS * potential.size
    for reach in WAY_BACK:
        improved = True
        while improved and room > 0 and not stop[0]:
            improved = False
            for chain in range(tail.size):
                used = int(network.cycles[chain])
                if sigsq[chain] != 0 or used == 0 or tail[chain] == head[chain]:
                    continue
                link = chain + 1 if used > 0 else -chain - 1
                begin, goal = network.end(link), network.end(-link)
                via, seen = _way_back(begin, goal, chain, min(reach, room), network, potential)
                if reach == WAY_BACK[-1]:
                    room -= seen
                ring = list(_path(begin, goal, via)) if via else []
                if ring and sum(network.step(part, once=True) for part in ring) < 0:
                    improved = True
                    network.send([link, *ring])
    return network.cycles


def _way_back(
    begin: int, goal: int, used: int, reach: int, network: _Network, potential: Longs
) -> tuple[dict[int, tuple[int, int]], int]:
    """Look for a way over `reach` faces that costs less than the arcs of chain `used`.

    Returns the steps, none if there is no such way, and the number of faces seen.
    """
    budget = int(network.n_arcs[used])
    distance = {begin: 0}
    heap = [(0, begin)]
    via: dict[int, tuple[int, int]] = {}
    settled: set[int] = set()
    while heap and len(settled) < reach:
        here, face = heappop(heap)
        if face == goal:
            return via, len(settled)
        if face in settled:
            continue
        settled.add(face)
        for link in network.links[face]:
            other = network.end(link)
            if other in settled or abs(link) - 1 == used:
                continue
            step = network.step(link, once=True) + int(potential[face] - potential[other])
            there = here + max(step, 0)
            if there < budget and (other not in distance or there < distance[other]):
                distance[other] = there
                via[other] = (link, face)
                heappush(heap, (there, other))
    return {}, len(settled)
