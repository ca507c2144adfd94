"""PS and small baselines of one scene as one set of points: both kinds of pixels, phase of pairs.

The phase of the PS goes over to the pairs of the small baselines; pixels that both have take the
mean of the two, weighted by coherence. StaMPS ``ps_sb_merge``; docs/science/combining.md.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ...dataset.rows import (
    AnyArray,
    ComplexArray,
    ComputedRows,
    FloatArray,
    IntArray,
    Rows,
    block,
    with_column,
)
from ...errors import StageError
from ...parallel.context import Context
from ..shared.gathered import gathered
from ..shared.ifgs import Ifgs, date_of
from ..shared.projection import centre_of, local_coordinates, order_and_round, rotate_if_smaller

SAME_PLACE = 1e-3
"""How far apart one pixel may lie in the two datasets [deg]."""


@dataclass(frozen=True)
class Points:
    """What is read of either dataset, after its stage 5."""

    ij: Annotated[FloatArray, "ps2.ij"]  # (n_ps, 3) id, azimuth, range
    lonlat: Annotated[FloatArray, "ps2.lonlat"]  # (n_ps, 2) [deg]
    ifgs: Annotated[Ifgs, "ps2"]  # the network
    patch_phase: Annotated[Rows, "pm2.ph_patch"]  # (n_ps, n_ifg) complex64
    coherence: Annotated[FloatArray, "pm2.coh_ps"]  # (n_ps,)
    bperp_mat: Annotated[Rows, "bp2.bperp_mat"]  # (n_ps, n_ifg) [m]
    height: Annotated[FloatArray | None, "hgt2.hgt"]  # (n_ps,) [m]
    look_angle: Annotated[FloatArray, "la2.la"]  # (n_ps,) [rad]
    record: Annotated[dict[str, Any], "ps2.*"]  # the other keys


@dataclass(frozen=True)
class Stack(Points):
    """PS of a single master."""

    residual: Annotated[Rows, "pm2.ph_res"]  # (n_ps, n_ifg) [rad]
    offset: Annotated[FloatArray, "pm2.C_ps"]  # (n_ps,) [rad]
    corrected: Annotated[Rows, "rc2.ph_rc"]  # (n_ps, n_image) complex64, ones at the master


@dataclass(frozen=True)
class Pairs(Points):
    """Points of small baselines."""

    corrected: Annotated[Rows, "rc2.ph_rc"]  # (n_ps, n_ifg) complex64
    rest: Annotated[dict[str, Any], "rc2.*"]  # the other keys


@dataclass(frozen=True)
class Outputs:
    """Points of both in the order of their local coordinates."""

    record: Annotated[dict[str, Any], "ps2.*"]  # xy, and other keys of the small baselines
    ij: Annotated[FloatArray, "ps2.ij"]  # (n, 3) id in its own dataset, azimuth, range
    lonlat: Annotated[FloatArray, "ps2.lonlat"]  # (n, 2) [deg]
    ifgs: Annotated[Ifgs, "ps2"]  # that of the small baselines
    n_ps: Annotated[int, "ps2.n_ps"]  # n
    patch_phase: Annotated[Rows, "pm2.ph_patch"]  # (n, n_ifg) complex64
    corrected: Annotated[Rows, "rc2.ph_rc"]  # (n, n_ifg) complex64
    rest: Annotated[dict[str, Any], "rc2.*"]  # other keys of the small baselines
    bperp_mat: Annotated[Rows, "bp2.bperp_mat"]  # (n, n_ifg) float32 [m]
    height: Annotated[FloatArray | None, "hgt2.hgt"]  # (n,) [m]
    look_angle: Annotated[FloatArray, "la2.la"]  # (n,) [rad]
    ps_only: Annotated[IntArray, "merge2.psu_ix"]  # (n_u,) rows of the stack
    ps_only_coherence: Annotated[FloatArray, "merge2.psu_coh"]  # (n_u,) float32
    common_ps: Annotated[IntArray, "merge2.psnu_ix"]  # (n_c,) rows of the stack
    common_sb: Annotated[IntArray, "merge2.sbnu_ix"]  # (n_c,) rows of the small baselines
    common_ps_coherence: Annotated[FloatArray, "merge2.psnu_coh"]  # (n_c,) float32
    common_sb_coherence: Annotated[FloatArray, "merge2.sbnu_coh"]  # (n_c,)
    design: Annotated[FloatArray, "merge2.G"]  # (n_ifg, n_image)
    coherence: Annotated[FloatArray, "merge2.coh_ps"]  # (n,) of both: that of small baselines


def combine(stack: Stack, pairs: Pairs, heading: float, ctx: Context) -> Outputs:
    """Join the points of a single-master stack and of small baselines of the same images.

    Parameters
    ----------
    stack, pairs : Stack, Pairs
        The two datasets.
    heading : float
        Of the satellite [deg]; NaN lets x and y run east and north.
    ctx : Context
        Work over points, and facts.

    Raises
    ------
    StageError
        Other images, another master, or pixels at other places.
    """
    _require_same_images(stack.ifgs, pairs.ifgs)
    master, design = stack.ifgs.master, pairs.ifgs.design
    assert master is not None
    common_ps, common_sb, alone = _matched(stack, pairs)
    _require_same_places(stack.lonlat[common_ps], pairs.lonlat[common_sb])
    of_images = with_column(stack.residual, master, 0)

    def coherence_of(rows: slice) -> FloatArray:
        phase = np.array(of_images[rows], np.float32)
        phase[:, master] = stack.offset[rows]
        return coherence(phase, pairs.ifgs.pairs)

    of_pairs = ctx.share(ctx.map_rows(coherence_of, len(stack.ij), "coherence of the pairs"))
    alone = alone[of_pairs[alone] > pairs.coherence.min()]
    common = of_pairs[common_ps], pairs.coherence[common_sb]
    ctx.fact("ps_only", len(alone))
    ctx.fact("in_both", len(common_ps))
    ctx.fact("sb_only", len(pairs.ij) - len(common_ps))

    lonlat = np.concatenate((stack.lonlat[alone], pairs.lonlat))
    frame = rotate_if_smaller(local_coordinates(lonlat, centre_of(lonlat)), heading)
    order, xy = order_and_round(frame)
    where = np.concatenate((alone, len(stack.ij) + np.arange(len(pairs.ij))))[order]
    partners = Partners.of(len(pairs.ij), common_ps, common_sb, *map(weight, common))

    def joined(of_stack: Rows, of_small: Rows) -> ComputedRows:
        return _joined(phase_of_pairs(of_stack, pairs.ifgs.pairs), of_small, where, partners)

    def values(of_stack: FloatArray, of_small: FloatArray) -> FloatArray:
        return np.concatenate((of_stack, of_small))[where]  # type: ignore[no-any-return]

    heights = None
    if stack.height is not None and pairs.height is not None:
        heights = values(stack.height, pairs.height)
    bperp = baselines_of_pairs(with_column(stack.bperp_mat, master, 0), pairs.ifgs.pairs)
    # xy is numbered anew, unlike elsewhere not as ij
    numbered = np.column_stack((np.arange(1, len(where) + 1, dtype=np.float32), xy))
    return Outputs(
        record={**pairs.record, "xy": numbered},
        ij=values(stack.ij, pairs.ij),
        lonlat=lonlat[order],
        ifgs=pairs.ifgs,
        n_ps=len(where),
        patch_phase=joined(with_column(stack.patch_phase, master, 1), pairs.patch_phase),
        corrected=joined(stack.corrected, pairs.corrected),
        rest=pairs.rest,
        bperp_mat=gathered((bperp, pairs.bperp_mat), where),
        height=heights,
        look_angle=values(stack.look_angle, pairs.look_angle),
        ps_only=alone,
        ps_only_coherence=of_pairs[alone],
        common_ps=common_ps,
        common_sb=common_sb,
        common_ps_coherence=common[0],
        common_sb_coherence=common[1],
        design=design,
        coherence=values(of_pairs, pairs.coherence),
    )


def coherence(phase: FloatArray, pairs: IntArray) -> FloatArray:
    """Return the coherence of residuals over pairs, (n,) float32.

    Parameters
    ----------
    phase : (n, n_image) float32
        Residual phase of each image [rad].
    pairs : (n_ifg, 2) int64
        First and second image of each pair, from 0.
    """
    turns = np.exp(1j * _differences(phase, pairs))
    return np.asarray(np.abs(turns.sum(axis=1)) / len(pairs), np.float32)


def weight(coherence: FloatArray) -> FloatArray:
    """Return what a phase of a coherence counts: its signal-to-noise ratio, which stays finite."""
    below_one = np.minimum(coherence.astype(np.float64), 1 - 2.0**-24)
    return np.asarray(1 / (1 / below_one**2 - 1))


def phase_of_pairs(of_images: Rows, pairs: IntArray) -> ComputedRows:
    """Return the unit phasors of pairs that phasors of images give, (n, n_ifg) complex64."""

    def phasors(rows: Any, ifgs: Any) -> ComplexArray:
        angle = np.angle(block(of_images, rows, slice(None))).astype(np.float32)
        turns: ComplexArray = np.exp(1j * _differences(angle, pairs[ifgs])).astype(np.complex64)
        return turns

    shape = (of_images.shape[0], len(pairs))
    return ComputedRows(shape, np.dtype(np.complex64), phasors)


def baselines_of_pairs(of_images: Rows, pairs: IntArray) -> ComputedRows:
    """Return the baselines of pairs that those of images give, (n, n_ifg) float32 [m]."""

    def baselines(rows: Any, ifgs: Any) -> FloatArray:
        return _differences(block(of_images, rows, slice(None)), pairs[ifgs])

    return ComputedRows((of_images.shape[0], len(pairs)), np.dtype(np.float32), baselines)


def _differences(of_images: AnyArray, pairs: IntArray) -> FloatArray:
    """Take second minus first image of each pair, (n, n_ifg) float32."""
    first, second = pairs.T
    return np.asarray(of_images[:, second] - of_images[:, first], np.float32)


@dataclass(frozen=True)
class Partners:
    """The PS of each point of the small baselines, and what either counts.

    Parameters
    ----------
    row : (n_sb,) int64
        Row of the PS, -1 for none.
    weight_ps, weight_sb : (n_sb,) float64
        Weights; only those of points with a PS are used.
    """

    row: IntArray
    weight_ps: FloatArray
    weight_sb: FloatArray

    @classmethod
    def of(
        cls,
        n_sb: int,
        common_ps: IntArray,
        common_sb: IntArray,
        weight_ps: FloatArray,
        weight_sb: FloatArray,
    ) -> "Partners":
        """Spread what is known of common points over all points of the small baselines."""
        row, weights = np.full(n_sb, -1), np.ones((2, n_sb))
        row[common_sb] = common_ps
        weights[:, common_sb] = weight_ps, weight_sb
        return cls(row, *weights)


def _joined(of_stack: Rows, of_small: Rows, where: IntArray, partners: Partners) -> ComputedRows:
    """Return phasors of both in the order `where`; those of both are the weighted mean."""
    n_stack = of_stack.shape[0]

    def phasors(rows: Any, ifgs: Any) -> ComplexArray:
        wanted = where[rows]
        small = wanted - n_stack
        of_both = np.flatnonzero(small >= 0)
        of_both = of_both[partners.row[small[of_both]] >= 0]
        values = block(both, rows, ifgs).astype(np.complex64)
        sb = small[of_both]
        sum_ = values[of_both] * partners.weight_sb[sb, None]
        sum_ += block(of_stack, partners.row[sb], ifgs) * partners.weight_ps[sb, None]
        values[of_both] = sum_ / np.abs(sum_)
        return values

    both = gathered((of_stack, of_small), where)
    return ComputedRows((len(where), of_small.shape[1]), np.dtype(np.complex64), phasors)


def _matched(stack: Points, pairs: Points) -> tuple[IntArray, IntArray, IntArray]:
    """Return the rows of common pixels in each, and those of the stack alone by place."""
    ps, sb = (_numbers(stack.ij, pairs.ij), _numbers(pairs.ij, stack.ij))
    _require_distinct(stack.ij, ps, "PS")
    _require_distinct(pairs.ij, sb, "small baselines")
    _, common_ps, common_sb = np.intersect1d(ps, sb, assume_unique=True, return_indices=True)
    common_sb, common_ps = common_sb[np.argsort(common_ps)], np.sort(common_ps)
    alone = np.setdiff1d(np.arange(len(ps)), common_ps)
    alone = alone[~np.isin(_places(stack.lonlat[alone]), _places(pairs.lonlat))]
    order = np.lexsort((stack.lonlat[alone, 1], stack.lonlat[alone, 0]))
    return common_ps, common_sb, alone[order]


def _numbers(ij: FloatArray, other: FloatArray) -> IntArray:
    """Return numbers of pixels that are equal where those of another dataset are."""
    width = int(max(ij[:, 2].max(initial=0), other[:, 2].max(initial=0))) + 1
    return np.asarray(ij[:, 1] * width + ij[:, 2], np.int64)


def _places(lonlat: FloatArray) -> ComplexArray:
    """Return one number for each place, equal where longitude and latitude are."""
    return np.ascontiguousarray(lonlat, np.float64).view(np.complex128)[:, 0]


def _require_distinct(ij: FloatArray, numbers: IntArray, name: str) -> None:
    """Refuse a pixel that occurs twice: which of the two is the other dataset's cannot be known."""
    _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
    twice = first[counts > 1]
    if len(twice):
        line, sample = ij[twice[0], 1:]
        raise StageError(
            f"{len(twice)} pixels of the {name} occur twice, the first is line {line:.0f}, sample "
            f"{sample:.0f}: cells of a resampled merge; set merge_resample_size to 0 and run stage "
            "5 again"
        )


