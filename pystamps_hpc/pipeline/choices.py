"""Choices that a configuration leaves open (``auto``) and that change numbers."""

from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec

from ..config import RunConfig
from ..errors import ConfigError, ToolMissingError
from ..programs.snaphu import find_snaphu, require_snaphu, snaphu_version
from ..stages.base import Mode, StageSpec
from .table import tasks


def resolve_choices(config: RunConfig, native_only: bool = False) -> RunConfig:
    """Return a configuration whose arithmetic, unwrapper and triangulator are decided.

    Parameters
    ----------
    config : RunConfig
        As the user gave it.
    native_only : bool
        Choose nothing outside this package.

    Raises
    ------
    ConfigError
        `native_only` with an external unwrapper or triangulator.
    """
    runtime = config.runtime
    solver, triangulator = runtime.stage6_solver, runtime.triangulator
    for name, choice in (("triangulator", triangulator), ("stage6_solver", solver)):
        if native_only and choice not in ("auto", "native"):
            raise ConfigError(f"--native-only: runtime.{name} must resolve to native")
    if solver == "auto":
        solver = "native"
    if triangulator == "auto":
        found = find_spec("triangle") is not None and not native_only
        triangulator = "triangle" if found else "native"
    runtime = replace(runtime, stage6_solver=solver, triangulator=triangulator)
    return replace(config, runtime=runtime).resolved()


def require_tools(config: RunConfig, specs: Iterable[StageSpec], mode: Mode) -> None:
    """Refuse stages whose external program is missing, before anything is written.

    Parameters
    ----------
    config : RunConfig
        With its choices made, see :func:`resolve_choices`.
    specs : iterable of StageSpec
        Stages that are to run.
    mode : {"ps", "sb"}
        Mode of the dataset.

    Raises
    ------
    ToolMissingError
        Names the program, the stages and how to get it.
    """
    needed = {tool for spec in specs for tool in spec.tools}
    if "unwrapper" in needed and config.runtime.stage6_solver == "snaphu":
        require_snaphu(config.tools.snaphu)
    if "triangulator" in needed:
        _require_triangulator(config, mode)


def program_of(spec: StageSpec, config: RunConfig) -> str:
    """Return name and version of the program that does part of a stage; empty without one."""
    asked = "unwrapper" in spec.tools and config.runtime.stage6_solver == "snaphu"
    found = find_snaphu(config.tools.snaphu) if asked else None
    return "" if found is None else f"snaphu {snaphu_version(found)}"


def _require_triangulator(config: RunConfig, mode: Mode) -> None:
    if config.runtime.triangulator == "triangle" and find_spec("triangle") is None:
        needing = [row.spec.number for row in tasks(mode) if "triangulator" in row.spec.tools]
        stages = " and ".join(map(str, needing))
        raise ToolMissingError(
            f"external tool '{config.tools.triangle}' not found (needed by stages {stages}): "
            "install the extra 'unwrap' (pip install '.[unwrap]' in the source folder) or set "
            "runtime.triangulator: native"
        )
