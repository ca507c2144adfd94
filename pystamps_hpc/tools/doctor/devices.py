"""The devices of the ranks: which each takes, and whether a kernel runs there."""

from typing import Any

import numpy as np

from pystamps_kernels.cuda import device
from pystamps_kernels.dispatch import table, unavailable_reason

from ...config import RunConfig
from ...errors import BackendUnavailableError, Exit
from ...parallel.team import Team
from ...pipeline.backends import share_devices
from .findings import Problem

PROBES = 1000
"""Phasors of the kernel that is tried."""
TOLERANCE = 1e-6
"""How far its phases may be from the right ones [rad]."""


def examine_devices(team: Team, config: RunConfig) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Return the device of every rank and what is wrong with it; collective.

    Without a device a run stops only if the configuration asks for one.
    """
    found = team.on_each(lambda: _examined(team))
    wanted = config.runtime.backend == "gpu"
    code = BackendUnavailableError.exit_code if wanted else Exit.OK
    problems: dict[str, list[int]] = {}
    for rank, row in enumerate(found):
        if row["problem"]:
            problems.setdefault(row["problem"], []).append(rank)
    return [{"rank": rank, **row} for rank, row in enumerate(found)], [
        Problem(f"rank {', '.join(map(str, ranks))}: no kernels on a GPU: {told}", remedy, code)
        for problem, ranks in problems.items()
        for told, _, remedy in [problem.partition("; ")]
    ]


def _examined(team: Team) -> dict[str, Any]:
    """Describe the device of this rank, and try a kernel on it."""
    empty: dict[str, Any] = {"device": None, "free_mib": None, "kernel": None, "problem": ""}
    if reason := unavailable_reason("cuda"):
        remedy = "" if "; " in reason else "; check the driver, or ask the scheduler for a GPU"
        return {**empty, "problem": f"{reason}{remedy}"}
    index = share_devices(team)
    angle = np.linspace(-3, 3, PROBES, dtype=np.float32)[:, np.newaxis]
    phasors = np.exp(1j * angle).astype(np.complex64)
    try:
        free = device.current().free_bytes() // device.MIB
        error = np.abs(table("cuda", "double").stage2_angle(phasors) - angle).max()
    except Exception as failed:  # whatever driver, compiler or library say
        said = (str(failed) or type(failed).__name__).splitlines()[0]
        remedy = "check driver and CuPy (python -c 'import cupy; cupy.show_config()')"
        return {**empty, "device": index, "problem": f"device {index}: {said}; {remedy}"}
    right = bool(error < TOLERANCE)
    problem = "" if right else f"device {index}: a kernel is wrong by {error:g} rad; do without it"
    return {"device": index, "free_mib": free, "kernel": right, "problem": problem}
