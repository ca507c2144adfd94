"""Stage 8 of small baselines: the phase of the images that stage 6 has inverted is filtered.

All images are, whatever ``drop_ifg_index`` leaves out: that counts pairs.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...parallel.context import Context
from ..shared.ifgs import inverted_images
from ..shared.velocity import series_type
from ..stage8 import SPEC as OF_SINGLE_MASTER
from ..stage8 import Outputs, noise_and_velocity, phase_series
from ..stage8.inputs import CommonInputs, Params


@dataclass(frozen=True)
class Inputs(CommonInputs):
    """Merged arrays that stage 8 reads of small baselines; columns are images."""

    images: Annotated[IntArray | None, "phuw2.unwrap_ifg_index_sm"]  # (k,) 0-based; None: all
    image_covariance: Annotated[FloatArray, "phuw_sb_res2.sm_cov"]  # (n_image, n_image) [rad^2]


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Estimate noise correlated in space and mean velocity of small baselines.

    Raises
    ------
    StageError
        Unusable index lists, an empty reference area, too few images, a phase to take off that is
        not finite.

    Notes
    -----
    docs/science/scn.md and docs/science/velocity.md, Small baselines.
    """
    value_type = series_type(ctx.config.output.mean_v_type)
    of_images = replace(inputs, ifgs=inputs.ifgs.series)
    fitted = inverted_images(of_images.ifgs, inputs.images)
    covariance = inputs.image_covariance[np.ix_(fitted, fitted)]
    series = phase_series(of_images, params, fitted, covariance)
    used = np.arange(of_images.ifgs.n_columns)
    return noise_and_velocity(of_images, params, used, series, value_type, ctx)


SPEC = replace(OF_SINGLE_MASTER, inputs=Inputs, solve=solve, modes=("sb",))
