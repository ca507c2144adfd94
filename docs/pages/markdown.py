"""Markdown, and what several pages write in the same way."""

from collections.abc import Iterable, Sequence

from pystamps_hpc.dataset.parameter_table import Parameter, Value, text_of
from pystamps_hpc.dataset.schema import Key

CLASSES = {
    "double": "double", "single": "single", "complex": "complex single",
    "complex double": "complex double", "logical": "logical", "char": "char",
    "sparse": "sparse double", "int8": "int8",
}  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    cells = ([cell.replace("|", "\\|") or " " for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def code(text: str) -> str:
    """Set a text in typewriter."""
    return f"`{text}`" if text else ""


def plain(text: str) -> str:
    """Turn reStructuredText literals into Markdown and join the lines."""
    return " ".join(text.split()).replace("``", "`")


def shape_of(key: Key) -> str:
    """Return the dimensions on disk."""
    return " × ".join(key.dims)


def classes_of(key: Key) -> str:
    """Return the MATLAB classes of a key."""
    return " or ".join(CLASSES[name] for name in key.classes)


def default_of(item: Parameter) -> str:
    """Write the default of a parameter, with small baselines too where it is another."""
    own, sb = map(_default, (item.default, item.default_sb))
    return own if own == sb else f"{own}; SB: {sb}"


def _default(value: Value | None) -> str:
    if value is None:
        return "not set"
    return code(value if isinstance(value, str) else text_of(value))
