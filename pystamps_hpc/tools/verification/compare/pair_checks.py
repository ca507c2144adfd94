"""What must hold in every finished run of small baselines, beside what holds in all."""

from collections.abc import Iterator

import numpy as np

from ....dataset.rows import AnyArray, FloatArray, IntArray
from ....stages.shared.ifgs import Ifgs, inverted_images
from ....stages.shared.least_squares import pseudo_inverse
from ....stages.shared.velocity import line_of_sight_velocity
from ...products.files import read_artifact
from .comparison import Difference
from .merged import SCLA_IDENTITY, Checked, Merged, congruence, largest, listed

PREDICTION = 1e-3
"""Largest deviation of the predicted phase of a pair from the difference of its images [rad]."""

SAME_VELOCITY = 1e-6
"""Largest deviation of a velocity from its rate [mm/yr]."""


def pairs_are_congruent(merged: Merged) -> Iterator[Checked]:
    """Check that the unwrapped pairs are the wrapped ones plus cycles, dropped columns zero."""
    if merged.has("phuw_sb2", "rc2", "ps2", "pm2", "bp2"):
        yield from congruence(merged, "phuw_sb2", None)


def images_explain_pairs(merged: Merged) -> Iterator[Checked]:
    """Check that predicted pairs are differences of images, and those without phase zero."""
    if not merged.has("phuw2", "ps2"):
        return
    network = _network(merged)
    images = merged.value("phuw2", "ph_uw")
    idle = np.setdiff1d(np.arange(images.n_columns), _inverted(merged, network))
    zero = closed = Difference(True, 0.0)
    predicted = merged.value("phuw_sb_res2", "ph_res") if merged.has("phuw_sb_res2") else None
    for rows in images.blocks():
        phase = images.read(rows).astype(np.float64)
        zero = largest(np.abs(phase), rows.start, 0.0, zero, idle)
        if predicted is not None:
            off = np.abs(predicted.read(rows) - _of_pairs(network, phase))
            closed = largest(off, rows.start, PREDICTION, closed)
    yield Checked("phuw2", "ph_uw", "columns of master and images without phase are zero", zero)
    if predicted is not None:
        yield Checked("phuw_sb_res2", "ph_res", "difference of the images", closed)


def look_angle_phase_of_pairs_follows(merged: Merged) -> Iterator[Checked]:
    """Check that the look-angle error phase is slope times baseline, of pairs and of images."""
    if not merged.has("ps2", "bp2"):
        return
    network, bperp = _network(merged), merged.value("bp2", "bperp_mat")
    operators: dict[str, FloatArray | None] = {"scla_sb2": None, "scla_smooth_sb2": None}
    if merged.has("phuw2"):
        operators["scla2"] = _to_images(merged, network)
    for artifact, operator in operators.items():
        if not merged.has(artifact):
            continue
        phase, slope = merged.value(artifact, "ph_scla"), merged.value(artifact, "K_ps_uw")
        difference = Difference(True, 0.0)
        for rows in phase.blocks():
            baselines = bperp.read(rows).astype(np.float64)
            if operator is not None:
                baselines = baselines @ operator.T
            off = np.abs(phase.read(rows) - slope.read(rows) * baselines)
            difference = largest(off, rows.start, SCLA_IDENTITY, difference)
        yield Checked(artifact, "ph_scla", "slope times baseline", difference)


def velocities_are_those_of_the_fit(merged: Merged) -> Iterator[Checked]:
    """Check that the velocity is the fitted rate in mm/yr."""
    if not merged.has("mean_v"):
        return
    fit = read_artifact(merged.root, "mean_v", "m", "mean_v", "lambda")
    if not {"mean_v", "lambda"} <= set(fit):
        return
    off = np.abs(fit["mean_v"] - line_of_sight_velocity(fit["m"][1], fit["lambda"]))
    difference = largest(
        np.nan_to_num(off)[:, None], 0, SAME_VELOCITY, Difference(True, 0.0), unit="mm/yr"
    )
    yield Checked("mean_v", "mean_v", "rate of mean_v.m", difference)


def _network(merged: Merged) -> Ifgs:
    return Ifgs.of_keys(read_artifact(merged.root, "ps2", *Ifgs.KEYS))


def _inverted(merged: Merged, network: Ifgs) -> IntArray:
    known = read_artifact(merged.root, "phuw2", "unwrap_ifg_index_sm").get("unwrap_ifg_index_sm")
    return inverted_images(network.series, known)


def _of_pairs(network: Ifgs, images: AnyArray) -> AnyArray:
    difference: AnyArray = images[:, network.pairs[:, 1]] - images[:, network.pairs[:, 0]]
    return difference


def _to_images(merged: Merged, network: Ifgs) -> FloatArray:
    """Return the operator from baselines of pairs to those of images, zero of those left out."""
    n_image = len(network.day)
    left_out = [int(image) - 1 for image in listed(merged, "scla_drop_index")]
    images = np.setdiff1d(_inverted(merged, network), left_out)
    operator = np.zeros((n_image, len(network)))
    operator[images] = pseudo_inverse(network.design[:, images])
    return operator


PAIR_CHECKS = (
    pairs_are_congruent,
    images_explain_pairs,
    look_angle_phase_of_pairs_follows,
    velocities_are_those_of_the_fit,
)