def _require_same_images(stack: Ifgs, pairs: Ifgs) -> None:
    if stack.master_day != pairs.master_day:
        raise StageError(
            f"the PS have the master {date_of(stack.master_day)}, the small baselines "
            f"{date_of(pairs.master_day)}; prepare both with the same master"
        )
    for first, second, name in ((stack, pairs, "PS"), (pairs, stack, "small baselines")):
        more = np.setdiff1d(first.day, second.day)
        if len(more):
            raise StageError(
                f"only the {name} have the images {', '.join(map(date_of, more))}; "
                "leave them out there, or add them to the other dataset"
            )


def _require_same_places(ps: FloatArray, sb: FloatArray) -> None:
    if not len(ps):
        raise StageError(
            "PS and small baselines have no pixel in common: their images are resampled to "
            "different rasters; prepare both from the same images"
        )
    apart = np.abs(ps - sb).max(axis=1)
    far = int(np.argmax(apart))
    if apart[far] > SAME_PLACE:
        raise StageError(
            f"a pixel of both lies at {ps[far, 0]:.5f}, {ps[far, 1]:.5f} in the PS and at "
            f"{sb[far, 0]:.5f}, {sb[far, 1]:.5f} in the small baselines: geometry differs; "
            "prepare both from the same rasters"
        )
