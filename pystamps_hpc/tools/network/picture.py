"""The picture of the network: when the images are, how far apart, and how noisy their pairs."""

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...dataset.rows import FloatArray
from ...errors import ConfigError
from ...stages.shared.ifgs import Ifgs, date_of
from ..drawing.page import EDGE, INK, MARK, SUFFIXES, new_figure, require_matplotlib
from ..products.files import save_picture
from .report import Network, read_network

WHAT = "the picture of the network"

STYLES: dict[str, Literal["solid", "dashed", "dotted"]] = {
    "used": "solid",
    "worth dropping": "dashed",
    "dropped": "dotted",
}
"""How the line of a pair is drawn."""

MOST_NUMBERS = 120
"""With more pairs, only those that are dropped or worth it have their number."""


def network_picture(root: str | os.PathLike[str], path: str | os.PathLike[str]) -> Path:
    """Draw the interferograms of a dataset in the plane of time and perpendicular baseline.

    The colour of a pair is its noise, after stage 5; dropped pairs are dotted, those worth dropping
    dashed. Numbers are those of ``drop_ifg_index``.

    Parameters
    ----------
    root : path
        Dataset after stage 1 or later.
    path : path
        The picture to write, PNG, PDF or SVG by its suffix; replaced atomically.

    Raises
    ------
    ConfigError
        Another suffix.
    ToolMissingError
        matplotlib is not installed.
    DatasetError, MatError
        As of :func:`read_network`.
    PublishError
        The picture cannot be written.
    """
    target = Path(path)
    if target.suffix not in SUFFIXES:
        raise ConfigError(f"{target}: a picture ends with {', '.join(SUFFIXES[:-1])} or "
                          f"{SUFFIXES[-1]}")  # fmt: skip
    require_matplotlib(WHAT)
    return save_picture(draw_network(read_network(root), usual_title(root)), target)


def usual_title(root: str | os.PathLike[str]) -> str:
    """Return what stands above the network of a dataset, before its numbers."""
    return Path(root).resolve().name


def draw_network(network: Network, title: str) -> Any:
    """Draw a network; return the figure. See :func:`network_picture`."""
    figure, ifgs = new_figure((10, 6), WHAT), network.ifgs
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    lines = _draw_pairs(axes, network)
    axes.set_ylabel("perpendicular baseline to the master [m]")
    counts = f"{len(ifgs.day)} images, {len(ifgs)} interferograms"
    axes.set_title(f"{title}: {counts}", loc="left", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(0.05)
    axes.autoscale_view()
    if lines.get_array() is not None:
        bar = figure.colorbar(lines, ax=axes, shrink=0.8)
        bar.set_label("noise of the interferogram [deg]")
    return figure


def image_baselines(ifgs: Ifgs) -> FloatArray:
    """Return the baseline of each image to the master, (n_image,) [m], by least squares."""
    baselines, *_ = np.linalg.lstsq(ifgs.design, ifgs.bperp.astype(np.float64), rcond=None)
    at_master = baselines[ifgs.day == ifgs.master_day]
    return np.asarray(baselines - (at_master[0] if len(at_master) else 0))


def _draw_pairs(axes: Any, network: Network) -> Any:
    """Draw images and pairs with their numbers and a legend; return the lines of the pairs."""
    from matplotlib.collections import LineCollection
    from matplotlib.dates import date2num
    from matplotlib.lines import Line2D

    ifgs, suspects = network.ifgs, network.suspects()
    days = np.array([date_of(day) for day in ifgs.day], "datetime64[D]")
    places = np.column_stack((date2num(days), image_baselines(ifgs)))  # type: ignore[no-untyped-call]
    roles = ["dropped" if dropped else "worth dropping" if k in suspects else "used"
             for k, dropped in enumerate(network.dropped)]  # fmt: skip
    known = np.isfinite(network.noise).any()
    lines = LineCollection(
        list(places[ifgs.pairs]),
        linestyles=[STYLES[role] for role in roles],
        linewidths=1.4,
        zorder=2,
        **({"array": network.noise, "cmap": "viridis_r"} if known else {"colors": EDGE}),
    )
    axes.add_collection(lines)
    axes.xaxis_date()
    of_images = axes.scatter(*places.T, s=28, color=INK, zorder=3, label="image")
    shown = [Line2D([], [], color=INK, linestyle=style, label=role)
             for role, style in STYLES.items() if role in roles]  # fmt: skip
    at_master = ifgs.day == ifgs.master_day
    masters = axes.scatter(*places[at_master].T, s=60, color=MARK, zorder=4, label="master")
    handles = [of_images, *([masters] if at_master.any() else []), *shown]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.07), ncols=5,
                frameon=False)  # fmt: skip
    for k, role in enumerate(roles):
        if len(roles) <= MOST_NUMBERS or role != "used":
            # off the middle, where lines of a regular network cross
            start, end = places[ifgs.pairs[k]]
            axes.annotate(str(ifgs.columns[k] + 1), start + 0.42 * (end - start), ha="center",
                          va="center", fontsize=7, color=INK, zorder=5,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})  # fmt: skip
    return lines
