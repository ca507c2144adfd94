"""Stage 8 of small baselines: noise of the images, velocity of the pairs.

The phase of the images that stage 6 has inverted is filtered, of all of them, whatever
``drop_ifg_index`` leaves out: that counts pairs. The velocity is fitted to those that it leaves.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from ...dataset.rows import FloatArray, Rows
from ...parallel.context import Context
from ..shared.ifgs import Ifgs
from ..stage8 import SPEC as OF_SINGLE_MASTER
from ..stage8 import Outputs, kriging, noise_and_velocity, phase_series
from ..stage8.inputs import CommonInputs, Params


@dataclass(frozen=True)
class Inputs(CommonInputs):
    """Merged arrays that stage 8 reads of small baselines; columns of `unwrapped` are images."""

    unwrapped_pairs: Annotated[Rows, "phuw_sb2.ph_uw"]  # (n_ps, n_ifg) float32 [rad]
    pair_scla_phase: Annotated[Rows | None, "scla_sb2.ph_scla"]  # (n_ps, n_ifg) float32 [rad]
    pair_covariance: Annotated[FloatArray, "phuw_sb_res2.sb_cov"]  # (n_ifg, n_ifg) [rad^2]


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Estimate noise correlated in space and mean velocity of small baselines.

    Raises
    ------
    StageError
        Unusable index lists, an empty reference area, too few pairs, a phase to take off that is
        not finite.

    Notes
    -----
    docs/science/scn.md and docs/science/velocity.md, Small baselines.
    """
    fitted = inputs.ifgs.used_columns(params.drop_ifg_index)
    covariance = inputs.pair_covariance[np.ix_(fitted, fitted)]
    taken_off = {"d": inputs.pair_scla_phase}
    series = phase_series(inputs, params, inputs.unwrapped_pairs, taken_off, fitted, covariance)
    of_images = replace(inputs, ifgs=inputs.ifgs.series)
    used = np.arange(of_images.ifgs.n_columns)
    return noise_and_velocity(of_images, params, used, series, ctx)


def accepts(params: Params, ifgs: Ifgs) -> None:
    """Refuse kriging of too few images."""
    if params.scn_kriging_flag:
        kriging.require_images(ifgs.day)


SPEC = replace(
    OF_SINGLE_MASTER, inputs=Inputs, solve=solve, accepts=accepts, modes=("sb",), version=2
)
