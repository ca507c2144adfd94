"""A dataset of PS and one of small baselines become a third with the points of both."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pystamps_kernels.dispatch import table

from ..config import RunConfig
from ..dataset import parameters
from ..dataset.parameters import Parameters
from ..dataset.schema import POINTS
from ..errors import DatasetError, StageError
from ..parallel.context import Context, QuietLog
from ..parallel.team import SerialTeam
from ..pipeline.loading import load_inputs
from ..pipeline.saving import bundle_of, write_bundle
from ..pipeline.table import VERSION_FILE
from ..stages.combined import Pairs, Stack, combine

SAME = ("heading", "lambda")
"""Parameters that have to agree: of one track of one satellite."""


@dataclass(frozen=True)
class Combined:
    """What :func:`combine_datasets` wrote.

    Parameters
    ----------
    root : Path
        The new dataset.
    n_ps : int
        Its points.
    ps_only, sb_only, in_both : int
        Where they come from.
    warnings : list of str
        What the user should know.
    """

    root: Path
    n_ps: int
    ps_only: int
    sb_only: int
    in_both: int
    warnings: list[str] = field(default_factory=list)


def combine_datasets(
    ps: str | Path, sb: str | Path, out: str | Path, config: RunConfig | None = None
) -> Combined:
    """Combine a single-master dataset and one of small baselines, both after stage 5.

    Parameters
    ----------
    ps, sb : path
        The datasets; they are read only.
    out : path
        Directory to create, for stages 6 to 8; it may exist if it is empty. It appears complete or
        not at all.
    config : RunConfig, optional
        How files are written.

    Returns
    -------
    Combined
        Where the points come from.

    Raises
    ------
    DatasetError
        A dataset is of the other kind, of another track, or not merged yet; ``out`` exists.
    StageError
        Images or places of the two do not fit.
    MatError, PublishError
        A file cannot be read or written.

    Notes
    -----
    StaMPS ``ps_sb_merge``; docs/science/combining.md.
    """
    config = config or RunConfig()
    root = Path(out)
    if root.is_symlink() or (root.exists() and not (root.is_dir() and not any(root.iterdir()))):
        raise DatasetError(f"{root}: exists and is not an empty folder; choose another name")
    of_ps, of_sb = _read(Path(ps), "ps"), _read(Path(sb), "sb")
    _require_same_track(Path(ps), of_ps, Path(sb), of_sb)

    log, team = QuietLog(), SerialTeam()
    for place, found in ((ps, of_ps), (sb, of_sb)):
        if float(found.value("merge_resample_size")) > 0:
            log.warn(
                f"{place}: merge_resample_size is above 0, so that its points are cells and only "
                "some lie on a pixel of the other; set it to 0 and run stage 5 again"
            )
    context = Context(table("python", "single"), config, log=log)
    stack = load_inputs(Stack, Path(ps), of_ps)
    pairs = load_inputs(Pairs, Path(sb), of_sb)
    try:
        outputs = combine(stack, pairs, float(of_ps.value("heading")), context)
    except StageError as error:
        raise DatasetError(f"{ps} and {sb}: {error}") from None
    bundle = bundle_of(outputs)
    bundle[VERSION_FILE] = {VERSION_FILE: 2.0}

    partial = root.with_name(f".{root.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        try:
            write_bundle(bundle, partial, team, config.output)
            shutil.copyfile(of_sb.file, partial / of_sb.file.name)
            partial.replace(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DatasetError(f"{root}: cannot be written: {error.strerror or error}") from None
    counts: dict[str, Any] = {name: log.facts[name] for name in ("ps_only", "sb_only", "in_both")}
    return Combined(root=root, n_ps=outputs.n_ps, warnings=log.warnings, **counts)


def _read(root: Path, mode: str) -> Parameters:
    """Return the parameters of a dataset of this kind that has been merged."""
    name = f"{POINTS[0]}.mat"
    if not (root / name).exists():
        raise DatasetError(f"{root / name}: file not found; run stages 1 to 5 there first")
    found = parameters.load(root)
    if found.small_baselines != (mode == "sb"):
        kinds = {"ps": "a single-master dataset", "sb": "one of small baselines"}
        other = "sb" if mode == "ps" else "ps"
        raise DatasetError(f"{root}: is {kinds[other]}, --{mode} wants {kinds[mode]}")
    return found


def _require_same_track(ps: Path, of_ps: Parameters, sb: Path, of_sb: Parameters) -> None:
    for name in SAME:
        first, second = (float(found.value(name)) for found in (of_ps, of_sb))
        apart = abs(first - second)
        if name == "heading":
            apart = abs((apart + 180) % 360 - 180)  # -168 and 192 are one direction
        if apart > 1e-3 * abs(first):
            raise DatasetError(
                f"parameter {name} is {first:g} in {ps} and {second:g} in {sb}: "
                "not of the same track; combine datasets of one"
            )
