"""What a run is asked for: its window, and how finished work is treated."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import ConfigError
from ..stages.base import Scope
from . import LAST_STAGE
from .table import Task, stage_numbers

SCOPES: dict[str, tuple[Scope, ...]] = {
    "all": ("patch", "merged"),
    "patches": ("patch",),
    "merged": ("merged",),
}
"""Part of a run -> scopes of its tasks."""


@dataclass(frozen=True)
class Request:
    """The window of a run and how finished work is treated.

    ``force`` and ``again`` do it again; ``force`` also what was not made here.
    """

    start: int = 1
    end: int = LAST_STAGE
    part: str = "all"
    patches: tuple[str, ...] | None = None
    force: bool = False
    keep_going: bool = False
    again: bool = False

    def __post_init__(self) -> None:
        last, last_of_patches = stage_numbers()[-1], stage_numbers("patch")[-1]
        first_merged = stage_numbers("merged")[0]
        if not 0 <= self.start <= last or not 1 <= self.end <= last:
            raise ConfigError(f"steps must lie in 1..{last}, got {self.start}..{self.end}")
        if self.first > self.end:
            raise ConfigError(f"--start-step {self.start} is after --end-step {self.end}")
        if self.patches is not None and self.part != "patches" and self.end >= first_merged:
            raise ConfigError(
                f"--patches needs --part patches or --end-step {first_merged - 1} or lower"
            )
        if self.part == "merged" and self.end < first_merged:
            raise ConfigError(f"--part merged needs --end-step {first_merged} or higher")
        if self.part == "patches" and self.start > last_of_patches:
            raise ConfigError(f"--part patches needs --start-step {last_of_patches} or lower")
        if self.part not in SCOPES:
            raise ConfigError(f"part is {self.part!r}: use all, patches or merged")

    @property
    def redoes(self) -> bool:
        """Whether finished tasks are done again."""
        return self.force or self.again

    @property
    def first(self) -> int:
        """First stage of the window."""
        return max(self.start, 1)

    def window(self, table: Iterable[Task]) -> list[Task]:
        """Return the rows of the stage table whose stages are asked for, in order."""
        return [row for row in table if self.first <= row.spec.number <= self.end]

    def rows(self, table: Iterable[Task]) -> list[Task]:
        """Return the rows of the window that belong to the part asked for."""
        return [row for row in self.window(table) if row.spec.scope in SCOPES[self.part]]
