"""Bars on a terminal, one for each step that is going on, with lines above them."""

from collections.abc import Hashable

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .shapes import color_system


class _Terminal(Console):
    """Leaves the cursor alone, so that a killed run does not take it along."""

    def show_cursor(self, show: bool = True) -> bool:
        """Change nothing."""
        return False


class Bars:
    """Bars that come with their first fraction and go when their task ends."""

    def __init__(self) -> None:
        self.console = _Terminal(
            stderr=True, highlight=False, markup=False, emoji=False, color_system=color_system()
        )
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(24),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("<"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.known: dict[Hashable, TaskID] = {}
        self.labels: dict[TaskID, str] = {}

    def show(self, key: Hashable, label: str, fraction: float) -> None:
        """Draw the finished share of a step; a new step begins its bar anew."""
        self.bars.start()
        if key not in self.known:
            self.known[key] = self.bars.add_task(label, total=1.0)
        bar = self.known[key]
        if self.labels.get(bar) != label:
            self.bars.reset(bar, description=label)
            self.labels[bar] = label
        self.bars.update(bar, completed=fraction)

    def end(self, key: Hashable) -> None:
        """Take a bar away."""
        bar = self.known.pop(key, None)
        if bar is not None:
            self.bars.remove_task(bar)

    def write(self, text: str) -> None:
        """Write a line above the bars."""
        self.console.print(text, soft_wrap=True)

    def close(self) -> None:
        """Take all bars away."""
        self.bars.stop()
