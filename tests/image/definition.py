"""The sections of an Apptainer definition file."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "containers"
NAMES = ("pystamps-hpc.def", "pystamps-hpc-cuda.def")


def sections(name: str) -> dict[str, str]:
    """Return the text of each section by its name; ``""`` is the header."""
    found = {"": ""}
    current = ""
    for line in (FOLDER / name).read_text().splitlines(keepends=True):
        if head := re.match(r"%(\w+)\s*$", line):
            current = head[1]
            found[current] = ""
        else:
            found[current] += line
    return found


def arguments(text: str) -> dict[str, str]:
    """Return the lines ``NAME=VALUE`` of a section."""
    return dict(line.strip().split("=", 1) for line in text.splitlines() if "=" in line)
