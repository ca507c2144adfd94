"""What ``--verbose`` says of a finished task: the facts that its stage has left."""

from collections.abc import Iterator
from typing import Any

from ..pipeline.types import StageResult

MOST = 12


def fact_lines(row: StageResult) -> Iterator[str]:
    """Yield a line for each fact, ``gamma change per iteration: 0.21, 0.043``."""
    for name, value in row.facts.items():
        if not isinstance(value, dict):
            yield f"  {name.replace('_', ' ')}: {_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        shown = ", ".join(map(_text, value[:MOST]))
        return shown + (f", ... ({len(value)} values)" if len(value) > MOST else "")
    return f"{value:.4g}" if isinstance(value, float) else str(value)
