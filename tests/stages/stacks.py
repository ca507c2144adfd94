"""Single-master stacks of known look-angle error, master phase, velocity and ramps."""

from dataclasses import dataclass, field

import numpy as np

from pystamps_hpc.config import RunConfig
from pystamps_hpc.parallel.context import Context, QuietLog
from pystamps_hpc.stages import stage7, stage7_sb, stage8, stage8_sb
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_kernels.dispatch import table

EVERYWHERE = {
    "ref_lon": (-np.inf, np.inf),
    "ref_lat": (-np.inf, np.inf),
    "ref_centre_lonlat": (0.0, 0.0),
    "ref_radius": np.inf,
    "ref_x": None,
    "ref_y": None,
}
ORIGIN = np.array([12.3, 44.1])


@dataclass
class Stack:
    """Truth and observation; rows are PS."""

    xy: np.ndarray
    day: np.ndarray
    master: int
    bperp: np.ndarray
    slope: np.ndarray
    master_phase: np.ndarray
    rate: np.ndarray
    phase: np.ndarray = field(init=False)

    def __post_init__(self):
        n_ps, n_ifg = len(self.xy), len(self.day)
        baselines = np.broadcast_to(self.bperp, (n_ps, n_ifg)).astype(np.float32)
        self.bperp_mat = np.ascontiguousarray(np.delete(baselines, self.master, axis=1))
        elapsed = self.day - self.day[self.master]
        phase = self.slope[:, None] * baselines + self.rate[:, None] * elapsed
        phase += self.master_phase[:, None]
        phase[:, self.master] = 0
        self.phase = phase.astype(np.float32)
        metres_per_degree = 111_000.0
        self.lonlat = ORIGIN + self.xy / metres_per_degree
        self.ifg_std = np.linspace(10, 30, n_ifg).astype(np.float32)

    @property
    def ifgs(self):
        mean = self.bperp_mat.mean(axis=0)
        return Ifgs.of_master(self.master, mean, self.day, float(self.day[self.master]))


def stack(n_ps=60, n_ifg=12, seed=0, side=2000.0, common_bperp=True):
    """Draw a stack; baselines are the same for all PS unless `common_bperp` is off."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, side, (n_ps, 2))
    day = 736_000.0 + np.cumsum(rng.integers(12, 60, n_ifg))
    master = n_ifg // 2
    bperp = rng.normal(0, 150, n_ifg)
    bperp[master] = 0
    if not common_bperp:
        bperp = bperp + rng.normal(0, 0.5, (n_ps, n_ifg))
        bperp[:, master] = 0
    return Stack(
        xy=np.round(xy, 3).astype(np.float32),
        day=day,
        master=master,
        bperp=bperp,
        slope=rng.normal(0, 0.01, n_ps),
        master_phase=rng.normal(0, 0.5, n_ps),
        rate=rng.normal(0, 0.003, n_ps),
    )


def pairs_of(scene, reach=3):
    """Small baselines of a stack: every image with the next few."""
    n_image = len(scene.day)
    pairs = np.array([(i, j) for i in range(n_image) for j in range(i + 1, n_image)
                      if j - i <= reach])  # fmt: skip
    bperp = np.insert(scene.bperp_mat, scene.master, 0, axis=1).astype(np.float64)
    mean = np.diff(bperp[:, pairs], axis=2)[:, :, 0].mean(axis=0)
    return Ifgs(pairs, mean, scene.day, float(scene.day[scene.master]), None)


def context(arithmetic="double", backend="native", **config):
    values = {"compat.arithmetic": arithmetic, "runtime.triangulator": "native", **config}
    return Context(
        table(backend, arithmetic), RunConfig().with_values(values).resolved(), log=QuietLog()
    )


def stage7_params(**changes):
    values = {
        "drop_ifg_index": (),
        "scla_drop_index": (),
        "scla_method": "L2",
        "scla_deramp": False,
        "subtr_tropo": False,
        "tropo_method": "a_erai",
    }
    return stage7.Params(**{**EVERYWHERE, **values, **changes})


def stage7_inputs(scene, **changes):
    values = {
        "unwrapped": scene.phase,
        "bperp_mat": scene.bperp_mat,
        "ifgs": scene.ifgs,
        "lonlat": scene.lonlat,
        "xy": scene.xy,
        "origin": ORIGIN,
        "ifg_std": scene.ifg_std,
        "deramp_degree": None,
        "tropo": None,
    }
    return stage7.Inputs(**{**values, **changes})


def stage7_sb_params(**changes):
    values = {f: getattr(stage7_params(), f) for f in stage7.Params.__dataclass_fields__}
    return stage7_sb.Params(**{**values, "sb_scla_drop_index": (), **changes})


def stage7_sb_inputs(scene, ifgs, **changes):
    """Inputs whose pairs are the differences of the images."""
    baselines = np.insert(scene.bperp_mat, scene.master, 0, axis=1)
    relative = scene.phase - scene.phase[:, [scene.master]]
    values = {
        "unwrapped": relative,
        "bperp_mat": difference(baselines, ifgs),
        "ifgs": ifgs,
        "lonlat": scene.lonlat,
        "xy": scene.xy,
        "origin": ORIGIN,
        "deramp_degree": None,
        "images": None,
        "unwrapped_pairs": difference(relative, ifgs),
        "pair_covariance": np.eye(len(ifgs)),
        "image_covariance": np.eye(len(scene.day)),
        "tropo": None,
    }
    return stage7_sb.Inputs(**{**values, **changes})


def difference(images, ifgs):
    """Second minus first image of every pair."""
    return np.ascontiguousarray(images[:, ifgs.pairs[:, 1]] - images[:, ifgs.pairs[:, 0]])


def stage8_sb_inputs(scene, ifgs, **changes):
    """Inputs whose pairs are the differences of the images."""
    single = stage8_inputs(scene)
    names = stage8.inputs.CommonInputs.__dataclass_fields__
    values = {name: getattr(single, name) for name in names} | {
        "ifgs": ifgs,
        "unwrapped_pairs": difference(scene.phase, ifgs),
        "pair_scla_phase": difference(single.scla_phase, ifgs),
        "pair_covariance": np.eye(len(ifgs)),
    }
    return stage8_sb.Inputs(**{**values, **changes})


def stage8_params(**changes):
    values = {
        "drop_ifg_index": (),
        "scn_deramp_ifg": (),
        "scn_kriging_flag": False,
        "scn_time_win": 365.0,
        "scn_wavelength": 100.0,
        "lambda_": 0.0555,
    }
    return stage8.Params(**{**EVERYWHERE, **values, **changes})


def stage8_inputs(scene, **changes):
    values = {
        "unwrapped": scene.phase,
        "scla_phase": np.zeros_like(scene.phase),
        "offset": np.zeros(len(scene.xy), np.float32),
        "ramp": None,
        "lonlat": scene.lonlat,
        "xy": scene.xy,
        "origin": ORIGIN,
        "ifgs": scene.ifgs,
        "ifg_std": scene.ifg_std,
        "deramp_degree": None,
        "arc_phase": None,
        "arc_noise": None,
        "arcs": {},
    }
    return stage8.Inputs(**{**values, **changes})
