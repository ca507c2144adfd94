"""Limits of the machine, and others who disturb a run: ``make test-limits``.

Every trial is a run of stages 1 to 8 in a process of its own, or on two ranks, that has too little
of something or is disturbed. What has to be true of it is that of a fault: see :mod:`.trials`.
Writes ``build/faults/limits.json`` and the table of ``docs/reliability.md``; words on the command
line choose the kinds that begin with them; other rows stay as they were.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chain import chains
from tests.mpi import mpi_run

from .campaign import ends, longest, renew
from .trials import PATIENCE_SEC, ROOT, SHIPPED, Laboratory, Outcome, laboratory

RESULTS = ROOT / "build" / "faults" / "limits.json"
GROUPS = Path("/sys/fs/cgroup")
NOBODY = 65534
NOT_HERE = 77
MOMENTS_SEC = (0.05, 0.2, 0.5, 1.0)


class NotHere(Exception):
    """This machine does not let us set a limit; says what is needed."""


@dataclass(frozen=True)
class Limit:
    """A kind of trials.

    Parameters
    ----------
    kind : str
        Row of the table.
    values : sequence
        What is tried.
    act : callable
        ``act(lab, root, value)`` runs the command in a limited way and returns how it ended.
    killed : bool
        Whether the kernel may kill the run.
    """

    kind: str
    values: Sequence
    act: Callable[[Laboratory, Path, object], dict]
    killed: bool = False

    def tried(self, lab: Laboratory, value: object) -> Outcome:
        """Run with the limit, look at what it has left, and run again without it."""
        root = lab.fresh("data")
        ended = self.act(lab, root, value)
        killed = ended["code"] == -signal.SIGKILL
        if self.killed and killed:
            ended |= {"code": 1, "err": "killed by the kernel"}
        return lab.judged(f"{self.kind} {value}", root, ended, tidy=not killed)


def command(root: Path) -> list[str]:
    """Return the command of every trial."""
    return [sys.executable, "-m", "pystamps_hpc", "run", "--dataset", str(root), "-q"]


def start(lab: Laboratory, words: Sequence[str]) -> "subprocess.Popen[str]":
    """Start a command in a process group of its own."""
    path = os.pathsep.join(filter(None, [str(ROOT), *sys.path]))
    return subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
        env={**mpi_run.environment(), "PYTHONPATH": path, "TMPDIR": str(lab.folder / "tmp")},
    )  # fmt: skip


def end_of(job: "subprocess.Popen[str]") -> dict:
    """Wait for a command; one that hangs is killed with all that it has started."""
    began = time.monotonic()
    try:
        said, code = job.communicate(timeout=PATIENCE_SEC)[1], job.returncode
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        said, code = job.communicate()[1], "hangs"
    if code == NOT_HERE:
        raise NotHere(said.strip())
    return {"code": code, "err": said, "seconds": round(time.monotonic() - began, 2)}


def without_harm(ended: dict) -> dict:
    """Return the end of a run that nothing must stop."""
    return ended if ended["code"] == 0 else {**ended, "code": f"{ended['code']}, not 0"}


def refused(ended: dict) -> dict:
    """Return the end of a run that another one must keep out."""
    if ended["code"] == 3 and "data set is in use" in ended["err"]:
        return ended
    return {**ended, "code": f"{ended['code']}, not refused"}


def rlimit(name: str, unit: int = 1) -> Callable[[Laboratory, Path, object], dict]:
    """Run under a resource limit (ulimit)."""

    def act(lab: Laboratory, root: Path, value: int) -> dict:
        words = ["prlimit", f"--{name}={value * unit}", "--", *command(root)]
        return end_of(start(lab, words))

    return act


@contextmanager
def control_group(controller: str) -> Iterator[Path]:
    """Make a control group, version 1 or 2, for as long as the block lasts."""
    parent = GROUPS / controller
    if not parent.is_dir():
        parent = GROUPS
        enabled = parent / "cgroup.subtree_control"
        if not enabled.exists() or controller not in enabled.read_text().split():
            raise NotHere(f"no control groups for {controller} in {GROUPS}")
    group = parent / f"pystamps-hpc-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise NotHere(f"a control group needs root: {error}") from None
    try:
        yield group
    finally:
        deadline = time.monotonic() + 5
        while group.exists() and time.monotonic() < deadline:
            with suppress(OSError):  # the last process is still leaving
                group.rmdir()


def grouped(
    controller: str, settings: Sequence[str], unit: int = 1
) -> Callable[[Laboratory, Path, object], dict]:
    """Run in a control group with the first of the settings that it has."""

    def act(lab: Laboratory, root: Path, value: int) -> dict:
        with control_group(controller) as group:
            setting = next(name for name in settings if (group / name).exists())
            (group / setting).write_text(str(value * unit))
            enter = f'echo $$ > {group}/cgroup.procs && exec "$@"'
            return end_of(start(lab, ["sh", "-c", enter, "sh", *command(root)]))

    return act


def mounted(script: str, words: Sequence[str]) -> list[str]:
    """Return a command with mounts of its own; it ends with 77 where they cannot be made."""
    if os.getuid() != 0 or not shutil.which("unshare"):
        raise NotHere("mounts need root and unshare")
    return ["unshare", "--mount", "sh", "-c", script, "sh", *words]


def full_disk(lab: Laboratory, root: Path, value: int) -> dict:
    """Run on a file system with `value` KiB left, whose content is kept afterwards."""
    kept = lab.folder / "kept"
    size = sum(path.stat().st_size + 4096 for path in SHIPPED.rglob("*")) + (value << 10)
    script = (
        f"mount -t tmpfs -o size={size} tmpfs {root} || exit {NOT_HERE}; "
        f'cp -a {SHIPPED}/. {root}/; "$@"; code=$?; cp -a {root} {kept}; exit $code'
    )
    ended = end_of(start(lab, mounted(script, command(root))))
    shutil.rmtree(root)
    kept.rename(root)
    return ended


def two_at_once(lab: Laboratory, root: Path, value: float) -> dict:
    """Start a second run some seconds after the first: one may be refused, not both."""
    first = start(lab, command(root))
    time.sleep(value)
    second = end_of(start(lab, command(root)))
    ends = sorted((end_of(first), second), key=lambda ended: ended["code"] != 0)
    if ends[0]["code"] != 0:
        return without_harm(ends[0])
    return ends[1] if ends[1]["code"] == 0 else refused(ends[1])


def lock_of(root: Path) -> Path:
    """Return the lock of a run on the whole dataset."""
    return root / chains.STATE_DIRECTORY / "lock" / "root.json"


def stopped_rank(lab: Laboratory, root: Path, value: float) -> dict:
    """Stop one of two ranks for two seconds, some time after the lock was taken."""
    if why := mpi_run.why_not():
        raise NotHere(why)
    job = start(lab, mpi_run.command(2, command(root)[1:]))
    ranks = chains.wait_for_ranks(job, 2)
    chains.until(lock_of(root).exists, job)
    time.sleep(value)
    chains.kill(ranks[1], signal.SIGSTOP)
    time.sleep(2)
    chains.kill(ranks[1], signal.SIGCONT)
    return without_harm(end_of(job))


def vanished(lab: Laboratory, root: Path, value: str) -> dict:
    """Take an input away when the first patch is loaded, and bring it back afterwards."""
    job = start(lab, command(root))
    chains.until((root / "PATCH_1" / "ph1.mat").exists, job)
    kept = (root / value).rename(lab.folder / "taken")
    ended = end_of(job)
    kept.rename(root / value)
    if ended["code"] != 0 and value not in ended["err"]:
        ended["code"] = f"{ended['code']}, without the name of the file"
    return ended


def of_the_future(lab: Laboratory, root: Path, value: float) -> dict:
    """Run on files that were changed some days from now."""
    for path in root.rglob("*"):
        os.utime(path, (time.time() + 86400 * value,) * 2)
    return without_harm(end_of(start(lab, command(root))))


def second_user(lab: Laboratory, root: Path, value: float) -> dict:
    """While a run is held, let a user who sees no process of others (hidepid=2) start another.

    This user may write the dataset, sees it in another place and reaches the program by a
    capability.
    """
    for folder in (root, *root.glob("PATCH_*")):
        (folder / chains.STATE_DIRECTORY).mkdir()
    for path in (root, *root.rglob("*")):
        path.chmod(0o777)
    first = start(lab, command(root))
    chains.until(lock_of(root).exists, first)
    time.sleep(value)
    os.kill(first.pid, signal.SIGSTOP)
    may = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
           "--inh-caps=+dac_override", "--ambient-caps=+dac_override")  # fmt: skip
    script = (
        f"{{ mount --bind {root} /mnt && mount -t tmpfs -o mode=1777 tmpfs {lab.folder / 'tmp'} && "
        f'mount -t proc -o hidepid=2 proc /proc; }} || exit {NOT_HERE}; exec "$@"'
    )
    try:
        other = end_of(start(lab, mounted(script, [*may, *command(Path("/mnt"))])))
    finally:
        os.kill(first.pid, signal.SIGCONT)
        ended = end_of(first)
    return refused(other) if ended["code"] == 0 else without_harm(ended)


LIMITS = (
    Limit("address space (`ulimit -v`) [MiB]", range(200, 1401, 50), rlimit("as", 1 << 20)),
    Limit("open files (`ulimit -n`)", range(8, 65, 4), rlimit("nofile")),
    Limit("threads and processes (control group)", range(1, 17), grouped("pids", ["pids.max"])),
    Limit("memory (control group) [MiB]", range(40, 401, 40),
          grouped("memory", ["memory.max", "memory.limit_in_bytes"], 1 << 20), killed=True),
    Limit("free disk [KiB]", (0, 64, 256, 512, 1024, 2048, 3072, 4096, 6144, 8192), full_disk),
    Limit("a rank stopped for 2 s, after [s]", MOMENTS_SEC, stopped_rank),
    Limit("a file that vanishes", [
        f"PATCH_{patch}/pscands.1.{kind}" for patch in (1, 2) for kind in ("ph", "ij", "hgt")
    ], vanished),
    Limit("files of the future, by [days]", (1, 1000), of_the_future),
    Limit("a second run, after [s]", (0.0, *MOMENTS_SEC), two_at_once),
    Limit("a second user who sees no processes, after [s]", MOMENTS_SEC[:2], second_user),
)  # fmt: skip


def campaign(lab: Laboratory, limit: Limit) -> list[dict]:
    """Try every value of a limit, if this machine lets us set it; say on stderr how it went."""
    outcomes: list[dict] = []
    try:
        for value in limit.values:
            outcome = limit.tried(lab, value)
            outcomes.append(asdict(outcome))
            told = f"{outcome.fault}: {outcome.code} {outcome.said}"
            print(told, *outcome.wrong, sep="\n  ", file=sys.stderr)
    except NotHere as reason:
        print(f"{limit.kind}: not here: {reason}", file=sys.stderr)
    return outcomes


def table(rows: dict[str, list[dict]]) -> str:
    """Return the results as a table."""
    lines = [
        "| Too little, or disturbed by | From | To | Tried | Ended well all the same | "
        "One line, code 1 or 3 | Anything wrong |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for limit in LIMITS:
        if outcomes := rows.get(limit.kind):
            first, last = limit.values[0], limit.values[-1]
            lines.append(f"| {limit.kind} | {first} | {last} | {ends(outcomes)} |")
    return "\n".join(lines) + f"\n\n{longest(rows.values())}\n"


def main() -> int:
    """Run the campaign; the exit code is 1 if anything was wrong."""
    words = tuple(sys.argv[1:])
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, laboratory(Path(folder)) as lab:
        for limit in LIMITS:
            if not words or limit.kind.startswith(words):
                rows[limit.kind] = campaign(lab, limit)
                RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
                renew("limits", table(rows))
    return int(any(outcome["wrong"] for row in rows.values() for outcome in row))


if __name__ == "__main__":
    sys.exit(main())
