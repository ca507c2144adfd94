"""Compile every native kernel into the cache, so that no run waits for the compiler.

A kernel is compiled for the types it is called with, and only the stages know them. What is written
down in ``forms.json`` is compiled by all processors; then tiny simulated chains are run, of both
modes, in both arithmetics and with the parameters that choose other kernels, and kernels that no
such chain reaches are called once with zeros that fit their contract.
"""

import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pystamps_kernels.contracts import Array, Scalar, all_kernels
from pystamps_kernels.contracts.model import DTYPES
from pystamps_kernels.dispatch import Arithmetic, Backend, KernelTable, function, unavailable_reason

from ..config import RunConfig
from ..dataset import parameters
from ..errors import BackendUnavailableError, ConfigError, PystampsError
from ..parallel.cpus import cpu_budget, this_member
from ..parallel.team import SerialTeam
from ..pipeline.compiling import compile_selections
from ..pipeline.events import ignore
from ..pipeline.scheduling import run_merged, run_patches
from ..pipeline.session import prepare
from ..pipeline.starting import before_work
from ..pipeline.table import readers
from ..pipeline.types import PipelineContext
from ..stages.base import Mode
from .simulate import Options, simulate

UNUSED = "not used by the warm-up chains; compiled at its first use"
SCENE = Options(candidates=600, images=8, patches=(2, 1))
SCENES: dict[Mode, Options] = {
    "ps": SCENE,
    "sb": replace(SCENE, small_baseline=True, max_days=330),
}

HELD = "unwrap_hold_good_values"
_OTHER_KERNELS = {
    "gamma_stdev_reject": 0.1,
    "merge_resample_size": 200.0,
    "merge_standard_dev": 10.0,
    "unwrap_prefilter_flag": "n",
    "scla_method": "L1",
    "scn_kriging_flag": "y",
}
OTHER_KERNELS: dict[Mode, dict[str, Any]] = {
    "ps": {**_OTHER_KERNELS, "unwrap_method": "3D_FULL"},
    "sb": {**_OTHER_KERNELS, "unwrap_method": "3D", "weed_standard_dev": 1.0, HELD: "y"},
}
"""Parameters that lead through the kernels that the defaults do not use."""

Chain = tuple[Mode, Arithmetic, str, Mapping[str, Any]]

CHAINS: tuple[Chain, ...] = tuple(
    (mode, *rest)
    for mode in SCENES
    for rest in (
        ("single", "auto", {}),
        ("double", "native", {}),
        ("single", "auto", OTHER_KERNELS[mode]),
        ("double", "native", OTHER_KERNELS[mode]),
    )
)
"""Mode, arithmetic, triangulator and parameters of the tiny chains."""

Form = tuple[str, Arithmetic]


@dataclass(frozen=True)
class _TimedKernels(KernelTable):
    """Native kernels that note how long their first call takes."""

    seconds: dict[Form, float] = field(default_factory=dict)

    __hash__ = KernelTable.__hash__

    def bound(self, name: str) -> Callable[..., Any]:
        """Return a kernel that notes the time of its first call."""
        run = super().bound(name)
        forms = all_kernels()[name].forms
        form = (name, self.arithmetic if self.arithmetic in forms else "double")

        def call(*values: Any) -> Any:
            began = time.perf_counter()
            result = run(*values)
            self.seconds.setdefault(form, round(time.perf_counter() - began, 3))
            return result

        return call


def warm_up(
    kernels: Collection[str] = (), config: RunConfig | None = None, threads: int = 0
) -> dict[str, Any]:
    """Return the document ``pystamps-hpc/warmup/1`` after compiling the native kernels.

    Parameters
    ----------
    kernels : collection of str
        Names to report; all by default.
    config : RunConfig, optional
        Configuration of the tiny chains, but for what makes them native.
    threads : int
        Threads of the kernels; 0 takes all.

    Returns
    -------
    dict
        ``kernels``: kernel -> arithmetic -> seconds of the first call, compilation included (close
        to zero where the cache had it); ``not_compiled``: kernel -> why.

    Raises
    ------
    ConfigError
        A kernel is unknown.
    BackendUnavailableError
        Numba cannot be imported.
    """
    known = all_kernels()
    unknown = sorted(set(kernels) - set(known))
    if unknown:
        raise ConfigError(f"unknown kernel {', '.join(unknown)} (known: {', '.join(known)})")
    if unavailable_reason("native"):
        raise BackendUnavailableError(
            f"backend 'native' is not available: {unavailable_reason('native')}"
        )
    from pystamps_kernels.native import ahead

    began = time.perf_counter()
    processes = cpu_budget([this_member()], 0, threads).threads
    compile_selections(ahead.SELECTIONS, processes, lambda done, total: None)
    seconds, problems = run_chains(config or RunConfig(), CHAINS, threads)
    left = call_rest(seconds)
    reported = kernels or tuple(known)
    return {
        "schema": "pystamps-hpc/warmup/1",
        "kernels": {
            name: {form: seconds[name, form] for form in ("double", "single")
                   if (name, form) in seconds}
            for name in reported
        },
        "not_compiled": {
            name: reason for (name, _), reason in left.items() if name in reported
        },
        "problems": problems,
        "total_sec": round(time.perf_counter() - began, 3),
    }  # fmt: skip


