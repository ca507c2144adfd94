"""The picture of the network: when the images are, how far apart, and how noisy their pairs."""

import os
from pathlib import Path

import numpy as np

from ...dataset.rows import AnyArray, FloatArray
from ...errors import ToolMissingError
from ...stages.shared.ifgs import Ifgs, date_of
from ..products.files import product_file
from .report import Network, read_network

INK, FAINT, MASTER = "#1f2328", "#9aa0a6", "#c62828"


def network_picture(root: str | os.PathLike[str], path: str | os.PathLike[str]) -> Path:
    """Draw the interferograms of a dataset in the plane of time and perpendicular baseline.

    The colour of a pair is its noise, after stage 5; dropped pairs are dotted, those worth dropping
    dashed.

    Parameters
    ----------
    root : path
        Dataset after stage 1 or later.
    path : path
        The PNG to write; replaced atomically.

    Raises
    ------
    ToolMissingError
        matplotlib is not installed.
    DatasetError, MatError
        As of :func:`read_network`.
    PublishError
        The picture cannot be written.
    """
    network = read_network(root)
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.colorbar import Colorbar
        from matplotlib.figure import Figure
    except ImportError:
        raise ToolMissingError(
            "the picture of the network needs matplotlib: pip install 'pystamps-hpc[viz]'"
        ) from None
    ifgs = network.ifgs
    days = np.array([date_of(day) for day in ifgs.day], "datetime64[D]")
    bperp = image_baselines(ifgs)
    figure = Figure(figsize=(9, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    lines = _lines(network, days, bperp)
    axes.add_collection(lines)
    axes.scatter(days, bperp, s=28, color=INK, zorder=3)
    at_master = np.flatnonzero(ifgs.day == ifgs.master_day)
    for image in at_master:
        axes.scatter(days[image], bperp[image], s=60, color=MASTER, zorder=4, label="master")
        axes.legend(loc="upper right", frameon=False)
    axes.set_ylabel("perpendicular baseline to the master [m]")
    axes.set_title(f"{Path(root).resolve().name}: {len(days)} images, {len(ifgs)} interferograms",
                   loc="left", color=INK)  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(0.05)
    axes.autoscale_view()
    if lines.get_array() is not None:
        bar: Colorbar = figure.colorbar(lines, ax=axes, shrink=0.8)
        bar.set_label("noise of the interferogram [deg]")
    with product_file(Path(path)) as temporary:
        figure.savefig(temporary, dpi=160, format="png")
    return Path(path)


def image_baselines(ifgs: Ifgs) -> FloatArray:
    """Return the baseline of each image to the master, (n_image,) [m], by least squares."""
    baselines, *_ = np.linalg.lstsq(ifgs.design, ifgs.bperp.astype(np.float64), rcond=None)
    at_master = baselines[ifgs.day == ifgs.master_day]
    return np.asarray(baselines - (at_master[0] if len(at_master) else 0))


def _lines(network: Network, days: AnyArray, bperp: FloatArray):  # type: ignore[no-untyped-def]
    """Return the pairs as lines, coloured by noise where that is known."""
    from matplotlib.collections import LineCollection
    from matplotlib.dates import date2num

    places = np.column_stack((date2num(days), bperp))  # type: ignore[no-untyped-call]
    suspects = network.suspects()
    styles = ["dotted" if dropped else "dashed" if k in suspects else "solid"
              for k, dropped in enumerate(network.dropped)]  # fmt: skip
    known = np.isfinite(network.noise).any()
    return LineCollection(
        list(places[network.ifgs.pairs]),
        linestyles=styles,
        linewidths=1.4,
        zorder=2,
        **({"array": network.noise, "cmap": "viridis_r"} if known else {"colors": FAINT}),
    )
