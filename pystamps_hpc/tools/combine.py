"""A dataset of PS and one of small baselines become a third with the points of both."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pystamps_kernels.dispatch import table

from ..config import RunConfig
from ..dataset import parameters
from ..dataset.creation import appearing, require_new
from ..dataset.lock import require_idle
from ..dataset.mat import MatFile
from ..dataset.parameters import Parameters
from ..dataset.schema import POINTS
from ..dataset.tree import discover_dataset
from ..errors import DatasetError, StageError
from ..parallel.context import Context, QuietLog
from ..parallel.team import SerialTeam
from ..pipeline.choices import resolve_choices
from ..pipeline.finished import Finished
from ..pipeline.loading import input_files, load_inputs
from ..pipeline.plan import Planner
from ..pipeline.presence import Look
from ..pipeline.request import Request
from ..pipeline.saving import bundle_of, write_bundle
from ..pipeline.state import TargetState, changed_since, digest
from ..pipeline.table import VERSION_FILE, stage_numbers
from ..stages.combined import Pairs, Points, Stack, combine

SAME = ("heading", "lambda")
"""Parameters that have to agree: of one track of one satellite."""

KINDS = {"ps": "a single-master dataset", "sb": "one of small baselines"}


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
    kept : list of str
        Results that were out of date and taken as they are.
    """

    root: Path
    n_ps: int
    ps_only: int
    sb_only: int
    in_both: int
    warnings: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Source:
    """One of the two datasets; ``made_of`` goes into the state of the new one."""

    root: Path
    known: Parameters
    made_of: dict[str, Any]
    kept: list[str]

    @classmethod
    def of(cls, root: Path, mode: str, inputs: type[Points], config: RunConfig) -> "_Source":
        """Look at a dataset, which has to be of this kind, merged, idle and up to date."""
        name = f"{POINTS[0]}.mat"
        if not (root / name).exists():
            raise DatasetError(f"{root / name}: file not found; run stages 1 to 5 there first")
        if (root / "merge2.mat").exists():
            raise DatasetError(
                f"{root}: is a combined dataset already; give one of the two that it was made of"
            )
        with MatFile(root / name) as file:
            kind = "sb" if "ifgday_ix" in file.variables else "ps"
        if kind != mode:
            raise DatasetError(f"{root}: is {KINDS[kind]}, --{mode} wants {KINDS[mode]}")
        require_idle(root)
        known = parameters.load(root)
        files = input_files(inputs, root, known, Look())
        digests = {os.path.basename(path): digest(path, status=status) for path, status in files}
        made_of = {"root": str(root.resolve()), "inputs": digests}
        return cls(root, known, made_of, _out_of_date(root, config))

    def require_unchanged(self) -> None:
        """Refuse a dataset that has changed since it was looked at."""
        if changed := changed_since(self.made_of):
            raise DatasetError(
                f"{self.root}: {', '.join(changed)} changed while it was read; merge again when "
                "nothing works there"
            )


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
        How files are written, and what becomes of results that are out of date.

    Returns
    -------
    Combined
        Where the points come from.

    Raises
    ------
    DatasetError
        A dataset is of the other kind, of another track, not merged yet, or combined already;
        ``out`` exists.
    LockError
        A run works in one of the datasets.
    StaleError
        Results are out of date, and the policy is not ``keep``.
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
    require_new(root)
    of_ps = _Source.of(Path(ps), "ps", Stack, config)
    of_sb = _Source.of(Path(sb), "sb", Pairs, config)
    _require_same_track(of_ps, of_sb)

    log, team = QuietLog(), SerialTeam()
    for source in (of_ps, of_sb):
        if float(source.known.value("merge_resample_size")) > 0:
            log.warn(
                f"{source.root}: merge_resample_size is above 0, so that its points are cells and "
                "only some lie on a pixel of the other; set it to 0 and run stage 5 again"
            )
    context = Context(table("python", "single"), config, log=log)
    stack = load_inputs(Stack, of_ps.root, of_ps.known)
    pairs = load_inputs(Pairs, of_sb.root, of_sb.known)
    try:
        outputs = combine(stack, pairs, float(of_ps.known.value("heading")), context)
    except StageError as error:
        raise DatasetError(f"{ps} and {sb}: {error}") from None
    bundle = bundle_of(outputs)
    bundle[VERSION_FILE] = {VERSION_FILE: 2.0}

    with appearing(root) as partial:
        write_bundle(bundle, partial, team, config.output)
        shutil.copyfile(of_sb.known.file, partial / of_sb.known.file.name)
        TargetState(partial, sources={"ps": of_ps.made_of, "sb": of_sb.made_of}).save()
        for source in (of_ps, of_sb):
            source.require_unchanged()
    counts: dict[str, Any] = {name: log.facts[name] for name in ("ps_only", "sb_only", "in_both")}
    kept = [*of_ps.kept, *of_sb.kept]
    return Combined(root=root, n_ps=outputs.n_ps, warnings=log.warnings, kept=kept, **counts)


def _out_of_date(root: Path, config: RunConfig) -> list[str]:
    """Return the results up to the merge that are out of date and kept; as a run, refuse others."""
    dataset = discover_dataset(root, need_patches=False)
    finished = Finished(dataset, resolve_choices(config), parameters.load_all(dataset))
    after_merge = Request(start=stage_numbers("merged")[0] + 1)
    upstream = Planner(finished, after_merge).upstream()
    return [f"{root / planned.path}: out of date ({planned.stale})" for planned in upstream]


def _require_same_track(ps: _Source, sb: _Source) -> None:
    for name in SAME:
        first, second = (float(source.known.value(name)) for source in (ps, sb))
        apart = abs(first - second)
        if name == "heading":
            apart = abs((apart + 180) % 360 - 180)  # -168 and 192 are one direction
        if apart > 1e-3 * abs(first):
            raise DatasetError(
                f"parameter {name} is {first:g} in {ps.root} and {second:g} in {sb.root}: "
                "not of the same track; combine datasets of one"
            )
