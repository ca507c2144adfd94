"""The configuration of a run: sections, defaults, validation with messages that name the key."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .dataset.files import open_regular, parse_json
from .errors import ConfigError

RUNTIME_BACKENDS = ("auto", "threads", "processes", "gpu", "native")
RUNTIME_ALIASES = {"thread": "threads", "io": "threads", "process": "processes", "cpu": "processes"}
KERNEL_BACKENDS = ("auto", "python", "native", "cuda")
KERNEL_ALIASES = {"cpu": "python", "gpu": "cuda"}
SOLVERS = ("auto", "native", "snaphu")
SOLVER_ALIASES = {"backend": "auto", "external": "snaphu"}
TRIANGULATORS = ("auto", "native", "triangle")
STALE_POLICIES = ("rerun", "keep", "fail")
_LARGEST_FILE = 1 << 20  # bytes
VALUE_TYPES = ("v", "v-d", "v-o", "v-do")


@dataclass(frozen=True)
class RuntimeConfig:
    """Scheduling, kernel choice and memory bounds.

    Parameters
    ----------
    backend : str
        How the patches of one process are spread: ``auto`` (one after the other, kernels threaded),
        ``threads`` or ``processes`` (a pool of patches). ``native`` also insists on native kernels;
        ``gpu`` asks for CUDA kernels, of which there are none yet.
    stage2_kernel_backend : str
        Backend of the stage 2 kernels; an explicit choice is strict, ``auto`` is native, else
        python.
    kernel_backend_overrides : mapping
        Kernel name -> backend, beats every other choice.
    stage2_native_threads : int
        Threads of the native kernels; 0: all that the rank may use.
    io_workers : int
        Threads of a rank that open the files of the patches for the merge.
    cpu_workers : int
        Threads of a rank, or width of the pool of patches; 0: all that the rank may use.
    stage6_solver : str
        Unwrapper of stage 6: ``native`` or ``snaphu`` (SNAPHU, as StaMPS); ``auto`` is native.
    unwrap_minutes : float
        Minutes that stage 6 may take to unwrap one interferogram, 0: no limit. Then it fails; what
        is unwrapped is kept.
    triangulator : str
        Delaunay network of stages 4 and 7: ``triangle`` (Triangle, as StaMPS) or ``native``
        (Qhull); ``auto`` takes Triangle where it is installed.
    stage7_chunk_ps : int
        PS that stages 7 and 8 hold at a time; changes memory, never results.
    stage8_chunk_edges : int
        Arcs that stages 6 and 8 hold at a time; changes memory, never results.
    memory_gb : float
        Memory that a rank may fill [GB]; pieces of rows and interferograms are cut to it, and work
        that does not fit is refused. 0: 0.8 of what job, limits or machine leave to a rank. Never
        changes results.
    stale_policy : str
        What happens to finished work that is out of date: ``rerun`` makes it again, ``keep`` (or
        ``warn``) keeps it, says so and ends with exit code 6, ``fail`` refuses the run.
    """

    backend: str = "auto"
    stage2_kernel_backend: str = "auto"
    kernel_backend_overrides: Mapping[str, str] = field(default_factory=dict)
    stage2_native_threads: int = 0
    io_workers: int = 8
    cpu_workers: int = 0
    stage6_solver: str = "auto"
    unwrap_minutes: float = 0.0
    triangulator: str = "auto"
    stage7_chunk_ps: int = 100_000
    stage8_chunk_edges: int = 200_000
    memory_gb: float = 0.0
    stale_policy: str = "rerun"


@dataclass(frozen=True)
class MpiConfig:
    """Whether MPI is used.

    Parameters
    ----------
    enabled : str
        ``auto``: where a launcher started several tasks; ``on`` fails without one; ``off`` never.
    """

    enabled: str = "auto"


@dataclass(frozen=True)
class OutputConfig:
    """How artifacts are written.

    Parameters
    ----------
    mat_format : str
        MAT format; ``auto`` is v5, and v7.3 for a file with a variable of 2 GiB or more.
    compress : bool
        Compress variables; compressed files cannot be read in place.
    fsync : bool
        Flush files and directories to disk before a stage counts as finished.
    stamps_log : bool
        Add a line per stage to ``STAMPS.log``.
    mean_v_type : str
        Corrections before the velocity fit: ``d`` takes off the look-angle (DEM) error, ``o`` a
        ramp per interferogram.
    """

    mat_format: str = "auto"
    compress: bool = False
    fsync: bool = True
    stamps_log: bool = True
    mean_v_type: str = "v-do"


@dataclass(frozen=True)
class ToleranceConfig:
    """Default tolerances of comparisons.

    Parameters
    ----------
    profile : str
        ``strict`` or ``scientific``. The section is checked and recorded; the chain does not read
        it.
    rtol, atol : float
        Relative and absolute tolerance.
    max_outlier_fraction : float
        Share of values that may lie outside; needs ``profile: scientific`` and ``max_abs``.
    max_abs : float or None
        Bound of those outliers.
    key_tolerances : mapping
        Tolerances of single keys.
    """

    profile: str = "strict"
    rtol: float = 1e-5
    atol: float = 1e-7
    max_outlier_fraction: float = 0.0
    max_abs: float | None = None
    key_tolerances: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class ExternalToolsConfig:
    """Names or paths of external programs.

    Parameters
    ----------
    triangle : str
        Triangle. The Python binding of the extra ``unwrap`` is used, the name is for messages.
    snaphu : str
        SNAPHU; by default the one on the path, else the one of the extra ``unwrap``.
    """

    triangle: str = "triangle"
    snaphu: str = "snaphu"


@dataclass(frozen=True)
class CompatibilityConfig:
    """How the StaMPS run that is reproduced was made.

    Parameters
    ----------
    reference_root : str or None
        Tree of a finished reference run, for `strict_reference`.
    strict_reference : bool
        Copy the artifacts of every selected task from `reference_root` instead of computing them.
    random_generator : str
        Random phases of stage 2 as MATLAB (``matlab``) or GNU Octave (``octave``) draws them.
    arithmetic : str
        ``double``: accurate and fast; ``single``: the mixed single precision of StaMPS, operation
        by operation; ``auto``: single with ``random_generator: octave``, else double.
    """

    reference_root: str | None = None
    strict_reference: bool = False
    random_generator: str = "matlab"
    arithmetic: str = "auto"


@dataclass(frozen=True)
class ImproveConfig:
    """Changes of the science beyond rounding; none is built yet."""


@dataclass(frozen=True)
class RunConfig:
    """All sections; every value has a default."""

    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    mpi: MpiConfig = field(default_factory=MpiConfig)
    output: OutputConfig = field(default_factory=OutputConfig)
    tolerance: ToleranceConfig = field(default_factory=ToleranceConfig)
    tools: ExternalToolsConfig = field(default_factory=ExternalToolsConfig)
    compat: CompatibilityConfig = field(default_factory=CompatibilityConfig)
    improve: ImproveConfig = field(default_factory=ImproveConfig)

    def value(self, key: str) -> Any:
        """Return the value at a dotted key path, ``"compat.arithmetic"``."""
        section, _, name = key.partition(".")
        return getattr(getattr(self, section), name)

    def with_values(self, values: Mapping[str, Any]) -> "RunConfig":
        """Return a copy with values replaced by dotted key path, validated.

        Raises
        ------
        ConfigError
            One line per unknown key or value outside its range.
        """
        tree = self.to_dict()
        for key, value in values.items():
            section, _, name = key.partition(".")
            tree.setdefault(section, {})[name] = value
        return parse_config(tree)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return plain nested dictionaries, as in a file."""
        return asdict(self)

    def resolved(self) -> "RunConfig":
        """Return a copy in which ``compat.arithmetic: auto`` has become single or double."""
        if self.compat.arithmetic != "auto":
            return self
        arithmetic = "single" if self.compat.random_generator == "octave" else "double"
        return replace(self, compat=replace(self.compat, arithmetic=arithmetic))


