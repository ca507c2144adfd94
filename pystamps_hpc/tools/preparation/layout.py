"""What a preparation writes into the root, and which patches it makes."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ...dataset.slc_stack import Raster, SlcStack
from ...errors import ConfigError, DatasetError
from ...stages.prepare.patches import Patch, cut_scene
from .options import Options
from .suggestion import suggest

OVERLAP = 50  # pixels
SHORTEST = 10  # lines that StaMPS works on at a time with small baselines


@dataclass(frozen=True)
class Layout:
    """The plan of a preparation; the same on all ranks.

    Parameters
    ----------
    stack : SlcStack
        What the processor left.
    threshold : str
        Amplitude dispersion, as it was typed.
    patches : tuple of Patch
        All patches, in their order.
    mask : Raster or None
        Pixels that are left out.
    mask_calibrates, mask_selects : bool
        Where they are left out.
    reference : bool
        Whether everything is as StaMPS does it, its losses included.
    """

    stack: SlcStack
    threshold: str
    patches: tuple[Patch, ...]
    mask: Raster | None
    mask_calibrates: bool
    mask_selects: bool
    reference: bool

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the plan."""
        small = []
        for patch in self.patches:
            sides = zip(vars(patch.own).values(), vars(patch.full).values(), strict=True)
            if any(
                2 * (own[1] - own[0]) < full[1] - full[0] - own[1] + own[0] for own, full in sides
            ):
                small.append(patch.name)
        if not small:
            return []
        return [
            f"{_some(small)}: the overlap is larger than the patch itself, "
            "so that most of the work is done several times; take fewer patches or less overlap"
        ]

    @property
    def strips(self) -> list[list[Patch]]:
        """Patches that have the same lines, side by side."""

        def lines(patch: Patch) -> tuple[int, int]:
            return patch.full.azimuth

        return [list(group) for _, group in groupby(sorted(self.patches, key=lines), lines)]

    def lines(self, patch: Patch) -> range:
        """Return the lines that are worked on for a patch."""
        first, stop = patch.full.azimuth
        if self.reference and self.stack.small_baselines and stop - first < SHORTEST:
            enough = self.stack.length - first >= SHORTEST
            return range(first, first + SHORTEST if enough else first)
        return range(first, stop)

    @property
    def summary(self) -> str:
        """What is going to be done, in one line."""
        stack, full = self.stack, [patch.full.lines for patch in self.patches]
        across = max(last - first + 1 for first, last, _, _ in full)
        along = max(last - first + 1 for _, _, first, last in full)
        patches = "one patch" if len(full) == 1 else f"{len(full)} patches"
        return (
            f"{stack.processor}, {len(stack.slcs)} images, {len(stack.ifgs)} interferograms of "
            f"{stack.length:,} lines x {stack.width:,} samples, {patches} of up to "
            f"{along:,} x {across:,}"
        )

    @property
    def listed(self) -> list[str]:
        """Names of the patches in the order of ``patch.list``."""
        names = [patch.name for patch in self.patches]
        return sorted(names) if self.stack.sorted_patches and self.reference else names

    def written(self, path: Path) -> str:
        """Return a path as it stands in a text file."""
        stack = self.stack
        if not self.reference:
            return str(path)
        beside = stack.small_baselines and stack.sorted_patches
        return os.path.relpath(path, stack.root.parent if beside else stack.root)

    def texts(self, constants: Sequence[str]) -> dict[str, str]:
        """Return the text files of the root.

        Parameters
        ----------
        constants : sequence of str
            Calibration constant of each image, as it is written.
        """
        stack = self.stack
        images = [self.written(slc.path) for slc in stack.slcs]
        calibrated = [f"{path} {text}" for path, text in zip(images, constants, strict=True)]
        lists: dict[str, list[object]] = {
            "calamp.in": [*images],
            "calamp.out": [*calibrated],
            "selsbc.in" if stack.small_baselines else "selpsc.in": [
                self.threshold, stack.width, *calibrated,
            ],
            "pscphase.in": [stack.width, *(self.written(ifg.path) for ifg in stack.ifgs)],
            "pscdem.in": [stack.width, *(self.written(each.path) for each in stack.heights)],
            "patch.list": [*self.listed],
        }  # fmt: skip
        if stack.lonlat is not None:
            lists["psclonlat.in"] = [
                stack.width, *(self.written(each.path) for each in stack.lonlat)
            ]  # fmt: skip
        left_out = stack.added if self.reference else ()
        own = {name: text for name, text in stack.texts.items() if name not in left_out}
        if "rsc.txt" in own:
            own["rsc.txt"] = f"{self.written(Path(own['rsc.txt'].strip()))}\n"
        return {**own, **{n: "".join(f"{line}\n" for line in rows) for n, rows in lists.items()}}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}"


def lay_out(
    stack: SlcStack, options: Options, reference: bool, ranks: int = 1, memory: float = math.inf
) -> Layout:
    """Plan a preparation for some ranks, each of which may fill so much memory [bytes].

    Raises
    ------
    ConfigError
        More patches than pixels.
    DatasetError
        The mask is not there.
    """
    patches, usual = options.patches, (OVERLAP, OVERLAP)
    if patches is None:
        patches, usual = suggest(stack, ranks, memory)
    along, across = (
        most if asked is None else asked for asked, most in zip(options.overlap, usual, strict=True)
    )
    sides = (stack.length, stack.width)
    for count, side, name in zip(patches, sides, ("azimuth", "range"), strict=True):
        if count > side:
            raise ConfigError(f"{count} patches in {name}: the scene has {side} pixels there")
    named = options.mask or stack.mask
    mask = None
    if named is not None:
        path = named if named.is_absolute() else stack.root / named
        if not path.exists():
            raise DatasetError(f"{path}: mask not found; one byte per pixel is expected there")
        mask = Raster(path, stack.width, stack.length, "byte", "little")
    absolute = named is not None and named.is_absolute() and options.mask is not None
    return Layout(
        stack=stack,
        threshold=options.threshold(stack),
        patches=cut_scene(stack.length, stack.width, patches, (along, across), not reference),
        mask=mask,
        mask_calibrates=stack.mask_calibrates or not reference,
        mask_selects=not (reference and absolute),
        reference=reference,
    )
