"""The audit: every target on fresh copies of golden data, verified key by key."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from ...errors import ConfigError
from ...pipeline.table import Task, tasks
from ..child_run import ChildRun
from .compare import Policy, VerifyReport, Window, conditions_of, verify_run_against_golden
from .compare.report import joined
from .compare.trees import artifact_files
from .evidence import load_oracle
from .manifest import Target, locate, tree_digest
from .run_copies import run_copy, seed_copy

Ran = tuple[list[ChildRun], list[tuple[Path, Window]]]
"""Runs of a target, and which part of which tree is compared."""


@dataclass
class Audit:
    """One target run with one backend on one number of ranks.

    Parameters
    ----------
    target : Target
        What was run.
    run : dict
        Window, ranks, backend and elapsed time.
    verify : VerifyReport or None
        The comparison; None when the run did not come that far.
    problem : str
        Why the target failed before it could be verified.
    """

    target: Target
    run: dict[str, Any]
    verify: VerifyReport | None = None
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether it ran and every key agrees."""
        return not self.problem and self.verify is not None and self.verify.ok

    def to_json(self) -> dict[str, Any]:
        """Return the row of the report."""
        return {
            "target": self.target.id,
            "ok": self.ok,
            "isolated": self.target.isolated,
            "profile": self.target.profile,
            "oracle": self.target.oracle,
            "golden_sha256": self.target.golden_sha256,
            "problem": self.problem,
            "run": self.run,
            "scopes": self._scopes(),
            "verify": self.verify.to_json() if self.verify else None,
        }

    def _scopes(self) -> list[dict[str, Any]]:
        """Say for every task of the window how its keys agree."""
        if self.verify is None:
            return []
        rows = []
        for row in tasks(self.target.mode):
            number, scope = row.spec.number, row.spec.scope
            keys = [k for k in self.verify.keys if (k.file.stage, k.file.scope) == (number, scope)]
            bad = [f for f in self.verify.failed if (f["stage"], f["scope"]) == (number, scope)]
            if keys or bad:
                rows.append(
                    {
                        "stage": number,
                        "scope": scope,
                        "science_version": row.spec.version,
                        "ok": not bad and not self.problem,
                        "keys": len(keys),
                        "identical": sum(k.difference.max_abs == 0 for k in keys),
                    }
                )
        return rows


