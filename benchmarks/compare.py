"""Figures beside the last ones of this type of machine, or beside another commit's.

    python -m benchmarks.compare
    python -m benchmarks.compare --against COMMIT [--rounds 5] [--points 20000] [--ifgs 60]
        [--kernels NAME ...] [--candidates 20000]

Without a commit the figures that ``make bench`` has left in build/bench are set beside the last of
the same type of machine (processor, cores, Python), and kept in build/bench/history for the next
time. With a commit that is checked out into a tree of its own, and kernels and a chain are measured
in both trees, one after the other, in rounds that begin with the one and the other by turns; a
round before them compiles and is not counted. A ratio is ours by theirs: below 1 is faster.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.backends import Window, fresh_copy, processor_seconds
from pystamps_hpc.tools.simulate import Options, simulate

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("kernels.json", "targets.json", "backends.json")
LAST = 5
"""Recordings that the new figures are set beside."""
CHAIN = "chain 1-8, processor seconds"
HEAD = ["what", "ratio", "quartiles", "pairs"]

Figures = dict[str, float]
"""Seconds by what took them."""


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of some ratios, and how many there are."""

    median: float
    low: float
    high: float
    n: int


def figures_of(document: dict[str, Any]) -> Figures:
    """Return the figures of a document of the benchmarks; sizes are part of their names."""
    if "configurations" in document:
        scene = document.get("scene") or {"n_candidates": document["dataset"], "n_ifg": ""}
        size = f"{scene['n_candidates']} x {scene['n_ifg']}"
        return {
            f"chain {c['backend']} {c['ranks']} x {c['threads']} ({size})": c["cpu_sec"]
            for c in document["configurations"]
            if c["ok"]
        }
    size = f"{document['n_ps']} x {document['n_ifg']}, {document['threads']} threads"
    entries = document.get("kernels") or document.get("comparisons") or []
    names = [" ".join((e.get("kernel") or e["name"], e.get("form", ""))).strip() for e in entries]
    return {
        f"{name} ({size})": entry["native_sec"]["min"]
        for name, entry in zip(names, entries, strict=True)
    }


def machine_type(described: dict[str, Any]) -> str:
    """Return what must be alike for times to be compared, as a file name: CPU, cores, Python."""
    python = ".".join(described["python"].split(".")[:2])
    words = f"{described['cpu']} {described['visible_cores']} cores python {python}"
    return re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-")


def ratios(pairs: Sequence[tuple[Figures, Figures]]) -> dict[str, list[float]]:
    """Return ours by theirs of every pair of figures, by what both of the pair have."""
    found: dict[str, list[float]] = {}
    for ours, theirs in pairs:
        for name in ours:
            if theirs.get(name, 0.0) > 0:
                found.setdefault(name, []).append(ours[name] / theirs[name])
    return found


def spread(values: Sequence[float]) -> Spread:
    """Return median and quartiles of some ratios."""
    low, median, high = np.percentile(values, (25, 50, 75)).tolist()
    return Spread(median, low, high, len(values))


def turns(rounds: int) -> list[tuple[str, str]]:
    """Return who is measured first and second in each round, the one and the other by turns."""
    return [("ours", "theirs") if k % 2 == 0 else ("theirs", "ours") for k in range(rounds)]


def report(found: dict[str, list[float]]) -> str:
    """Return the table of ratios, the slowest first, and the spread over all that was compared."""
    spreads = {name: spread(values) for name, values in found.items()}
    rows = [
        [name, f"{s.median:.3f}", f"{s.low:.3f}-{s.high:.3f}", str(s.n)]
        for name, s in sorted(spreads.items(), key=lambda item: -item[1].median)
    ]
    if not rows:
        return "nothing to compare"
    every = spread([s.median for s in spreads.values()])
    last = f"all {every.n}: {every.median:.3f} ({every.low:.3f}-{every.high:.3f})"
    return f"{machine.table(HEAD, rows)}\n{last}"


