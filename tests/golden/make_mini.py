"""Make the small golden set that the package ships: simulate, run the chain, keep the artifacts.

    python -m tests.golden.make_mini

The set is a regression oracle: it is made by this program, in the single arithmetic, at a commit
whose agreement with StaMPS was established on the golden sets of the original. Make it again only
after such a commit, and say so in its README. Prints the digest for the manifest.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import pystamps_hpc
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.dataset.parameters import CREATED
from pystamps_hpc.dataset.schema import ARTIFACTS
from pystamps_hpc.tools import child_run
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_hpc.tools.verification.manifest import tree_digest

OPTIONS = Options(candidates=1500, images=7, patches=(1, 2), seed=20)
CONFIG = {
    "compat": {"random_generator": "octave"},
    "runtime": {"stage6_solver": "snaphu", "triangulator": "triangle"},
    "output": {"mat_format": "v5"},
}
GOAL = Path(pystamps_hpc.__file__).parent / "data" / "golden-mini"
KEPT = ("*.txt", "*.in", "*.out", "patch.list", "pscands.1.*", "*.base", "*.par")


def main() -> int:
    """Write ``input`` and ``expected`` of the set and print the digest of the latter."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "mini"
        simulate(root, OPTIONS)
        for folder in ("input", "expected"):
            shutil.rmtree(GOAL / folder, ignore_errors=True)
        copy_inputs(root, GOAL / "input")
        config = Path(scratch) / "config.json"
        config.write_text(json.dumps(CONFIG), encoding="utf-8")
        ended = child_run.run(["--config", config, "--quiet", "run", "--dataset", root])
        if ended.problem:
            raise SystemExit(ended.problem)
        copy_artifacts(root, GOAL / "expected")
    print(tree_digest(GOAL / "expected"))
    return 0


def copy_inputs(root: Path, goal: Path) -> None:
    for pattern in KEPT:
        for path in root.rglob(pattern):
            place = goal / path.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def copy_artifacts(root: Path, goal: Path) -> None:
    for path in sorted(root.rglob("*.mat")):
        if path.stem in ARTIFACTS and ".pystamps-hpc" not in path.parts:
            place = goal / path.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            write_mat(place, read_mat(path), mat_format="v5", compress=True)
    parms = {key: value for key, value in read_mat(root / "parms.mat").items() if key != CREATED}
    write_mat(goal / "parms.mat", parms, mat_format="v5", compress=True)


if __name__ == "__main__":
    sys.exit(main())
