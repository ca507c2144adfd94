"""Write the reference pages from the code: ``make docs``; with ``--check`` only compare."""

import argparse
import sys
from collections.abc import Callable
from os.path import normpath
from pathlib import Path

from pages.command_line import command_line
from pages.kernels import kernels, signatures
from pages.reference import artifacts, config, parameters, value_types
from pages.stage_guide import stage_guide

from pystamps_hpc.tools.verification.evidence import load_evidence
from pystamps_hpc.tools.verification.parity_page import parity_page

DOCS = Path(__file__).resolve().parent
NOTE = "made by docs/generate.py (make docs); changes made here are lost"

GENERATED: dict[str, Callable[[], str]] = {
    "stage-guide.md": stage_guide,
    "reference/cli.md": command_line,
    "reference/config.md": config,
    "reference/parameters.md": parameters,
    "reference/artifacts.md": artifacts,
    "reference/value-types.md": value_types,
    "reference/kernels.md": kernels,
    "reference/parity.md": lambda: parity_page(load_evidence()),
    "../kernels/pystamps_kernels/signatures.pyi": signatures,
}


def page(name: str) -> str:
    """Return the text of a generated page."""
    note = f"<!-- {NOTE} -->\n\n" if name.endswith(".md") else f"# {NOTE}\n\n"
    return note + GENERATED[name]()


def outdated() -> list[str]:
    """Return the generated pages that are missing or not what the code says."""
    paths = {name: DOCS / name for name in GENERATED}
    return [
        name
        for name, path in paths.items()
        if not path.exists() or path.read_text(encoding="utf-8") != page(name)
    ]


def main() -> int:
    """Write the pages, or with ``--check`` name those that are out of date."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if stale")
    options = parser.parse_args()
    names = outdated()
    for name in names:
        if options.check:
            print(f"{normpath(f'docs/{name}')} is out of date: run make docs")
        else:
            (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
            (DOCS / name).write_text(page(name), encoding="utf-8")
            print(normpath(f"docs/{name}"))
    return int(options.check and bool(names))


if __name__ == "__main__":
    sys.exit(main())
