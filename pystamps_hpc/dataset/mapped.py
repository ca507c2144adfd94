"""Files mapped into memory, whose pages count as memory of the process until given back."""

import mmap
from typing import Any

import numpy as np

from .rows import AnyArray


def release(array: AnyArray) -> None:
    """Give the pages of a mapped file back; reading them again finds them in the system's cache."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