@dataclass
class AuditReport:
    """Everything an audit found.

    Parameters
    ----------
    generated_utc : str
        When it began.
    code : dict
        Commit, whether the checkout had changes, version.
    oracle : dict
        What produced the golden data.
    audits : list of Audit
        The targets that ran.
    missing : list of dict
        Targets whose data are not there.
    interrupted : list of str
        Targets that were not reached.
    """

    generated_utc: str
    code: dict[str, Any]
    oracle: dict[str, Any]
    audits: list[Audit] = field(default_factory=list)
    missing: list[dict[str, Any]] = field(default_factory=list)
    interrupted: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything required ran and agrees."""
        absent = any(row["required"] for row in self.missing)
        agrees = all(audit.ok for audit in self.audits)
        return bool(self.audits) and agrees and not absent and not self.interrupted

    def to_json(self) -> dict[str, Any]:
        """Return the document ``pystamps-hpc/audit-report/1``."""
        return {
            "schema": "pystamps-hpc/audit-report/1",
            "ok": self.ok,
            "generated_utc": self.generated_utc,
            "code": self.code,
            "oracle": self.oracle,
            "audits": [audit.to_json() for audit in self.audits],
            "missing": self.missing,
            "interrupted": self.interrupted,
        }


def audit_targets(
    manifest: Sequence[Target],
    work: Path,
    ids: Sequence[str] | None = None,
    keep: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> AuditReport:
    """Run targets on fresh copies and verify them.

    Parameters
    ----------
    manifest : sequence of Target
        All targets.
    work : Path
        Where run copies go; golden and input trees are only read.
    ids : sequence of str, optional
        Only these targets.
    keep : bool
        Leave the run copies.
    tell : callable
        Told one line per finished run.

    Raises
    ------
    ConfigError
        An id that the manifest does not have.
    """
    known = {target.id: target for target in manifest}
    unknown = [name for name in ids or () if name not in known]
    if unknown:
        raise ConfigError(
            f"no audit target '{', '.join(unknown)}'; the manifest has {', '.join(known)}"
        )
    chosen = [known[name] for name in ids] if ids else list(manifest)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    report = AuditReport(now, code_state(), load_oracle())
    report.interrupted = [target.id for target in chosen]
    for target in chosen:
        places = [*target.layers, target.golden]
        absent = [place for place in places if locate(place) is None]
        if absent:
            row = {"target": target.id, "required": target.required or bool(ids), "trees": absent}
            report.missing.append(row)
            tell(f"{target.id:24} missing: {', '.join(absent)}")
        else:
            for audit in _audit(target, work, keep):
                report.audits.append(audit)
                tell(audit_line(audit))
        report.interrupted.remove(target.id)
    return report


def _audit(target: Target, work: Path, keep: bool) -> list[Audit]:
    layers = [cast(Path, locate(layer)) for layer in target.layers]
    golden = cast(Path, locate(target.golden))
    found = tree_digest(golden)
    if found != target.golden_sha256:
        problem = f"golden tree {golden} has the digest {found}, the manifest says otherwise"
        return [Audit(target, {}, problem=problem)]
    audits = []
    for backend in target.backends:
        for ranks in target.ranks:
            copy = work / f"{target.id}-{backend}-{ranks}"
            run_stages = _isolated if target.isolated else _chain
            runs, compared = run_stages(target, copy, layers, golden, backend, ranks)
            audits.append(_verified(target, runs, compared, golden, backend, ranks))
            if not keep:
                shutil.rmtree(copy, ignore_errors=True)
                copy.with_suffix(".json").unlink(missing_ok=True)
    return audits


def _chain(
    target: Target, copy: Path, layers: list[Path], golden: Path, backend: str, ranks: int
) -> Ran:
    """Run the window on its own results; everything that it made is compared."""
    first = next(row for row in tasks(target.mode) if row.spec.number >= target.start_step)
    seed_copy(copy, layers, first, target.feedback, target.parameters)
    run = run_copy(copy, target, backend, ranks, (target.start_step, target.end_step))
    return [run], [(copy, Window(target.start_step, target.end_step))]


def _isolated(
    target: Target, copy: Path, layers: list[Path], golden: Path, backend: str, ranks: int
) -> Ran:
    """Run every stage of the window on golden inputs; its bundle is compared."""
    window = Window(target.start_step, target.end_step)
    runs: list[ChildRun] = []
    compared: list[tuple[Path, Window]] = []
    for row in tasks(target.mode):
        number, scope = row.spec.number, row.spec.scope
        if not window.first <= number <= window.last:
            continue
        seeded = copy / f"{number}-{scope}"
        seed_copy(seeded, [*layers, golden], row, values=target.parameters)
        if target.feedback and row.feedback:
            _add_feedback(seeded, layers, row)
        runs.append(run_copy(seeded, target, backend, ranks, (number, number), scope))
        compared.append((seeded, Window(number, number, scope=scope)))
    return runs, compared


def _add_feedback(copy: Path, layers: list[Path], row: Task) -> None:
    """Copy the smoothed look-angle error of the first pass, never the one that is expected."""
    for layer in layers:
        for path in (layer / name for name in sorted(row.feedback)):
            if path.exists():
                shutil.copyfile(path, copy / path.name)


def _verified(
    target: Target,
    runs: list[ChildRun],
    compared: list[tuple[Path, Window]],
    golden: Path,
    backend: str,
    ranks: int,
) -> Audit:
    config = target.run_config.resolved()
    conditions = conditions_of(config, isolated=target.isolated)
    policy = Policy(target.profile, conditions, config.tolerance)
    reports = [
        verify_run_against_golden(copy, golden, policy, part)
        for copy, part in compared
        if artifact_files(golden, part)
    ]
    told = {
        "start_step": target.start_step,
        "end_step": target.end_step,
        "ranks": ranks,
        "backend": backend,
        "arithmetic": config.compat.arithmetic,
        "wall_sec": round(sum(run.seconds for run in runs), 3),
    }
    window = Window(target.start_step, target.end_step)
    whole = joined(reports, window) if reports else None
    problem = "; ".join(run.problem for run in runs if run.problem)
    return Audit(target, told, whole, problem)


def audit_line(audit: Audit) -> str:
    """Return one line about a target: keys, identical keys, verdict, first failing boundary."""
    name = f"{audit.target.id:24} {audit.run.get('backend', ''):7} {audit.run.get('ranks', '')}"
    if audit.problem or audit.verify is None:
        return f"{name} FAILED: {audit.problem or 'nothing to compare'}"
    keys = audit.verify.keys
    equal = sum(key.difference.max_abs == 0 for key in keys)
    verdict = "ok"
    if audit.verify.failed:
        first = audit.verify.to_json()["summary"]["first_boundary_failure"]
        verdict = f"FAILED at {first['path']}: {first['message']}"
    rest = len(keys) - equal
    seconds = audit.run["wall_sec"]
    return (
        f"{name} {len(keys):4} keys {equal:4} identical {rest:3} within {seconds:6.1f} s {verdict}"
    )


def code_state() -> dict[str, Any]:
    """Return the commit of the checkout, whether it has changes, and the version.

    An installation without a checkout has no commit and counts as changed.
    """
    here = Path(__file__).resolve().parents[3]

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(here), *arguments], capture_output=True, text=True
            )
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    changes = git("status", "--porcelain")
    return {
        "commit": git("rev-parse", "HEAD"),
        "dirty": changes is None or bool(changes),
        "version": version("pystamps-hpc"),
    }
