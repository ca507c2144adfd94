"""Small stacks of images, as processors leave them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pystamps_hpc.config import RunConfig
from pystamps_hpc.parallel.context import Context, QuietLog
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.tools.preparation import Options, plan_preparation, prepare_stack
from pystamps_kernels.dispatch import table

DATES = ("20160103", "20160208", "20160315", "20160420", "20160526", "20160701")
MASTER = DATES[3]
PARAMETERS = """\
sensor:    SIMSAR
azimuth_lines: {length}
range_samples: {width}
image_format: {kind}
heading: -168.0 degrees
range_pixel_spacing: 20.0 m
near_range_slc: 845000.0 m
center_range_slc: 846000.0 m
radar_frequency: 5.405e9 Hz
prf: 486.486 Hz
sar_to_earth_center: 7070000.0 m
earth_radius_below_sensor: 6368000.0 m
"""
BASELINE = """\
initial_baseline(TCN): 0.0 {b} 20.0 m m m
initial_baseline_rate: 0.0 0.01 -0.02 m/s m/s m/s
"""


@dataclass
class SlcScene:
    """Images of a scene: echoes (image, line, sample) and interferograms with the master."""

    echoes: np.ndarray
    ifgs: np.ndarray

    @property
    def shape(self):
        return self.echoes.shape[1:]


def scene(length=24, width=31, images=DATES, seed=1):
    """Half of the pixels steady, half not; no zeros."""
    rng = np.random.default_rng(seed)
    shape = (len(images), length, width)
    steady = rng.random(shape[1:]) < 0.5
    noise = rng.normal(0, 30, (*shape, 2)).astype("f4")
    echoes = (np.where(steady, 150, 0) + noise[..., 0] + 1j * noise[..., 1]).astype("c8")
    phase = np.exp(1j * rng.uniform(-3, 3, (len(images) - 1, length, width))).astype("c8")
    return SlcScene(echoes, phase)


def _geocode(folder, shape):
    line, sample = np.mgrid[: shape[0], : shape[1]]
    folder.mkdir(parents=True, exist_ok=True)
    (12 + 3e-4 * sample + 1e-5 * line).astype(">f4").tofile(folder / f"{MASTER}.lon")
    (44 - 3e-4 * line + 1e-5 * sample).astype(">f4").tofile(folder / f"{MASTER}.lat")
    (line + sample / 4).astype(">f4").tofile(folder / "elevation_dem.rdc")


def write_snap(root: Path, images=None, short=False):
    """Write a single-master stack as SNAP exports it (GAMMA with 16-bit integers)."""
    images = images or scene()
    length, width = images.shape
    for name in ("rslc", "diff0"):
        (root / name).mkdir(parents=True)
    kind = "SCOMPLEX" if short else "FCOMPLEX"
    for date, echo in zip(DATES, images.echoes, strict=True):
        parts = np.ascontiguousarray(echo).view("f4")
        parts.astype(">i2" if short else ">f4").tofile(root / f"rslc/{date}.rslc")
        text = PARAMETERS.format(length=length, width=width, kind=kind)
        (root / f"rslc/{date}.rslc.par").write_text(text)
    slaves = [date for date in DATES if date != MASTER]
    for k, (date, ifg) in enumerate(zip(slaves, images.ifgs, strict=True)):
        ifg.astype(">c8").tofile(root / f"diff0/{MASTER}_{date}.diff")
        (root / f"diff0/{MASTER}_{date}.base").write_text(BASELINE.format(b=40.0 * k - 90))
    _geocode(root / "geo", images.shape)
    return images


def write_snap_pairs(root: Path, images=None):
    """Write pairs of images that follow each other, and of every other one."""
    images = images or scene()
    length, width = images.shape
    n = len(DATES)
    pairs = [(i, k) for i in range(n) for k in (i + 1, i + 2) if k < n]
    for i, k in pairs:
        name = f"{DATES[i]}_{DATES[k]}"
        folder = root / "SMALL_BASELINES" / name
        folder.mkdir(parents=True)
        for j in (i, k):
            images.echoes[j].astype(">c8").tofile(folder / f"{DATES[j]}.rslc")
            text = PARAMETERS.format(length=length, width=width, kind="FCOMPLEX")
            (folder / f"{DATES[j]}.rslc.par").write_text(text)
        (images.echoes[i] * images.echoes[k].conj()).astype(">c8").tofile(folder / f"{name}.diff")
        (folder / f"{name}.base").write_text(BASELINE.format(b=30.0 * (k - i)))
    _geocode(root / "geo", images.shape)
    return images


def prepared(root, reference=False, log=None, threads=1, **options):
    """Prepare a stack in this process; images are read in small pieces."""
    values = {"compat.preparation": "reference" if reference else "sound", "output.fsync": False}
    config = RunConfig().with_values(values)
    chosen = Options(**{"master": MASTER, **options})
    layout = plan_preparation(Path(root), chosen, config)
    team = SerialTeam()
    context = Context(table("native", "double"), config, team, log or QuietLog(), threads=threads)
    return prepare_stack(layout, chosen.force, context, "test")


def columns(patch: Path, n_ifg: int):
    """Read what a patch holds: place (line, sample), dispersion, phase."""
    ij = np.array((patch / "pscands.1.ij").read_text().split(), int).reshape(-1, 3)
    phase = np.fromfile(patch / "pscands.1.ph", ">c8").reshape(n_ifg, -1)
    return ij[:, 1:], np.array((patch / "pscands.1.da").read_text().split(), float), phase


def files_of(root: Path):
    """Return everything that a preparation wrote, but its own notes."""
    skipped = ("parms.mat", "STAMPS.log")
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".pystamps-hpc" not in path.parts and path.name not in skipped
    }
