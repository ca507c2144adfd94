"""What a browser loads before it shows anything: the console's pages beside a page of Bokeh.

    python -m benchmarks.console_weight [--wheels DIR]

The scripts of Bokeh and Panel are looked at in their wheels; without --wheels pip fetches them.
"""

import argparse
import gzip
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine
from pystamps_hpc.tools.console.app import ZIPPED
from pystamps_hpc.tools.console.pagefiles import page_files

SCRIPTS = {"bokeh": "bokeh/server/static/js/bokeh.min.js", "panel": "panel/dist/panel.min.js"}


def weight(contents: Sequence[bytes]) -> tuple[int, int]:
    """Return bytes, and bytes as they are sent."""
    return sum(map(len, contents)), sum(len(gzip.compress(each, ZIPPED)) for each in contents)


def scripts(folder: Path) -> list[bytes]:
    """Return the scripts of the wheels in a folder, which pip puts there if they are missing."""
    found = []
    for name, script in SCRIPTS.items():
        if not list(folder.glob(f"{name}-*.whl")):
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", name]
            subprocess.run([*pip, "--dest", str(folder)], check=True)
        with zipfile.ZipFile(next(folder.glob(f"{name}-*.whl"))) as wheel:
            found.append(wheel.read(script))
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="where the wheels of Bokeh and Panel lie")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="pystamps-wheels-") as scratch:
        theirs = weight(scripts(options.wheels or Path(scratch)))
    ours = weight([content for content, *_ in page_files().values()])
    rows = [
        [what, *(f"{number / 1000:,.0f}" for number in numbers)]
        for what, numbers in (("console, all pages", ours), ("Bokeh and Panel", theirs))
    ]
    print(machine.table(["", "kB", "kB as sent"], rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
