"""What files of a dataset tell by themselves: heads of artifacts, a log, reports of the gate."""

from pathlib import Path
from typing import Any

from ...dataset.files import open_regular, read_json
from ...dataset.inside import within
from ...dataset.mat import MatFile
from ...errors import PystampsError
from ..verification.gate import REPORTS

LOG_BYTES = 1 << 16
"""Of a log at most so much goes into one answer."""


def artifact_headers(directory: Path) -> dict[str, Any]:
    """List the MAT files of a directory; only their heads are read.

    Returns
    -------
    dict
        ``artifacts``: name, bytes and keys, each with name, class and shape; or why it is not read.
    """
    found = []
    for path in sorted(directory.glob("*.mat")):
        try:
            size = path.stat().st_size
            with MatFile(path) as file:
                keys = [
                    {"name": name, "class": each.matlab_class, "shape": list(each.shape)}
                    for name, each in file.variables.items()
                ]
            found.append({"name": path.name, "bytes": size, "keys": keys, "problem": ""})
        except FileNotFoundError:  # a run has just taken it away
            continue
        except (OSError, PystampsError) as error:
            if path.exists():
                found.append({"name": path.name, "bytes": 0, "keys": [], "problem": str(error)})
    return {"artifacts": found}


def gate_reports(root: Path) -> dict[str, Any]:
    """Return the documents that the gate has left in a dataset, by name."""
    found = {}
    for path in sorted(within(root, REPORTS).glob("*.json")):
        try:
            found[path.stem] = read_json(path)
        except (OSError, ValueError):
            continue
    return {"reports": found}


def log_part(path: Path, after: int | None) -> tuple[str, int]:
    """Read a log from a byte on; without one its end, from a whole line on.

    Returns
    -------
    (str, int)
        The text, and the byte behind it; empty while there is no log.
    """
    try:
        with open_regular(path) as file:
            size = file.seek(0, 2)
            begin = max(size - LOG_BYTES, 0) if after is None or after > size else after
            file.seek(begin)
            content = file.read(LOG_BYTES)
    except OSError:
        return "", after or 0
    if after is None and begin > 0:
        begin += content.find(b"\n") + 1
        content = content[content.find(b"\n") + 1 :]
    whole = content[: content.rfind(b"\n") + 1] if b"\n" in content else content
    return whole.decode("utf-8", "replace"), begin + len(whole)
