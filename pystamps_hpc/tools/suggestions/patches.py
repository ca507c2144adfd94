"""What stages 2 to 4 have left of the candidates of each patch, and which patch has too few."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...dataset.parameters import Parameters
from ...dataset.rows import FloatArray
from ...stages.shared.ifgs import Ifgs
from ..products.files import read_artifact
from ..products.selected import kept_of_selected
from .model import Suggestion

SPARSE = 4.0
"""PS per km2 below which atmosphere cannot be told from motion."""

LEFT_BEHIND = 0.25
"""A patch that keeps less than this part of what the others keep of their candidates is one."""

WEEDED = 0.5
"""Weeding is the reason where it leaves less than this part of what the others keep."""


@dataclass(frozen=True)
class Patch:
    """A patch that is through stage 4.

    Parameters
    ----------
    folder : Path
        Where its artifacts are.
    known : Parameters
        What holds in it.
    """

    folder: Path
    known: Parameters

    @property
    def name(self) -> str:
        """Name of the patch."""
        return self.folder.name

    @cached_property
    def points(self) -> dict[str, Any]:
        """Positions and network of the candidates."""
        return read_artifact(self.folder, "ps1", "xy", "n_ps", *Ifgs.KEYS)

    @cached_property
    def select(self) -> dict[str, Any]:
        """What stage 3 has found."""
        return read_artifact(self.folder, "select1", "keep_ix", "K_ps2", "coh_thresh")

    @cached_property
    def weed(self) -> dict[str, Any]:
        """What stage 4 has found."""
        return read_artifact(self.folder, "weed1", "ix_weed2", "ps_std")

    @cached_property
    def slope(self) -> FloatArray:
        """Look-angle error of the PS, (n_ps,) [rad/m]."""
        slope: FloatArray = self.select["K_ps2"][kept_of_selected(self.folder)]
        return slope

    @property
    def largest_slope(self) -> float:
        """End of the range in which stage 2 has looked for it [rad/m]."""
        wraps = read_artifact(self.folder, "pm1", "n_trial_wraps")["n_trial_wraps"]
        return float(2 * np.pi * wraps / np.ptp(Ifgs.of_keys(self.points).bperp))

    @property
    def area(self) -> float:
        """Area that the candidates are spread over [km2]."""
        return float(np.prod(np.ptp(self.points["xy"], axis=0).astype(np.float64))) / 1e6

    @property
    def n_candidates(self) -> int:
        """Number of candidates."""
        return int(self.points["n_ps"])

    @property
    def n_selected(self) -> int:
        """Number of candidates that stage 3 keeps."""
        return int(np.count_nonzero(self.select["keep_ix"]))

    @property
    def n_left(self) -> int:
        """Number of PS."""
        return len(self.slope)


def starved(patches: list[Patch]) -> Iterator[Suggestion]:
    """Yield a change for each patch with too few PS."""
    for patch in patches:
        others = [other for other in patches if other is not patch]
        why = list(_too_few(patch, others))
        if why:
            yield _relaxed(patch, others, why)


def _too_few(patch: Patch, others: list[Patch]) -> Iterator[str]:
    """Say why a patch has too few PS, if it has."""
    kept = patch.n_left / max(patch.n_candidates, 1)
    elsewhere = [other.n_left / max(other.n_candidates, 1) for other in others]
    if elsewhere and kept < LEFT_BEHIND * float(np.median(elsewhere)):
        yield (
            f"{patch.name} keeps {patch.n_left:,} of {patch.n_candidates:,} candidates, "
            f"{kept:.1%}; the others keep {float(np.median(elsewhere)):.0%}"
        )
    density = patch.n_left / patch.area if patch.area else np.inf
    if density < SPARSE:
        yield (
            f"{patch.name} has {density:.2g} PS per km2; below {SPARSE:g} atmosphere cannot be "
            "told from motion"
        )


def _relaxed(patch: Patch, others: list[Patch], why: list[str]) -> Suggestion:
    """Return the parameter of the stage that takes most of a patch, relaxed in it."""
    unweeded = patch.n_left / max(patch.n_selected, 1)
    elsewhere = [other.n_left / max(other.n_selected, 1) for other in others]
    usual = float(np.median(elsewhere)) if elsewhere else 1.0
    limit = patch.known.value("weed_standard_dev")
    alone = f"if its ground bears no PS, take {patch.name} out of patch.list instead"
    if patch.n_selected and unweeded < WEEDED * usual and limit < np.pi:
        reason = f"weeding takes {1 - unweeded:.0%} of its selected PS"
        return Suggestion("weed_standard_dev", 1.2 * limit, (*why, reason, alone), patch.name)
    percent = str(patch.known.value("select_method")).lower() == "percent"
    name = "percent_rand" if percent else "density_rand"
    reason = f"the selection takes {1 - patch.n_selected / max(patch.n_candidates, 1):.0%} of them"
    accepted = patch.known.value(name)
    return Suggestion(name, 2 * accepted or 1.0, (*why, reason, alone), patch.name)
