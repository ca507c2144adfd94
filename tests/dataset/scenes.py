"""Small datasets on disk as SNAP and DORIS leave them, for readers and stage 1."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pystamps_hpc.dataset.parameters import Parameters

ORBIT = {
    "sensor": "SIMSAR",
    "azimuth_lines": "240",
    "heading": "-168.0 degrees",
    "range_pixel_spacing": "7.8 m",
    "near_range_slc": "845000.0 m",
    "center_range_slc": "847400.0 m",
    "radar_frequency": "5.405000e+09 Hz",
    "prf": "486.486 Hz",
    "sar_to_earth_center": "7070000.0 m",
    "earth_radius_below_sensor": "6368000.0 m",
}
BASELINE = (0.0, -173.6289257, 108.3307236)
BASELINE_RATE = (0.0, -0.2004775, 0.0601433)


@dataclass(frozen=True)
class Scene:
    """Candidates with distinct positions, one row per candidate; phasors of unit amplitude."""

    ij: np.ndarray
    lonlat: np.ndarray
    phase: np.ndarray
    master: str = "20100220"
    days: tuple[str, ...] = ("20100101", "20100201", "20100301")
    pairs: tuple[tuple[str, str], ...] = ()
    height: np.ndarray | None = None
    dispersion: np.ndarray | None = None
    orbit: dict[str, str] = field(default_factory=lambda: dict(ORBIT))

    def but(self, **changes):
        return replace(self, **changes)


def scene(n=12, days=("20100101", "20100201", "20100301"), seed=0, **changes):
    rng = np.random.default_rng(seed)
    ij = np.column_stack((rng.permutation(n), rng.permutation(n)))
    lonlat = np.column_stack((10 + 1e-3 * ij[:, 1], 45 - 1e-3 * ij[:, 0])) + 1e-5 * rng.random(
        (n, 2)
    )
    n_ifg = len(changes.get("pairs", days))
    phase = np.exp(1j * rng.uniform(-3, 3, (n_ifg, n))).astype(np.complex64)
    return Scene(
        ij=ij,
        lonlat=lonlat.astype(np.float32),
        phase=phase,
        days=tuple(days),
        height=rng.uniform(0, 900, n).astype(np.float32),
        dispersion=np.round(rng.uniform(0.1, 0.4, n), 6),
        **changes,
    )


PAIRS = (
    ("20100101", "20100201"), ("20100201", "20100220"), ("20100220", "20100301"),
    ("20100101", "20100301"), ("20100101", "20100220"),
)  # fmt: skip
"""A network of the days and the master of a scene, with two loops."""


def pairs_scene(n=12, pairs=PAIRS, **changes):
    """Return a scene with small baselines; phasors are not of unit amplitude."""
    made = scene(n, pairs=tuple(pairs), **changes)
    sizes = np.linspace(0.5, 3, made.phase.size, dtype=np.float32).reshape(made.phase.shape)
    return made.but(phase=made.phase * sizes)


def write_patch(patch: Path, scene: Scene, order: str) -> None:
    patch.mkdir(parents=True, exist_ok=True)
    ids = np.arange(1, len(scene.ij) + 1)
    np.savetxt(patch / "pscands.1.ij", np.column_stack((ids, scene.ij)), fmt="%d")
    scene.lonlat.astype(f"{order}f4").tofile(patch / "pscands.1.ll")
    scene.phase.astype(f"{order}c8").tofile(patch / "pscands.1.ph")
    if scene.height is not None:
        scene.height.astype(f"{order}f4").tofile(patch / "pscands.1.hgt")
    if scene.dispersion is not None:
        np.savetxt(patch / "pscands.1.da", scene.dispersion, fmt="%g")


def write_snap(root: Path, scene: Scene, order: str = ">") -> tuple[Path, Parameters]:
    """Write a SNAP dataset of one patch; return the patch and its parameters."""
    patch = root / "PATCH_1"
    write_patch(patch, scene, order)
    names = [f"{scene.master}_{day}" for day in scene.days]
    _write_snap_texts(root, scene, "rslc", [f"diff0/{name}" for name in names])
    values = {"insar_processor": "snap", "heading": -168.0, "lambda": 0.055}
    return patch, Parameters(stored=values)


def write_snap_sb(root: Path, scene: Scene) -> tuple[Path, Parameters]:
    """Write a SNAP dataset of one patch with small baselines; see :func:`write_snap`."""
    patch = root / "PATCH_1"
    write_patch(patch, scene, ">")
    names = [f"{first}_{second}" for first, second in scene.pairs]
    places = [f"SMALL_BASELINES/{name}/{name}" for name in names]
    _write_snap_texts(root, scene, f"SMALL_BASELINES/{names[0]}", places)
    values = {"insar_processor": "snap", "heading": -168.0, "lambda": 0.055,
              "small_baseline_flag": "y"}  # fmt: skip
    return patch, Parameters(stored=values)


def _write_snap_texts(root: Path, scene: Scene, of_master: str, places: list[str]) -> None:
    """Write the texts of interferograms at their places, and the geometry in a folder."""
    (root / of_master).mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{key}: {value}\n" for key, value in scene.orbit.items())
    (root / of_master / f"{scene.master}.rslc.par").write_text("Parameter File\n\n" + lines)
    (root / "rsc.txt").write_text(f"../{of_master}/{scene.master}.rslc.par\n")
    for k, place in enumerate(places):
        vector = " ".join(f"{(k + 1) * value:.7f}" for value in BASELINE)
        rate = " ".join(f"{value:.7f}" for value in BASELINE_RATE)
        path = root / f"{place}.base"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"initial_baseline(TCN): {vector} m m m\ninitial_baseline_rate: {rate} m/s m/s m/s\n"
        )
    listing = "".join(f"../{place}.diff\n" for place in places)
    (root / "pscphase.in").write_text("240\n" + listing)


def write_doris(root: Path, scene: Scene) -> tuple[Path, Parameters]:
    """Write a DORIS dataset of one patch without grids; return the patch and its parameters."""
    patch = root / "PATCH_1"
    write_patch(patch, scene, "=")
    texts = {
        "day.1.in": "\n".join(scene.days),
        "master_day.1.in": scene.master,
        "bperp.1.in": "\n".join(str(100.5 * (k + 1)) for k in range(len(scene.days))),
        "heading.1.in": "-167.3",
        "lambda.1.in": "0.0562",
        "slc_osfactor.1.in": "2",
        "width.txt": "300",
        "len.txt": "400",
    }
    for name, text in texts.items():
        (root / name).write_text(text + "\n")
    values = {"insar_processor": "doris", "heading": -167.3, "lambda": 0.0562}
    return patch, Parameters(stored=values)


def write_doris_sb(root: Path, scene: Scene) -> tuple[Path, Parameters]:
    """Write a DORIS dataset of one patch with small baselines; see :func:`write_doris`."""
    patch, known = write_doris(root, scene)
    lines = (" ".join(pair) for pair in scene.pairs)
    (root / "ifgday.1.in").write_text("\n".join(lines) + "\n")
    return patch, known.with_values({"small_baseline_flag": "y"})
