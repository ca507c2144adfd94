"""The configuration of a run: sections, defaults, validation with messages that name the key."""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .errors import ConfigError

RUNTIME_BACKENDS = ("auto", "threads", "processes", "gpu", "native")
RUNTIME_ALIASES = {"thread": "threads", "io": "threads", "process": "processes", "cpu": "processes"}
KERNEL_BACKENDS = ("auto", "python", "native", "cuda")
KERNEL_ALIASES = {"cpu": "python", "gpu": "cuda"}
SOLVERS = ("auto", "native", "snaphu")
SOLVER_ALIASES = {"backend": "auto", "external": "snaphu"}
TRIANGULATORS = ("auto", "native", "triangle")
VALUE_TYPES = ("v", "v-d", "v-o", "v-do")


@dataclass(frozen=True)
class RuntimeConfig:
    """Scheduling, kernel choice and memory bounds."""

    backend: str = "auto"
    stage2_kernel_backend: str = "auto"
    kernel_backend_overrides: Mapping[str, str] = field(default_factory=dict)
    stage2_native_threads: int = 0
    io_workers: int = 8
    cpu_workers: int = 0
    stage6_solver: str = "auto"
    triangulator: str = "auto"
    stage7_chunk_ps: int = 100_000
    stage8_chunk_edges: int = 200_000
    memory_gb: float = 0.0
    stale_policy: str = "warn"


@dataclass(frozen=True)
class MpiConfig:
    """Whether MPI is used."""

    enabled: str = "auto"


@dataclass(frozen=True)
class OutputConfig:
    """How artifacts are written."""

    mat_format: str = "auto"
    compress: bool = False
    fsync: bool = True
    stamps_log: bool = True
    mean_v_type: str = "v-do"


@dataclass(frozen=True)
class ToleranceConfig:
    """Default tolerances of comparisons."""

    profile: str = "strict"
    rtol: float = 1e-5
    atol: float = 1e-7
    max_outlier_fraction: float = 0.0
    max_abs: float | None = None
    key_tolerances: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class ExternalToolsConfig:
    """Names or paths of external programs."""

    triangle: str = "triangle"
    snaphu: str = "snaphu"


@dataclass(frozen=True)
class CompatibilityConfig:
    """How the StaMPS run that is reproduced was made."""

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
        return number

    return check


def _number(least: float, most: float, message: str) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
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


CHECKS: dict[str, Callable[[Any], Any]] = {
    "runtime.backend": _choice("runtime backend", RUNTIME_BACKENDS, RUNTIME_ALIASES),
    "runtime.stage2_kernel_backend": _choice("kernel backend", KERNEL_BACKENDS, KERNEL_ALIASES),
    "runtime.kernel_backend_overrides": _overrides,
    "runtime.stage2_native_threads": _integer(0),
    "runtime.io_workers": _integer(1),
    "runtime.cpu_workers": _integer(0),
    "runtime.stage6_solver": _choice("stage-6 solver", SOLVERS, SOLVER_ALIASES),
    "runtime.triangulator": _choice("triangulator", TRIANGULATORS),
    "runtime.stage7_chunk_ps": _integer(1),
    "runtime.stage8_chunk_edges": _integer(1),
    "runtime.memory_gb": _number(0, math.inf, "must be a number >= 0"),
    "runtime.stale_policy": _choice("stale policy", ("warn", "rerun", "fail")),
    "mpi.enabled": _on_off,
    "output.mat_format": _choice("MAT format", ("auto", "v5", "v7.3")),
    "output.compress": _boolean,
    "output.fsync": _boolean,
    "output.stamps_log": _boolean,
    "output.mean_v_type": _choice("value type", VALUE_TYPES),
    "tolerance.profile": _choice("profile", ("strict", "scientific")),
    "tolerance.rtol": _not_negative,
    "tolerance.atol": _not_negative,
    "tolerance.max_outlier_fraction": _number(0, 1, "must be between 0 and 1"),
    "tolerance.max_abs": _optional_number,
    "tolerance.key_tolerances": _mapping,
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
            problems.append(f"{name}: unknown section (known: {', '.join(SECTIONS)})")
    for name, cls in SECTIONS.items():
        known = {item.name for item in fields(cls)}
        values: dict[str, Any] = {}
        content = tree.get(name) or {}
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
            except ValueError as error:
                problems.append(f"{path}: {error}")
        sections[name] = cls(**values)
    if not problems:
        problems = _contradictions(RunConfig(**sections))
    if problems:
        raise ConfigError("\n".join(f"Config error: {problem}" for problem in problems))
    return RunConfig(**sections)


def _unknown(section: str, key: str, known: set[str]) -> str:
    from .dataset.parameters import TABLE

    if section == "improve":
        return f"unknown improvement '{key}' (known: {', '.join(sorted(known)) or 'none yet'})"
    hint = " (science parameters belong in parms.mat)" if key in TABLE else ""
    return f"unknown key (known: {', '.join(sorted(known))}){hint}"


def _contradictions(config: RunConfig) -> list[str]:
    problems = []
    tolerance, compat = config.tolerance, config.compat
    if tolerance.max_outlier_fraction > 0 and tolerance.profile == "strict":
        problems.append("tolerance.max_outlier_fraction: needs profile scientific")
    if tolerance.max_outlier_fraction > 0 and tolerance.max_abs is None:
        problems.append("tolerance.max_abs: is required when max_outlier_fraction is not 0")
    if compat.strict_reference and compat.reference_root is None:
        problems.append("compat.strict_reference: needs compat.reference_root")
    return problems


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
    name = path if path is not None else os.environ.get("PYSTAMPS_HPC_CONFIG")
    if not name:
        return RunConfig()
    file = Path(name)
    if file.suffix not in (".yaml", ".yml", ".json"):
        raise ConfigError(f"Config error: {file}: config must be YAML or JSON")
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"Config error: {file}: file does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Config error: {file}: cannot be read: {error}") from None
    try:
        if file.suffix == ".json":
            tree = json.loads(text) if text.strip() else {}
        else:
            import yaml

            tree = yaml.safe_load(text)
    except Exception as error:
        line = " ".join(str(error).split())
        raise ConfigError(f"Config error: {file}: cannot be parsed: {line}") from None
    return parse_config({} if tree is None else tree)
