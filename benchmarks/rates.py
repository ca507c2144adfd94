"""Rates of the stages, from what `make bench-large` has recorded, and the work of larger stacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.replay import MergedWork, Step
from benchmarks.scaling import COSTS, Stack
from pystamps_hpc.pipeline.expected_memory import CELLS_PER_POINT, Extent, kept
from pystamps_hpc.pipeline.table import tasks

GATHERS = "5 merged"
"""The stage that reads the files of all patches."""
BY_COLUMN = "6 merged"
"""The stage whose work is one interferogram to a core, but for rank 0's part."""


DEVIATIONS = {"different": 0.3, "very different": 1.0}
"""Of the logarithm of the candidates of patches."""


@dataclass(frozen=True)
class Rate:
    """What a stage costs for a unit of its work (:data:`benchmarks.scaling.COSTS`).

    Parameters
    ----------
    seconds : float
        Seconds of a core, those of all ranks together.
    serial : float
        Seconds that rank 0 works while the others of a merged stage wait, for a point: it orders
        points and triangulates them, whatever the number of interferograms.
    bytes_rows, bytes_written, bytes_written_rows : float
        Bytes for a unit; of what is written those of which every rank writes its own.
    bytes_whole : float
        Bytes that every rank of a merged stage reads, for a point.
    files_read, files_written : float
        Files of a patch; of a merged stage those of the whole run, and those it reads of a patch.
    """

    seconds: float
    serial: float
    bytes_rows: float
    bytes_written: float
    bytes_written_rows: float
    bytes_whole: float
    files_read: float
    files_written: float


Rates = dict[str, Rate]


def rates_of(run: dict[str, Any], ranks: int) -> Rates:
    """Return the rates of a run that :mod:`benchmarks.growth` has recorded on some ranks.

    Of a merged stage what its ranks do counts, not the time in which they wait for each other or
    for the disk, whose bytes count instead. Where other work on the machine has made the times add
    up to more than the processor time of the run, all of them are shortened to that.
    """
    stack = Stack(run["n_candidates"], run["n_ifg"], run["patches"])
    root = dict.fromkeys(run["stage_sec"], 0.0) | (run["root_sec"] if ranks > 1 else {})
    own = run["stage_sec"] | run["own_sec"]
    calm = min(run["cpu_sec"] / sum(own.values()), 1.0)
    found = {}
    for stage in run["stage_sec"]:
        units, moved = COSTS[stage].units(stack), run["stage_bytes"][stage]
        merged = stage.endswith("merged")
        read, whole = moved["rows"], moved["whole"]
        found[stage] = Rate(
            seconds=calm * max(own[stage] - root[stage], 0.0) / units,
            serial=calm * root[stage] / stack.ps,
            bytes_rows=(read if merged else read + whole) / units,
            bytes_written=moved["written"] / units,
            bytes_written_rows=moved["written_rows"] / units,
            bytes_whole=whole / stack.ps if merged else 0.0,
            files_read=moved["files_read"] / (1 if merged else run["patches"]),
            files_written=moved["files_written"] / (1 if merged else run["patches"]),
        )
        if stage == GATHERS:
            found[stage] = _per_patch(found[stage], run["patches"])
    return found


def _per_patch(rate: Rate, patches: int) -> Rate:
    """Return the rate of a stage that reads files of every patch."""
    return Rate(**{**vars(rate), "files_read": rate.files_read / patches})


def patch_steps(rates: Rates, candidates: Sequence[float], ifgs: int) -> list[list[Step]]:
    """Return what the stages do in patches of so many candidates."""
    return [
        [
            Step(
                stage,
                rate.seconds * units,
                rate.bytes_rows * units,
                rate.bytes_written * units,
                rate.files_read,
                rate.files_written,
            )
            for stage, rate in rates.items()
            if stage.endswith("patch")
            for units in [COSTS[stage].units(Stack(size, ifgs, 1))]
        ]
        for size in candidates
    ]


def merged_work(rates: Rates, stack: Stack) -> list[MergedWork]:
    """Return what the merged stages do with a stack."""
    found = []
    for stage, rate in rates.items():
        if not stage.endswith("merged"):
            continue
        units = COSTS[stage].units(stack)
        seconds = rate.seconds * units
        found.append(
            MergedWork(
                stage,
                rows=0.0 if stage == BY_COLUMN else seconds,
                serial=rate.serial * stack.ps,
                columns=seconds if stage == BY_COLUMN else 0.0,
                bytes_rows=rate.bytes_rows * units,
                bytes_whole=rate.bytes_whole * stack.ps,
                bytes_written=(rate.bytes_written - rate.bytes_written_rows) * units,
                bytes_written_rows=rate.bytes_written_rows * units,
                files_read=rate.files_read * (stack.patches if stage == GATHERS else 1),
                files_written=rate.files_written,
                by_root=stage == GATHERS,
            )
        )
    return found


def sizes(patches: int, candidates: float, kind: str, seed: int) -> list[float]:
    """Return candidates of patches that add up to all of them.

    Parameters
    ----------
    patches : int
        How many.
    candidates : float
        All of them.
    kind : {"even", "different", "very different", "one of 20 x"}
        Equal; log-normal with a deviation of 0.3 or 1; one patch twenty times as large as the
        others.
    seed : int
        Seed of the log-normal numbers.
    """
    share = np.ones(patches)
    if kind in DEVIATIONS:
        share = np.random.default_rng(seed).lognormal(0.0, DEVIATIONS[kind], patches)
    elif kind == "one of 20 x":
        share[patches // 2] = 20.0
    elif kind != "even":
        raise ValueError(f"no such kind of patches: {kind}")
    whole: list[float] = (candidates * share / share.sum()).tolist()
    return whole


def uneven_work(steps: list[list[Step]], spread: float, seed: int) -> list[list[Step]]:
    """Return steps whose seconds differ by what the driver, which knows sizes only, cannot know."""
    factor = np.random.default_rng(seed).lognormal(-(spread**2) / 2, spread, len(steps))
    return [
        [Step(**{**vars(step), "seconds": step.seconds * by}) for step in task]
        for task, by in zip(steps, factor.tolist(), strict=True)
    ]


def memory(stack: Stack, largest: float, ranks: int, per_node: int) -> dict[str, float]:
    """Return what a node holds in each stage whatever its pieces [bytes].

    That is the driver's own estimate of a rank (:func:`.expected_memory.kept`) for all of a node,
    in the largest patch and of the points that are left.
    """
    node = min(per_node, ranks)
    found = {}
    for row in tasks("ps"):
        merged = row.spec.scope == "merged"
        points = stack.ps if merged else largest
        extent = Extent(int(points), int(stack.ifgs), CELLS_PER_POINT * points)
        found[f"{row.spec.number} {row.spec.scope}"] = node * kept(row.spec, extent, ranks)
    return found
