"""How long a dataset of very many small patches takes to process, and to look at.

    python -m benchmarks.patches [--patches 2000] [--finished 500] [--chain 400] [--write]

Seconds of ``status`` and of a dry run before any stage has run; on fewer patches, of a run that
finds everything finished; and of stages 1 to 5 on patches of about 170 candidates. Promised are 2 s
of processor time for ``status``, which other work on the machine does not change. The program ends
with 1 if the promise is broken.
"""

import argparse
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.backends import processor_seconds
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.simulate import Options, simulate
from tests.faults.campaign import renew

PER_PATCH, IMAGES = 50, 6
CHAIN_PER_PATCH, CHAIN_IMAGES = 90, 10
"""About 170 with those that patches have in common."""
SPARSE = 15.0  # per square kilometre: patches of few candidates are no smaller than others
SLOWEST_SEC = 2.0
HEAD = ["", "patches", "wall [s]", "processor [s]"]


def scene(folder: Path, patches: int, each: int = PER_PATCH, images: int = IMAGES) -> Path:
    """Simulate a dataset of so many patches, with so many candidates of their own in each."""
    side = next(side for side in range(math.isqrt(patches), 0, -1) if patches % side == 0)
    cut, candidates = (side, patches // side), each * patches
    simulate(folder, Options(patches=cut, candidates=candidates, images=images, density=SPARSE))
    return folder


def measure(what: str, root: Path, *arguments: str) -> dict[str, Any]:
    """Run a command that has to succeed; return its wall and processor time."""
    before = processor_seconds()
    ended = child_run.run([*arguments, "--dataset", root])
    if ended.code:
        raise SystemExit(f"{what}: ended with {ended.code}: {ended.err}")
    return {
        "what": what,
        "patches": len(list(root.glob("PATCH_*"))),
        "wall_sec": round(ended.seconds, 1),
        "cpu_sec": round(processor_seconds() - before, 1),
    }


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patches", type=int, default=2000)
    parser.add_argument("--finished", type=int, default=500)
    parser.add_argument("--chain", type=int, default=400)
    parser.add_argument("--write", action="store_true", help="renew docs/reliability.md")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "patches.json")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="pystamps-patches-") as scratch:
        new = scene(Path(scratch, "new"), options.patches)
        finished = scene(Path(scratch, "finished"), options.finished)
        chain = scene(Path(scratch, "chain"), options.chain, CHAIN_PER_PATCH, CHAIN_IMAGES)
        measure("first run", finished, "run")
        runs = [
            measure("status, nothing done", new, "status"),
            measure("dry run", new, "run", "--dry-run"),
            measure("status, all finished", finished, "status"),
            measure("run, all finished", finished, "run"),
            measure("stages 1 to 5 of 170 x 10", chain, "run", "--end-step", "5"),
        ]
    machine.write(
        options.output,
        {"schema": "pystamps-hpc/bench-patches/1", "machine": machine.describe(), "runs": runs},
    )
    rows = [
        [r["what"], f"{r['patches']:,}", f"{r['wall_sec']:.1f}", f"{r['cpu_sec']:.1f}"]
        for r in runs
    ]
    print(machine.table(HEAD, rows))
    if options.write:
        lines = [HEAD, ["---", "---:", "---:", "---:"], *rows]
        renew("patches", "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n")
    slow = runs[0]["cpu_sec"] > SLOWEST_SEC
    print(f"status takes more than {SLOWEST_SEC:g} s" if slow else "status as promised")
    return int(slow)


if __name__ == "__main__":
    raise SystemExit(main())
