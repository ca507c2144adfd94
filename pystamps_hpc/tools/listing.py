"""The images and interferograms of a dataset, one line each (StaMPS ``ps_info``, ``sb_info``)."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..config import RunConfig
from ..dataset.rows import FloatArray
from ..stages.shared.ifgs import date_of, listed_columns
from .network.deviation import noise_of_pairs
from .network.picture import image_baselines
from .products.artifacts import MergedArtifacts
from .status import stale_warning


def dataset_listing(
    root: str | os.PathLike[str], config: RunConfig | None = None, config_file: str = ""
) -> dict[str, Any]:
    """List the images of a dataset, and the pairs of small baselines.

    Parameters
    ----------
    root : path
        Dataset processed through stage 5.
    config : RunConfig, optional
        Configuration against which finished work may be out of date.
    config_file : str, optional
        Where the configuration comes from.

    Returns
    -------
    dict
        ``images`` with number, date and baseline against the master; of a single master noise, of
        small baselines it is that of the ``interferograms``; ``ps``, the number of points;
        ``warnings`` of what is out of date.

    Raises
    ------
    DatasetError, MatError
        An artifact is missing or damaged.
    """
    found = MergedArtifacts(root)
    ifgs = found.network
    drop = found.parameters.value("drop_ifg_index") or ()
    dropped = listed_columns(drop, ifgs.n_columns, "drop_ifg_index")
    images = [
        {"number": k + 1, "date": date_of(ifgs.day[k]), "bperp_m": round(float(bperp), 1)}
        for k, bperp in enumerate(image_baselines(ifgs))
    ]
    columns = [
        {
            "noise_deg": None if np.isnan(value) else round(float(value), 3),
            "dropped": k in dropped,
        }
        for k, value in enumerate(_noise(found))
    ]
    document = {
        "schema": "pystamps-hpc/info/1",
        "dataset": str(root),
        "mode": "small baselines" if found.small_baselines else "single master",
        "master": date_of(ifgs.master_day),
        "ps": found.n_ps,
        "images": images,
        "warnings": stale_warning(Path(root), found.stage, config, config_file),
    }
    if not found.small_baselines:
        return document | {"images": [a | b for a, b in zip(images, columns, strict=True)]}
    pairs = [
        {
            "number": k + 1,
            "first": date_of(ifgs.day[first]),
            "second": date_of(ifgs.day[second]),
            "bperp_m": round(float(ifgs.bperp[k]), 1),
            **columns[k],
        }
        for k, (first, second) in enumerate(ifgs.pairs)
    ]
    return document | {"interferograms": pairs}


def _noise(found: MergedArtifacts) -> FloatArray:
    """Return the noise of all columns, (n_columns,) [deg]; NaN where nothing tells it."""
    columns = found.network.n_columns
    noise: FloatArray | None = found.value("ifgstd2.ifg_std") if found.has("ifgstd2") else None
    if noise is not None:
        return noise.astype(np.float64)
    if found.small_baselines and found.has("rc2") and found.has("pm2"):
        corrected, filtered = (found.stack(name, columns) for name in ("rc2.ph_rc", "pm2.ph_patch"))
        return noise_of_pairs(corrected, filtered)
    return np.full(columns, np.nan)
