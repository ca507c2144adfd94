"""View of ``simulate``."""

from collections.abc import Iterator
from typing import Any

from ..shapes import Shape, pairs, paragraph


def simulate(document: dict[str, Any]) -> Iterator[Shape]:
    """Show what was written, and how to go on."""
    yield pairs({name.replace("_", " "): value for name, value in document.items()
                 if name != "schema" and not isinstance(value, dict)})  # fmt: skip
    yield paragraph()
    yield paragraph(f"Next: pystamps-hpc run --dataset {document['root']}")
