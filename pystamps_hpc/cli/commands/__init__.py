"""The commands of the program, one module each; one that is put here is found."""

from importlib import import_module
from pkgutil import iter_modules

from ..command import Command

_ORDER = (
    "run", "stage", "status", "prep", "simulate", "merge", "slurm", "parms", "values", "plot",
    "timeseries", "export", "info", "network", "suggest", "console", "reset-scla", "doctor",
    "selftest", "describe-inputs", "verify", "coverage", "gate", "warmup", "list-legacy",
    "describe-backends", "audit",
)  # fmt: skip
"""How help lists them; others follow."""


def _place(command: Command) -> tuple[int, str]:
    known = command.name in _ORDER
    return (_ORDER.index(command.name) if known else len(_ORDER), command.name)


def _found() -> list[Command]:
    modules = (import_module(f".{module.name}", __name__) for module in iter_modules(__path__))
    return sorted((module.COMMAND for module in modules), key=_place)


COMMANDS: dict[str, Command] = {command.name: command for command in _found()}
"""Name -> command."""
