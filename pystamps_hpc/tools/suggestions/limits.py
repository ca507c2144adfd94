"""Parameters of the selection whose bound the results have run into."""

from collections.abc import Iterator

import numpy as np

from ...stages.stage3.threshold import DEFAULT_THRESHOLD
from .model import Suggestion
from .patches import Patch

EDGE, AT_EDGE, WIDE = 0.9, 0.05, 0.4
"""Slopes beyond this part of their range are at its end; this share of them there, and this spread
in parts of the range, are more than a range that is wide enough shows."""

MOST_WEEDED = 0.5
"""Share of PS that weeding takes from which on its limit, not the PS, is in question."""

RANDOM_SHARE = 0.05
"""Random points that are suggested to be accepted, as a share of the candidates."""


def at_limits(patches: list[Patch]) -> Iterator[Suggestion]:
    """Yield a change for each parameter that the patches have run into."""
    yield from _narrow_search(patches)
    yield from _no_threshold(patches)
    yield from _weeds_most(patches)


def _narrow_search(patches: list[Patch]) -> Iterator[Suggestion]:
    """Yield a larger ``max_topo_err`` where look-angle errors reach the end of the search."""
    parts = [patch.slope / patch.largest_slope for patch in patches if patch.n_left]
    found = np.abs(np.concatenate(parts)) if parts else np.empty(0)
    found = found[np.isfinite(found)]
    if not len(found):
        return
    share, spread = float(np.mean(found > EDGE)), 1.4826 * float(np.median(found))
    if share <= AT_EDGE or spread <= WIDE:
        return
    limit = patches[0].known.value("max_topo_err")
    yield Suggestion(
        "max_topo_err",
        2 * limit,
        (
            f"{share:.0%} of the PS have a look-angle error at the end of the search, "
            f"{limit:g} m; the spread of all is {spread * limit:.0f} m",
        ),
    )


def _no_threshold(patches: list[Patch]) -> Iterator[Suggestion]:
    """Yield fewer accepted random points where they set no threshold of coherence."""
    without = [patch for patch in patches if _is_default(patch)]
    if not without:
        return
    percent = str(without[0].known.value("select_method")).lower() == "percent"
    name, unit = ("percent_rand", "%") if percent else ("density_rand", "per km2")
    accepted = without[0].known.value(name)
    density = float(np.median([patch.n_candidates / patch.area for patch in without if patch.area]))
    wanted = RANDOM_SHARE * (100 if percent else density)
    if wanted >= accepted:
        return
    yield Suggestion(
        name,
        float(f"{wanted:.1g}"),
        (
            f"{', '.join(patch.name for patch in without)}: so many random points are accepted, "
            f"{accepted:g} {unit}, that they set no threshold of coherence, and "
            f"{DEFAULT_THRESHOLD:g} was taken; there are {density:.0f} candidates per km2",
        ),
    )


def _is_default(patch: Patch) -> bool:
    threshold = patch.select["coh_thresh"]
    return bool(len(threshold)) and bool((threshold == DEFAULT_THRESHOLD).all())


def _weeds_most(patches: list[Patch]) -> Iterator[Suggestion]:
    """Yield a larger ``weed_standard_dev`` where weeding takes most points."""
    limit = patches[0].known.value("weed_standard_dev")
    noise = np.concatenate([patch.weed["ps_std"] for patch in patches])
    kept = np.concatenate([patch.weed["ix_weed2"] for patch in patches])
    if not len(kept) or limit >= np.pi or np.mean(~kept) <= MOST_WEEDED:
        return
    half = float(np.median(noise[np.isfinite(noise)])) if np.isfinite(noise).any() else np.inf
    wanted = np.ceil(10 * half) / 10 if np.isfinite(half) else np.inf
    if not limit < wanted < np.pi:
        return
    yield Suggestion(
        "weed_standard_dev",
        float(wanted),
        (
            f"weeding takes {np.mean(~kept):.0%} of the selected PS, whose noise must stay below "
            f"{limit:g} rad; half of them stay below {half:.2g} rad",
        ),
    )
