"""What the CUDA kernels take of a GPU, told by the compiler without one.

    python -m benchmarks.nvrtc [--arch sm_90] [--page docs/gpu.md]

Compiles every source of ``pystamps_kernels.cuda`` by NVRTC, which needs neither device nor driver
(extra ``nvrtc``), and tables registers, shared memory and how many threads of a multiprocessor
that leaves.
"""

import argparse
import ctypes
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pystamps_kernels.cuda.sources import INSTANCES, OPTIONS, text
from tests.faults.campaign import renew

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


TYPES = {"6float2": "float2", "7double2": "double2", "f": "float", "d": "double"}


def demangled(name: str) -> str:
    """Return the name of a kernel from that of its symbol."""
    found = re.fullmatch(r"_Z(\d+)(.*)", name)
    assert found, name
    length = int(found[1])
    kernel, rest = found[2][:length], found[2][length:]
    if not rest.startswith("I"):
        return kernel
    classes = re.match(r"I((?:6float2|7double2|f|d)+)E", rest)
    assert classes, name
    words = re.findall("6float2|7double2|f|d", classes[1])
    return f"{kernel}<{', '.join(TYPES[word] for word in words)}>"


REGISTERS = 65536
"""Of a multiprocessor, from sm_70 on."""
WARP, GRANULE, MOST_WARPS = 32, 256, 64
"""Threads of a warp, registers that it is given at a time, warps of a multiprocessor (sm_90)."""


def occupancy(registers: int) -> float:
    """Return the part of a multiprocessor's warps that the registers allow."""
    of_warp = -(-registers * WARP // GRANULE) * GRANULE
    return min(REGISTERS // of_warp, MOST_WARPS) / MOST_WARPS


def table(rows: Sequence[tuple[str, Resources]]) -> str:
    """Return the table of the page."""
    lines = ["| Source | Kernel | Registers | Spilled | Warps that registers allow |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    lines += [
        f"| {source} | `{row.kernel}` | {row.registers} | {row.spilled} "
        f"| {occupancy(row.registers):.0%} |"
        for source, row in rows
    ]
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
