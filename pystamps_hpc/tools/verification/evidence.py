"""What produced the golden data, and the evidence of parity that audits leave behind."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...dataset.publish import write_text
from ...errors import ConfigError
from ...pipeline.documents import json_text

EVIDENCE = "parity_evidence.json"


def load_oracle() -> dict[str, Any]:
    """Return the oracle contract of the package.

    Raises
    ------
    ConfigError
        The contract names no repository or revision: nothing can be certified by it.
    """
    text = files("pystamps_hpc").joinpath("data/oracle_contract.json").read_text(encoding="utf-8")
    contract: dict[str, Any] = json.loads(text)
    upstream = contract.get("upstream", {})
    if not upstream.get("repository") or not upstream.get("revision"):
        raise ConfigError("oracle_contract.json: repository and revision must not be empty")
    return contract


def load_evidence() -> dict[str, Any] | None:
    """Return the last recorded audit report, None when none was recorded."""
    path = files("pystamps_hpc").joinpath(f"data/{EVIDENCE}")
    if not path.is_file():
        return None
    evidence: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return evidence


def record_evidence(report: Mapping[str, Any], place: Path | None = None) -> Path:
    """Keep an audit report as the evidence of parity.

    Parameters
    ----------
    report : mapping
        Document ``pystamps-hpc/audit-report/1``.
    place : Path, optional
        File; by default the one of the package.

    Raises
    ------
    ConfigError
        The audit failed, or the code had changes that no commit holds.
    """
    if not report["ok"]:
        raise ConfigError("audit --record: the audit failed, nothing is recorded")
    if report["code"]["dirty"] or not report["code"]["commit"]:
        raise ConfigError("audit --record: the checkout has changes; commit them first")
    path = place or Path(str(files("pystamps_hpc").joinpath(f"data/{EVIDENCE}")))
    write_text(path, json_text(_without_places(report)))
    return path


def _without_places(report: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out where trees lay on this machine; the golden trees are known by their digests."""
    audits = [
        {
            **audit,
            "verify": {k: v for k, v in audit["verify"].items() if k not in ("run", "golden")},
        }
        for audit in report["audits"]
    ]
    return {**report, "audits": audits}
