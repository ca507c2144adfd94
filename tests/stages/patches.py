"""A simulated patch for stages 2 and 3: correlated phase, look-angle errors, noise."""

from dataclasses import replace

import numpy as np

from pystamps_hpc.config import RunConfig
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.stages import stage2, stage3
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_kernels.dispatch import table

PARAMS2 = stage2.Params(
    clap_alpha=1.0,
    clap_beta=0.3,
    clap_low_pass_wavelength=800.0,
    clap_win=32,
    filter_grid_size=50.0,
    filter_weighting="P-square",
    gamma_change_convergence=0.005,
    gamma_max_iterations=3,
    lambda_=0.0555,
    max_topo_err=20.0,
    quick_est_gamma_flag=True,
)
PARAMS3 = stage3.Params(
    clap_alpha=1.0,
    clap_beta=0.3,
    clap_win=32,
    density_rand=20.0,
    drop_ifg_index=(),
    gamma_stdev_reject=0.0,
    percent_rand=20.0,
    quick_est_gamma_flag=True,
    select_method="DENSITY",
    select_reest_gamma_flag=True,
    slc_osf=1.0,
)


def context(arithmetic="double", backend="native", generator="matlab"):
    config = RunConfig().with_values(
        {"compat.arithmetic": arithmetic, "compat.random_generator": generator}
    )
    return Context(table(backend, arithmetic), config)


def patch(n_ps=1500, n_image=12, stable=0.4, noise=0.25, size=(1700.0, 1750.0), seed=0):
    """Inputs of stage 2 and the mask of stable candidates; the others are pure noise."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 1, (2, n_ps)) * np.array(size)[:, None]
    order = np.argsort(y)
    xy = np.column_stack((x[order], y[order])).astype(np.float32)
    master = n_image // 2
    bperp = np.delete(rng.normal(0, 150, n_image), master)
    bperp_mat = bperp + rng.normal(0, 0.5, (n_ps, n_image - 1))
    waves = rng.uniform(-2e-3, 2e-3, (2, n_image - 1))
    phase = 2 * np.pi * xy.astype(float) @ waves
    phase += rng.normal(0, 0.003, (n_ps, 1)) * bperp_mat
    is_stable = rng.uniform(size=n_ps) < stable
    phase += np.where(is_stable[:, None], noise, 20) * rng.normal(size=phase.shape)
    day = 736000.0 + 24 * np.arange(n_image)
    inputs = stage2.Inputs(
        xy=xy,
        ifgs=Ifgs.of_master(master, bperp, day, day[master]),
        phase=(np.exp(1j * phase) * 300).astype(np.complex64),
        bperp_mat=bperp_mat.astype(np.float32),
        dispersion=rng.uniform(0.1, 0.4, n_ps),
        incidence=None,
        look_angle=None,
    )
    return inputs, is_stable


def as_pairs(inputs, reach=3):
    """The same patch as small baselines: each image with the next ones, baselines in double."""
    star = inputs.ifgs
    n = len(star.day)
    pairs = np.array([(i, j) for i in range(n) for j in range(i + 1, min(i + reach + 1, n))])
    first, second = pairs.T
    phasors = star.with_master(inputs.phase / np.float32(300), 1)
    bperp, bperp_mat = (
        star.with_master(values.astype(np.float64), 0) for values in (star.bperp, inputs.bperp_mat)
    )
    return replace(
        inputs,
        ifgs=Ifgs(pairs, bperp[second] - bperp[first], star.day, star.master_day, None),
        phase=(phasors[:, second] * phasors[:, first].conj()).astype(np.complex64),
        bperp_mat=bperp_mat[:, second] - bperp_mat[:, first],
    )


def inputs3(inputs, outputs):
    """Inputs of stage 3 from those and the outputs of stage 2."""
    return stage3.Inputs(
        xy=inputs.xy,
        ifgs=inputs.ifgs,
        phase=inputs.phase,
        bperp_mat=inputs.bperp_mat,
        dispersion=inputs.dispersion,
        patch_phase=outputs.patch_phase,
        slope=outputs.slope,
        offset=outputs.offset,
        coherence=outputs.coherence,
        residual=outputs.residual,
        ph_grid=outputs.ph_grid,
        grid_ij=outputs.grid_ij,
        n_trial_wraps=float(outputs.n_trial_wraps),
        low_pass=outputs.low_pass,
        random=outputs.random,
    )


def with_nulls(inputs, rows):
    """The same patch without phase at some candidates in one interferogram."""
    phase = inputs.phase.copy()
    phase[rows, 0] = 0
    return replace(inputs, phase=phase)
