"""A SLURM of two virtual nodes on this machine, for the time of a test session.

Needs root and the packages slurm-wlm, munge and libpmix-dev (the pmix plugin of srun loads
libpmix.so, which only the development package has). Everything lies in one directory, nothing of
the machine's own configuration is touched. Each node has its own host name, /dev/shm and System V
IPC, so that two nodes are two hosts for MPI; file system and processors are shared.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "scontrol", "munged", "unshare")
NODES = ("n1", "n2")
# three in a row, others in another session at the same time
FIRST_PORT = 17300 + 3 * (os.getpid() % 1000)
CONF = """\
ClusterName=test
SlurmctldHost=head(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0
KillWait=30
JobRequeue=1
MinJobAge=3600
ReturnToService=2
SlurmdParameters=config_overrides
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
TmpFS={folder}/tmp.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
PlugStackConfig={folder}/plugstack.conf
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=UNLIMITED State=UP
"""
NODE = "NodeName={name} NodeHostname={name} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=8000"
# The daemons of one node see themselves as a host of that name.
AS_NODE = """\
set -e
hostname "$1"
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount --bind "$2" /etc/hosts
shift 2
exec "$@"
"""


@dataclass(frozen=True)
class Job:
    """What the controller says about a job."""

    state: str
    exit_code: int
    restarts: int


@dataclass(frozen=True)
class Cluster:
    """A running SLURM; ``environment`` is what its commands need."""

    environment: dict[str, str]

    def tmpfs(self) -> str:
        """Return where SLURM keeps the files of jobs, a directory for all nodes."""
        shown = self.call("scontrol", "show", "config").stdout
        (path,) = [line.split("= ")[1] for line in shown.splitlines() if line.startswith("TmpFS")]
        return path.partition("%")[0].rpartition("/")[0] if "%" in path else path

    def call(self, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
        """Run a program that talks to the cluster."""
        environment = {**self.environment, **more.pop("env", {})}  # type: ignore[dict-item]
        return subprocess.run(
            [str(word) for word in words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            **more,  # type: ignore[call-overload]
        )

    def job(self, number: str) -> Job:
        """Ask for the state of a job."""
        shown = self.call("scontrol", "--oneliner", "show", "job", number)
        assert shown.returncode == 0, shown.stderr
        fields = dict(word.split("=", 1) for word in shown.stdout.split() if "=" in word)
        code = int(fields["ExitCode"].split(":")[0])
        return Job(fields["JobState"], code, int(fields["Restarts"]))

    def wait(self, number: str, *states: str, restarts: int = 0, seconds: int = 300) -> Job:
        """Wait until a job that was started again so often is in one of these states."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = self.job(number)
            if job.state in states and job.restarts >= restarts:
                return job
            time.sleep(0.5)
        raise AssertionError(f"job {number}: {job} after {seconds} s, expected {states}")


def missing() -> str | None:
    """Return why no cluster can be started here, or None."""
    if os.getuid() != 0:
        return "needs root"
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    absent = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Start munged, one slurmctld and a slurmd for each node; stop them at the end."""
    environment = {
        **os.environ,
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        "SLURM_CONF": str(folder / "slurm.conf"),
    }
    pids: list[Path] = []
    try:
        _configure(folder)
        _start_munged(folder, environment, pids)
        _start("head", ["slurmctld", "-i"], folder, environment, pids, "slurmctld.pid")
        for name in NODES:
            _start(name, ["slurmd", "-N", name], folder, environment, pids, f"slurmd.{name}.pid")
        cluster = Cluster(environment)
        _wait_for_nodes(cluster, folder)
        yield cluster
        cluster.call("scancel", "--user=root")
        time.sleep(1)
    finally:
        for path in reversed(pids):
            _stop(path)


def _configure(folder: Path) -> None:
    for name in (
        "munge",
        "state",
        *(f"{kind}.{node}" for kind in ("spool", "tmp") for node in NODES),
    ):
        (folder / name).mkdir(parents=True)
    for name in (".", "munge"):  # munged wants a path that everyone may enter
        (folder / name).chmod(0o755)
    (folder / "plugstack.conf").touch()
    lines = [CONF.format(folder=folder, port=FIRST_PORT)]
    for number, name in enumerate(NODES, 1):
        lines.append(NODE.format(name=name, port=FIRST_PORT + number) + " Gres=gpu:2 State=UNKNOWN")
    devices = ",".join(str(_pretended_device(folder, index)) for index in range(2))
    (folder / "gres.conf").write_text(f"NodeName=n[1-2] Name=gpu File={devices}\n")
    (folder / "slurm.conf").write_text("\n".join(lines) + "\n")
    # The daemons bind to the address of their node, loopback; srun must not.
    more = "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny\n"
    (folder / "daemons.conf").write_text("\n".join(lines) + "\n" + more)
    hosts = Path("/etc/hosts").read_text() + "".join(f"127.0.0.1 {n}\n" for n in ("head", *NODES))
    (folder / "hosts").write_text(hosts)


def _pretended_device(folder: Path, index: int) -> Path:
    path = folder / f"gpu{index}"
    os.mknod(path, 0o20666, os.makedev(1, 3))
    return path


def _start_munged(folder: Path, environment: dict[str, str], pids: list[Path]) -> None:
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    pids.append(folder / "munged.pid")
    options = {"key-file": key, "socket": "socket", "seed-file": "seed", "log-file": "log"}
    words = [f"--{name}={folder / 'munge' / str(value)}" for name, value in options.items()]
    _must(["munged", "--force", f"--pid-file={pids[-1]}", *words], environment, folder)


def _start(
    node: str,
    words: list[str],
    folder: Path,
    environment: dict[str, str],
    pids: list[Path],
    pid_file: str,
) -> None:
    unshare = ["unshare", "--uts", "--ipc", "--mount", "--propagation", "slave"]
    enter = ["bash", "-c", AS_NODE, "node", node, str(folder / "hosts")]
    pids.append(folder / pid_file)
    _must([*unshare, *enter, *words, "-f", str(folder / "daemons.conf")], environment, folder)


def _must(words: list[str], environment: dict[str, str], folder: Path) -> None:
    log = folder / "start.log"
    with log.open("a") as out:  # a daemon keeps a pipe open; a file does not make us wait
        code = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, stdout=out,
                              stderr=out, timeout=60, check=False).returncode  # fmt: skip
    assert code == 0, log.read_text()


def _wait_for_nodes(cluster: Cluster, folder: Path) -> None:
    for _ in range(60):
        idle = cluster.call("sinfo", "--noheader", "--Node", "--states=idle", "--format=%N")
        if len(idle.stdout.split()) == len(NODES):
            return
        time.sleep(0.5)
    logs = [path.read_text()[-2000:] for path in folder.glob("slurm*.log")]
    raise AssertionError("the nodes did not become idle\n" + "\n".join(logs))


def _stop(pid_file: Path) -> None:
    with suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