SECTIONS: dict[str, type] = {
    "runtime": RuntimeConfig,
    "mpi": MpiConfig,
    "output": OutputConfig,
    "tolerance": ToleranceConfig,
    "tools": ExternalToolsConfig,
    "compat": CompatibilityConfig,
    "improve": ImproveConfig,
}


def _choice(what: str, allowed: tuple[str, ...], aliases: Mapping[str, str] | None = None) -> Any:
    def check(value: Any) -> str:
        text = str(value).strip().lower()
        text = (aliases or {}).get(text, text)
        if text not in allowed:
            known = ", ".join(allowed[:-1]) + f" or {allowed[-1]}"
            raise ValueError(f"unsupported {what} '{value}' (use {known})")
        return text

    return check


def _integer(least: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        try:
            if isinstance(value, bool) or float(value) != int(float(value)):
                raise ValueError
            number = int(float(value))
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"must be an integer >= {least}") from None
        if number < least:
            raise ValueError(f"must be an integer >= {least}")
        if number >= 2**31:
            raise ValueError(f"must be below {2**31:,}")
        return number

    return check


def _number(least: float, most: float, message: str) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(message) from None
        if not (math.isfinite(number) and least <= number <= most):
            raise ValueError(message)
        return number

    return check


_not_negative = _number(0, math.inf, "must be finite and >= 0")


