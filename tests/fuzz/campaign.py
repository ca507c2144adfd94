"""Damaged files by the thousand, read in child processes; every other end than an answer counts.

``python -m tests.fuzz.campaign --reads 100000 --write`` reads that many files per reader and puts
the figures into ``docs/reliability.md``; ``--only NAME`` tries one reader and renews its row
alone. The damage follows from the number of the read: ``--first K --reads 1`` repeats read K.
"""

import argparse
import faulthandler
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reliability.md"
PATIENCE = 60  # seconds a read may take on a busy machine
ROOM = 256 << 20  # bytes that the reads of files of some KiB may take


def child(name, first, reads, folder):
    """Read damaged files of one target and print what happened."""
    from pystamps_hpc.errors import PystampsError

    from .mutations import mutate
    from .targets import TARGETS

    target = TARGETS[name]
    files = target.build(folder)
    good = {path: path.read_bytes() for path in files}
    for path in files:
        target.read(folder, path)
        path.write_bytes(good[path])
    before = _peak()
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + 4 * ROOM,) * 2)
    ends, failures, slowest = Counter(), {}, 0.0
    with (folder.parent / "at").open("w") as at:
        for k in range(first, first + reads):
            os.pwrite(at.fileno(), f"{k:20d}".encode(), 0)
            rng = random.Random(f"{name} {k}")
            path = rng.choice(files)
            path.write_bytes(mutate(good[path], rng, list(good.values())))
            faulthandler.dump_traceback_later(PATIENCE, exit=True)
            began = time.process_time()
            try:
                target.read(folder, path)
                ends["read"] += 1
            except PystampsError as error:
                ends["refused"] += 1
                if "\n" in str(error) and name in ("v5", "v7.3", "parms"):
                    failures.setdefault("an error of several lines", k)
            except BaseException as error:
                ends["failed"] += 1
                frame = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{Path(frame.filename).name}:{frame.lineno}"
                failures.setdefault(f"{type(error).__name__} {where} {str(error)[:100]}", k)
            slowest = max(slowest, time.process_time() - began)
            for changed in {path, *files}:
                if name == "parms" or changed == path:
                    changed.write_bytes(good[changed])
    faulthandler.cancel_dump_traceback_later()
    grown = _peak() - before
    if grown > ROOM:
        failures["memory"] = grown
    print(json.dumps({"ends": ends, "failures": failures, "grown": grown, "slowest": slowest}))


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _address_space():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def attack(name, reads, first=0):
    """Read `reads` damaged files of a target; a child that dies is followed by another.

    Returns
    -------
    dict
        ``reads``, ``refused``, ``grown`` [bytes], ``slowest`` [s], and ``failures``: what
        happened -> the first read with which it did.
    """
    total = {"reads": 0, "refused": 0, "grown": 0, "slowest": 0.0, "failures": {}}
    last = first + reads
    while first < last:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            (Path(folder) / "files").mkdir()
            command = [sys.executable, "-m", "tests.fuzz.campaign", "--child", "--only", name]
            command += ["--first", str(first), "--reads", str(last - first), "--folder", folder]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode == 0:
                told = json.loads(done.stdout.splitlines()[-1])
                total["failures"] |= told["failures"]
                total["reads"] += sum(told["ends"].values())
                total["refused"] += told["ends"].get("refused", 0)
                total["grown"] = max(total["grown"], told["grown"])
                total["slowest"] = max(total["slowest"], told["slowest"])
                return total
            at = Path(folder) / "at"
            if not at.exists():
                raise RuntimeError(f"{name}: {done.stderr}")
            died = int(at.read_text())
            end = f"ended with {done.returncode}: {done.stderr[-600:]}"
            total["failures"].setdefault(end, died)
            total["reads"] += died + 1 - first
            first = died + 1
    return total


def write_figures(rows):
    """Renew the rows of the section "Readers"; other sections and rows stay."""
    text = PAGE.read_text(encoding="utf-8")
    begin = text.index("| Reader |")
    end = (text + "\n\n").index("\n\n", begin)
    head, rule, *old = text[begin:end].splitlines()
    lines = {line.split(" | ")[0].strip("| "): line for line in old}
    for name, row in rows.items():
        cells = [name, f"{row['reads']:,}", f"{row['refused']:,}", str(len(row["failures"]))]
        cells += [f"{row['grown'] / 2**20:.1f} MiB", f"{row['slowest']:.2f} s"]
        lines[name] = f"| {' | '.join(cells)} |"
    table = "\n".join((head, rule, *lines.values()))
    PAGE.write_text(text[:begin] + table + text[end:], encoding="utf-8")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--reads", type=int, default=100_000)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--only", action="append")
    options.add_argument("--child", action="store_true")
    options.add_argument("--folder", type=Path)
    options.add_argument("--write", action="store_true", help="the figures into the documentation")
    options.add_argument("--list", action="store_true", help="the names of the readers")
    chosen = options.parse_args()
    if chosen.child:
        return child(chosen.only[0], chosen.first, chosen.reads, chosen.folder / "files")
    from .targets import TARGETS

    if chosen.list:
        print(*TARGETS)
        return 0
    rows = {}
    for name in chosen.only or TARGETS:
        rows[name] = attack(name, chosen.reads, chosen.first)
        print(json.dumps({name: rows[name]}), flush=True)
        if chosen.write:
            write_figures(rows)
    return int(any(row["failures"] for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
