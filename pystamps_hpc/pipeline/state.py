"""What is known about finished tasks: records, fingerprints, and why one is stale.

Every target keeps ``.pystamps-hpc/state.json``: one record per finished stage (parameters,
configuration and digests of the inputs it was made with) and the stages that ``--force`` marked as
due. Artifacts without a record are foreign and never stale; deleting the directory loses only this.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..dataset.publish import write_text
from ..dataset.tree import STATE_DIRECTORY

_BLOCK = 65536
_BLOCKS = 64
_RECORD = ("stage", "scope", "science_version", "params", "config", "inputs")


@dataclass
class TargetState:
    """Records and due marks of one patch or of the root."""

    directory: Path
    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    due: set[int] = field(default_factory=set)

    @classmethod
    def load(cls, directory: Path) -> "TargetState":
        """Read the state of a target; an unreadable file counts as none."""
        try:
            text = (directory / STATE_DIRECTORY / "state.json").read_text(encoding="utf-8")
            content = json.loads(text)
            records = {
                int(stage): record
                for stage, record in content["records"].items()
                if set(_RECORD) <= set(record)
            }
            return cls(directory, records, {int(stage) for stage in content["due"]})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(directory)

    def save(self) -> None:
        """Replace the file atomically."""
        content = {
            "records": {str(stage): self.records[stage] for stage in sorted(self.records)},
            "due": sorted(self.due),
        }
        write_text(
            self.directory / STATE_DIRECTORY / "state.json", json.dumps(content, indent=1) + "\n"
        )


def digest(path: Path, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return size, modification time and a sample hash of a file.

    Parameters
    ----------
    path : Path
        File.
    known : mapping, optional
        An earlier digest; with equal size and time it is taken over without reading.
    """
    status = path.stat()
    if known and (known["bytes"], known["mtime_ns"]) == (status.st_size, status.st_mtime_ns):
        return dict(known)
    sample = hashlib.sha256(str(status.st_size).encode())
    with path.open("rb") as stream:
        if status.st_size <= _BLOCK * _BLOCKS:
            sample.update(stream.read())
        else:
            for block in range(_BLOCKS):
                stream.seek(block * (status.st_size - _BLOCK) // (_BLOCKS - 1))
                sample.update(stream.read(_BLOCK))
    return {
        "bytes": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "sample": sample.hexdigest(),
    }


def fingerprint(record: Mapping[str, Any], program: str = "") -> str:
    """Hash what a task depends on: everything of its record but run, times and facts.

    Parameters
    ----------
    record : mapping
        Record of the task.
    program : str
        Name and version of the external program that does part of it.
    """
    content = {name: record[name] for name in _RECORD}
    content["program"] = program
    content["inputs"] = {name: entry["sample"] for name, entry in record["inputs"].items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def stale_reason(
    record: Mapping[str, Any], now: Mapping[str, Any], feedback: frozenset[str]
) -> str:
    """Say why a finished task is out of date; empty when it is not.

    Parameters
    ----------
    record : mapping
        Record of the finished task.
    now : mapping
        The record it would get today.
    feedback : frozenset of str
        Inputs that later stages write; recorded, but no reason.
    """
    if record["science_version"] != now["science_version"]:
        return f"science version {record['science_version']} -> {now['science_version']}"
    for name, what in (("params", "parameters"), ("config", "configuration")):
        changed = sorted(
            key
            for key in set(record[name]) | set(now[name])
            if record[name].get(key) != now[name].get(key)
        )
        if changed:
            return f"{what} changed: {', '.join(changed)}"
    old, new = record["inputs"], now["inputs"]
    for name in sorted((set(old) | set(new)) - feedback):
        if old.get(name, {}).get("sample") != new.get(name, {}).get("sample"):
            return f"input changed: {name}"
    return ""


def plain(value: Any) -> Any:
    """Turn a parameter value into what JSON gives back, so that records compare equal."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value != value:
        return "nan"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    if isinstance(value, float) and value == int(value) and abs(value) < 2**53:
        return int(value)
    return value
