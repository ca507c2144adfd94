"""What a user looks at after stage 8: the velocity map and the table of time series."""

from .velocity_csv import velocity_csv
from .velocity_map import velocity_map

__all__ = ["velocity_csv", "velocity_map"]
