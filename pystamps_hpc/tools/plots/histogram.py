"""The picture of what decided on the candidates: coherence, amplitude dispersion, noise."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...stages.shared.coherence import RandomCoherence, low_bins
from ...stages.shared.ifgs import Ifgs
from ..drawing.page import (
    FAINT,
    INK,
    MARK,
    Captions,
    new_figure,
    plain_axes,
    require_matplotlib,
    write_captions,
)
from ..products.files import read_artifact, save_picture
from ..products.selected import rows_kept, rows_selected
from .drawn import USUAL_PAGE, Page, Picture, require_picture
from .patches import Patches

PAGE = (13.2, 4.9)
ALL, KEPT = "#b8bec5", "#4a8fc4"
BINS = 100


@dataclass(frozen=True)
class Coherence:
    """Coherence of the candidates of all patches.

    Parameters
    ----------
    bins : (100,) float64
        Centres.
    candidates, random, kept : (100,) float64
        Candidates of each bin; how many of them would be random; how many stage 3 kept (by the
        coherence that stage 2 found). ``kept`` is None before stage 3.
    thresholds : (n,) float64
        Of each patch, the median over its candidates; empty before stage 3.
    """

    bins: FloatArray
    candidates: FloatArray
    random: FloatArray
    kept: FloatArray | None
    thresholds: FloatArray


def coherence_of(patches: Patches) -> Coherence:
    """Count the candidates of all patches by their coherence.

    Raises
    ------
    DatasetError
        No patch has been through stage 2.
    """
    patches.require("pm1")
    counts, random = np.zeros(BINS), np.zeros(BINS)
    kept, thresholds = np.zeros(BINS), []
    bins = np.zeros(BINS)
    for folder, found in patches.each("pm1", "coh_ps", "Nr", "coh_bins"):
        bins, coherence = found["coh_bins"], found["coh_ps"]
        here = _counted(coherence[coherence != 0], bins)
        ifgs = Ifgs.of_keys(read_artifact(folder, "ps1", *Ifgs.KEYS))
        counts += here
        random += RandomCoherence(found["Nr"], low_bins(ifgs)).scaled(here)
        if (folder / "select1.mat").exists():
            kept += _counted(coherence[rows_selected(folder)], bins)
            limit = read_artifact(folder, "select1", "coh_thresh")["coh_thresh"]
            thresholds += [float(np.median(limit))] if np.size(limit) else []
    some = bool(patches.having("select1"))
    return Coherence(bins, counts, random, kept if some else None, np.array(thresholds))


def plot_histogram(
    root: str | os.PathLike[str],
    path: str | os.PathLike[str],
    page: Page = USUAL_PAGE,
) -> Picture:
    """Draw what the stages of the patches decided by, as far as they have come.

    Parameters
    ----------
    root : path
        Dataset of which a patch has been through stage 2.
    path : path
        The picture to write, PNG, PDF or SVG by its suffix; replaced atomically.
    page : Page
        How the picture is written.

    Raises
    ------
    ToolMissingError
        matplotlib is not installed.
    DatasetError, MatError
        No patch has been through stage 2, or an artifact is damaged.
    PublishError
        The picture cannot be written.
    """
    target = Path(path)
    require_matplotlib("plot histogram")
    require_picture(target, page.force)
    patches = Patches.of(root)
    coherence = coherence_of(patches)
    figure = new_figure(PAGE, "plot histogram")
    boxes = [(0.055 + 0.325 * k, 0.22, 0.265, 0.47) for k in range(3)]
    facts: dict[str, Any] = _draw_coherence(figure.add_axes(boxes[0]), coherence)
    drawings: list[Callable[[Any, Patches], dict[str, Any]]] = [_draw_dispersion, _draw_noise]
    for box, draw in zip(boxes[1:], drawings, strict=True):
        facts |= draw(figure.add_axes(box), patches)
    name = patches.dataset.root.name
    captions = Captions(
        page.title or f"{name}: what the candidates were judged by",
        (_counts(coherence, len(patches.having("pm1"))),),
        "Random: as many candidates as there would be of pure noise, by those of low coherence. "
        "Kept: after the second estimate of stage 3, which leaves the own cell of a candidate out; "
        "shown by the first.",
    )  # fmt: skip
    write_captions(figure, captions, 0.055 * PAGE[0], 0.79 * PAGE[1], 0.5)
    stage = max(patches.stage_of(name) for name in ("pm1", "select1", "weed1")
                if patches.having(name))  # fmt: skip
    return Picture(save_picture(figure, target, page.dpi), captions.title, facts, stage)


def _counts(coherence: Coherence, n_patches: int) -> str:
    of = "one patch" if n_patches == 1 else f"{n_patches} patches"
    said = f"{int(coherence.candidates.sum()):,} candidates of {of}"
    if coherence.kept is None:
        return f"{said}; stage 3 has not run"
    return f"{said} · {int(coherence.kept.sum()):,} kept by stage 3"


def _draw_coherence(axes: Any, found: Coherence) -> dict[str, Any]:
    _histogram(axes, "temporal coherence γ", "candidates")
    width = float(np.diff(found.bins[:2])[0])
    axes.bar(found.bins, found.candidates, width, color=ALL, label="candidates")
    if found.kept is not None:
        axes.bar(found.bins, found.kept, width, color=KEPT, label="kept by stage 3")
    axes.step(found.bins, found.random, where="mid", color=INK, linewidth=1.2, label="random")
    axes.set_yscale("log", nonpositive="clip")
    axes.set_ylim(0.7, 2 * max(float(found.candidates.max()), 1))
    axes.set_xlim(0, 1)
    facts: dict[str, Any] = {"candidates": int(found.candidates.sum()), "gamma_threshold": None}
    if found.thresholds.size:
        middle = float(np.median(found.thresholds))
        if len(found.thresholds) > 1:
            axes.axvspan(found.thresholds.min(), found.thresholds.max(), color=MARK, alpha=0.15,
                         linewidth=0)  # fmt: skip
        axes.axvline(middle, color=MARK, linewidth=1.2, label=f"threshold {middle:.2f}")
        facts["gamma_threshold"] = middle
    _legend(axes)
    return facts


@dataclass(frozen=True)
class Judged:
    """A number by which points were judged: how many there are in each bin, and how many are left.

    Parameters
    ----------
    edges : (n + 1,) float64
        Of the bins.
    counts : (n,) int64
        All of them.
    kept : (n,) int64 or None
        Those that are left; None before the stage that decides.
    limit : float or None
        Parameter that decides; None where none does.
    median : float or None
        Of all.
    beyond : int
        How many are not below the limit.
    """

    edges: FloatArray
    counts: IntArray
    kept: IntArray | None
    limit: float | None
    median: float | None
    beyond: int = 0


def dispersion_of(patches: Patches) -> Judged | None:
    """Count the candidates of all patches by amplitude dispersion; None where none has it."""
    all_of, kept = [], []
    for folder, found in patches.each("da1", "D_A"):
        all_of.append(found["D_A"])
        if (folder / "weed1.mat").exists():
            kept.append(found["D_A"][rows_kept(folder)])
    if not all_of:
        return None
    dispersion = np.concatenate(all_of)
    known = dispersion[np.isfinite(dispersion)]
    edges = np.linspace(0, max(float(known.max(initial=0)), 0.01), BINS // 2 + 1)
    left = np.histogram(np.concatenate(kept), edges)[0] if kept else None
    median = float(np.median(known)) if known.size else None
    return Judged(edges, np.histogram(known, edges)[0], left, None, median)


def noise_of_selected(patches: Patches) -> Judged | None:
    """Count the selected candidates by the noise of their least noisy arc [rad].

    Returns
    -------
    Judged or None
        None where no patch was weeded. Without any count where stage 4 did not weed by noise. What
        is beyond 0.999 of all is in the last bin.
    """
    found = [each["ps_std"] for _, each in patches.each("weed1", "ps_std")]
    if not found:
        return None
    noise = np.concatenate(found).astype(np.float64)
    known = noise[np.isfinite(noise)]
    if not known.any():
        nothing = np.zeros(1, np.int64)
        return Judged(np.array([0.0, 1.0]), nothing, None, None, None)
    limit = float(patches.parameters.value("weed_standard_dev"))
    top, decides = float(np.quantile(known, 0.999)), limit < np.pi
    if decides:
        top = max(top, 1.1 * limit)
    edges = np.linspace(0, top, BINS // 2 + 1)
    counts = np.histogram(np.minimum(known, top), edges)[0]
    kept = np.histogram(known[known < limit], edges)[0]
    return Judged(edges, counts, kept, limit if decides else None, float(np.median(known)),
                  int((known >= limit).sum()))  # fmt: skip


def _draw_dispersion(axes: Any, patches: Patches) -> dict[str, Any]:
    _histogram(axes, "amplitude dispersion D_A", "candidates")
    found = dispersion_of(patches)
    if found is None:
        _absent(axes, "no patch has da1.mat: stage 1 found no pscands.1.da")
        return {}
    _bars(axes, found, "candidates", "kept by stages 3 and 4")
    return {"median_dispersion": found.median}


def _draw_noise(axes: Any, patches: Patches) -> dict[str, Any]:
    _histogram(axes, "noise of the least noisy arc [rad]", "selected")
    found = noise_of_selected(patches)
    if found is None:
        _absent(axes, f"no patch has weed1.mat:\n{patches.remedy('weed1')}")
        return {}
    if not found.counts.any():
        _absent(axes, "stage 4 did not weed by noise")
        return {"weed_standard_dev": None}
    _bars(axes, found, "weeded", "kept")
    return {"weed_standard_dev": found.limit, "noisy": found.beyond}


def _bars(axes: Any, found: Judged, all_of: str, kept: str) -> None:
    width = np.diff(found.edges)
    axes.bar(found.edges[:-1], found.counts, width, align="edge", color=ALL, label=all_of)
    if found.kept is not None:
        axes.bar(found.edges[:-1], found.kept, width, align="edge", color=KEPT, label=kept)
    if found.limit is not None:
        label = f"weed_standard_dev {found.limit:g}"
        axes.axvline(found.limit, color=MARK, linewidth=1.2, label=label)
    axes.set_xlim(0, found.edges[-1])
    _legend(axes)


def _histogram(axes: Any, across: str, up: str) -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    plain_axes(axes)
    axes.grid(visible=False, axis="x")
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-1, 5))


def _legend(axes: Any) -> None:
    axes.legend(frameon=False, fontsize=8.5, loc="lower left", bbox_to_anchor=(-0.02, 1.0),
                ncols=2, columnspacing=1.2)  # fmt: skip


def _absent(axes: Any, why: str) -> None:
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=FAINT,
              fontsize=8.5, wrap=True)  # fmt: skip


def _counted(values: FloatArray, centres: FloatArray) -> FloatArray:
    """Count values in bins of equal width around centres; what lies outside is in the last."""
    width = centres[1] - centres[0]
    place = np.floor((values[np.isfinite(values)] - centres[0]) / width + 0.5).astype(np.int64)
    counts = np.bincount(np.clip(place, 0, len(centres) - 1), minlength=len(centres))
    return counts.astype(np.float64)
