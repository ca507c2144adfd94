"""The driver's schedule on modelled ranks: the decisions are those of the real task queue.

:func:`replay_patches` runs chains of steps over ranks as ``run_patches`` does: the order and who
gets what come from :mod:`pystamps_hpc.parallel.order`, only time is modelled. :func:`replay_merged`
runs one task that all ranks share: rows cut by the real ``stretches`` of the team, columns by the
same queue, and then rank 0 alone.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.event_loop import Clock, Line, Process, Request, Shared
from pystamps_hpc.parallel.order import NO_MORE, Places, largest_first
from pystamps_hpc.parallel.team import stretches

QUESTION_SEC = 3e-5
"""What rank 0's thread needs for a question: two small messages over the network."""
PAUSE_SEC = 1e-3
"""What a question waits for that thread on average; it looks up every 2 ms (``queue.PAUSE``)."""
NETWORK = 2e9
"""Bytes per second that all ranks get of what one sends to all."""
OPERATIONS_PER_FILE = {"read": 3, "written": 6}
"""Opened, asked for its size, closed; written also flushed, renamed and recorded."""


@dataclass(frozen=True)
class Cluster:
    """Ranks and the file system that they share.

    Parameters
    ----------
    ranks, per_node, threads : int
        All ranks, those of a node, and threads of each in the merged stages.
    slow_share, slow_factor : float
        Share of the ranks that are slower, and how many times.
    disk, stream : float
        Bytes per second of the file system, and of one rank.
    operations, latency : float
        Metadata operations per second of the file system, and seconds of one.
    seed : int
        Which ranks are slow.
    """

    ranks: int
    per_node: int = 64
    threads: int = 1
    slow_share: float = 0.0
    slow_factor: float = 5.0
    disk: float = 40e9
    stream: float = 2e9
    operations: float = 20e3
    latency: float = 5e-4
    seed: int = 0

    @property
    def nodes(self) -> int:
        """Nodes that the ranks fill."""
        return -(-self.ranks // self.per_node)

    @property
    def slowness(self) -> NDArray[np.float64]:
        """How many times longer each rank works (ranks,)."""
        factor = np.ones(self.ranks)
        n_slow = math.ceil(self.slow_share * self.ranks)
        slow = np.random.default_rng(self.seed).permutation(self.ranks)[:n_slow]
        factor[slow] = self.slow_factor
        return factor


@dataclass(frozen=True)
class Step:
    """What a stage does in one patch: seconds of a core, bytes, files."""

    stage: str
    seconds: float
    bytes_read: float = 0.0
    bytes_written: float = 0.0
    files_read: float = 0.0
    files_written: float = 0.0


@dataclass
class Replay:
    """What became of a schedule.

    Attributes
    ----------
    seconds : float
        When the last rank had nothing more to do, or when it was stopped.
    spent : dict of str to dict of str to float
        Seconds of all ranks by stage and by what for: ``work``, ``bytes``, ``files``.
    ended : (ranks,) ndarray
        When each rank had nothing more to do; infinite if it was stopped before.
    finished : list of int
        Steps of each task that are finished.
    questions : int
        Questions to rank 0.
    takers : list of int
        Rank that got each task, -1 for none.
    """

    seconds: float
    spent: dict[str, dict[str, float]]
    ended: NDArray[np.float64]
    finished: list[int]
    questions: int = 0
    takers: list[int] = field(default_factory=list)


Tasks = Sequence[Sequence[Step]]


def replay_patches(
    tasks: Tasks, cost: Sequence[float], cluster: Cluster, until: float = math.inf
) -> Replay:
    """Run the steps of every task on whichever rank is free, the costliest first.

    Parameters
    ----------
    tasks : sequence of sequences of Step
        What is done one after the other in each patch.
    cost : sequence of float
        What the driver takes for the work in each: only the order of the tasks follows from it.
    cluster : Cluster
        Where.
    until : float
        When everything is stopped [s].
    """
    clock = Clock()
    disk = Shared(clock, cluster.disk, cluster.stream)
    files = Shared(clock, cluster.operations, 1 / cluster.latency)
    root = Line(clock, QUESTION_SEC, PAUSE_SEC)
    order, places = largest_first(cost, len(tasks)), Places(len(tasks))
    found = Replay(
        0.0,
        defaultdict(lambda: defaultdict(float)),
        np.full(cluster.ranks, math.inf),
        [0] * len(tasks),
        takers=[-1] * len(tasks),
    )

    def requests(step: Step, slowness: float) -> list[tuple[str, Request]]:
        reads = OPERATIONS_PER_FILE["read"] * step.files_read
        writes = OPERATIONS_PER_FILE["written"] * step.files_written
        wanted = [
            ("files", files.use(reads), reads),
            ("bytes", disk.use(step.bytes_read), step.bytes_read),
            ("work", clock.after(step.seconds * slowness), step.seconds),
            ("bytes", disk.use(step.bytes_written), step.bytes_written),
            ("files", files.use(writes), writes),
        ]
        return [(what, request) for what, request, amount in wanted if amount]

    def rank(number: int, slowness: float) -> Process:
        while True:
            if number:
                found.questions += 1
                yield root.ask()
            place = places.take()
            if place == NO_MORE:
                found.ended[number] = clock.now
                return
            task = order[place]
            found.takers[task] = number
            for step in tasks[task]:
                for what, request in requests(step, slowness):
                    began = clock.now
                    yield request
                    found.spent[step.stage][what] += clock.now - began
                found.finished[task] += 1

    for number, slowness in enumerate(cluster.slowness):
        clock.start(rank(number, slowness))
    found.seconds = clock.run(until)
    return found


def replay_death(
    tasks: Tasks, cost: Sequence[float], cluster: Cluster, at: float, restart: float
) -> tuple[float, float]:
    """Return the seconds of a run of which a rank dies, its rerun included, and those lost.

    The launcher ends all ranks with the one. What is published stays; the rerun does the rest, in
    the order of the whole patches, as the driver has it.

    Parameters
    ----------
    at, restart : float
        When a rank dies, and how long it is until the job runs again [s].
    """
    before = replay_patches(tasks, cost, cluster, until=at)
    left = [task[done:] for task, done in zip(tasks, before.finished, strict=True)]
    due = [number for number, steps in enumerate(left) if steps]
    after = replay_patches([left[n] for n in due], [cost[n] for n in due], cluster)
    done = sum(
        step.seconds
        for task, finished in zip(tasks, before.finished, strict=True)
        for step in task[:finished]
    )
    lost = max(before.seconds * cluster.ranks - done, 0.0) / cluster.ranks
    return before.seconds + restart + after.seconds, lost


def bound(tasks: Tasks, cluster: Cluster) -> float:
    """Return what no order of the tasks could be faster than, bytes and files left out [s].

    That is all work on all ranks, or the longest task on a rank that is not slow.
    """
    work = [sum(step.seconds for step in task) for task in tasks]
    return max(sum(work) / float((1 / cluster.slowness).sum()), max(work))


@dataclass(frozen=True)
class MergedWork:
    """What a stage does with all points at once.

    Parameters
    ----------
    stage : str
        Name.
    rows, serial : float
        Seconds of a core for all rows, cut over the ranks, and of rank 0 alone.
    columns : float
        Seconds of a core for all columns, each of which one rank takes.
    bytes_rows, bytes_whole : float
        Read by each rank its own; read by every rank whole.
    bytes_written, bytes_written_rows : float
        Written by rank 0; by each rank its own.
    files_read, files_written : float
        Files that every rank opens, and those that rank 0 writes.
    by_root : bool
        Whether rank 0 opens the files for all and sends what is read whole, as it does where they
        are those of all patches.
    """

    stage: str
    rows: float
    serial: float
    columns: float = 0.0
    bytes_rows: float = 0.0
    bytes_whole: float = 0.0
    bytes_written: float = 0.0
    bytes_written_rows: float = 0.0
    files_read: float = 0.0
    files_written: float = 0.0
    by_root: bool = False


@dataclass(frozen=True)
class MergedTime:
    """How long the parts of a merged stage take [s].

    Parameters
    ----------
    opening : float
        Files are opened.
    moving : float
        What is needed whole gets to every node, and every rank reads its rows and writes them.
    spread : float
        Until the last rank is done with its rows and columns.
    alone : float
        Rank 0 orders, and writes what is not spread, while the others wait.
    """

    opening: float
    moving: float
    spread: float
    alone: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.opening + self.moving + self.spread + self.alone


def replay_merged(work: MergedWork, n_ps: int, n_columns: int, cluster: Cluster) -> MergedTime:
    """Run a merged stage on all ranks; rows are not balanced, columns go to whoever is free."""
    operations = OPERATIONS_PER_FILE["read"] * work.files_read
    readers = 1 if work.by_root else cluster.ranks
    opening = max(operations * cluster.latency, operations * readers / cluster.operations)
    copies = 1 if work.by_root else cluster.nodes
    whole = max(work.bytes_whole / cluster.stream, work.bytes_whole * copies / cluster.disk)
    if work.by_root and cluster.ranks > 1:
        whole += work.bytes_whole / NETWORK
    own = sum(
        max(n_bytes / cluster.ranks / cluster.stream, n_bytes / cluster.disk)
        for n_bytes in (work.bytes_rows, work.bytes_written_rows)
    )
    share = np.array([stop - start for start, stop in stretches(n_ps, cluster.ranks)]) / n_ps
    spread = float((share * work.rows * cluster.slowness).max()) / cluster.threads
    if work.columns:
        tasks = [[Step(work.stage, work.columns / n_columns)]] * n_columns
        takers = replace(cluster, ranks=cluster.ranks * cluster.threads)
        spread += replay_patches(tasks, [1.0] * n_columns, takers).seconds
    written = work.bytes_written / cluster.stream
    written += OPERATIONS_PER_FILE["written"] * work.files_written * cluster.latency
    return MergedTime(opening, whole + own, spread, max(work.serial, written))
