"""Runs of the shipped set in which one thing goes wrong, and what has to be true of them."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pystamps_hpc
from tests.chain import chains

ROOT = Path(__file__).parents[2]
SHIPPED = Path(pystamps_hpc.__file__).parent / "data" / "golden-mini" / "input"
PATIENCE_SEC = 60.0
EXPECTED_CODES = (0, 1, 3)
ERRORS = {
    "open": ("EIO", "EMFILE", "ENOMEM"),
    "read": ("EIO", "ENOMEM"),
    "write": ("ENOSPC", "EIO"),
    "rename": ("EIO", "ENOSPC"),
    "fsync": ("EIO",),
    "close": ("EIO",),
    "unlink": ("EIO",),
    "mkdir": ("ENOSPC",),
    "link": ("EIO",),
    "mmap": ("ENOMEM",),
}
"""What calls of a kind fail with, in turn."""


@dataclass(frozen=True)
class Fault:
    """The n-th call of a kind fails; on a full disk every later one too."""

    kind: str
    n: int
    error: str
    stays: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.n}{' and later' if self.stays else ''}: {self.error}"


@dataclass(frozen=True)
class Outcome:
    """How a run with a fault ended, and what is wrong with that; all is well if nothing is."""

    fault: str
    code: int | str
    seconds: float
    said: str
    wrong: tuple[str, ...]


class Laboratory:
    """Datasets and a process that runs commands on them, with or without a fault."""

    def __init__(self, folder: Path, process: "subprocess.Popen[str]") -> None:
        self.folder = folder
        self.process = process
        self.number = 0
        self.reference = self.fresh("reference")
        whole = self.run(self.reference, patience=600.0)  # kernels may have to be compiled
        assert whole["code"] == 0, (whole["code"], whole["err"])
        self.counts: dict[str, int] = whole["counts"]
        self.expected = chains.artifacts(self.reference)

    def fresh(self, name: str) -> Path:
        """Return a new copy of the shipped set."""
        root = self.folder / name
        shutil.rmtree(root, ignore_errors=True)
        return Path(shutil.copytree(SHIPPED, root))

    def run(self, root: Path, fault: Fault | None = None, patience: float = PATIENCE_SEC) -> dict:
        """Run stages 1 to 8; returns code, seconds, counts, standard output and error."""
        files = {name: str(self.folder / name) for name in ("out", "err", "counts")}
        Path(files["counts"]).unlink(missing_ok=True)
        order = {
            "root": str(root), "words": ["run", "--dataset", str(root), "-q"],
            "patience": patience, **files,
        }  # fmt: skip
        if fault is not None:
            order["fault"] = (fault.kind, fault.n, getattr(errno, fault.error), fault.stays)
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        counts = Path(files["counts"])
        answer["counts"] = json.loads(counts.read_text()) if counts.exists() else {}
        answer["out"], answer["err"] = (Path(files[n]).read_text() for n in ("out", "err"))
        return answer

    def faults(self) -> Iterator[Fault]:
        """Yield a fault of every call of every kind, and a disk that fills at every write."""
        for kind, errors in ERRORS.items():
            for n in range(1, self.counts[kind] + 1):
                yield Fault(kind, n, errors[n % len(errors)])
        for n in range(1, self.counts["write"] + 1):
            yield Fault("write", n, "ENOSPC", stays=True)

    def tried(self, fault: Fault) -> Outcome:
        """Run with a fault, look at what it has left, and run again."""
        root = self.fresh("data")
        ended = self.run(root, fault)
        return self.judged(str(fault), root, ended, tidy=fault.kind != "unlink")

    def judged(self, name: str, root: Path, ended: dict, *, tidy: bool = True) -> Outcome:
        """Look at how a run ended and what it has left, and run again without trouble.

        Where it could not be `tidy`, staged files and scratch folders stay until the next run.
        """
        wrong = [*self._ended_well(ended), *self._left_well(root, tidy)]
        again = self.run(root)
        if again["code"] != 0:
            wrong.append(f"the next run ends with {again['code']}: {again['err'].strip()[-200:]}")
        else:
            differing = chains.differing(chains.artifacts(root), self.expected)
            wrong += [f"{name}: not the same bytes after the next run" for name in differing]
            wrong += [f"{name}: left by the next run" for name in chains.leftovers(root)]
            wrong += [
                f"{name}: missing after the next run"
                for name in ("products/velocity.csv", "products/velocity.png")
                if not (root / name).exists()
            ]
        said = ended["err"].strip().splitlines()
        return Outcome(
            name, ended["code"], ended["seconds"], said[-1] if said else "", tuple(wrong)
        )

    def _ended_well(self, ended: dict) -> Iterator[str]:
        if ended["code"] not in EXPECTED_CODES:
            yield f"ends with {ended['code']}: {ended['err'].strip()[-300:]}"
        if "Traceback" in ended["err"] or "internal error" in ended["err"]:
            yield f"a traceback: {ended['err'].strip()[-300:]}"
        if ended["code"] != 0 and not ended["err"].strip():
            yield "says nothing"

    def _left_well(self, root: Path, tidy: bool) -> Iterator[str]:
        yield from chains.torn_bundles(root, self.expected)
        if tidy:
            kept = (f"{chains.STATE_DIRECTORY}/memo/",)
            yield from (
                f"{name}: left behind"
                for name in chains.leftovers(root)
                if not name.startswith(kept) or name.endswith(".tmp")
            )
            yield from (f"{path.name}: scratch" for path in (self.folder / "tmp").iterdir())


@contextmanager
def laboratory(folder: Path) -> Iterator[Laboratory]:
    """Build the shim, start the process that forks, and end it."""
    shim = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(
        [compiler() or "cc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True
    )
    (folder / "tmp").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.forks"],
        cwd=ROOT,
        env={
            **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path])),
            "LD_PRELOAD": str(shim), "TMPDIR": str(folder / "tmp"), "NUMBA_NUM_THREADS": "1",
            "MPLCONFIGDIR": str(folder),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        yield Laboratory(folder, process)
    finally:
        process.stdin.close()
        process.wait()


def compiler() -> str | None:
    """Find a C compiler."""
    return shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
