"""The sections of an Apptainer definition file."""

import re
import subprocess
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


def inside(environment: str, host: dict[str, str]) -> dict[str, str]:
    """Return the variables that a program sees in the image.

    Apptainer clears the host's variables, reads the section, and then puts back those that the
    section has not set. Of the host's variables that it has left empty nothing remains; "unset"
    would do nothing. What the host does not have stays empty.
    """
    filled = re.sub(r"{{ (\w+) }}", r"\1", environment)
    shown = subprocess.run(
        ["sh", "-c", f"{filled}\nenv -0"], env={}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    image = dict(word.split("=", 1) for word in shown.stdout.split("\0") if word)
    seen = {**host, **image}
    return {name: value for name, value in seen.items() if value or name not in host}
