"""The sections of the configuration: each option with its default, what is allowed, its meaning."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .option import (
    BOOLEAN,
    MAPPING,
    TEXT,
    Check,
    Refused,
    choice,
    integer,
    names_of,
    number,
    option,
    optional,
)
from .products import PRODUCTS, USUAL

RUNTIME_BACKENDS = ("auto", "threads", "processes", "gpu", "native")
_RUNTIME_ALIASES = {"thread": "threads", "io": "threads", "process": "processes",
                    "cpu": "processes"}  # fmt: skip
MPI_MODES = ("auto", "on", "off")
PROFILES = ("strict", "scientific")

_KERNEL_BACKEND = choice(
    "kernel backend", ("auto", "python", "native", "cuda"), {"cpu": "python", "gpu": "cuda"}
)
_NOT_NEGATIVE = number(0, math.inf, "finite and >= 0")


def _read_overrides(value: Any) -> dict[str, str]:
    from pystamps_kernels.contracts import all_kernels

    known = all_kernels()
    overrides = {}
    for kernel, backend in MAPPING(value).items():
        if kernel not in known:
            raise Refused(f": unknown kernel '{kernel}' (known: {', '.join(known)})")
        overrides[kernel] = _KERNEL_BACKEND(backend)
    return overrides


def _read_key_tolerances(value: Any) -> dict[str, dict[str, float | None]]:
    known = {
        item.name: item.metadata["option"].check
        for item in fields(ToleranceConfig)
        if item.name not in ("profile", "key_tolerances")
    }
    checked: dict[str, dict[str, float | None]] = {}
    problems: list[str] = []
    for key, entry in MAPPING(value).items():
        checked[key] = {}
        try:
            items = MAPPING(entry).items()
        except Refused as error:
            problems += [f".{key}{problem}" for problem in error.args]
            continue
        for name, raw in items:
            if name not in known:
                problems.append(f".{key}.{name}: unknown key (known: {', '.join(known)})")
                continue
            try:
                checked[key][name] = known[name](raw)
            except Refused as error:
                problems += [f".{key}.{name}{problem}" for problem in error.args]
    if problems:
        raise Refused(*problems)
    return checked


def _read_mpi_mode(value: Any) -> Any:
    if isinstance(value, bool):  # YAML reads a bare on or off as such
        value = "on" if value else "off"
    return choice("value", MPI_MODES)(value)


@dataclass(frozen=True)
class RuntimeConfig:
    """Scheduling, kernel choice and memory bounds."""

    backend: str = option(
        "auto",
        choice("runtime backend", RUNTIME_BACKENDS, _RUNTIME_ALIASES),
        "How the patches of one process are spread: ``auto`` (one after the other, kernels "
        "threaded; from 64 small patches on as ``processes``), ``threads`` or ``processes`` (a "
        "pool of patches). ``native`` also insists on native kernels, patch after patch; ``gpu`` "
        "runs every kernel on a GPU that has a CUDA form.",
    )
    stage2_kernel_backend: str = option(
        "auto",
        _KERNEL_BACKEND,
        "Backend of the stage 2 kernels; an explicit choice is strict, ``auto`` is native, else "
        "python.",
    )
    kernel_backend_overrides: Mapping[str, str] = option(
        {},
        Check(MAPPING.allowed, _read_overrides),
        "Kernel name -> backend, beats every other choice.",
    )
    stage2_native_threads: int = option(
        0, integer(0), "Threads of the native kernels; 0: all that the rank may use."
    )
    io_workers: int = option(
        8, integer(1), "Threads of a rank that read the files of the patches for the merge."
    )
    cpu_workers: int = option(
        0,
        integer(0),
        "Threads of a rank, or width of the pool of patches; 0: all that the rank may use.",
    )
    stage6_solver: str = option(
        "auto",
        choice(
            "stage-6 solver",
            ("auto", "native", "snaphu"),
            {"backend": "auto", "external": "snaphu"},
        ),
        "Unwrapper of stage 6: ``native`` or ``snaphu`` (SNAPHU, as StaMPS); ``auto`` is native.",
    )
    unwrap_minutes: float = option(
        0.0,
        number(0, math.inf, "a number >= 0"),
        "Minutes that stage 6 may take to unwrap one interferogram, 0: no limit. Then it fails; "
        "what is unwrapped is kept.",
    )
    triangulator: str = option(
        "auto",
        choice("triangulator", ("auto", "native", "triangle")),
        "Delaunay network of stages 4 and 7: ``triangle`` (Triangle, as StaMPS) or ``native`` "
        "(Qhull); ``auto`` takes Triangle where it is installed.",
    )
    stage7_chunk_ps: int = option(
        100_000,
        integer(1),
        "PS that stages 7 and 8 hold at a time; changes memory, never results.",
    )
    stage8_chunk_edges: int = option(
        200_000,
        integer(1),
        "Arcs that stages 6 and 8 hold at a time; changes memory, never results.",
    )
    memory_gb: float = option(
        0.0,
        number(0, math.inf, "a number >= 0"),
        "Memory that a rank may fill [GB]; pieces of rows and interferograms are cut to it, and "
        "work that does not fit is refused. 0: 0.8 of what job, limits or machine leave to a "
        "rank. Never changes results.",
    )
    stale_policy: str = option(
        "rerun",
        choice("stale policy", ("rerun", "keep", "fail"), {"warn": "keep"}),
        "What happens to finished work that is out of date: ``rerun`` makes it again, ``keep`` "
        "(or ``warn``) keeps it, says so and ends with exit code 6, ``fail`` refuses the run.",
    )


@dataclass(frozen=True)
class MpiConfig:
    """Whether MPI is used."""

    enabled: str = option(
        "auto",
        Check(choice("value", MPI_MODES).allowed, _read_mpi_mode),
        "Use of MPI: ``auto`` where a launcher started several tasks; ``on`` fails without one; "
        "``off`` never.",
    )


@dataclass(frozen=True)
class OutputConfig:
    """How artifacts are written."""

    mat_format: str = option(
        "auto",
        choice("MAT format", ("auto", "v5", "v7.3")),
        "MAT format; ``auto`` is v5, and v7.3 for a file with a variable of 2 GiB or more.",
    )
    compress: bool = option(
        False, BOOLEAN, "Compress variables; compressed files cannot be read in place."
    )
    fsync: bool = option(
        True, BOOLEAN, "Flush files and directories to disk before a stage counts as finished."
    )
    stamps_log: bool = option(True, BOOLEAN, "Add a line per stage to ``STAMPS.log``.")
    mean_v_type: str = option(
        "v-do",
        choice("value type", ("v", "v-d", "v-o", "v-do")),
        "Corrections before the velocity fit: ``d`` takes off the look-angle (DEM) error, ``o`` a "
        "ramp per interferogram.",
    )
    products: tuple[str, ...] = option(
        USUAL,
        names_of("product", tuple(PRODUCTS)),
        "What a run leaves in ``products`` after stage 8, as a list. ``velocity.png`` is the map, "
        "``velocity.csv`` the table; the others are written as by ``export``.",
    )
    bootstrap_seed: int = option(
        0,
        integer(0),
        "Seed of the samples from which the standard deviation of velocities is found (`vs`).",
    )
    krig_seed: int = option(
        0,
        integer(0),
        "Seed of the samples of arcs and points, where there are more than 15,000, to which "
        "stage 8 fits variograms (`scn_kriging_flag`).",
    )


@dataclass(frozen=True)
class ToleranceConfig:
    """Default tolerances of comparisons."""

    profile: str = option(
        "strict",
        choice("profile", PROFILES),
        "``strict`` or ``scientific``. The section is checked and recorded; the chain does not "
        "read it.",
    )
    rtol: float = option(1e-5, _NOT_NEGATIVE, "Relative and absolute tolerance.")
    atol: float = option(1e-7, _NOT_NEGATIVE, "Relative and absolute tolerance.")
    max_outlier_fraction: float = option(
        0.0,
        number(0, 1, "between 0 and 1"),
        "Share of values that may lie outside; needs ``profile: scientific`` and ``max_abs``.",
    )
    max_abs: float | None = option(None, optional(_NOT_NEGATIVE), "Bound of those outliers.")
    key_tolerances: Mapping[str, Mapping[str, float | None]] = option(
        {}, Check(MAPPING.allowed, _read_key_tolerances), "Tolerances of single keys."
    )


@dataclass(frozen=True)
class ExternalToolsConfig:
    """Names or paths of external programs."""

    triangle: str = option(
        "triangle",
        TEXT,
        "Triangle. The Python binding of the extra ``unwrap`` is used, the name is for messages.",
    )
    snaphu: str = option(
        "snaphu",
        TEXT,
        "SNAPHU; by default the one on the path, else the one of the extra ``unwrap``.",
    )


@dataclass(frozen=True)
class CompatibilityConfig:
    """How the StaMPS run that is reproduced was made."""

    reference_root: str | None = option(
        None, optional(TEXT), "Tree of a finished reference run, for `strict_reference`."
    )
    strict_reference: bool = option(
        False,
        BOOLEAN,
        "Copy the artifacts of every selected task from `reference_root` instead of computing "
        "them.",
    )
    random_generator: str = option(
        "matlab",
        choice("random generator", ("matlab", "octave")),
        "Random numbers as MATLAB (``matlab``) or GNU Octave (``octave``) draws them: the phases "
        "of stage 2, the largest coherence of a resampling merge.",
    )
    arithmetic: str = option(
        "auto",
        choice("arithmetic", ("auto", "double", "single")),
        "``double``: accurate and fast; ``single``: the mixed single precision of StaMPS, "
        "operation by operation; ``auto``: single with ``random_generator: octave``, else double.",
    )
    preparation: str = option(
        "sound",
        choice("preparation", ("sound", "reference")),
        "How candidates are prepared: ``sound``, or as StaMPS does it with all that it loses "
        "(``reference``: lines and columns of no patch, stripes of 16-bit images, short patches "
        "of small baselines, masks that are overlooked), paths relative to the dataset.",
    )
    exports: str = option(
        "sound",
        choice("exports", ("sound", "reference")),
        "What exports of StaMPS' own (``stamps``, ``visualizer``, ``kml``) hold: what their names "
        "say (``sound``), or what StaMPS writes (``reference``: heights of zero, the deviation in "
        "the place of the velocity, constants of ERS, seven digits, its colours).",
    )


@dataclass(frozen=True)
class ImproveConfig:
    """Changes of the science beyond rounding; none is built yet."""
