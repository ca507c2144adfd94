"""What a run is asked for: its window, and how finished work is treated."""

from dataclasses import dataclass

from ..errors import ConfigError
from .table import Task, tasks


@dataclass(frozen=True)
class Request:
    """The window of a run and how finished work is treated.

    ``force`` and ``again`` do it again; ``force`` also what was not made here.
    """

    start: int = 1
    end: int = 8
    part: str = "all"
    patches: tuple[str, ...] | None = None
    force: bool = False
    keep_going: bool = False
    again: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.start <= 8 or not 1 <= self.end <= 8:
            raise ConfigError(f"steps must lie in 1..8, got {self.start}..{self.end}")
        if max(self.start, 1) > self.end:
            raise ConfigError(f"--start-step {self.start} is after --end-step {self.end}")
        if self.patches is not None and self.part != "patches" and self.end > 4:
            raise ConfigError("--patches needs --part patches or --end-step 4 or lower")
        if self.part == "merged" and self.end < 5:
            raise ConfigError("--part merged needs --end-step 5 or higher")
        if self.part == "patches" and self.start > 5:
            raise ConfigError("--part patches needs --start-step 5 or lower")
        if self.part not in ("all", "patches", "merged"):
            raise ConfigError(f"part is {self.part!r}: use all, patches or merged")

    @property
    def redoes(self) -> bool:
        """Whether finished tasks are done again."""
        return self.force or self.again

    @property
    def first(self) -> int:
        """First stage of the window."""
        return max(self.start, 1)

    def rows(self) -> list[Task]:
        """Return the selected rows of the stage table, in order."""
        scopes = {"all": ("patch", "merged"), "patches": ("patch",), "merged": ("merged",)}
        return [
            row
            for row in tasks()
            if self.first <= row.spec.number <= self.end and row.spec.scope in scopes[self.part]
        ]
