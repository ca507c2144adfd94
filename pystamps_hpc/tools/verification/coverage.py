"""Native coverage: what of the chain runs natively, and what is certified to equal StaMPS.

Nothing is declared here: kernels and spreading stand in the stage table, which binds a stage to
what it says, backends follow from the kernel table, and parity from the recorded audit alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import supported_backends, unavailable_reason

from ...errors import ConfigError
from ...pipeline import LAST_STAGE
from ...pipeline.table import Task, tasks
from ...stages.base import Mode
from .evidence import load_evidence, load_oracle
from .manifest import Target, load_manifest


@dataclass(frozen=True)
class NativeScope:
    """How far one row of the stage table is native.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    kernels : dict of str to str
        Kernels it can call and the backend that ``--native-only`` would give them.
    cuda : bool
        Whether every one of them has a CUDA form that can run here.
    lacking : tuple of str
        Why the kernels cannot all run natively here.
    """

    row: Task
    kernels: dict[str, str]
    cuda: bool
    lacking: tuple[str, ...]

    @property
    def driven(self) -> bool:
        """Whether no kernel of the stage needs the reference backend."""
        return "python" not in self.kernels.values()

    @property
    def executable(self) -> bool:
        """Whether ``--native-only`` can run the stage on this machine by itself."""
        return not self.lacking


def native_scopes(start: int = 1, end: int = LAST_STAGE) -> list[NativeScope]:
    """Return the rows of the stage tables in a window, mode by mode, with their native state.

    Raises
    ------
    ConfigError
        The window is empty or outside the table.
    """
    if not 1 <= start <= end <= LAST_STAGE:
        raise ConfigError(f"steps must lie in 1..{LAST_STAGE} and be in order, got {start}..{end}")
    return [_scope(row) for mode in get_args(Mode) for row in tasks(mode)
            if start <= row.spec.number <= end]  # fmt: skip


def _scope(row: Task) -> NativeScope:
    contracts = all_kernels()
    supported = {name: supported_backends(contracts[name]) for name in row.spec.kernels}
    kernels = {name: "native" if "native" in found else "python"
               for name, found in supported.items()}  # fmt: skip
    cuda = bool(supported) and all("cuda" in found for found in supported.values())
    lacking = []
    if unavailable_reason("native"):
        lacking.append(f"backend 'native' is not available: {unavailable_reason('native')}")
    elif "python" in kernels.values():
        missing = [name for name, backend in kernels.items() if backend == "python"]
        lacking.append(f"no native implementation of {', '.join(missing)}")
    return NativeScope(row, kernels, cuda, tuple(lacking))


@dataclass(frozen=True)
class Parity:
    """Whether a scope is certified to equal StaMPS, by which audit, or why not."""

    evidence: dict[str, Any] | None
    blocker: str = ""


def parity(
    row: Task, evidence: Mapping[str, Any] | None, manifest: Sequence[Target], blocker: str = ""
) -> Parity:
    """Judge the recorded evidence for one scope.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    evidence : mapping or None
        The recorded audit report; None when there is none.
    manifest : sequence of Target
        Audited workflows; evidence of any other golden tree, of the other mode, or of one that
        StaMPS did not make, does not count.
    blocker : str
        Why nothing can be certified at all; empty when it can.
    """
    if blocker:
        return Parity(None, blocker)
    if evidence is None:
        return Parity(None, "no audit evidence is recorded")
    if not evidence.get("ok"):
        return Parity(None, "the recorded audit did not succeed")
    golden = {t.id: t.golden_sha256 for t in manifest
              if t.oracle == "stamps" and t.mode == row.mode}  # fmt: skip
    stage, scope, current = row.spec.number, row.spec.scope, row.spec.version
    older: set[int] = set()
    for audit in evidence.get("audits", ()):
        counts = (
            audit.get("ok")
            and audit.get("profile") == "strict"
            and audit.get("run", {}).get("backend") == "native"
            and golden.get(audit.get("target"), "") == audit.get("golden_sha256")
        )
        for entry in audit.get("scopes", ()) if counts else ():
            if (entry["stage"], entry["scope"], entry["ok"]) != (stage, scope, True):
                continue
            if entry["science_version"] == current:
                names = ("target", "golden_sha256", "isolated")
                return Parity(
                    {
                        **{name: audit.get(name) for name in names},
                        "science_version": current,
                        "keys": entry.get("keys"),
                        "identical": entry.get("identical"),
                        "generated_utc": evidence.get("generated_utc"),
                        "commit": evidence.get("code", {}).get("commit"),
                    }
                )
            older.add(entry["science_version"])
    known = f"; evidence is of version {', '.join(map(str, sorted(older)))}" if older else ""
    return Parity(None, f"no strict evidence for science version {current}{known}")


def native_coverage(start: int = 1, end: int = LAST_STAGE) -> dict[str, Any]:
    """Return the document ``pystamps-hpc/coverage/1`` of this machine and the recorded audit.

    Raises
    ------
    ConfigError
        The window is empty or outside 1..8.
    """
    scopes = native_scopes(start, end)
    try:
        load_oracle()
        return coverage_document(scopes, load_evidence(), load_manifest())
    except (ConfigError, OSError) as error:
        return coverage_document(scopes, None, (), f"nothing can be certified: {error}")


def coverage_document(
    scopes: Sequence[NativeScope],
    evidence: Mapping[str, Any] | None,
    manifest: Sequence[Target],
    blocker: str = "",
) -> dict[str, Any]:
    """Put the scopes together with what the evidence says of them, see :func:`parity`."""
    judged = [(scope, parity(scope.row, evidence, manifest, blocker)) for scope in scopes]
    numbers = [scope.row.spec.number for scope in scopes]
    return {
        "schema": "pystamps-hpc/coverage/1",
        "window": [min(numbers), max(numbers)],
        "scopes": [_document(scope, found) for scope, found in judged],
        "summary": {
            "scopes": len(judged),
            "native_driven": sum(scope.driven for scope, _ in judged),
            "native_executable": sum(scope.executable for scope, _ in judged),
            "parity_certified": sum(found.evidence is not None for _, found in judged),
        },
    }


def _document(scope: NativeScope, found: Parity) -> dict[str, Any]:
    spec = scope.row.spec
    blockers = (*scope.lacking, found.blocker)
    return {
        "stage": spec.number,
        "scope": spec.scope,
        "mode": scope.row.mode,
        "name": spec.name,
        "entrypoint": f"{spec.solve.__module__}:{spec.solve.__qualname__}",
        "native_driven": scope.driven,
        "native_executable": scope.executable,
        "cuda_executable": scope.cuda,
        "mpi_parallel": spec.spreads,
        "parity_certified": found.evidence is not None,
        "evidence": found.evidence,
        "kernels": scope.kernels,
        "blockers": [blocker for blocker in blockers if blocker],
    }
