"""From the images that a processor left to candidates in patches, ready for stage 1."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ...config import RunConfig
from ...dataset import parameters
from ...dataset.publish import Publication, replacing, staging_root, write_text
from ...dataset.slc_stack import SlcStack, read_stack, require_sound
from ...errors import DatasetError
from ...parallel.context import Context
from ...stages.prepare.patches import Patch
from . import record
from .ahead import read_ahead
from .extraction import extract
from .layout import Layout, lay_out
from .options import Options
from .overview import Overview, show_patches
from .publishing import Publisher, publisher
from .rasters import PIECE, Pixels, calibrate, select
from .record import MARKER, Record

__all__ = ["Options", "Prepared", "plan_preparation", "prepare_stack", "require_mode"]

FILL_SHARE = 0.01
"""Candidates without a position that go unmentioned."""


@dataclass(frozen=True)
class Prepared:
    """What :func:`prepare_stack` made.

    Parameters
    ----------
    stack : SlcStack
        What the processor left.
    threshold : str
        Amplitude dispersion that candidates stay below.
    patches : tuple of Patch
        All patches.
    candidates : dict of str to int
        Patch -> candidates.
    kept : tuple of str
        Patches that were there before.
    constants : dict of str to str
        Image -> calibration constant.
    warnings : list of str
        What the user should know.
    overview : Overview
        What was made of it, on the root.
    picture : Path or None
        Map of the candidates, if one was drawn.
    peak_rss_mib : list of int
        Peak memory of each rank [MiB].
    """

    stack: SlcStack
    threshold: str
    patches: tuple[Patch, ...]
    candidates: dict[str, int]
    kept: tuple[str, ...]
    constants: dict[str, str]
    overview: Overview
    warnings: list[str] = field(default_factory=list)
    picture: Path | None = None
    peak_rss_mib: list[int] = field(default_factory=list)


def plan_preparation(
    root: Path, options: Options, config: RunConfig, ranks: int = 1, memory: float = math.inf
) -> Layout:
    """Find the images and plan patches; only reads.

    Parameters
    ----------
    root : Path
        The dataset: where the processor left its stack.
    options : Options
        Threshold, patches and the like.
    config : RunConfig
        Configuration.
    ranks, memory : int, float
        Ranks that the patches are for, and the memory that each may fill [bytes].

    Raises
    ------
    DatasetError
        The stack is incomplete, contradicts itself, or is of the other kind than the parameters.
    """
    before = record.load(root)
    known = None if before is None else before.made_with.get("master date")
    stack = read_stack(options.processor, root, options.master or known)
    layout = lay_out(stack, options, config.compat.preparation == "reference", ranks, memory)
    require_sound(stack, layout.mask)
    require_mode(stack)
    return layout


def prepare_stack(
    layout: Layout,
    force: bool,
    ctx: Context,
    name: str,
    draw: Callable[[Prepared], Path | None] = lambda found: None,
) -> Prepared:
    """Choose candidates and write all that stage 1 reads; collective.

    Parameters
    ----------
    layout : Layout
        The plan.
    force : bool
        Whether patches that are there are made anew.
    ctx : Context
        Ranks, kernels, log.
    name : str
        Name of the run.
    draw : callable, optional
        Draws what was made and returns where; called on the root, while the last patches are
        brought to the disk.

    Raises
    ------
    DatasetError
        Patches are there that were made otherwise; an image without valid pixels; no candidates.
    """
    for warning in (*layout.stack.warnings, *layout.warnings):
        ctx.warn(warning)
    known = ctx.on_root(lambda: _begun(layout, force))
    kept = [patch.name for patch in layout.patches if patch.name in known.patches]
    ctx.on_root(lambda: _convert(layout.stack, anew=not known.constants))
    if not known.constants:
        known.constants = calibrate(layout, ctx)
        ctx.on_root(lambda: _remember(layout, known))
    counts = ctx.on_root(lambda: _counts(layout, kept))
    for left in ctx.on_root(lambda: _left(layout)):
        ctx.warn(f"{left}: of an earlier preparation and no longer listed; remove it")
    due = [[patch for patch in strip if patch.name not in kept] for strip in layout.strips]
    stack, overview = layout.stack, Overview.of(layout)
    with publisher(layout, known, ctx, name) as publishing:
        counts = _make_all(layout, known, [s for s in due if s], counts, overview, publishing)
        found = Prepared(
            stack=stack,
            threshold=layout.threshold,
            patches=layout.patches,
            candidates={patch.name: counts.get(patch.name, 0) for patch in layout.patches},
            kept=tuple(kept),
            constants={str(s.path): c for s, c in zip(stack.slcs, known.constants, strict=True)},
            overview=overview,
        )
        if any(counts.values()):
            found = replace(found, picture=ctx.on_root(lambda: draw(found)))
    if not any(counts.values()):
        ctx.on_root(lambda: _remove_empty(layout))
        raise DatasetError(
            f"{stack.root}: no candidate in any patch below an amplitude dispersion of "
            f"{layout.threshold}; the same command with a higher --amp-dispersion makes them"
        )
    return found


def _make_all(
    layout: Layout,
    known: Record,
    strips: Sequence[Sequence[Patch]],
    counts: dict[str, int],
    overview: Overview,
    publishing: Publisher,
) -> dict[str, int]:
    """Make what is due, strip after strip; nothing that is there goes before a candidate is found.

    Parameters
    ----------
    layout, known, publishing
        The plan, what is there of it, and who brings patches to their places.
    strips : sequence
        Patches that are due.
    counts : dict of str to int
        Patch that is there -> candidates.
    overview : Overview
        What is made is added to it.

    Returns
    -------
    dict of str to int
        Patch -> candidates, of all.
    """
    ctx = publishing.ctx
    counts, begun, waiting = {**counts}, bool(counts), list[Publication]()
    if begun:
        ctx.on_root(lambda: _write_root(layout, known))
    for strip in strips:
        publications = publishing.stage(strip)
        counts |= _make(layout, known, strip, publications, ctx)
        folders = {p.target.name: p.staging for p in publications}
        ctx.on_root(partial(show_patches, overview, layout, folders, ctx.warn))
        waiting += publications
        if not begun and not any(counts.values()):
            continue
        if not begun:
            ctx.on_root(lambda: _write_root(layout, known))
            begun = True
        publishing.publish(waiting)
        waiting = []
    return counts


def _remember(layout: Layout, known: Record) -> None:
    """Keep the constants for a later start, unless patches are there that they are not of."""
    if not _there(layout.stack.root):
        known.save(layout.stack.root)


def _remove_empty(layout: Layout) -> None:
    """Remove the directories of patches into which nothing has come."""
    for patch in layout.patches:
        folder = layout.stack.root / patch.name
        for empty in (staging_root(folder), staging_root(folder).parent, folder):
            with suppress(OSError):
                empty.rmdir()


def require_mode(stack: SlcStack) -> None:
    """Refuse a dataset whose parameters say the other kind of interferograms.

    Raises
    ------
    DatasetError
        They do.
    """
    known = parameters.load(stack.root)
    flag = "small_baseline_flag"
    if flag in known.stored and known.small_baselines != stack.small_baselines:
        kind = "small baselines" if stack.small_baselines else "a single master"
        wanted = "y" if stack.small_baselines else "n"
        raise DatasetError(
            f"{known.file}: {flag} says otherwise, but the interferograms are of {kind}; "
            f"pystamps-hpc parms set {flag} {wanted}"
        )


def _begun(layout: Layout, force: bool) -> Record:
    """Return what is there already of this preparation.

    Raises
    ------
    DatasetError
        Patches are there that were made otherwise, and may not be replaced.
    """
    root, now = layout.stack.root, record.made_with(layout)
    there = _there(root)
    before = record.load(root)
    if force or before is None:
        if there and not force:
            raise DatasetError(
                f"{root}: {', '.join(there[:5])} have candidates that were not made here; they are "
                "kept. Remove them, or make them anew with --force"
            )
        return Record(now)
    changed = record.differing(before.made_with, now)
    if not changed:
        whole = {name: s for name, s in before.patches.items() if before.has(root, name)}
        foreign = sorted(set(there).intersection(before.patches) - set(whole))
        if foreign:
            raise DatasetError(
                f"{root}: {', '.join(foreign[:5])} have been changed since they were made; they "
                "are kept. Make them anew with --force"
            )
        return replace(before, patches=whole)
    if there:
        raise DatasetError(
            f"{root}: {', '.join(there[:5])} were made with other {', '.join(changed)}; they are "
            "kept. Make them anew with --force"
        )
    return Record(now)


def _there(root: Path) -> list[str]:
    """Return the patches that have candidates, whoever made them."""
    return [
        path.parent.name for path in sorted(root.glob(f"PATCH_*/{MARKER}")) if path.stat().st_size
    ]


def _write_root(layout: Layout, known: Record) -> None:
    """Write the text files, the parameters and the patches' outlines."""
    stack, root = layout.stack, layout.stack.root
    for file, text in layout.texts(known.constants).items():
        write_text(root / file, text)
    for file, grid in stack.grids.items():
        with replacing(root / file) as temporary:
            grid.astype("<f4").tofile(temporary)
    other = "selpsc.in" if stack.small_baselines else "selsbc.in"
    (root / other).unlink(missing_ok=True)  # StaMPS would take it for the other kind
    for patch in layout.patches:
        folder = root / patch.name
        folder.mkdir(exist_ok=True)
        for file, box in (("patch.in", patch.full), ("patch_noover.in", patch.own)):
            write_text(folder / file, "".join(f"{number}\n" for number in box.lines))
    settings = parameters.load(root)
    own: dict[str, str | float] = {"insar_processor": stack.processor}
    own |= {"small_baseline_flag": "y"} if stack.small_baselines else {}
    if any(settings.stored.get(name) != value for name, value in own.items()):
        parameters.save(settings.with_values(own))
    known.save(root)


