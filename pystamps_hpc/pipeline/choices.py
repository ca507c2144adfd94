"""Choices that a configuration leaves open (``auto``) and that change numbers."""

from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec

from ..config import RunConfig
from ..errors import ConfigError, ToolMissingError
from ..programs.snaphu import find_snaphu, require_snaphu, snaphu_version
from ..stages.base import StageSpec


def resolve_choices(config: RunConfig, native_only: bool = False) -> RunConfig:
    """Return a configuration whose arithmetic, unwrapper and triangulator are decided.

    Parameters
    ----------
    config : RunConfig
        As the user gave it.
    native_only : bool
        Choose nothing outside this package, except an unwrapper named explicitly.

    Raises
    ------
    ConfigError
        `native_only` with the external triangulator.
    """
    runtime = config.runtime
    solver, triangulator = runtime.stage6_solver, runtime.triangulator
    if native_only and triangulator == "triangle":
        raise ConfigError("--native-only: runtime.triangulator must resolve to native")
    if solver == "auto":
        found = find_snaphu(config.tools.snaphu) is not None and not native_only
        solver = "snaphu" if found else "native"
    if triangulator == "auto":
        found = find_spec("triangle") is not None and not native_only
        triangulator = "triangle" if found else "native"
    runtime = replace(runtime, stage6_solver=solver, triangulator=triangulator)
    return replace(config, runtime=runtime).resolved()


def require_tools(config: RunConfig, specs: Iterable[StageSpec]) -> None:
    """Refuse stages whose external program is missing, before anything is written.

    Parameters
    ----------
    config : RunConfig
        With its choices made, see :func:`resolve_choices`.
    specs : iterable of StageSpec
        Stages that are to run.

    Raises
    ------
    ToolMissingError
        Names the program, the stages and how to get it.
    """
    needed = {tool for spec in specs for tool in spec.tools}
    if "unwrapper" in needed:
        _require_unwrapper(config)
    if "triangulator" in needed:
        _require_triangulator(config)


def program_of(spec: StageSpec, config: RunConfig) -> str:
    """Return name and version of the program that does part of a stage; empty without one."""
    found = find_snaphu(config.tools.snaphu) if "unwrapper" in spec.tools else None
    return "" if found is None else f"snaphu {snaphu_version(found)}"


def _require_unwrapper(config: RunConfig) -> None:
    require_snaphu(config.tools.snaphu)
    if config.runtime.stage6_solver == "native":
        raise ToolMissingError(
            "runtime.stage6_solver=native is not supported in stage 6; supported: snaphu"
        )


def _require_triangulator(config: RunConfig) -> None:
    if config.runtime.triangulator == "triangle" and find_spec("triangle") is None:
        raise ToolMissingError(
            f"external tool '{config.tools.triangle}' not found (needed by stages 4 and 7): "
            "install the extra 'unwrap' (pip install '.[unwrap]' in the source folder) or set "
            "runtime.triangulator: native"
        )
