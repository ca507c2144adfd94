"""Bytes of each artifact of a finished dataset, and of what later stages read of them.

    python -m benchmarks.written [--candidates 20000] [--ifgs 60] [--page docs/scaling.md]

A scene is simulated and the chain 1-8 run on it. A file that a later stage extends is written
again as a whole; the table counts it once for each.
"""

import argparse
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from benchmarks import growth, machine
from pystamps_hpc.dataset.mat import MatFile
from pystamps_hpc.dataset.matvalues import Variable
from pystamps_hpc.dataset.schema import ARTIFACTS, of_all_candidates
from pystamps_hpc.pipeline.table import read_by, tasks
from pystamps_hpc.stages.base import Scope
from tests.faults.campaign import renew

BYTES = {"double": 8, "single": 4, "logical": 1, "char": 1, "int8": 1}
HEAD = ["file", "of", "written", "MB", "of all", "bytes per point and image", "read by stages",
        "ours [kB]"]  # fmt: skip


@dataclass(frozen=True)
class Written:
    """What a dataset holds of an artifact.

    Parameters
    ----------
    artifact : str
        Its name.
    scope : {"patch", "merged"}
        Whether the files are those of the patches or of the root.
    times : int
        How often a chain writes it.
    size : int
        Bytes of the files.
    read : int
        Bytes of the keys that a later stage reads.
    ours : int
        Bytes of the keys that StaMPS does not know.
    """

    artifact: str
    scope: Scope
    times: int
    size: int
    read: int
    ours: int


def size_of(variable: Variable) -> int:
    """Return the bytes of a matrix; those of a sparse one, which is empty here, are not counted."""
    one = BYTES.get(variable.matlab_class, 0) * (2 if variable.complex else 1)
    return math.prod(variable.shape) * one


def artifacts(tree: Path) -> Iterator[Written]:
    """Yield what a finished single-master dataset holds, in the order of the stages."""
    for scope in get_args(Scope):
        folders = sorted(tree.glob("PATCH_*")) if scope == "patch" else [tree]
        rows = [row for row in tasks("ps") if row.spec.scope == scope]
        for name, artifact in ARTIFACTS.items():
            paths = [path for folder in folders if (path := folder / f"{name}.mat").is_file()]
            times = sum(name in row.bundle for row in rows)
            if not paths or not times:
                continue
            read = ours = 0
            for path in paths:
                with MatFile(path) as file:
                    for key, variable in file.variables.items():
                        ours += size_of(variable) * artifact.keys[key].ours
                        read += size_of(variable) * bool(read_by(name, scope, "ps", key))
            yield Written(name, scope, times, sum(p.stat().st_size for p in paths), read, ours)


def points(tree: Path, artifact: str, scope: Scope) -> int:
    """Return the rows of an artifact: candidates, or the PS of the patches or of the root."""
    name = "ps1" if of_all_candidates(artifact) else "ps2"
    folders = tree.glob("PATCH_*") if scope == "patch" else [tree]
    total = 0
    for folder in folders:
        path = folder / f"{name}.mat"
        if path.is_file():
            with MatFile(path) as file:
                total += int(file.read("n_ps").item())
    return total


def table(found: Sequence[Written], tree: Path, ifgs: int) -> list[list[str]]:
    """Return the artifacts as rows of a table, the largest first, and their sum."""
    whole = sum(each.size * each.times for each in found)
    rows = []
    for each in sorted(found, key=lambda each: -each.size * each.times):
        samples = points(tree, each.artifact, each.scope) * ifgs
        rows.append(
            [each.artifact, each.scope, "twice" if each.times == 2 else "once",
             f"{each.size / 1e6:.1f}", f"{100 * each.size * each.times / whole:.1f} %",
             f"{each.size / samples:.1f}", f"{100 * each.read / each.size:.0f} %",
             f"{each.ours / 1e3:.0f}"]
        )  # fmt: skip
    read = sum(each.read for each in found)
    ours = sum(each.ours for each in found)
    held = sum(each.size for each in found)
    again = f"{100 * read / held:.0f} %"
    rows.append(["all", "", "", f"{held / 1e6:.1f}", "100 %", "", again, f"{ours / 1e3:.0f}"])
    return rows


def main(words: Sequence[str] | None = None) -> int:
    """Run the chain, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=20_000)
    parser.add_argument("--ifgs", type=int, default=60)
    parser.add_argument("--page", type=Path, help="page whose table is renewed")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "written.json")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="pystamps-written-") as scratch:
        run = growth.measure(options.candidates, options.ifgs, 1, Path(scratch))
        if not run["ok"]:
            print(f"not ok: {run['reason']}")
            return 1
        tree = Path(scratch, "tree")
        found = list(artifacts(tree))
        rows = table(found, tree, options.ifgs)
    print(machine.table(HEAD, rows))
    document: dict[str, Any] = {
        "schema": "pystamps-hpc/bench-written/1",
        "n_candidates": run["n_candidates"],
        "n_ifg": run["n_ifg"],
        "bytes_out": run["bytes_out"],
        "artifacts": [asdict(each) for each in found],
    }
    machine.write(options.output, document)
    if options.page:
        lines = [HEAD, ["---", "---", "---", *["---:"] * (len(HEAD) - 3)], *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
        renew("bytes", text, options.page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
