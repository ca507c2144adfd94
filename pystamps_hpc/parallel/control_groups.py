"""The control groups of this process, by which batch systems and containers set limits."""

from collections.abc import Iterator
from pathlib import Path


def control_groups(controller: str, root: Path = Path("/")) -> Iterator[Path]:
    """Yield the folders of the groups that may limit `controller`, versions 2 and 1, own first."""
    for line in text_of(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        mounts = [root / "sys/fs/cgroup"]
        if controllers:
            if controller not in controllers.split(","):
                continue
            mounts = [mounts[0] / name for name in dict.fromkeys((controllers, controller))]
        group = Path(path.lstrip("/"))
        for mount in mounts:
            for folder in (group, *group.parents):
                yield mount / folder


def text_of(path: Path) -> str:
    """Return what a small file says; nothing if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
