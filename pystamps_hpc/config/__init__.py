"""The configuration of a run: read and validated, with messages that name the key."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ..dataset.files import open_regular, parse_json
from ..errors import ConfigError
from .option import Option, Refused
from .sections import (
    CompatibilityConfig,
    ExternalToolsConfig,
    ImproveConfig,
    MpiConfig,
    OutputConfig,
    RuntimeConfig,
    ToleranceConfig,
)

__all__ = [
    "OPTIONS",
    "SECTIONS",
    "OutputConfig",
    "RunConfig",
    "ToleranceConfig",
    "configured_by",
    "load_config",
    "parse_config",
]

_LARGEST_FILE = 1 << 20  # bytes


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


SECTIONS: dict[str, Any] = {item.name: item.default_factory for item in fields(RunConfig)}
"""Section -> its dataclass."""

OPTIONS: dict[str, Option] = {
    f"{section}.{item.name}": item.metadata["option"]
    for section, cls in SECTIONS.items()
    for item in fields(cls)
}
"""Dotted key -> what is declared of the option, in the order of the file."""


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
                values[key] = OPTIONS[path].check(raw)
            except Refused as error:
                problems += [f"{path}{problem}" for problem in error.args]
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
    from ..dataset.parameters import TABLE

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


def configured_by(path: str | Path | None = None) -> str:
    """Return the full path of the configuration file that holds where `path` is asked for.

    Empty without one.
    """
    name = _named(path)
    return os.path.abspath(name) if name else ""


def _named(path: str | Path | None) -> str | Path | None:
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
    name = _named(path)
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
