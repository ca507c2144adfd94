"""Which backend runs which kernel in this run: explicit choices are strict, nothing falls back."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pystamps_kernels.contracts import Kernel, all_kernels
from pystamps_kernels.cuda.device import choose as choose_device
from pystamps_kernels.cuda.device import current as current_device
from pystamps_kernels.dispatch import (
    Arithmetic,
    Backend,
    KernelTable,
    function,
    installed,
    unavailable_reason,
)

from ..config import RunConfig
from ..errors import BackendUnavailableError, ConfigError
from ..parallel.cpus import require_threads, visible_cpus
from ..parallel.team import Team
from ..stages.base import StageSpec
from ..stages.shared.ifgs import Ifgs


def resolve_kernels(
    config: RunConfig, team: Team, native_only: bool = False, names: Sequence[str] = ()
) -> KernelTable:
    """Bind kernels to backends that all ranks have; collective.

    Parameters
    ----------
    config : RunConfig
        Resolved configuration.
    team : Team
        Ranks that will run the kernels.
    native_only : bool
        Refuse any kernel without native implementation.
    names : sequence of str
        Those that the run calls, all by default; libraries that only others need are not loaded.

    Raises
    ------
    BackendUnavailableError
        An explicit choice is not implemented or not available on some rank; the native backend is
        installed and does not work, unless every kernel has another one.
    ConfigError
        `native_only` contradicts the configured backends.
    RuntimeError
        The threads of the kernels cannot be started on some rank.
    """
    if native_only:
        _require_native_choices(config)
    team.on_each(lambda: require_threads(visible_cpus(os.environ)))
    reasons = team.on_each(lambda: {name: unavailable_reason(name) for name in _BACKENDS})
    broken = any(team.on_each(lambda: installed("native") and bool(unavailable_reason("native"))))
    lacking: dict[Backend, str] = {}
    for name in _BACKENDS:
        ranks = [rank for rank, known in enumerate(reasons) if known[name]]
        if ranks:
            where = "" if len(reasons) == 1 else f" on ranks {', '.join(map(str, ranks))}"
            lacking[name] = f"backend '{name}' is not available{where}: {reasons[ranks[0]][name]}"
    if config.runtime.backend == "gpu" and "cuda" in lacking:
        raise BackendUnavailableError(lacking["cuda"])
    arithmetic: Arithmetic = "single" if config.compat.arithmetic == "single" else "double"
    chosen: dict[str, Backend] = {}
    known = all_kernels()
    for kernel in (known[name] for name in names or known):
        chosen[kernel.name] = _choose(kernel, config, lacking, arithmetic, native_only, broken)
    if "cuda" in chosen.values():
        team.on_each(lambda: share_devices(team))
    return KernelTable(chosen, arithmetic)


def share_devices(team: Team) -> int:
    """Let this rank use the device of its place on its node, modulo those it sees; return which."""
    own = team.members[team.rank]
    neighbours = sum(member.node == own.node for member in team.members)
    return choose_device(own.local_rank, neighbours)


def shared_memory(kernels: KernelTable, team: Team) -> int | None:
    """Return what a block has on every rank's device [bytes], None if none is used; collective."""
    if "cuda" not in kernels.backends.values():
        return None
    return min(team.on_each(lambda: current_device().shared_bytes))


def too_long_rows(
    kernels: KernelTable, spec: StageSpec, params: Any, ifgs: Ifgs, shared_bytes: int
) -> Iterator[str]:
    """Yield why kernels of a stage cannot run a stack on a device.

    Parameters
    ----------
    kernels : KernelTable
        Kernels bound to backends.
    spec : StageSpec
        Stage.
    params
        Its parameters; kernels that they leave out may have too little.
    ifgs : Ifgs
        The stack.
    shared_bytes : int
        As :func:`shared_memory` returns it.
    """
    from pystamps_kernels.cuda.limits import LIMITS

    for name in spec.kernels:
        called = name not in spec.only_if or spec.only_if[name](params)
        if kernels.backends[name] != "cuda" or name not in LIMITS or not called:
            continue
        reason = LIMITS[name].exceeded(ifgs.n_columns, len(ifgs.day), shared_bytes)
        if reason:
            yield f"kernel {name}: {reason}; run it with --kernel-backend {name}=native"


def declared_kernels(kernels: KernelTable, spec: StageSpec) -> KernelTable:
    """Return the kernels that a stage declares; it cannot call another."""
    return replace(kernels, backends={name: kernels.backends[name] for name in spec.kernels})


_BACKENDS: tuple[Backend, ...] = ("python", "native", "cuda")


def _choose(
    kernel: Kernel,
    config: RunConfig,
    lacking: dict[Backend, str],
    arithmetic: Arithmetic,
    native_only: bool,
    broken: bool,
) -> Backend:
    def implemented(backend: Backend) -> bool:
        return backend not in lacking and function(kernel, backend, arithmetic) is not None

    wanted = _wanted(kernel, config)
    if native_only:
        wanted = "native"
    if wanted == "gpu":
        wanted = "cuda" if implemented("cuda") else "auto"
    if wanted == "auto" and broken:
        raise BackendUnavailableError(lacking["native"])
    if wanted == "auto":
        return "native" if implemented("native") else "python"
    for backend in _BACKENDS:
        if wanted == backend:
            if backend in lacking:
                raise BackendUnavailableError(lacking[backend])
            if not implemented(backend):
                raise BackendUnavailableError(
                    f"kernel '{kernel.name}' has no '{backend}' implementation"
                )
            return backend
    raise AssertionError(wanted)


def _wanted(kernel: Kernel, config: RunConfig) -> str:
    runtime = config.runtime
    override = runtime.kernel_backend_overrides.get(kernel.name, "auto")
    if override != "auto":
        return override
    of_stage: str = getattr(runtime, f"{kernel.stage}_kernel_backend", "auto")
    if of_stage != "auto":
        return of_stage
    return {"native": "native", "gpu": "gpu"}.get(runtime.backend, "auto")


def fallback_warnings(config: RunConfig, kernels: KernelTable) -> list[str]:
    """Return a warning if kernels that were left to choose themselves run in Python."""
    slow = [
        name
        for name, kernel in all_kernels().items()
        if kernels.backends[name] == "python" and _wanted(kernel, config) == "auto"
    ]
    if not slow or not unavailable_reason("native"):
        return []
    return [
        f"{unavailable_reason('native')}: {len(slow)} kernels run in Python, many times slower and "
        "with other last bits; install numba"
    ]


def _require_native_choices(config: RunConfig) -> None:
    runtime = config.runtime
    if (runtime.backend, runtime.stage2_kernel_backend) != ("native", "native"):
        raise ConfigError(
            "--native-only requires --backend native and --stage2-kernel-backend native"
        )
    foreign = [k for k, b in runtime.kernel_backend_overrides.items() if b not in ("native",)]
    if foreign:
        raise ConfigError(f"--native-only: override of {', '.join(foreign)} is not native")