def run_chains(
    config: RunConfig, chains: Iterable[Chain], threads: int = 0
) -> tuple[dict[Form, float], list[str]]:
    """Run tiny chains through the native kernels.

    Returns
    -------
    seconds : dict
        Kernel and arithmetic -> seconds of its first call.
    problems : list of str
        What kept a chain from its end.
    """
    seconds: dict[Form, float] = {}
    problems: list[str] = []
    config = config.with_values(
        {
            "output.fsync": False,
            "runtime.cpu_workers": threads,
            "runtime.backend": "native",
            "runtime.stage6_solver": "native",
        }
    )
    for chain in chains:
        problems += _run_chain(config, chain, seconds)
    return seconds, problems


def call_rest(seconds: dict[Form, float]) -> dict[Form, str]:
    """Call every kernel that was not called yet; return why some could not be."""
    left = {form: _call_on_zeros(form, seconds) for form in _forms() if form not in seconds}
    return {form: reason for form, reason in left.items() if reason}


def _forms() -> Iterator[Form]:
    for kernel in all_kernels().values():
        for arithmetic in kernel.forms:
            yield kernel.name, arithmetic


def _run_chain(config: RunConfig, chain: Chain, seconds: dict[Form, float]) -> list[str]:
    """Run a tiny chain through timed kernels; return what kept it from its end."""
    mode, arithmetic, triangulator, values = chain
    native: dict[str, Backend] = {
        name: "native"
        for name, kernel in all_kernels().items()
        if function(kernel, "native", arithmetic) is not None
    }
    table = _TimedKernels(native, arithmetic, seconds)
    config = config.with_values(
        {"compat.arithmetic": arithmetic, "runtime.triangulator": triangulator}
    )
    with tempfile.TemporaryDirectory(prefix="pystamps-warmup-") as scratch:
        root = Path(scratch) / "scene"
        simulate(root, SCENES[mode])
        own = parameters.load(root)
        for name, value in values.items():
            own = own.set_value(name, value, False)
        parameters.save(own)
        runs = [PipelineContext(root, config)]
        if HELD in values:  # of the run before
            (stage,) = readers(HELD, mode)
            runs.append(PipelineContext(root, config, stage, stage, force=True))
        return [problem for context in runs for problem in _run(context, table)]


def _run(context: PipelineContext, kernels: KernelTable) -> list[str]:
    """Run what a context asks for; return what kept it from its end."""
    team = SerialTeam()
    try:
        session = prepare(context, kernels)
        before_work(session, context, team)
        rows = run_patches(session, team, ignore) + run_merged(session, team, ignore)
    except PystampsError as error:
        return [str(error)]
    return [f"stage {row.stage_id}: {row.details}" for row in rows if row.status == "failed"]


def _call_on_zeros(form: Form, seconds: dict[Form, float]) -> str:
    """Call a kernel that no chain uses; return why that is not possible, else nothing.

    Zeros are valid as values and as indices. Beside indices a scalar could be a size that reaches
    past an array, so there it is zero, too.
    """
    name, arithmetic = form
    kernel = all_kernels()[name]
    native = function(kernel, "native", arithmetic)
    if native is None:
        return "no native implementation"
    arrays = [argument for argument in kernel.arguments if isinstance(argument, Array)]
    indices = any(argument.dtypes.startswith("i") for argument in arrays)
    scalar = 0 if indices else 1
    began = time.perf_counter()
    try:
        with np.errstate(all="ignore"):
            native(*(_zeros(argument, scalar, arithmetic) for argument in kernel.arguments))
    except (ArithmeticError, ValueError, IndexError):
        return UNUSED
    seconds[form] = round(time.perf_counter() - began, 3)
    return ""


def _zeros(argument: Array | Scalar, scalar: int, arithmetic: Arithmetic) -> Any:
    if isinstance(argument, Scalar):
        return argument.kind(scalar)
    shape = [int(dim) if dim.isdigit() else 4 for dim in argument.shape.split()]
    dtypes = argument.dtypes.split()
    return np.zeros(shape, DTYPES[dtypes[0 if arithmetic == "single" else -1]])
