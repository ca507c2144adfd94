"""What the CUDA kernels take of a GPU, told by the compiler without one.

    python -m benchmarks.nvrtc [--arch sm_90] [--page docs/gpu.md]

Compiles every source of ``pystamps_kernels.cuda`` by NVRTC, which needs neither device nor driver
(extra ``nvrtc``), and tables registers, the threads and the shared memory of a block as they are
asked for with 100 interferograms, and how many warps of a multiprocessor that leaves. Blocks are
those of the launches of all kernels on a device that does nothing.
"""

import argparse
import ctypes
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.cuda.device import using
from pystamps_kernels.cuda.samples import THREADS
from pystamps_kernels.cuda.sources import INSTANCES, OPTIONS, text
from pystamps_kernels.dispatch import function
from tests.faults.campaign import renew
from tests.kernels import arguments

PATTERNS = ("nvidia/cu*/lib/libnvrtc.so.*", "nvidia/cuda_nvrtc/lib/libnvrtc.so.1?")


@dataclass(frozen=True)
class Resources:
    """What a kernel takes.

    Parameters
    ----------
    kernel : str
        Its name, with the classes of a template.
    registers : int
        Of a thread.
    spilled : int
        Bytes of registers that go to memory.
    """

    kernel: str
    registers: int
    spilled: int


def libraries() -> list[Path]:
    """Return the NVRTC libraries that are installed as Python packages, newest first."""
    found = {
        path for place in sys.path for pattern in PATTERNS for path in Path(place).glob(pattern)
    }
    return sorted(found, reverse=True)


class Nvrtc:
    """The compiler.

    Parameters
    ----------
    path : Path
        Its library.
    """

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))
        self._library.nvrtcGetErrorString.restype = ctypes.c_char_p

    def architectures(self) -> list[int]:
        """Return the architectures that it compiles for, 90 for sm_90."""
        count = ctypes.c_int()
        self._call("nvrtcGetNumSupportedArchs", ctypes.byref(count))
        found = (ctypes.c_int * count.value)()
        self._call("nvrtcGetSupportedArchs", found)
        return list(found)

    def compiled(self, source: str, architecture: str) -> str:
        """Compile a source of the package; return what the compiler says.

        Raises
        ------
        RuntimeError
            It does not compile, with the messages.
        """
        program = ctypes.c_void_p()
        code = text(source).encode()
        self._call(
            "nvrtcCreateProgram",
            ctypes.byref(program),
            code,
            f"{source}.cu".encode(),
            0,
            None,
            None,
        )
        try:
            for name in INSTANCES[source]:
                self._call("nvrtcAddNameExpression", program, name.encode())
            options = [f"--gpu-architecture={architecture}", "--ptxas-options=-v", *OPTIONS]
            words = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
            failed = self._library.nvrtcCompileProgram(program, len(options), words)
            size = ctypes.c_size_t()
            self._call("nvrtcGetProgramLogSize", program, ctypes.byref(size))
            log = ctypes.create_string_buffer(size.value)
            self._call("nvrtcGetProgramLog", program, log)
            if failed:
                raise RuntimeError(log.value.decode())
            return log.value.decode()
        finally:
            self._library.nvrtcDestroyProgram(ctypes.byref(program))

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            raise RuntimeError(f"{name}: {self._library.nvrtcGetErrorString(code).decode()}")


@cache
def compiler(path: Path) -> Nvrtc:
    """Load the compiler of a library once."""
    return Nvrtc(path)


def resources(log: str) -> Iterator[Resources]:
    """Read what the assembler says of each kernel."""
    for part in log.split("Compiling entry function '")[1:]:
        mangled = part.partition("'")[0]
        registers = re.search(r"Used (\d+) registers", part)
        spilled = re.search(r"(\d+) bytes spill stores", part)
        if registers and spilled:
            yield Resources(demangled(mangled), int(registers[1]), int(spilled[1]))


TYPES = {
    "6float2": "float2", "7double2": "double2", "f": "float", "d": "double",
    "t": "unsigned short", "j": "unsigned int",
}  # fmt: skip
_TYPE = "|".join(TYPES)


def demangled(name: str) -> str:
    """Return the name of a kernel from that of its symbol."""
    found = re.fullmatch(r"_Z(\d+)(.*)", name)
    assert found, name
    length = int(found[1])
    kernel, rest = found[2][:length], found[2][length:]
    if not rest.startswith("I"):
        return kernel
    classes = re.match(rf"I((?:{_TYPE})+)E", rest)
    assert classes, name
    words = re.findall(_TYPE, classes[1])
    return f"{kernel}<{', '.join(TYPES[word] for word in words)}>"


