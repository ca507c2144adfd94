"""A stack of images before its preparation: what is there, what is wrong, what can be expected."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pystamps_kernels.dispatch import KernelTable, table

from ...dataset.candidates.text import date_pairs_in, dates_in, day_text
from ...dataset.problems import Problems
from ...dataset.rows import AnyArray, BoolArray
from ...dataset.slc_stack import Raster, SlcStack, makers, read_stack, require_sound
from ...dataset.slc_stack.raster import words_of_images
from ...dataset.tree import discover_dataset
from ...parallel.cpus import visible_cpus
from ...parallel.memory import memory_budget
from ...parallel.team import SerialTeam
from ...stages.prepare.selection import Images, choose, choose_of_pairs
from . import require_mode
from .layout import Layout, lay_out
from .options import Options
from .suggestion import suggest

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)
"""Amplitude dispersions that candidates are foretold for."""

LINES = 64
"""Lines that are looked at, spread over the scene."""

Row = dict[str, Any]


def is_unprepared(root: Path) -> bool:
    """Whether a processor left a stack in a directory that has no patches yet."""
    return not discover_dataset(root, need_patches=False).patches and bool(makers(root))


def examine_stack(root: Path, master: str | None = None) -> dict[str, Any]:
    """Describe a stack of images and all that is wrong with it; only reads.

    Parameters
    ----------
    root : Path
        Where a processor left a stack.
    master : str or None
        Date of the master, where nothing else tells it.

    Returns
    -------
    dict
        ``problems``, each with file, what is wrong and a remedy, and what could be found out
        beside them: ``overview``, ``rasters``, ``images``, ``candidates``, ``patches``.
    """
    found = Problems()
    document: dict[str, Any] = {
        "dataset": str(root), "overview": {}, "rasters": [], "images": [], "candidates": [],
        "patches": [], "warnings": [],
    }  # fmt: skip
    stack = found.tried(read_stack, "auto", root, master)
    if stack is not None:
        layout = found.tried(lay_out, stack, Options(), False)
        found.tried(require_sound, stack, layout.mask if layout else None)
        found.tried(require_mode, stack)
        document |= {
            "overview": _overview(stack),
            "rasters": [_raster(each, stack, found.messages) for each in stack.rasters],
            "patches": _suggested(stack),
            "warnings": list(stack.warnings),
        }
        if layout is not None and not found.messages:
            document |= found.tried(_of_sampled_lines, layout, found) or {}
    return {**document, "sound": not found.messages, "problems": found.messages}


def _overview(stack: SlcStack) -> Row:
    return {
        "processor": stack.processor,
        "small_baselines": stack.small_baselines,
        "master": stack.master,
        "width": stack.width,
        "length": stack.length,
        "size_from": stack.size_from,
        "images": len(set(stack.dates)),
        "interferograms": len(stack.ifgs),
    }


def _raster(raster: Raster, stack: SlcStack, problems: Sequence[str]) -> Row:
    named = any(told.startswith(str(raster.path)) for told in problems)
    try:
        size = os.stat(raster.path).st_size
    except OSError:
        size = None
    return {
        "raster": os.path.relpath(raster.path, stack.root),
        "samples": raster.sample,
        "order": raster.order,
        "bytes": size,
        "expected": raster.disk_bytes,
        "status": "warning" if named else "ok",
    }


def _suggested(stack: SlcStack) -> list[Row]:
    """Return the patches that ``--patches auto`` would make with one rank, and a rank per CPU."""
    memory = memory_budget(SerialTeam().members).planned
    rows = []
    for ranks in sorted({1, visible_cpus(os.environ)}):
        counts, overlap = suggest(stack, ranks, memory / ranks)
        rows.append({"ranks": ranks, "azimuth_patches": counts[0], "range_patches": counts[1],
                     "azimuth_overlap": overlap[0], "range_overlap": overlap[1]})  # fmt: skip
    return rows


@dataclass(frozen=True)
class _Sample:
    """Some lines of every image, and what of them the mask leaves out."""

    stack: SlcStack
    lines: list[slice]
    excluded: BoolArray
    kernels: KernelTable

    def read(self, some: slice) -> AnyArray:
        """Return words of images, as :class:`Images` wants them."""
        slcs = self.stack.slcs[some]
        return np.concatenate([words_of_images(slcs, lines) for lines in self.lines], axis=1)

    @property
    def swapped(self) -> bool:
        """Whether this machine has the other order of bytes."""
        return self.stack.slcs[0].swapped

    def mean_amplitude(self, k: int) -> tuple[float, float]:
        """Return mean amplitude and share of the pixels without data."""
        (words,) = self.read(slice(k, k + 1))
        masked, whole = (
            self.kernels.prep_amplitude_sum(words, self.swapped, excluded, 0.0, 0)
            for excluded in (self.excluded, np.zeros(len(words), bool))
        )
        return masked[0] / masked[1] if masked[1] else 0.0, 1 - whole[1] / len(words)


def _of_sampled_lines(layout: Layout, found: Problems) -> dict[str, Any]:
    """Return the share without data of every image, and the candidates that can be expected.

    An image without any amplitude in these lines is noted.
    """
    stack, mask = layout.stack, layout.mask
    step = max(stack.length // LINES, 1)
    lines = [slice(i, i + 1) for i in range(step // 2, stack.length, step)]
    excluded = np.zeros(len(lines) * stack.width, bool)
    if mask is not None:
        excluded = np.concatenate([mask.read(each).reshape(-1) != 0 for each in lines])
    sample = _Sample(stack, lines, excluded, table("python", "double"))  # nothing to compile
    seen = [sample.mean_amplitude(k) for k in range(len(stack.slcs))]
    found.messages += [
        f"{slc.path}: no valid pixel in {len(lines)} lines; make it again, or leave it out"
        for slc, (mean, _) in zip(stack.slcs, seen, strict=True)
        if not mean
    ]
    expected = [] if found.messages else _expected(sample, [mean for mean, _ in seen])
    return {"images": _images(stack, seen), "candidates": expected}


def _images(stack: SlcStack, seen: Sequence[tuple[float, float]]) -> list[Row]:
    """Return a row for each date; of several files of a date the one with least data counts."""
    rows: dict[str, Row] = {}
    for date, (mean, empty) in zip(stack.dates, seen, strict=True):
        row = rows.setdefault(date, {"date": date, "interferograms": 0, "no_data": 0.0})
        row |= {"no_data": max(row["no_data"], empty), "mean_amplitude": mean}
    for ifg in stack.ifgs:
        for date in _dates(ifg.path, stack.master):
            if date in rows:
                rows[date]["interferograms"] += 1
    return [rows[date] for date in sorted(rows)]


def _dates(ifg: Path, master: str) -> tuple[str, ...]:
    """Return the two dates of an interferogram; with one date, it is a pair with the master."""
    for name in (ifg.name, ifg.parent.name):
        for pair in date_pairs_in(name):
            return day_text(pair[0]), day_text(pair[1])
        for day in dates_in(name):
            return master, day_text(day)
    return ()


def _expected(sample: _Sample, means: Sequence[float]) -> list[Row]:
    """Return how many candidates there are below each threshold, by the share in the sample."""
    rule = choose_of_pairs if sample.stack.small_baselines else choose
    images = Images(sample.read, sample.swapped, at_once=2)
    constants = np.array(means, np.float32)
    found = rule(images, constants, sample.excluded, math.inf, sample.kernels)
    dispersion = np.nan_to_num(found.dispersion[found.taken])
    pixels = sample.stack.width * sample.stack.length
    shares = [np.count_nonzero(dispersion < t) / len(found.taken) for t in THRESHOLDS]
    return [
        {"amp_dispersion": t, "share": share, "candidates": round(share * pixels)}
        for t, share in zip(THRESHOLDS, shares, strict=True)
    ]