def recorded(folder: Path) -> list[Figures]:
    """Return the last recordings of a type of machine, the newest first."""
    files = sorted(folder.glob("*.json"), reverse=True)[:LAST]
    return [json.loads(path.read_text())["figures"] for path in files]


def beside_the_last(results: Path) -> str:
    """Compare what is in build/bench with the last recordings, and record it."""
    paths = [results / name for name in DOCUMENTS]
    documents = [json.loads(path.read_text()) for path in paths if path.exists()]
    if not documents:
        return f"{results} is empty: run make bench first"
    figures = {k: v for document in documents for k, v in figures_of(document).items()}
    where = documents[0]["machine"]
    folder = results / "history" / machine_type(where)
    before = recorded(folder)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    recording = {"commit": commit_of("HEAD"), "machine": where, "figures": figures}
    machine.write(folder / f"{stamp}.json", recording)
    if not before:
        return f"the first figures of {folder.name}: nothing to compare"
    told = f"beside the last {len(before)} of {folder.name}:"
    return f"{told}\n{report(ratios([(figures, past) for past in before]))}"


def commit_of(name: str) -> str:
    """Return the commit of a name; empty where there is no such commit, or no repository."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "--verify", f"{name}^{{commit}}"]
    try:
        ended = subprocess.run(asked, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return ended.stdout.strip()


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Check a commit out into a tree of its own, which goes at the end."""
    git = ["git", "-C", str(ROOT), "worktree"]
    with tempfile.TemporaryDirectory(prefix="pystamps-against-") as folder:
        tree = Path(folder, "tree")
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def measured(tree: Path, options: argparse.Namespace, window: Window | None) -> Figures:
    """Measure the kernels, and a chain unless there is no window, with the code of a tree."""
    environment = machine.child_environment(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join([str(tree), str(tree / "kernels")])
    size = [str(options.points), str(options.ifgs), str(options.repeat)]
    probe = [sys.executable, "-P", str(ROOT / "benchmarks" / "probe.py"), *size, *options.kernels]
    asked = {"cwd": tree, "env": environment, "check": True, "stdout": subprocess.PIPE}
    found: Figures = json.loads(subprocess.run(probe, **asked).stdout)  # type: ignore[call-overload]
    if window is None:
        return found
    with tempfile.TemporaryDirectory(prefix="pystamps-against-") as folder:
        copy = fresh_copy(window, Path(folder, "tree"))
        before = processor_seconds()
        chain = [sys.executable, "-m", "pystamps_hpc", "--quiet", "run", "--dataset", str(copy)]
        subprocess.run(chain, **asked)  # type: ignore[call-overload]
        return {**found, CHAIN: processor_seconds() - before}


def against(commit: str, options: argparse.Namespace) -> str:
    """Measure this tree and a commit in turns; return the table."""
    found_commit, pairs = commit_of(commit), []
    if not found_commit:
        raise SystemExit(f"{commit} is no commit here")
    with tempfile.TemporaryDirectory() as folder, checked_out(found_commit) as theirs:
        window = None
        if options.candidates:
            scene = Path(folder, "scene")
            simulate(scene, Options(candidates=options.candidates, images=options.ifgs + 1))
            window = Window(scene, 1, 8, "double")
        trees = {"ours": ROOT, "theirs": theirs}
        for number, order in enumerate(turns(options.rounds + 1)):
            found = {name: measured(trees[name], options, window) for name in order}
            if number:
                pairs.append((found["ours"], found["theirs"]))
    return f"against {commit}, {options.rounds} rounds:\n{report(ratios(pairs))}"


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=machine.RESULTS)
    parser.add_argument("--against", metavar="COMMIT", help="measure this commit, too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=3, help="calls of a kernel in a round")
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--ifgs", type=int, default=60)
    parser.add_argument("--kernels", nargs="*", default=[], help="names; all by default")
    parser.add_argument("--candidates", type=int, default=20_000, help="of the chain; 0: none")
    options = parser.parse_args(argv)
    if options.against:
        print(against(options.against, options))
    else:
        print(beside_the_last(options.results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
