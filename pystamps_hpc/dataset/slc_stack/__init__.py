"""The stack of images that a processor left: one module per processor, one result."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...errors import DatasetError
from ..problems import Problems
from ..text import words_of
from . import doris, isce, snap
from .model import SlcStack
from .raster import Raster, implausible, require_sizes, sampled

__all__ = ["PROCESSORS", "Raster", "SlcStack", "read_stack", "require_sound"]

PROCESSORS: dict[str, Callable[[Path, str | None], SlcStack]] = {
    "snap": snap.snap,
    "gamma": snap.gamma,
    "isce": isce.isce,
    "doris": doris.doris,
}
"""Name of a processor -> what finds its files."""


def read_stack(processor: str, root: Path, master: str | None = None) -> SlcStack:
    """Find the images and interferograms of a dataset, and check what their names say.

    Parameters
    ----------
    processor : str
        One of :data:`PROCESSORS`, or ``auto``.
    root : Path
        The dataset directory.
    master : str or None
        Date of the master, ``yyyymmdd``, where nothing else tells it.

    Raises
    ------
    DatasetError
        Files are missing or contradict each other; nothing tells the processor.
    """
    if not root.is_dir():
        raise DatasetError(f"{root}: no such directory")
    name = _recognised(root) if processor == "auto" else processor
    there = makers(root)
    if {"gamma": "snap"}.get(name, name) not in there:
        hint = f"it looks like one of {' or '.join(there)}" if there else "is it the right one?"
        raise DatasetError(f"{root}: not a stack of {name}; {hint}")
    stack = PROCESSORS[name](root, master)
    if len(stack.slcs) < 2:
        raise DatasetError(f"{root}: {len(stack.slcs)} images, at least two are needed")
    return replace(stack, processor=name)


def makers(root: Path) -> list[str]:
    """Return the processors whose files are in a directory; GAMMA's look like SNAP's."""
    return [each.__name__.rpartition(".")[2] for each in (snap, isce, doris) if each.is_there(root)]


def _recognised(root: Path) -> str:
    """Return the processor whose files are there."""
    found = makers(root)
    if found == ["snap"] and _by_gamma(root):
        return "gamma"
    if len(found) == 1:
        return found[0]
    none = (
        "no diff0/*.diff (SNAP, GAMMA), */isce_minrefdem.int or merged/SLC (ISCE), "
        "*/cint.minrefdem.raw (DORIS)"
    )
    what = f"files of {' and '.join(found)}" if found else none
    raise DatasetError(f"{root}: which processor made this stack? There are {what}; name it")


def _by_gamma(root: Path) -> bool:
    """Whether an earlier preparation says so, or images are of integers, unlike SNAP's."""
    said = root / "processor.txt"
    if said.exists():
        return words_of(said) == ["gamma"]
    files = [*root.glob("*slc/*.par"), *root.glob("SMALL_BASELINES/*/*.par")]
    return any("SCOMPLEX" in path.read_text(errors="replace") for path in files[:1])


def require_sound(stack: SlcStack, mask: Raster | None) -> None:
    """Refuse a stack with rasters of a wrong size, or of another order of bytes.

    Raises
    ------
    DatasetError
        One line for each of them.
    """
    found = Problems()
    rasters = stack.rasters if mask is None else [*stack.rasters, mask]
    found.messages += require_sizes(rasters, stack.size_from)
    found.require_none()
    found.messages += [told for raster in stack.rasters if (told := implausible(raster))]
    found.messages += [
        f"{raster.path}: holds nothing but 0, or no number at all; make it again"
        for raster in stack.lonlat or ()
        if raster.path not in stack.converted and not sampled(raster).any()
    ]
    found.require_none()
