"""Print the entries of a lock file that an installation needs, with their hashes.

    python locked.py REPORT LOCK

REPORT is what ``pip install --dry-run --report`` has found out.
"""

import json
import re
import sys
from pathlib import Path


def entries(lock: str) -> dict[str, str]:
    """Return ``name==version`` -> the entry with its hashes."""
    found = {}
    for entry in re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n", "", lock)):
        if pinned := re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", entry):
            found[f"{normal(pinned[1])}=={pinned[2]}"] = entry.rstrip()
    return found


def normal(name: str) -> str:
    """Return a name as package indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(report: dict) -> list[str]:
    """Return ``name==version`` of what is to be installed from an index, sorted."""
    found = [row for row in report["install"] if "archive_info" in row["download_info"]]
    rows = [row["metadata"] for row in found]
    return sorted(f"{normal(row['name'])}=={row['version']}" for row in rows)


def main(report: str, lock: str) -> int:
    """Print the entries; say what the lock file lacks."""
    locked = entries(Path(lock).read_text())
    wanted = needed(json.loads(Path(report).read_text()))
    if absent := [name for name in wanted if name not in locked]:
        print(f"{lock}: no entry for {', '.join(absent)}; make lock", file=sys.stderr)
        return 1
    print("\n".join(locked[name] for name in wanted))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
