"""What a verification found, as a JSON document."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ....dataset.schema import ARTIFACTS
from ....dataset.tree import ROOT
from .comparison import Difference
from .policy import Rule
from .trees import ArtifactFile, Window

STORAGE = ("shape_mismatch", "class_mismatch")
"""Failures that say how a value is stored, not what it is."""

PER_IFG = ("n_ifg", "n_pm", "n_uw", "n_use", "n_used", "n_image", "n_slave")
"""Dimensions along which interferograms are counted."""


@dataclass(frozen=True)
class KeyResult:
    """One compared key.

    Parameters
    ----------
    file : ArtifactFile
        The artifact.
    key : str
        Its key.
    difference : Difference
        What was found.
    rule : Rule
        What counts as equal.
    shape_run, shape_golden : tuple of int
        MATLAB's dimensions of both.
    """

    file: ArtifactFile
    key: str
    difference: Difference
    rule: Rule
    shape_run: tuple[int, ...] = ()
    shape_golden: tuple[int, ...] = ()

    @property
    def tolerance(self) -> str:
        """The tolerance in words, ``2e-08 + 1e-06|g|``."""
        rule = self.rule
        if rule.kind in ("exact", "ignore"):
            return rule.kind
        text = f"{rule.kind} {rule.atol:g}"
        return f"{text} + {rule.rtol:g}|g|" if rule.rtol else text

    @property
    def place(self) -> str:
        """Where the worst element is, counted from 1: ``PATCH_1, row 4812, ifg 7``."""
        words = [] if self.file.target == ROOT else [self.file.target]
        return ", ".join([*words, *(f"{axis} {k}" for axis, k in self.position.items())])

    @property
    def position(self) -> dict[str, int]:
        """Where the worst element is, from 1: ``row``, ``column``, ``ifg``, ``point``."""
        where = tuple(k + 1 for k in self.difference.where)
        if len(where) != 2:
            return dict(zip(("row", "column", "ifg"), where, strict=False))
        schema = ARTIFACTS[self.file.artifact].keys.get(self.key)
        across = schema.dims[-1] if schema else ""
        if across == "1" or self.shape_golden[1] == 1:
            return {"row": where[0]}
        name = "point" if across == "n_ps" else "ifg" if across in PER_IFG else "column"
        return {"row": where[0], name: where[1]}

    @property
    def message(self) -> str:
        """One line about a failure."""
        found = self.difference.failure_kind
        kind = found.partition("_")[0] if found.startswith(("shape", "class")) else self.rule.kind
        return f"{kind} mismatch for key '{self.key}': {self.difference.problem}{self._extent()}"

    def _extent(self) -> str:
        if not self.difference.where:
            return ""
        return f", max_abs={self.difference.max_abs:.3g} at {self.place}"

    def to_json(self) -> dict[str, Any]:
        """Return the row of the detailed list."""
        d = self.difference
        return {
            "path": self.file.path,
            "key": self.key,
            "ok": d.ok,
            "kind": self.rule.kind,
            "tolerance": self.tolerance,
            "max_abs": d.max_abs,
            "rms": d.rms,
            "quantile_999": d.quantile,
            "outliers": d.outliers,
            "compared": d.compared,
            "worst": worst(self),
        }


def worst(result: KeyResult) -> dict[str, Any] | None:
    """Return where the worst element is: patch, row and ifg from 1."""
    if not result.difference.where:
        return None
    patch = None if result.file.target == ROOT else result.file.target
    position = {name: result.position.get(name) for name in ("row", "column", "ifg", "point")}
    return {"patch": patch, **position}


@dataclass
class VerifyReport:
    """What a comparison of two trees found.

    Parameters
    ----------
    run, golden : str
        The trees; golden is empty for a check of the run alone.
    profile : str
        ``strict`` or ``scientific``.
    conditions : list of str
        What the strict rules allowed for, see :class:`.policy.Policy`.
    window : Window
        What was compared.
    policy_version : int
        Version of the policy file.
    checked : int
        Compared files.
    keys : list of KeyResult
        Every compared key in the order of the stages.
    failed : list of dict
        One row per file with a failure.
    extra : list of str
        Files and keys that only the run has.
    notes : list of dict
        What was accepted although it is not the same.
    overlap : list of dict
        Directories whose points were matched by position.
    velocities : str
        How the velocities differ, in words; empty where one of the trees has none.
    unlike : list of str
        Conditions under which the run was not made like the golden tree, in words.
    rules : list of str
        What must hold in a run that is checked in itself, in words.
    """

    run: str
    golden: str
    profile: str
    conditions: list[str]
    window: Window
    policy_version: int
    checked: int = 0
    keys: list[KeyResult] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    overlap: list[dict[str, Any]] = field(default_factory=list)
    velocities: str = ""
    unlike: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """Counts of keys of every task, in the order of the stages."""
        groups: dict[str, list[KeyResult]] = {}
        for result in self.keys:
            groups.setdefault(result.file.failure_class, []).append(result)
        return [
            {
                "task": name,
                "keys": len(results),
                "identical": sum(result.difference.max_abs == 0 for result in results),
                "failed": sum(not result.difference.ok for result in results),
            }
            for name, results in groups.items()
        ]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    @property
    def tolerated(self) -> list[dict[str, Any]]:
        """Keys that pass with differences beyond zero, worst first of what the rule allows."""
        rows = [
            {
                "path": result.file.path,
                "key": result.key,
                "max_abs": result.difference.max_abs,
                "tolerance": result.tolerance,
                "outliers": result.difference.outliers,
                "worst": worst(result),
            }
            for result in self.keys
            if result.difference.ok and result.difference.max_abs > 0
        ]
        return rows

    def to_json(self, detail: bool = False) -> dict[str, Any]:
        """Return the document ``pystamps-hpc/verify-report/1``."""
        document: dict[str, Any] = {
            "schema": "pystamps-hpc/verify-report/1",
            "ok": self.ok,
            "profile": self.profile,
            "conditions": self.conditions,
            "run": self.run,
            "golden": self.golden or None,
            "window": [self.window.first, self.window.last],
            "final_products_only": self.window.final_products_only,
            "policy_version": self.policy_version,
            "checked": self.checked,
            "keys_checked": len(self.keys),
            "tasks": self.tasks,
            "failed": sorted(self.failed, key=boundary),
            "tolerated": self.tolerated,
            "extra": self.extra,
            "notes": self.notes,
            "overlap": self.overlap,
            "velocities": self.velocities,
            "unlike": self.unlike,
            "rules": self.rules,
            "summary": summary(self.failed),
        }
        if detail:
            document["keys"] = [result.to_json() for result in self.keys]
        return document


def failure(
    file: ArtifactFile,
    failure_kind: str,
    message: str,
    results: Iterable[KeyResult] = (),
) -> dict[str, Any]:
    """Return the failure row of a file; the first result is the one described in full.

    Parameters
    ----------
    file : ArtifactFile
        The file.
    failure_kind : str
        What is wrong.
    message : str
        One line.
    results : iterable of KeyResult
        The failing keys.
    """
    rows = list(results)
    row: dict[str, Any] = {
        "path": file.path,
        "message": message,
        "stage": file.stage,
        "scope": file.scope,
        "failure_kind": failure_kind,
        "failing_key": rows[0].key if rows else None,
        "failing_keys": [result.key for result in rows],
        "failure_class": file.failure_class,
    }
    if rows:
        first, difference = rows[0], rows[0].difference
        row |= {
            "shape_run": list(first.shape_run),
            "shape_golden": list(first.shape_golden),
            "max_abs": difference.max_abs,
            "worst": worst(first),
            "outliers": {
                "count": difference.outliers,
                "total": difference.compared,
                "fraction": difference.outliers / max(1, difference.compared),
                "allowed": first.rule.outliers,
                "cap": first.rule.cap,
            },
        }
    return row


def summary(failed: list[dict[str, Any]]) -> dict[str, Any]:
    """Group failures by the task that owns the file; the first boundary is what to fix first."""
    ordered = sorted(failed, key=boundary)
    groups: dict[str, dict[str, Any]] = {}
    for row in ordered:
        group = groups.setdefault(
            row["failure_class"],
            {
                "failure_class": row["failure_class"],
                "count": 0,
                "paths": [],
                "failing_keys": [],
            },
        )
        group["count"] += 1
        group["paths"].append(row["path"])
        group["failing_keys"] += [
            key for key in row["failing_keys"] if key not in group["failing_keys"]
        ]
    first = ordered[0] if ordered else None
    return {"groups": list(groups.values()), "first_boundary_failure": first}


def boundary(row: dict[str, Any]) -> tuple[int, bool, str]:
    """Return the place of a failure among the tasks: what to fix first comes first."""
    return (row["stage"] or 9, row["scope"] == "merged", row["path"])


def joined(reports: list[VerifyReport], window: Window) -> VerifyReport:
    """Return one report of several, of the same trees and policy."""
    first = reports[0]
    whole = VerifyReport(
        first.run, first.golden, first.profile, first.conditions, window, first.policy_version
    )
    for report in reports:
        whole.checked += report.checked
        whole.keys += report.keys
        whole.failed += report.failed
        whole.extra += report.extra
        whole.notes += report.notes
        whole.overlap += report.overlap
    return whole
