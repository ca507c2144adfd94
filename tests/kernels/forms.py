"""Find out with which types chains call the entry points of the native kernels.

``python -m tests.kernels.forms`` writes ``forms.json``, by which they are compiled ahead.
"""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numba

from pystamps_hpc.cli.environment import prepare
from pystamps_hpc.config import RunConfig
from pystamps_hpc.tools.warmup import CHAINS, call_rest, run_chains
from pystamps_kernels.native import ahead
from pystamps_kernels.native.cache import folder
from pystamps_kernels.native.compile import ENTRY_POINTS

FILE = Path(ahead.__file__).with_name("forms.json")
DEFAULTS = {
    f"{arithmetic}_{mode}": [(mode, arithmetic, tool, {}) for tool in ("auto", "native")]
    for arithmetic in ("double", "single")
    for mode in ("ps", "sb")
}


def called(selection):
    """Return entry point -> types, of all calls of the chains of a selection in this process."""
    seconds, problems = run_chains(RunConfig(), DEFAULTS.get(selection, CHAINS))
    assert not problems, problems
    if selection not in DEFAULTS:
        call_rest(seconds)
    found = {
        name: sorted(" ".join(map(_text, types)) for types in entry.overloads)
        for name, entry in ENTRY_POINTS.items()
        if entry.overloads
    }
    return dict(sorted(found.items(), key=lambda item: (-_cost(item[0]), item[0])))


def _text(kind):
    if not isinstance(kind, numba.types.Array):
        return str(kind)
    return f"{kind.dtype}:{kind.ndim}{kind.layout}" + ":r" * (not kind.mutable)


def _cost(name):
    """Size of the code in the cache in powers of two, which tells what takes long to compile."""
    return sum(path.stat().st_size for path in folder().glob(f"{name}-*.nbc")).bit_length()


def all_called():
    """Return selection -> entry point -> types; what a default chain calls is not among others."""
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        found = dict(zip(ahead.SELECTIONS, pool.map(called, ahead.SELECTIONS), strict=True))
    known = {(name, types) for s in DEFAULTS for name, all_ in found[s].items() for types in all_}
    found["other"] = {
        name: more
        for name, all_ in found["other"].items()
        if (more := [types for types in all_ if (name, types) not in known])
    }
    return found


if __name__ == "__main__":
    prepare(os.environ)  # the cache that the sizes are read from
    FILE.write_text(json.dumps(all_called(), indent=1) + "\n", encoding="utf-8")