IFGS, ROWS = 100, 640
"""Interferograms and rows of the calls that tell what blocks look like."""


class Idle:
    """A device that notes which blocks are asked for, and does nothing else."""

    index = 0
    shared_bytes = 227 * 1024

    def __init__(self) -> None:
        self.blocks: dict[tuple[str, str], tuple[int, int]] = {}

    @contextmanager
    def active(self, lane: int = 0) -> Iterator[None]:
        """Let work be asked for."""
        yield

    def wait(self) -> None:
        """Nothing is under way."""

    def upload(self, host: Any) -> Any:
        """Return the array itself."""
        return host

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return ones, of which no statistics are refused."""
        return np.ones(shape, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return zeros."""
        return np.zeros(shape, dtype)

    def sorted_order(self, keys: Any) -> Any:
        """Sort on the host."""
        return np.argsort(keys, kind="stable")

    def fetch(self, array: Any) -> "Idle.Landed":
        """Return what is there."""
        return Idle.Landed(array)

    @dataclass(frozen=True)
    class Landed:
        """A copy that has landed."""

        array: Any

        def into(self, out: Any) -> None:
            """Put it where it belongs."""
            out[...] = self.array

    def free_bytes(self) -> int:
        """Enough for everything."""
        return 1 << 40

    def launch(
        self, source: str, kernel: str, blocks: int, threads: int, *values: Any, shared: int = 0
    ) -> None:
        """Note threads and shared memory of a block, the largest that are asked for."""
        before = self.blocks.get((source, kernel), (0, 0))
        self.blocks[source, kernel] = max(before, (threads, shared))


def blocks() -> dict[tuple[str, str], tuple[int, int]]:
    """Return threads and shared memory [bytes] of a block of the kernels of the sources."""
    arguments.N, arguments.M = ROWS, IFGS
    idle = Idle()
    with using(idle), np.errstate(all="ignore"):
        for kernel in all_kernels().values():
            for form in ("double", "single"):
                run = function(kernel, "cuda", form)  # type: ignore[arg-type]
                for call in arguments.all_arguments()[kernel.name] if run else ():
                    run(*call)  # type: ignore[misc]
    return idle.blocks


REGISTERS, SHARED, OF_BLOCK = 65536, 228 * 1024, 1024
"""Of a multiprocessor (sm_90): registers, shared memory, and what of it a block takes besides."""
WARP, GRANULE, MOST_WARPS, MOST_BLOCKS = 32, 256, 64, 32
"""Threads of a warp, registers that it is given at a time, warps and blocks of a multiprocessor."""


def occupancy(registers: int, threads: int = THREADS, shared: int = 0) -> float:
    """Return the part of a multiprocessor's warps that blocks like this can fill."""
    warps = -(-threads // WARP)
    of_warp = -(-registers * WARP // GRANULE) * GRANULE
    fit = min(REGISTERS // of_warp // warps, SHARED // (shared + OF_BLOCK), MOST_BLOCKS)
    return min(fit, MOST_WARPS // warps) * warps / MOST_WARPS


def table(rows: Sequence[tuple[str, Resources]]) -> str:
    """Return the table of the page."""
    lines = ["| Source | Kernel | Threads | Shared [KiB] | Registers | Spilled | Warps in use |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: |"]  # fmt: skip
    asked = blocks()
    for source, row in rows:
        threads, shared = asked.get((source, row.kernel), (THREADS, 0))
        lines.append(
            f"| {source} | `{row.kernel}` | {threads} | {shared / 1024:.1f} | {row.registers} "
            f"| {row.spilled} | {occupancy(row.registers, threads, shared):.0%} |"
        )
    return "\n".join(lines) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    """Compile everything and table it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="sm_90")
    parser.add_argument("--page", type=Path, help="page whose table is renewed")
    options = parser.parse_args(words)
    if not libraries():
        print("no NVRTC: pip install 'pystamps-hpc[nvrtc]'", file=sys.stderr)
        return 4
    nvrtc = compiler(libraries()[0])
    rows = [
        (source, row)
        for source in INSTANCES
        for row in resources(nvrtc.compiled(source, options.arch))
    ]
    print(table(rows))
    if options.page:
        renew("resources", table(rows), options.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
