"""The formats in which the points of a dataset leave the program.

One line per format: ``name | file | side files | needs | options | written by | meaning``.

file
    Its name by default, in the products of the dataset; without a suffix it is a folder.
side files
    Suffixes of what lies beside it.
needs
    An extra of the installation, and the modules of it that are needed.
options
    Those of the command that it takes.
written by
    A function ``write(points, path, **options)`` of a module of the tools; ``COLUMNS`` of the
    module names the columns of the table of points that it needs, all without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import ConfigError

_TABLE = """
gpkg    | points.gpkg    |                           | gis: pyogrio pyarrow |  | export.geopackage.write_geopackage | GeoPackage for QGIS, InSAR Explorer, PS Time Series Viewer
shp     | ps.shp         | .shx .dbf .prj .cpg .json | gis: pyogrio pyarrow |  | export.shapefile.write_shapefile   | Shapefile for the same, and for older programs
parquet | points.parquet |                           | gis: pyarrow pyproj  |  | export.geoparquet.write_parquet    | GeoParquet for geopandas, DuckDB and large sets
csv     | points.csv     | .csvt .prj .json          |                      |  | products.velocity_csv.write_csv    | text table for spreadsheets, pandas, GDAL, QGIS
egms    | egms.csv       | .json                     | gis: pyproj          |  | export.egms.write_egms             | text table in the layout of EGMS L2a
"""  # noqa: E501


@dataclass(frozen=True)
class Format:
    """One line of the table.

    Attributes
    ----------
    name, file, meaning : str
        See the module.
    sides, modules, options : tuple of str
        Suffixes of side files; modules that are needed; options that are taken.
    extra : str
        The extra of the installation that has the modules; empty without.
    writer : str
        ``package.module.function``
    """

    name: str
    file: str
    sides: tuple[str, ...]
    extra: str
    modules: tuple[str, ...]
    options: tuple[str, ...]
    writer: str
    meaning: str


def _parse(line: str) -> Format:
    name, file, sides, needs, options, writer, meaning = (part.strip() for part in line.split("|"))
    extra, _, modules = needs.partition(":")
    return Format(
        name=name,
        file=file,
        sides=tuple(sides.split()),
        extra=extra,
        modules=tuple(modules.split()),
        options=tuple(options.split()),
        writer=writer,
        meaning=meaning,
    )


FORMATS: dict[str, Format] = {
    known.name: known for known in map(_parse, _TABLE.strip().splitlines())
}
"""Name -> format."""


def format_of(name: str, options: Sequence[str] = ()) -> Format:
    """Find a format that takes some options.

    Raises
    ------
    ConfigError
        There is none of that name, or it does not take one of them.
    """
    known = FORMATS.get(name.lower())
    if known is None:
        raise ConfigError(f"format {name}: there is none; there are {', '.join(FORMATS)}")
    for option in options:
        if option not in known.options:
            takers = [each.name for each in FORMATS.values() if option in each.options]
            raise ConfigError(f"format {name} does not take --{option}; {', '.join(takers)} do")
    return known
