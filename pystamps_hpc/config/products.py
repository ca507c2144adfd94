"""The files that a run can leave for people in ``products``, of which the configuration chooses."""

PRODUCTS: dict[str, tuple[str, ...]] = {
    "velocity.png": (),
    "velocity.csv": (".csvt", ".prj", ".json"),
    "points.gpkg": (),
    "ps.shp": (".shx", ".dbf", ".prj", ".cpg", ".json"),
    "points.parquet": (),
    "points.nc": (),
    "egms.csv": (".json",),
    "stamps_tsexport.csv": (),
    "velocity.kmz": (),
    "velocity.tif": (),
}
"""Name -> suffixes of what lies beside it: the map, the table, and exports by their usual names."""

USUAL = ("velocity.png", "velocity.csv")
"""What a run leaves unless it is told."""
