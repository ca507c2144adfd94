"""Views of ``parms`` and ``reset-scla``."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from ...dataset.parameter_table import text_of
from ..shapes import FAINT, STRONG, Shape, marked, pairs, paragraph, table

Document = dict[str, Any]

NOT_SET = "not set"


def parms(document: Document) -> Iterator[Shape]:
    """Show parameters; one alone with everything that is known about it."""
    if len(document) == 1:
        ((name, row),) = document.items()
        yield pairs(
            {
                name: marked(_text(row["value"]), STRONG),
                "meaning": row["meaning"],
                "unit": row["unit"],
                "allowed": row["allowed"],
                "default": _text(row["default"]),
                "from": row["source"],
                "stages": row["stages"],
            }
        )
        for note in row.get("notes", ()):
            yield paragraph(note)
        return
    yield table(
        ("name", "value", "meaning"),
        ((name, _value(row), _meaning(row)) for name, row in document.items()),
    )


def _value(row: Document) -> Shape:
    """Write a value with its unit, one that is not the default in bold."""
    text = _text(row["value"])
    if text != NOT_SET:
        text = f"{text} {row['unit']}".rstrip()
    return marked(text, STRONG if row["value"] != row["default"] else "")


def _meaning(row: Document) -> Shape:
    """Say what a parameter means, its default where it has another value, and its source."""
    notes = [] if row["value"] == row["default"] else [f"default {_text(row['default'])}"]
    if row["source"] != "parms":
        notes.append(row["source"] if row["source"] != "default" else "not in parms.mat")
    text = Text(row["meaning"])
    return text.append(f" ({'; '.join(notes)})", FAINT) if notes else text


def _text(value: Any) -> str:
    """Write a value as it is typed: y, 20, [3 12]."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return {"inf": "Inf", "-inf": "-Inf", "nan": NOT_SET}.get(value, value)
    return f"[{' '.join(map(_text, value))}]" if isinstance(value, list) else text_of(value)


def reset_scla(document: Document) -> Iterator[Shape]:
    """Show which estimates were removed."""
    removed = document["removed"]
    verb = "Would remove" if document["dry_run"] else "Removed"
    if not removed:
        yield paragraph("There are no SCLA estimates; the next stage 6 starts without feedback.")
        return
    yield paragraph(f"{verb} {', '.join(removed)}.")
    if document["out_of_date"]:
        yield paragraph(
            "Stage 6 was unwrapped with the look-angle error of a pass before and is out of date."
        )
    else:
        yield paragraph("The next stage 6 starts without feedback.")
    for note in document["notes"]:
        yield paragraph(note)
