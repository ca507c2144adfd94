"""The machine a benchmark ran on, and the files it leaves."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from pystamps_hpc.parallel.cpus import this_member

RESULTS = Path("build/bench")


def describe() -> dict[str, Any]:
    """Return processor, cores and load of this machine."""
    me = this_member()
    return {
        "cpu": me.cpu_model,
        "cores": me.installed,
        "visible_cores": me.visible,
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def write(path: Path, document: dict[str, Any]) -> None:
    """Write a result document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return rows as aligned columns; the first column to the left, numbers to the right."""
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    lines = []
    for row in [head, ["-" * width for width in widths], *rows]:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join(lines)
