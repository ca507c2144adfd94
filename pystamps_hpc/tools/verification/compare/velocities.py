"""What the differences of two trees mean: velocities and displacements in mm."""

from pathlib import Path

import numpy as np

from ....dataset.rows import FloatArray, IntArray
from ....errors import PystampsError
from ....stages.shared.velocity import fit_velocity, line_of_sight_velocity
from ...products.artifacts import MergedArtifacts
from ...products.files import read_artifact
from ...products.result import series_of


def velocity_agreement(run: str | Path, golden: str | Path) -> str:
    """Say by how much the velocities of two trees differ; empty where one of them has none.

    Velocities are fitted to the unwrapped phase of both trees in the same way as stage 8 does,
    without what stage 7 says of the DEM where both have it, and relative to the mean of all points,
    so that neither the type nor the reference of a saved ``mean_v`` matters. Points are matched by
    azimuth and range.
    """
    try:
        trees = MergedArtifacts(run), MergedArtifacts(golden)
        if not all(tree.has("ps2") and _has(tree, "phuw") for tree in trees):
            return ""
        here, there = _common(*(_pixels(tree.root) for tree in trees))
        if not here.size:
            return "The trees have no point in common; their velocities cannot be compared."
        value_type = "v-d" if all(_has(tree, "scla") for tree in trees) else "v"
        ours, theirs = (
            _velocity(tree, value_type, rows)
            for tree, rows in zip(trees, (here, there), strict=True)
        )
    except PystampsError as error:
        return f"The velocities cannot be compared: {error}"
    difference = np.abs(ours - theirs)
    difference = difference[np.isfinite(difference)]
    if not difference.size:
        return "The velocities cannot be compared: no point has one in both trees."
    if not difference.any():
        return f"The velocities of {difference.size:,} points are the same."
    median, most = np.percentile(difference, (50, 99))
    return (
        f"The velocities of {difference.size:,} points differ by a median of {_digits(median)} "
        f"mm/yr, 99 % by less than {_digits(most)}, the largest by {_digits(difference.max())}."
    )


def _has(found: MergedArtifacts, stem: str) -> bool:
    """Whether a tree has an artifact of the columns that its velocities are fitted to."""
    return found.has(f"{stem}_sb2" if found.small_baselines else f"{stem}2")


def _velocity(found: MergedArtifacts, value_type: str, rows: IntArray) -> FloatArray:
    """Return velocities [mm/yr] relative to the mean over some points, at these points."""
    fit = np.asarray(
        found.ctx.share(fit_velocity(value_type, series_of(found, value_type, None), found.ctx))
    )
    velocity = line_of_sight_velocity(fit[rows, 1], found.wavelength)
    relative: FloatArray = velocity - np.nanmean(velocity)
    return relative


def _pixels(root: Path) -> IntArray:
    """Return azimuth and range of every point as one number."""
    ij = read_artifact(root, "ps2", "ij")["ij"].astype(np.int64)
    pixels: IntArray = ij[:, 1] * 2**31 + ij[:, 2]
    return pixels


def _common(here: IntArray, there: IntArray) -> tuple[IntArray, IntArray]:
    _, ours, theirs = np.intersect1d(here, there, return_indices=True)
    return ours, theirs


def _digits(value: float) -> str:
    """Write two digits that count, without an exponent where a person would not use one."""
    return f"{value:.2g}" if value >= 1e-4 else f"{value:.1e}"
