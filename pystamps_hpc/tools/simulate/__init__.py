"""A dataset with known truth: candidates as StaMPS' preparation leaves them, or a stack of images.

>>> report = simulate("demo", Options(candidates=20_000, images=20, seed=1))  # doctest: +SKIP

The interferogram of candidate p and image k is ``z_m conj(z_k) exp(i phase)``, z the echoes of the
candidate in the master and in image k, and

    phase = 4 pi / lambda (range change since the master + delay_k - delay_m + ramp_k - ramp_m)
            - 4 pi / lambda  bperp_k(p) DEM error / (slant range  sin(incidence)).

Memory is a few hundred bytes per candidate, whatever the number of images; of a stack some lines of
all images are made at a time.
"""

from .options import Options
from .simulator import Report, simulate
from .truth import VelocityError, truth_velocity_error, write_joined_truth

__all__ = [
    "Options",
    "Report",
    "VelocityError",
    "simulate",
    "truth_velocity_error",
    "write_joined_truth",
]
