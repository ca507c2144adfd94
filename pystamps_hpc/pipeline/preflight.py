"""What a run needs of its dataset, examined as a whole before any work.

The same examination serves ``run``, ``doctor`` and ``describe-inputs``. It reads what stage 1
reads of the candidates but their phases, and of other files what the plan will ask of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..dataset import candidates
from ..dataset.candidates import Scene
from ..dataset.candidates.model import GridGeometry
from ..dataset.parameters import Parameters
from ..dataset.problems import Problems, refuse
from ..dataset.schema import POINTS
from ..dataset.tree import ROOT, Dataset, patch_core, require_core_within_patch
from ..errors import DatasetError
from ..parallel.team import Team
from ..stages.shared.ifgs import Ifgs
from .acceptance import require_indices, require_reference
from .backends import shared_memory, too_long_rows
from .presence import no_ps_stage
from .session import Session
from .space import lack_of_space, unwritable_places
from .stack import (
    StackSummary,
    joined_bounds,
    known_stack,
    network_of,
    summary_in,
    summary_of,
)
from .table import Task


@dataclass(frozen=True)
class Finding:
    """Something that stops a run: where, and in one line what is wrong and what to do."""

    target: str
    message: str
    exit_code: int = DatasetError.exit_code


@dataclass(frozen=True)
class Needs:
    """What tasks will ask of the files that no stage makes.

    Parameters
    ----------
    candidates : tuple of str
        Patches whose candidates will be read.
    baselines : bool
        Whether the candidates' baselines must differ.
    cores : tuple of str
        Patches whose core area the merge will ask for.
    """

    candidates: tuple[str, ...]
    baselines: bool = True
    cores: tuple[str, ...] = ()


@dataclass
class Examination:
    """What was found in the patches."""

    findings: list[Finding] = field(default_factory=list)
    summaries: dict[str, StackSummary] = field(default_factory=dict)


def preflight(session: Session, team: Team, places: bool) -> None:
    """Refuse a run that its dataset would stop sooner or later; collective, writes nothing.

    Parameters
    ----------
    session : Session
        The planned run.
    team : Team
        Ranks; each examines its share of the patches.
    places : bool
        Whether it must be possible to write.

    Raises
    ------
    DatasetError
        The findings, one line each.
    """
    refuse([finding.message for finding in examine(session, team, places)])


def examine(session: Session, team: Team, places: bool = True) -> list[Finding]:
    """Return what would stop a planned run; collective."""
    needs = team.on_root(lambda: needs_of(session))
    share = needs.candidates[team.rank :: team.size]
    parts = team.on_each(
        lambda: examine_candidates(session.dataset, session.parameters, share, needs.baselines)
    )
    findings = [finding for part in parts for finding in part.findings]
    shared = shared_memory(session.kernels, team)
    summaries = {name: summary for part in parts for name, summary in part.summaries.items()}

    def rest() -> list[Finding]:
        more = [
            *examine_cores(session.dataset, needs.cores),
            *_parameter_findings(session, summaries),
            *(() if shared is None else _device_findings(session, summaries, shared)),
            *(no_candidates(session.dataset, summaries) if needs.baselines else ()),
        ]
        if places:
            problems = [*unwritable_places(session), *lack_of_space(session, summaries)]
            more += [Finding(ROOT, problem) for problem in problems]
        return more

    order = {name: k for k, name in enumerate(session.dataset.patches)}
    findings.sort(key=lambda finding: order.get(finding.target, -1))
    return findings + team.on_root(rest)


def needs_of(session: Session) -> Needs:
    """Return what the tasks that are to run ask of the files that no stage makes."""
    if session.config.compat.strict_reference:  # artifacts come from elsewhere
        return Needs(())
    dataset = session.dataset
    due = session.due
    merges = any(planned.row.reads_cores for planned in due)
    targets = {planned.target for planned in due}
    living = [
        name
        for name in dataset.patches
        if merges and (name in targets or no_ps_stage(dataset.directory(name)) is None)
    ]
    return Needs(
        candidates=tuple(planned.target for planned in due if planned.row.reads_candidates),
        baselines=any(planned.row.reads_baselines for planned in due),
        cores=tuple(living) if len(living) > 1 else (),
    )


def examine_candidates(
    dataset: Dataset,
    parameters: Mapping[str, Parameters],
    patches: Iterable[str],
    baselines: bool = True,
) -> Examination:
    """Examine the candidate files of patches.

    Parameters
    ----------
    dataset : Dataset
        Tree.
    parameters : mapping
        Target -> parameters.
    patches : iterable of str
        Patches to look at.
    baselines : bool
        Whether baselines that are all the same are a finding.
    """
    found = Examination()
    networks: dict[int, tuple[Scene, Ifgs]] = {}
    for examined in candidates.examine({dataset.directory(p): parameters[p] for p in patches}):
        name, messages = examined.patch.name, list(examined.problems)
        scene = examined.scene
        if scene is not None and id(scene) not in networks:
            networks[id(scene)] = scene, network_of(scene)
            if baselines:
                messages += equal_baselines(scene)
        found.findings += [Finding(name, message) for message in messages]
        if scene is not None and examined.candidates is not None:
            found.summaries[name] = summary_of(examined.candidates, networks[id(scene)][1])
    return found


def equal_baselines(scene: Scene) -> Iterator[str]:
    """Yield why the look-angle error cannot be estimated from the baselines of a scene.

    Its slope against the baseline is what stage 2 fits; StaMPS divides by their range.
    """
    pairs, path = scene.network.pairs, scene.baseline_files[:1]
    n = len(pairs)
    where = path[0] if path else "the stack"
    if n < 2:
        yield (
            f"{where}: of {n} interferogram, the only one of the stack; stage 2 needs two or more "
            "with different baselines, add images"
        )
        return
    geometry = scene.geometry
    if isinstance(geometry, GridGeometry):
        bperp = geometry.bperp[pairs[:, 1]] - geometry.bperp[pairs[:, 0]]
        if geometry.baselines is None and not np.ptp(bperp):
            yield (
                f"{where}: the baselines of all {n} interferograms are {bperp[0]:g} m; "
                "write the baseline of each"
            )
    elif not any(
        np.ptp(item, axis=0).any() for item in (geometry.baseline, geometry.baseline_rate)
    ):
        across, normal = geometry.baseline[0]
        yield (
            f"{where}: the baseline in all {n} .base files is the same (across {across:g} m, "
            f"normal {normal:g} m), as if copied; export the baselines again"
        )


def examine_cores(dataset: Dataset, patches: Iterable[str]) -> list[Finding]:
    """Examine the core areas that the merge asks for."""
    findings: list[Finding] = []
    owner: dict[tuple[int, ...], str] = {}
    for name in patches:
        folder, found = dataset.directory(name), Problems()
        core = found.tried(patch_core, folder)
        if core is None and not found.messages:
            found.messages.append(
                f"{name}/patch_noover.in: does not exist; the merge needs its four lines: first "
                "and last range, first and last azimuth of the patch without overlap"
            )
        if core is not None:
            found.tried(require_core_within_patch, folder, core)
            other = owner.setdefault(tuple(core.tolist()), name)
            if other != name and not found.messages:
                found.messages.append(
                    f"{folder / 'patch_noover.in'}: the same as that of {other}; correct it, or "
                    "leave a copied patch out with patch.list"
                )
        findings += [Finding(name, message) for message in dict.fromkeys(found.messages)]
    return findings


def no_candidates(dataset: Dataset, summaries: Mapping[str, StackSummary]) -> Iterator[Finding]:
    """Yield that there is nothing to process, where that is known of every patch."""
    known = bool(summaries) and set(summaries) == set(dataset.patches)
    if known and not any(summary.n_points for summary in summaries.values()):
        yield Finding(
            ROOT,
            f"{dataset.root}: no patch holds a candidate, as if the preparation had ended early; "
            "extract the candidates again",
        )


def _parameter_findings(
    session: Session, summaries: Mapping[str, StackSummary]
) -> Iterator[Finding]:
    """Yield what parameters of tasks that are to run ask for and the stack does not have."""
    due = [(planned.row, planned.target) for planned in session.due]
    if not due or session.config.compat.strict_reference:
        return
    stack = _stack(session, summaries)
    bounds = joined_bounds(_reference_points(session, due, summaries))
    root, done = session.parameters[ROOT], set()
    found = Problems()
    for row, target in due:
        own = session.parameters[target]
        if own.stored == root.stored and not own.local:  # nearly all of very many patches
            if row.spec.marker in done:
                continue
            done.add(row.spec.marker)
        before = len(found.messages)
        if stack is not None:
            found.tried(require_indices, own, row.spec, stack)
        if bounds is not None:
            found.tried(require_reference, own, row.spec, bounds)
        for message in found.messages[before:]:
            yield Finding(target, message)


def _stack(session: Session, summaries: Mapping[str, StackSummary]) -> StackSummary | None:
    first = next(iter(summaries.values()), None)
    return first or known_stack(session.dataset, session.parameters[ROOT])


def _device_findings(
    session: Session, summaries: Mapping[str, StackSummary], shared_bytes: int
) -> Iterator[Finding]:
    """Yield what is too long of the stack for the blocks of a device."""
    stack = _stack(session, summaries)
    if stack is None or session.config.compat.strict_reference:
        return
    for planned in session.due:
        spec, parameters = planned.row.spec, session.parameters[planned.target]
        params: Any = Problems().tried(parameters.to_params, spec.params)
        if params is None:
            continue  # _parameter_findings says why
        for message in too_long_rows(session.kernels, spec, params, stack.ifgs, shared_bytes):
            yield Finding(planned.target, message)


def _reference_points(
    session: Session, due: list[tuple[Task, str]], summaries: Mapping[str, StackSummary]
) -> Mapping[str, StackSummary]:
    """Return all points that can come to lie in the reference area, nothing where that is open."""
    if any(row.gathers for row, _ in due):
        return summaries if set(summaries) == set(session.dataset.patches) else {}
    merged = summary_in(session.dataset.root / f"{POINTS[0]}.mat")
    return {} if merged is None else {ROOT: merged}
