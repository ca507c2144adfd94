"""Print what is installed as a bill of materials: CycloneDX 1.5, Python and Debian packages.

Sorted, without times and numbers of its own, so that the same packages give the same text.
"""

import json
import subprocess
import sys
from importlib.metadata import distributions
from urllib.parse import quote

FIELDS = "${Package}\t${Version}\t${Architecture}\n"


def component(kind: str, name: str, version: str, more: str = "") -> dict[str, str]:
    """Return one package."""
    purl = f"pkg:{kind}/{quote(name)}@{quote(version)}{more}"
    return {"type": "library", "name": name, "version": version, "purl": purl}


def python_packages() -> list[dict[str, str]]:
    """Return the packages of this interpreter."""
    names = {(found.name.lower(), found.version) for found in distributions()}
    return [component("pypi", *name) for name in sorted(names)]


def debian_packages() -> list[dict[str, str]]:
    """Return the packages that dpkg knows."""
    words = ["dpkg-query", "--show", f"--showformat={FIELDS}"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rows = sorted(line.split("\t") for line in shown.splitlines())
    return [component("deb/debian", name, version, f"?arch={arch}") for name, version, arch in rows]


def main() -> int:
    """Print the bill."""
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": [*python_packages(), *debian_packages()],
    }
    print(json.dumps(bill, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
