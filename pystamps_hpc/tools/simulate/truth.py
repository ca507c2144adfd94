"""The truth of a simulated dataset, and how far a finished chain is from it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ...dataset import parameters
from ...dataset.mat import MatFile
from ...dataset.rows import AnyArray, FloatArray, IntArray
from ...errors import DatasetError
from .geometry import Acquisitions, Scene
from .model import Truth
from .scatterers import Candidates


def truth_rows(scene: Scene, truth: Truth, candidates: Candidates) -> dict[str, AnyArray]:
    """Return the rows of ``truth.npz`` of some candidates."""
    lon, lat = scene.lonlat(candidates.azimuth, candidates.sample)
    sigma = candidates.sigma
    return {
        "ij": np.column_stack([candidates.azimuth, candidates.sample]),
        "lon": lon,
        "lat": lat,
        "velocity": truth.velocity,
        "seasonal": truth.seasonal,
        "dem_err": truth.dem_error,
        "is_ps": candidates.is_ps,
        "phase_std": sigma if scene.options.noise else np.zeros_like(sigma),
        "D_A": candidates.dispersion,
    }


def save_truth(
    root: Path,
    rows: Mapping[str, AnyArray],
    scene: Scene,
    images: Acquisitions,
    pairs: IntArray,
    **more: object,
) -> None:
    """Write ``truth.npz``: rows, images and pairs (n_ifg, 2), and what else there is to say."""
    columns: dict[str, Any] = {
        **rows,
        "dates": np.array(images.dates),
        "bperp": images.bperp,
        "pairs": pairs,
        "master": images.master,
        "wavelength": scene.wavelength,
        "heading": scene.options.heading,
        **more,
    }
    np.savez(root / "truth.npz", **columns)


@dataclass(frozen=True)
class VelocityError:
    """Agreement of estimated and true velocities over the persistent scatterers found.

    Attributes
    ----------
    n_ps : int
        Points of the result that are persistent scatterers in truth; those of a resampled merge
        count as the nearest one.
    n_false : int
        Points of the result that are not; they do not enter the figures below. Every point of a
        stack that the truth does not know is one.
    rmse : float
        Root mean square of estimate minus truth after a plane and an offset are removed [mm/yr].
    bias : float
        Median of the same differences [mm/yr].
    offset : float
        Mean of estimate minus truth before the plane is removed [mm/yr]: the reference area.
    correlation : float
        Of estimate, less plane and offset, and truth.
    noise_bound : float
        Root mean square of the standard deviation that the simulated phase noise alone leaves in
        a least-squares velocity fitted together with offset and DEM error [mm/yr]. Atmosphere,
        orbits and the yearly term come on top.
    """

    n_ps: int
    n_false: int
    rmse: float
    bias: float
    offset: float
    correlation: float
    noise_bound: float


def truth_velocity_error(
    root: str | os.PathLike[str], among: str | os.PathLike[str] | None = None
) -> VelocityError:
    """Compare ``mean_v`` of a finished chain with the truth.

    Parameters
    ----------
    root : path
        Dataset written by :func:`simulate`, processed through stage 8.
    among : path, optional
        Another dataset of the scene: only pixels that are points there too count.

    Raises
    ------
    DatasetError
        No ``truth.npz``, a point that the simulation does not know, or fewer than four
        persistent scatterers.
    MatError
        ``ps2.mat`` or ``mean_v.mat`` is missing or unreadable.
    """
    folder = Path(root)
    if not (folder / "truth.npz").is_file():
        raise DatasetError(f"{folder / 'truth.npz'}: missing; this is not a simulated dataset")
    with MatFile(folder / "ps2.mat") as file:
        pixels, lonlat = _pixels(file), file.read("lonlat")
    with MatFile(folder / "mean_v.mat") as file:
        estimate = np.ravel(file.read("mean_v"))
    with np.load(folder / "truth.npz") as archive:
        truth = {key: archive[key] for key in archive.files}

    if float(parameters.load(folder).value("merge_resample_size")) > 0:
        rows = _nearest_scatterer(lonlat, truth)
        real = truth["is_ps"][rows]
    else:
        rows, known = _match(pixels, truth["ij"])
        if not known.all() and "stack" not in truth:
            _refuse(folder, pixels[~known])
        real = known & truth["is_ps"][rows]
    counted = np.ones(len(rows), bool)
    if among is not None:
        with MatFile(Path(among) / "ps2.mat") as file:
            counted = np.isin(_numbers(pixels), _numbers(_pixels(file)))
    real &= counted
    n_ps = int(real.sum())
    if n_ps < 4:
        raise DatasetError(f"{folder}: {n_ps} persistent scatterers, a plane needs four")
    rows, estimate, lonlat = rows[real], estimate[real], lonlat[real]

    expected = -truth["velocity"][rows]
    difference = estimate - expected
    plane = np.column_stack([lonlat - lonlat.mean(axis=0), np.ones(n_ps)])
    residual = difference - plane @ np.linalg.lstsq(plane, difference, rcond=None)[0]
    bound = _slope_deviation(truth) * truth["phase_std"][rows]
    return VelocityError(
        n_ps=n_ps,
        n_false=int(counted.sum()) - n_ps,
        rmse=float(np.sqrt(np.mean(residual**2))),
        bias=float(np.median(residual)),
        offset=float(difference.mean()),
        correlation=float(np.corrcoef(expected + residual, expected)[0, 1]),
        noise_bound=float(np.sqrt(np.mean(bound**2))),
    )


def write_joined_truth(
    ps: str | os.PathLike[str], sb: str | os.PathLike[str], combined: str | os.PathLike[str]
) -> None:
    """Write the truth of a combined dataset: the candidates of two simulations of one scene."""
    with np.load(Path(ps) / "truth.npz") as one, np.load(Path(sb) / "truth.npz") as other:
        n = len(one["ij"])
        numbers = np.concatenate([_numbers(truth["ij"]) for truth in (one, other)])
        _, rows = np.unique(numbers, return_index=True)
        joined: dict[str, Any] = {
            name: np.concatenate((one[name], other[name]))[rows]
            if one[name].shape[:1] == (n,)
            else other[name]
            for name in one.files
        }
    np.savez(Path(combined) / "truth.npz", **joined)


def _pixels(points: MatFile) -> AnyArray:
    """Return azimuth line and range sample of the points of a dataset, (n, 2) int64."""
    pixels: AnyArray = points.read("ij")[:, 1:].astype(np.int64)
    return pixels


def _numbers(pixels: AnyArray) -> AnyArray:
    """Return a number for each pixel, in raster order."""
    return np.asarray(pixels @ np.array([2**32, 1]))


def _nearest_scatterer(lonlat: FloatArray, truth: dict[str, AnyArray]) -> AnyArray:
    """Return the row of ``truth`` of the persistent scatterer nearest to each resampled point."""
    scale = np.array([np.cos(np.radians(lonlat[:, 1].mean())), 1])
    scatterers = np.flatnonzero(truth["is_ps"])
    known = np.column_stack((truth["lon"], truth["lat"]))[scatterers]
    return np.asarray(scatterers[cKDTree(known * scale).query(lonlat * scale)[1]])


def _match(pixels: AnyArray, known: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return the row of ``known``, which is in raster order, of every pixel, and if it has one."""
    wanted, have = _numbers(pixels), _numbers(known)
    rows = np.searchsorted(have, wanted).clip(max=len(have) - 1)
    return rows, have[rows] == wanted


def _refuse(folder: Path, lost: AnyArray) -> None:
    raise DatasetError(
        f"{folder / 'ps2.mat'}: {len(lost)} points are not in truth.npz, the first is azimuth"
        f" {lost[0, 0]}, range {lost[0, 1]}; was the dataset simulated again after it was"
        " processed?"
    )


def _slope_deviation(truth: dict[str, AnyArray]) -> float:
    """Return the velocity deviation [mm/yr] per radian of phase noise of one image."""
    iso = [f"{date[:4]}-{date[4:6]}-{date[6:]}" for date in truth["dates"].tolist()]
    days = np.array(iso, "datetime64[D]").astype(np.float64)
    days -= days.mean()
    design: FloatArray = np.column_stack([np.ones(len(days)), days / 365.25, truth["bperp"]])
    slaves = np.arange(len(days)) != int(truth["master"])
    variance = np.linalg.inv(design[slaves].T @ design[slaves])[1, 1]
    return float(np.sqrt(variance) * truth["wavelength"] * 1000 / (4 * np.pi))
