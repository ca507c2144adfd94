"""What is known about finished tasks: records, fingerprints, and why one is stale.

Every target keeps ``.pystamps-hpc/state.json``: one record per finished stage (parameters,
configuration and digests of the inputs it was made with) and the stages that ``--force`` marked as
due; the root's also what a combined dataset was made from. Artifacts without a
record are foreign: never stale, and never replaced unasked. Deleting the directory loses only this.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..dataset.files import read_json
from ..dataset.publish import write_text
from ..dataset.tree import state_path
from ..errors import DatasetError

_BLOCK = 65536
_BLOCKS = 64
_DIGEST = frozenset(["bytes", "mtime_ns", "sample"])
RESET = "feedback_reset"
"""Mark of a record: what the result was made with from a pass before was reset."""

_RECORD = frozenset(["stage", "scope", "science_version", "params", "config", "inputs"])


@dataclass
class TargetState:
    """Records and due marks of one patch or of the root.

    Of the root also the datasets that it was combined from: ``ps`` and ``sb`` -> ``root`` and
    digests of ``inputs`` there.
    """

    directory: Path
    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    due: set[int] = field(default_factory=set)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, directory: Path) -> "TargetState":
        """Read the state of a target; a missing or damaged file counts as none.

        Raises
        ------
        DatasetError
            The system does not hand the file out. Taken for none, it would be replaced.
        """
        path = state_path(directory, "state.json")
        try:
            content = read_json(path)
            records = {
                int(stage): record
                for stage, record in content["records"].items()
                if _is_record(record)
            }
            due = {int(stage) for stage in content["due"]}
            sources = {
                kind: source
                for kind, source in content.get("sources", {}).items()
                if isinstance(source["root"], str) and _are_digests(source["inputs"])
            }
            return cls(directory, records, due, sources)
        except (
            FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, OverflowError,
        ):  # fmt: skip
            return cls(directory)
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read: {error.strerror}") from None

    def save(self, fsync: bool = False) -> None:
        """Replace the file atomically; flush it to disk if artifacts are moved next.

        A record is one line: to indent it would take a good part of the time of a small task.
        """
        lines = [f'"{stage}": {json.dumps(self.records[stage])}' for stage in sorted(self.records)]
        text = (
            '{"records": {\n' + ",\n".join(lines) + "},\n"
            f'"due": {json.dumps(sorted(self.due))},\n"sources": {json.dumps(self.sources)}}}\n'
        )
        write_text(state_path(self.directory, "state.json"), text, fsync)


def _is_record(record: Any) -> bool:
    """Whether a record has all that a comparison with today's looks at."""
    return (
        record.keys() >= _RECORD
        and all(isinstance(record[name], dict) for name in ("params", "config", "inputs"))
        and _are_digests(record["inputs"])
    )


def _are_digests(inputs: Any) -> bool:
    return all(entry.keys() >= _DIGEST for entry in inputs.values())


def digest(
    path: str | Path,
    known: Mapping[str, Any] | None = None,
    status: os.stat_result | None = None,
) -> dict[str, Any]:
    """Return size, modification time and a sample hash of a file.

    Parameters
    ----------
    path : Path
        File.
    known : mapping, optional
        An earlier digest; with equal size and time it is taken over without reading.
    status : os.stat_result, optional
        Of the file, where it has just been looked at.
    """
    status = status or os.stat(path)
    if known and (known["bytes"], known["mtime_ns"]) == (status.st_size, status.st_mtime_ns):
        return dict(known)
    with open(path, "rb") as stream:
        status = os.fstat(stream.fileno())  # of what is read: it may have been replaced meanwhile
        sample = hashlib.sha256(str(status.st_size).encode())
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


def changed_since(source: Mapping[str, Any]) -> list[str]:
    """Return the files of a source that are there and no longer what they were."""
    known = {Path(source["root"]) / name: entry for name, entry in source["inputs"].items()}
    return [
        path.name
        for path, entry in known.items()
        if path.is_file() and digest(path, entry)["sample"] != entry["sample"]
    ]


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
    content["backends"] = record.get("backends")
    content["program"] = program
    content["inputs"] = {name: entry["sample"] for name, entry in record["inputs"].items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def stale_reasons(
    record: Mapping[str, Any],
    now: Mapping[str, Any],
    feedback: frozenset[str],
    defaults: Mapping[str, Any],
) -> Iterator[str]:
    """Yield every reason why a finished task is out of date.

    Parameters
    ----------
    record : mapping
        Record of the finished task.
    now : mapping
        The record it would get today.
    feedback : frozenset of str
        Inputs that later stages write; recorded, but no reason.
    defaults : mapping
        Configuration key -> value where nothing is configured.
    """
    if record.get(RESET):
        yield "was unwrapped with the look-angle error of a pass before, which was reset"
    changed = _changed(record["params"], now["params"])
    if changed:
        yield f"parameters changed: {', '.join(changed)}"
    # what a key stands for that the record does not know was done as its default says
    asked = {key: defaults[key] for key in now["config"] if key in defaults} | record["config"]
    changed = [
        _valued(key, asked.get(key), now["config"].get(key), defaults)
        for key in _changed(asked, now["config"])
    ]
    backends = record.get("backends"), now.get("backends")  # None: an older record does not know
    if None not in backends and backends[0] != backends[1]:
        changed.append("kernel backends")
    if changed:
        yield f"configuration changed: {', '.join(changed)}"
    old, new = (
        {name: known["sample"] for name, known in each["inputs"].items() if name not in feedback}
        for each in (record, now)
    )
    for name in _changed(old, new):
        yield f"input changed: {name}"
    if record["science_version"] != now["science_version"]:
        yield f"science version {record['science_version']} -> {now['science_version']}"


def _valued(key: str, old: Any, new: Any, defaults: Mapping[str, Any]) -> str:
    """Name a configuration key with its value of then and of today, and where that comes from."""
    if key not in defaults:  # the order of the patches: long
        return key
    return f"{key} {old} -> {new} ({'default' if new == defaults[key] else 'configured'})"


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    if old == new:  # nearly always
        return []
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


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