def _left(layout: Layout) -> list[str]:
    """Return directories of patches that are none of the plan."""
    listed = set(layout.listed)
    found = layout.stack.root.glob("PATCH_*")
    return sorted(path.name for path in found if path.is_dir() and path.name not in listed)


def _convert(stack: SlcStack, anew: bool) -> None:
    """Write rasters as rasters of floats, as StaMPS works on them; `anew` also what is there."""
    for target, source in stack.converted.items():
        if target.exists() and not anew:
            continue
        with replacing(target) as temporary, temporary.open("wb") as file:
            for lines in source.pieces(range(source.length), PIECE):
                file.write(source.read(lines).view(source.numbers).astype("<f4").tobytes())


def _counts(layout: Layout, kept: Sequence[str]) -> dict[str, int]:
    pixel = 8 * max(len(layout.stack.ifgs), 1)
    return {n: (layout.stack.root / n / MARKER).stat().st_size // pixel for n in kept}


def _make(
    layout: Layout,
    known: Record,
    strip: Sequence[Patch],
    publications: Sequence[Publication],
    ctx: Context,
) -> dict[str, int]:
    """Choose and extract the candidates of patches that have the same lines."""
    folders = {patch.name: p.staging for patch, p in zip(strip, publications, strict=True)}
    amplitudes = {patch: folder / "mean_amp.flt" for patch, folder in folders.items()}
    with read_ahead(layout.stack.ifgs, layout.lines(strip[0]), ctx) as used:
        pixels = select(layout, known.constants, strip, amplitudes, ctx)
        unknown = extract(layout, strip, pixels, folders, ctx, used)
    counts = {patch: len(found.place) for patch, found in pixels.items()}
    for patch, found in pixels.items():
        _tell(layout, patch, found, unknown[patch], ctx)
    return counts


def _tell(layout: Layout, patch: str, found: Pixels, unknown: int, ctx: Context) -> None:
    """Warn of a patch without candidates, or with many that lie nowhere."""
    n = len(found.place)
    if not n:
        ctx.warn(
            f"{patch}: no candidate below an amplitude dispersion of {layout.threshold}, of "
            f"{found.seen:,} pixels with an amplitude"
        )
    if unknown > FILL_SHARE * n:
        ctx.warn(
            f"{patch}: {unknown:,} of {n:,} candidates have no longitude and latitude, or 0 in "
            "both, which displaces the local frame; a mask can leave them out"
        )
