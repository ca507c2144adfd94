"""What may not be read is one line with its name and code 3, whichever command meets it."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from pystamps_hpc.tools.simulate import Options, simulate
from tests.mpi import mpi_run

ORDINARY = (
    "setpriv", "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-dac_override,-dac_read_search",
)  # fmt: skip
COMMANDS = (("describe-inputs", "--stage", "1"), ("doctor", "dataset"), ("run", "-q"))
NAMES = ("PATCH_2/pscands.1.ph", "PATCH_2/pscands.1.da", "PATCH_2", "pscphase.in", "patch.list")

PROGRAM = """
import contextlib, io, json, os, sys
from pystamps_hpc.cli import main
root, names, commands = json.loads(sys.argv[1])
told = []
for name in names:
    os.chmod(f"{root}/{name}", 0)
    for words in commands:
        err = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
            code = main([*words, "--dataset", root])
        told.append([name, code, err.getvalue().splitlines()])
    os.chmod(f"{root}/{name}", 0o755)
print(json.dumps(told))
"""


def test_every_command_names_what_it_may_not_read(tmp_path):
    root = tmp_path / "scene"
    simulate(root, Options(candidates=300, images=5, patches=(2, 1)))
    prefix = ORDINARY if os.geteuid() == 0 else ()
    if prefix and shutil.which(prefix[0]) is None:
        pytest.skip("the rights of an administrator cannot be given up here")
    ended = subprocess.run(
        [*prefix, sys.executable, "-c", PROGRAM, json.dumps([str(root), NAMES, COMMANDS])],
        env=mpi_run.environment(), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    told = json.loads(ended.stdout)
    assert len(told) == len(NAMES) * len(COMMANDS)
    for name, code, lines in told:
        assert code == 3, lines
        assert "Traceback" not in "".join(lines)
        assert any(str(root / name) in line and "Permission denied" in line for line in lines)
