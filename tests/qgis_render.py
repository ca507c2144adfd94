"""Render a GeoPackage and a KMZ with QGIS, without a display: ``qgis_render.py OUT FILE ...``.

Run by the Python that Debian's QGIS is installed for (``make test-qgis``). Ends with 1 if QGIS does
not take a file, counts other features than the file has, or draws nothing of it.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (  # type: ignore[import-not-found]
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize  # type: ignore[import-not-found]
from qgis.PyQt.QtGui import QColor  # type: ignore[import-not-found]

SIDE = 600
LEAST_DRAWN = 0.001
"""Share of the picture that must not be white."""


def layer_of(path):
    """Open a file as QGIS' browser does: points as a vector layer, an overlay as a raster."""
    if path.suffix == ".kmz":
        return QgsRasterLayer(str(path), path.stem, "gdal")
    return QgsVectorLayer(str(path), path.stem, "ogr")


def render(layer, picture):
    """Draw a layer and return the share of the picture that it covers."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setBackgroundColor(QColor("white"))
    settings.setOutputSize(QSize(SIDE, SIDE))
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(layer.extent())
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(str(picture))
    white = QColor("white").rgb()
    drawn = sum(image.pixel(x, y) != white for x in range(SIDE) for y in range(SIDE))
    return drawn / SIDE**2


def main(out, *paths):
    """Render every file into a folder."""
    application = QgsApplication([], False)
    application.initQgis()
    failed = False
    for path in map(Path, paths):
        layer = layer_of(path)
        picture = Path(out) / f"{path.name}.png"
        drawn = render(layer, picture) if layer.isValid() else 0.0
        count = layer.featureCount() if isinstance(layer, QgsVectorLayer) else ""
        print(f"{path}: valid {layer.isValid()}, {count} {layer.crs().authid()}, "
              f"{drawn:.1%} drawn, {picture}")  # fmt: skip
        failed |= drawn < LEAST_DRAWN
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
