"""What can be chosen about a preparation."""

import math
from dataclasses import dataclass
from pathlib import Path

from ...dataset.slc_stack import SlcStack
from ...errors import ConfigError

SINGLE_MASTER, SMALL_BASELINES = "0.4", "0.6"
"""Amplitude dispersion that candidates stay below, as StaMPS has it."""


@dataclass(frozen=True)
class Options:
    """Options of a preparation.

    Parameters
    ----------
    processor : str
        Program that made the stack, or ``auto``.
    master : str or None
        Date of the master, where nothing else tells it.
    dispersion : str or None
        Amplitude dispersion that a candidate stays below, as it was typed: it stands so in
        ``selpsc.in``; a negative one is that it reaches. None: 0.4, of small baselines 0.6.
    patches, overlap : (int, int)
        In azimuth and in range: patches, and pixels that a patch reaches beyond its own part.
        Patches that are None are chosen for scene, ranks and memory, and with them an overlap that
        is None; else that is 50.
    mask : Path or None
        One byte per pixel; what is not 0 is left out. Relative to the dataset.
    force : bool
        Whether patches that are there are made anew.
    """

    processor: str = "auto"
    master: str | None = None
    dispersion: str | None = None
    patches: tuple[int, int] | None = (1, 1)
    overlap: tuple[int | None, int | None] = (None, None)
    mask: Path | None = None
    force: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.dispersion is not None and not _is_number(self.dispersion):
            raise ConfigError(f"amplitude dispersion {self.dispersion}: not a number other than 0")
        if self.patches is not None and min(self.patches) < 1:
            raise ConfigError(f"patches {self.patches}: both counts must be at least 1")
        if min(each or 0 for each in self.overlap) < 0:
            raise ConfigError(f"overlap {self.overlap}: must not be negative")

    def threshold(self, stack: SlcStack) -> str:
        """Return the amplitude dispersion as it stands in the file."""
        return self.dispersion or (SMALL_BASELINES if stack.small_baselines else SINGLE_MASTER)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and float(text) != 0
    except ValueError:
        return False
