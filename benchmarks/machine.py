"""The machine a benchmark ran on, and the files it leaves."""

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pystamps_hpc.parallel.cpus import this_member
from pystamps_hpc.tools import child_run

RESULTS = Path("build/bench")

NOT_UNDER_SLURM = ("PRTE_MCA_rmaps_default_mapping_policy", "OMPI_MCA_rmaps_base_oversubscribe")
"""Inside a SLURM allocation Open MPI 5 would put every rank on the first node."""


def open_mpi_settings() -> dict[str, str]:
    """Return what ``small_machine.env`` sets, which the Makefile takes from there too."""
    lines = Path(__file__).with_name("small_machine.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child run; the settings hold where nothing else is set."""
    left_out = NOT_UNDER_SLURM if "SLURM_JOB_ID" in environ else ()
    settings = {k: v for k, v in open_mpi_settings().items() if k not in left_out}
    return {**settings, **child_run.environment(environ)}


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
