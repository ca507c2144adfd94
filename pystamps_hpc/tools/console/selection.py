"""What decided on the candidates, as numbers: histograms, and what every stage kept."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from ..plots.histogram import Coherence, Judged, coherence_of, dispersion_of, noise_of_selected
from ..plots.patches import Patches
from ..plots.selection import kept_by_stages
from .results import Results, Stated

_READ = ("ps1", "pm1", "select1", "weed1", "da1")


def selection_of(results: Results) -> dict[str, Any]:
    """Return histograms of coherence, dispersion and noise, and the funnel of the stages.

    While patches are processed they are those of a moment ago, counted anew one at a time.

    Parameters
    ----------
    results : Results
        The dataset.

    Raises
    ------
    NotYet
        They are being counted.
    DatasetError, MatError
        No patch has been through stage 1; an artifact is damaged.
    """
    patches = Patches.of(results.root)
    patches.require("ps1")
    found: dict[str, Any] = results.latest("selection", _state(patches), lambda: _counted(patches))
    return found


def _state(patches: Patches) -> str:
    """Return what changes with every artifact that is counted."""
    files = [folder / f"{name}.mat" for folder in patches.folders for name in _READ]
    known = [_stamp(file) for file in (*files, patches.dataset.root / "ps2.mat")]
    return hashlib.blake2b(repr(known).encode(), digest_size=8).hexdigest()


def _counted(patches: Patches) -> Stated:
    state = _state(patches)  # before: what changes meanwhile is counted again
    return Stated(_read(patches), state)


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _read(patches: Patches) -> dict[str, Any]:
    coherence = coherence_of(patches) if patches.having("pm1") else None
    return {
        "patches": len(patches.folders),
        "funnel": [
            {"name": kept.name, "points": len(kept.places)} for kept in kept_by_stages(patches)
        ],
        "coherence": None if coherence is None else _of_coherence(coherence),
        "dispersion": _of_judged(dispersion_of(patches), "amplitude dispersion D_A", ""),
        "noise": _of_judged(
            noise_of_selected(patches), "noise of the least noisy arc", "rad",
            parameter="weed_standard_dev",
        ),
    }  # fmt: skip


def _of_coherence(found: Coherence) -> dict[str, Any]:
    half = float(np.diff(found.bins[:2])[0]) / 2
    limits = found.thresholds
    return {
        "meaning": "temporal coherence γ", "unit": "",
        "edges": np.append(found.bins - half, found.bins[-1] + half).tolist(),
        "all": found.candidates.tolist(),
        "random": found.random.tolist(),
        "kept": None if found.kept is None else found.kept.tolist(),
        "limit": float(np.median(limits)) if limits.size else None,
        "limits": [float(limits.min()), float(limits.max())] if limits.size else None,
        "parameter": "threshold of stage 3, median over the patches",
    }  # fmt: skip


def _of_judged(
    found: Judged | None, meaning: str, unit: str, parameter: str = ""
) -> dict[str, Any] | None:
    if found is None or not found.counts.any():
        return None
    return {
        "meaning": meaning, "unit": unit, "edges": found.edges.tolist(),
        "all": found.counts.tolist(), "random": None,
        "kept": None if found.kept is None else found.kept.tolist(),
        "limit": found.limit, "limits": None, "parameter": parameter,
    }  # fmt: skip