def _optional_number(value: Any) -> float | None:
    return None if value is None else _not_negative(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("must be true or false")


def _on_off(value: Any) -> str:
    text = {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value
    return str(_choice("value", ("auto", "on", "off"))(text))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text")
    return value


def _optional_text(value: Any) -> str | None:
    return None if value is None else _text(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping")
    return {str(key): item for key, item in value.items()}


def _overrides(value: Any) -> Mapping[str, str]:
    from pystamps_kernels.contracts import all_kernels

    known = all_kernels()
    check = _choice("kernel backend", KERNEL_BACKENDS, KERNEL_ALIASES)
    overrides = {}
    for kernel, backend in _mapping(value).items():
        if kernel not in known:
            raise ValueError(f"unknown kernel '{kernel}' (known: {', '.join(known)})")
        overrides[kernel] = check(backend)
    return overrides


_fraction = _number(0, 1, "must be between 0 and 1")

_TOLERANCES: dict[str, Callable[[Any], Any]] = {
    "rtol": _not_negative,
    "atol": _not_negative,
    "max_outlier_fraction": _fraction,
    "max_abs": _optional_number,
}


def _key_tolerances(value: Any) -> Mapping[str, Mapping[str, float | None]]:
    checked: dict[str, dict[str, float | None]] = {}
    problems = []
    for key, entry in _mapping(value).items():
        checked[key] = {}
        try:
            items = _mapping(entry).items()
        except ValueError as error:
            problems.append(f".{key}: {error}")
            continue
        for name, raw in items:
            if name not in _TOLERANCES:
                problems.append(f".{key}.{name}: unknown key (known: {', '.join(_TOLERANCES)})")
                continue
            try:
                checked[key][name] = _TOLERANCES[name](raw)
            except ValueError as error:
                problems.append(f".{key}.{name}: {error}")
    if problems:
        raise _Problems(problems)
    return checked


class _Problems(ValueError):
    """Several problems below one key; each begins with the rest of its key path."""


CHECKS: dict[str, Callable[[Any], Any]] = {
    "runtime.backend": _choice("runtime backend", RUNTIME_BACKENDS, RUNTIME_ALIASES),
    "runtime.stage2_kernel_backend": _choice("kernel backend", KERNEL_BACKENDS, KERNEL_ALIASES),
    "runtime.kernel_backend_overrides": _overrides,
    "runtime.stage2_native_threads": _integer(0),
    "runtime.io_workers": _integer(1),
    "runtime.cpu_workers": _integer(0),
    "runtime.stage6_solver": _choice("stage-6 solver", SOLVERS, SOLVER_ALIASES),
    "runtime.unwrap_minutes": _number(0, math.inf, "must be a number >= 0"),
    "runtime.triangulator": _choice("triangulator", TRIANGULATORS),
    "runtime.stage7_chunk_ps": _integer(1),
    "runtime.stage8_chunk_edges": _integer(1),
    "runtime.memory_gb": _number(0, math.inf, "must be a number >= 0"),
    "runtime.stale_policy": _choice("stale policy", STALE_POLICIES, {"warn": "keep"}),
    "mpi.enabled": _on_off,
    "output.mat_format": _choice("MAT format", ("auto", "v5", "v7.3")),
    "output.compress": _boolean,
    "output.fsync": _boolean,
    "output.stamps_log": _boolean,
    "output.mean_v_type": _choice("value type", VALUE_TYPES),
    "tolerance.profile": _choice("profile", ("strict", "scientific")),
    "tolerance.rtol": _not_negative,
    "tolerance.atol": _not_negative,
    "tolerance.max_outlier_fraction": _fraction,
    "tolerance.max_abs": _optional_number,
    "tolerance.key_tolerances": _key_tolerances,
    "tools.triangle": _text,
    "tools.snaphu": _text,
    "compat.reference_root": _optional_text,
    "compat.strict_reference": _boolean,
    "compat.random_generator": _choice("random generator", ("matlab", "octave")),
    "compat.arithmetic": _choice("arithmetic", ("auto", "double", "single")),
}


def parse_config(tree: Any) -> RunConfig:
    """Build a configuration from nested dictionaries.

    Raises
    ------
    ConfigError
        All problems together, one line each, naming the key.
    """
    problems: list[str] = []
    sections: dict[str, Any] = {}
    if not isinstance(tree, Mapping):
        raise ConfigError("Config error: the file must hold a mapping of sections")
    for name in tree:
        if name not in SECTIONS:
            hint = _science_hint(str(name))
            problems.append(f"{name}: unknown section (known: {', '.join(SECTIONS)}){hint}")
    for name, cls in SECTIONS.items():
        known = {item.name for item in fields(cls)}
        values: dict[str, Any] = {}
        content = tree[name] if tree.get(name) is not None else {}
        if not isinstance(content, Mapping):
            problems.append(f"{name}: must be a mapping of keys")
            continue
        for key, raw in content.items():
            path = f"{name}.{key}"
            if key not in known:
                problems.append(f"{path}: {_unknown(name, str(key), known)}")
                continue
            try:
                values[key] = CHECKS[path](raw)
            except _Problems as error:
                problems += [f"{path}{problem}" for problem in error.args[0]]
            except ValueError as error:
                problems.append(f"{path}: {error}")
        sections[name] = cls(**values)
    if not problems:
        problems = _contradictions(RunConfig(**sections))
    if problems:
        raise ConfigError("\n".join(f"Config error: {problem}" for problem in problems))
    return RunConfig(**sections)


def _unknown(section: str, key: str, known: set[str]) -> str:
    if section == "improve":
        return f"unknown improvement '{key}' (known: {', '.join(sorted(known)) or 'none yet'})"
    return f"unknown key (known: {', '.join(sorted(known))}){_science_hint(key)}"


def _science_hint(key: str) -> str:
    from .dataset.parameters import TABLE

    return " (science parameters belong in parms.mat)" if key in TABLE else ""


def _contradictions(config: RunConfig) -> list[str]:
    problems = []
    tolerance, compat = config.tolerance, config.compat
    allowances = {
        "tolerance": (tolerance.max_outlier_fraction, tolerance.max_abs),
        **{
            f"tolerance.key_tolerances.{key}": (
                entry.get("max_outlier_fraction", tolerance.max_outlier_fraction) or 0.0,
                entry.get("max_abs", tolerance.max_abs),
            )
            for key, entry in tolerance.key_tolerances.items()
        },
    }
    for where, (fraction, most) in allowances.items():
        if fraction > 0 and tolerance.profile == "strict":
            problems.append(f"{where}.max_outlier_fraction: needs profile scientific")
        if fraction > 0 and most is None:
            problems.append(f"{where}.max_abs: is required when max_outlier_fraction is not 0")
    if compat.strict_reference and compat.reference_root is None:
        problems.append("compat.strict_reference: needs compat.reference_root")
    return problems


def _yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Safe loader without aliases, by which a few lines become gigabytes."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("aliases (*name) are not taken")
            return super().compose_node(parent, index)

    return yaml.load(text, Loader)


def configured_by(path: str | Path | None = None) -> str | Path | None:
    """Return the configuration file that holds where `path` is asked for; empty without one."""
    return path if path is not None else os.environ.get("PYSTAMPS_HPC_CONFIG")


def load_config(path: str | Path | None = None) -> RunConfig:
    """Read a configuration file.

    Parameters
    ----------
    path : str, Path or None
        YAML or JSON file; None takes ``$PYSTAMPS_HPC_CONFIG``, else the defaults.

    Raises
    ------
    ConfigError
        Missing or unreadable file, unknown key, value outside its range.
    """
    name = configured_by(path)
    if not name:
        return RunConfig()
    file = Path(name)
    if file.suffix not in (".yaml", ".yml", ".json"):
        raise ConfigError(f"Config error: {file}: config must be YAML or JSON")
    try:
        with open_regular(file) as stream:
            text = stream.read(_LARGEST_FILE + 1).decode("utf-8")
        if len(text) > _LARGEST_FILE:
            raise ConfigError(f"Config error: {file}: longer than {_LARGEST_FILE:,} bytes")
    except FileNotFoundError:
        raise ConfigError(f"Config error: {file}: file does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Config error: {file}: cannot be read: {error}") from None
    try:
        if file.suffix == ".json":
            tree = parse_json(text) if text.strip() else {}
        else:
            tree = _yaml(text)
    except Exception as error:
        line = " ".join(str(error).split())
        raise ConfigError(f"Config error: {file}: cannot be parsed: {line}") from None
    return parse_config({} if tree is None else tree)
