"""Native coverage: what of the chain runs natively, and what is certified to equal StaMPS.

Nothing here is declared: kernels and spreading follow from the code of the stages, backends from
the kernel table, blockers from the stage table, and parity from the recorded audit alone.
"""

from dataclasses import dataclass

from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import supported_backends, unavailable_reason

from ..errors import ConfigError
from ..pipeline.table import Task, tasks
from .reach import kernels_reached


@dataclass(frozen=True)
class Scope:
    """How far one row of the stage table is native.

    Parameters
    ----------
    row : Task
        Row of the stage table.
    kernels : dict of str to str
        Kernels it can call and the backend that ``--native-only`` would give them.
    cuda : bool
        Whether every one of them has a CUDA form that can run here.
    lacking : tuple of str
        Why the kernels cannot all run natively here.
    """

    row: Task
    kernels: dict[str, str]
    cuda: bool
    lacking: tuple[str, ...]

    @property
    def external(self) -> str:
        """What the stage cannot do without an external program; empty for nothing."""
        return self.row.spec.external

    @property
    def driven(self) -> bool:
        """Whether no kernel of the stage needs the reference backend."""
        return "python" not in self.kernels.values()

    @property
    def executable(self) -> bool:
        """Whether ``--native-only`` can run the stage on this machine by itself."""
        return not self.lacking and not self.external


def native_scopes(start: int = 1, end: int = 8) -> list[Scope]:
    """Return the rows of the stage table in a window with their native state.

    Raises
    ------
    ConfigError
        The window is empty or outside 1..8.
    """
    if not 1 <= start <= end <= 8:
        raise ConfigError(f"steps must lie in 1..8 and be in order, got {start}..{end}")
    return [_scope(row) for row in tasks() if start <= row.spec.number <= end]


def _scope(row: Task) -> Scope:
    contracts = all_kernels()
    supported = {name: supported_backends(contracts[name]) for name in kernels_reached(row.spec)}
    kernels = {name: "native" if "native" in found else "python"
               for name, found in supported.items()}  # fmt: skip
    cuda = bool(supported) and all("cuda" in found for found in supported.values())
    lacking = []
    if unavailable_reason("native"):
        lacking.append(f"backend 'native' is not available: {unavailable_reason('native')}")
    elif "python" in kernels.values():
        missing = [name for name, backend in kernels.items() if backend == "python"]
        lacking.append(f"no native implementation of {', '.join(missing)}")
    return Scope(row, kernels, cuda, tuple(lacking))
