"""Values, velocities, series and points of a dataset, and the files that hold them."""
