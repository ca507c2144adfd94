"""What differs between two images that lie in directories, as two builds of one commit.

    python -m benchmarks.images A B

Prints the files that only one has, those that differ, and the versions on both lists of materials
that do. Ends with 1 when lists of files or versions differ.
"""

import argparse
import hashlib
import json
import os
import stat
import sys
from pathlib import Path

BILL = "opt/pystamps-hpc/share/sbom.cdx.json"
OF_THE_HOST = ("dev", "proc", "sys", "tmp", "run")


def contents(root: Path) -> dict[str, str]:
    """Return every file below a root with a digest of what it holds, and every link."""
    found = {}
    for folder, folders, names in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in OF_THE_HOST]
        for name in (*names, *folders):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            key = path.relative_to(root).as_posix()
            if stat.S_ISLNK(mode):
                found[key] = f"-> {os.readlink(path)}"
            elif stat.S_ISREG(mode):
                found[key] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def versions(root: Path) -> set[str]:
    """Return what the bill of materials lists."""
    return {part["purl"] for part in json.loads((root / BILL).read_text())["components"]}


def main() -> int:
    """Compare two images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path, nargs=2)
    first, second = parser.parse_args().images
    one, other = contents(first), contents(second)
    alone = sorted(one.keys() ^ other.keys())
    differing = sorted(name for name in one.keys() & other.keys() if one[name] != other[name])
    packages = sorted(versions(first) ^ versions(second))
    print(f"{len(one)} files, {len(versions(first))} packages")
    for head, names in (("only in one", alone), ("differs", differing), ("version", packages)):
        print("".join(f"{head}: {name}\n" for name in names), end="")
    print(
        f"{len(alone)} files in one only, {len(differing)} differ, {len(packages)} versions differ"
    )
    return int(bool(alone or packages))


if __name__ == "__main__":
    sys.exit(main())
