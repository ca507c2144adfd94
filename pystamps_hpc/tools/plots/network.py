"""The picture of the network, as a picture among others."""

import os
from pathlib import Path

from ...pipeline.table import stage_numbers
from ..drawing.page import require_matplotlib
from ..network.picture import draw_network, usual_title
from ..network.report import read_network
from ..products.files import save_picture
from .drawn import USUAL_PAGE, Page, Picture, require_picture


def plot_network(
    root: str | os.PathLike[str],
    path: str | os.PathLike[str],
    page: Page = USUAL_PAGE,
) -> Picture:
    """Draw the interferograms in time and perpendicular baseline.

    Parameters
    ----------
    root : path
        Dataset after stage 1 or later.
    path : path
        The picture to write, PNG, PDF or SVG by its suffix; replaced atomically.
    page : Page
        How the picture is written.

    Raises
    ------
    ToolMissingError
        matplotlib is not installed.
    DatasetError, MatError
        As of :func:`pystamps_hpc.tools.network.report.read_network`.
    PublishError
        The picture cannot be written.
    """
    target = Path(path)
    require_matplotlib("plot network")
    require_picture(target, page.force)
    network = read_network(root)
    shown = page.title or usual_title(root)
    facts = {
        "images": len(network.ifgs.day),
        "interferograms": len(network.ifgs),
        "dropped": (network.ifgs.columns[network.dropped] + 1).tolist(),
    }
    file = save_picture(draw_network(network, shown), target, page.dpi)
    return Picture(file, shown, facts, stage_numbers(tool="unwrapper")[-1])
