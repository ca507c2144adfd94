"""A dataset as an ``xarray.Dataset``."""

from .opening import open_dataset

__all__ = ["open_dataset"]
