"""SNAPHU, the statistical-cost network-flow unwrapper: one run per raster with given costs."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..dataset.owner import left_behind, scratch_prefix
from ..dataset.rows import AnyArray, ComplexArray, FloatArray
from ..errors import StageError, ToolMissingError
from ..parallel import child_processes, interruption

CONFIGURATION = """\
INFILE snaphu.in
OUTFILE snaphu.out
COSTINFILE snaphu.costinfile
STATCOSTMODE DEFO
INFILEFORMAT COMPLEX_DATA
OUTFILEFORMAT FLOAT_DATA
"""

# Largest distance of an unwrapped phase from a whole number of cycles [cycles].
CONGRUENCE = 1e-3
LOG_LINES = 5

# Earlier versions misread cost files.
OLDEST = "2.0.1"

SCRATCH = "pystamps-snaphu"


@dataclass(frozen=True)
class Solution:
    """An unwrapped raster.

    Parameters
    ----------
    phase : (n_row, n_col) float32
        Unwrapped phase [rad].
    cost : float
        Total cost as SNAPHU reports it, 9 digits.
    """

    phase: FloatArray
    cost: float


def find_snaphu(name: str) -> str | None:
    """Look for SNAPHU: `name` as a path or on PATH, then inside the installed package ``snaphu``.

    Parameters
    ----------
    name : str
        Executable name or path, ``tools.snaphu`` of the configuration.

    Returns
    -------
    str or None
        Absolute path, None when there is none.
    """
    found = shutil.which(name)
    if found is not None:
        return str(Path(found).resolve())
    package = importlib.util.find_spec("snaphu") if name == "snaphu" else None
    for folder in (package.submodule_search_locations or []) if package else []:
        candidate = Path(folder) / "snaphu"
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return str(candidate)
    return None


def require_snaphu(name: str) -> str:
    """Return the path of SNAPHU.

    Raises
    ------
    ToolMissingError
        When it is not found.
    """
    path = find_snaphu(name)
    if path is None:
        raise ToolMissingError(
            f"external tool '{name}' not found (needed by stage 6): install the extra 'unwrap' "
            "(pip install '.[unwrap]' in the source folder) or set tools.snaphu"
        )
    return path


def snaphu_version(program: str) -> str:
    """Return what SNAPHU says of itself when it is started without work, ``2.0.7``."""
    answer = subprocess.run([program], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return _version((answer.stdout + answer.stderr).decode(errors="replace"))


def run_snaphu(
    raster: ComplexArray,
    row_costs: AnyArray,
    col_costs: AnyArray,
    program: str,
    ifg: int,
    check: Callable[[], None],
) -> Solution:
    """Unwrap one raster with given costs, in a scratch folder of its own.

    Parameters
    ----------
    raster : (n_row, n_col) complex64
        Wrapped phase.
    row_costs : (n_row - 1, n_col, 4) int16
        Cost records of the arcs to the cell below.
    col_costs : (n_row, n_col - 1, 4) int16
        Cost records of the arcs to the cell on the right.
    program : str
        SNAPHU, version 2.0.1 or later: a name or path, see :func:`find_snaphu`.
    ifg : int
        Number of the unwrapped interferogram (from 0), for the name of the folder.
    check : callable
        Raises if the run was asked to stop; asked while SNAPHU works.

    Raises
    ------
    StageError
        SNAPHU failed, or its answer is not the input plus whole cycles; the folder is kept until
        the next run on this machine.
    ToolMissingError
        SNAPHU is not found.

    Notes
    -----
    Nothing but cost file and formats is set: initialisation, flow limits and the rest are SNAPHU's
    defaults, as in StaMPS ``uw_stat_costs``; docs/science/unwrapping.md, SNAPHU.
    """
    executable = require_snaphu(program)
    for left in left_behind(Path(tempfile.gettempdir()), SCRATCH):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=scratch_prefix(f"{SCRATCH}-{ifg + 1:06d}")))
    try:
        solution = _run(folder, raster, row_costs, col_costs, executable, check)
    except StageError as error:
        raise StageError(f"{error}; see {folder}") from None
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StageError(f"{folder}: {error}") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return solution


def _run(
    folder: Path,
    raster: ComplexArray,
    row_costs: AnyArray,
    col_costs: AnyArray,
    executable: str,
    check: Callable[[], None],
) -> Solution:
    raster.tofile(folder / "snaphu.in")
    with (folder / "snaphu.costinfile").open("wb") as file:
        row_costs.tofile(file)
        col_costs.tofile(file)
    (folder / "snaphu.conf").write_text(CONFIGURATION)
    log = folder / "snaphu.log"
    command = child_processes.ending_with_parent(
        [executable, "-d", "-f", "snaphu.conf", str(raster.shape[1])]
    )
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            process_group=0,
        )  # fmt: skip
        with interruption.child_program(process, folder):
            status = _wait(process, check)
    check()  # a signal to the whole job has ended SNAPHU too
    text = log.read_text(errors="replace")
    if status != 0:
        tail = " | ".join(line.strip() for line in text.splitlines()[-LOG_LINES:])
        raise StageError(f"{executable} ended with status {status}: {tail}")
    _version(text)  # refuses one that is too old
    return Solution(_read_output(folder / "snaphu.out", raster), _cost(text))


def _wait(process: "subprocess.Popen[bytes]", check: Callable[[], None]) -> int:
    """Wait for a program; if the run is asked to stop, the program is killed first."""
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            try:
                check()
            except BaseException:
                child_processes.kill(process)
                process.wait()
                raise


def _version(text: str) -> str:
    found = re.search(r"snaphu v(\d+(?:\.\d+)*)", text)
    if found is None:
        return "of unknown version"
    version = found[1]
    if [int(part) for part in version.split(".")] < [int(part) for part in OLDEST.split(".")]:
        raise StageError(f"SNAPHU is version {version}; {OLDEST} or later is needed")
    return version


def _read_output(file: Path, raster: ComplexArray) -> FloatArray:
    size = file.stat().st_size if file.exists() else 0
    if size != 4 * raster.size:
        raise StageError(f"{file.name} has {size} bytes, expected {4 * raster.size}")
    phase: FloatArray = np.fromfile(file, np.float32).reshape(raster.shape)
    cycles = (phase.astype(np.float64) - np.angle(raster.astype(np.complex128))) / (2 * np.pi)
    distance = np.abs(cycles - np.rint(cycles))
    wrong = np.count_nonzero(~(distance < CONGRUENCE))
    if wrong:
        raise StageError(f"{file.name} differs from the input by parts of a cycle in {wrong} cells")
    return phase


def _cost(text: str) -> float:
    found = re.findall(r"Total solution cost: *([-+.\deE]+)", text)
    if not found:
        raise StageError("'Total solution cost' is missing in SNAPHU's log")
    return float(found[-1])
