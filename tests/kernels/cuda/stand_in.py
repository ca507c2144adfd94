"""A device on the processor: the CUDA sources compiled by a C++ compiler, with more checks.

Arrays lie between guard zones and begin poisoned; every launch is done twice, threads and blocks in
ascending and in descending order, and has to give the same bits; arguments must have the types of
the parameters; what an array of the host may not do with one of the device is an error.
"""

import ctypes
import shutil
import subprocess
import threading
import weakref
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pystamps_kernels.cuda.sources import INSTANCES, text

GUARD = 64  # elements before and after an array
POISON = 0xFF
FAULTS = {1: "a barrier is not reached by all threads", 2: "shared memory is written past its end"}
COMPILER = shutil.which("g++")
ONE_AT_A_TIME = threading.Lock()
"""Held during a launch: what runs the threads of a block is there once."""


class OnDevice(np.ndarray):
    """An array of the device, which does not mix with arrays of the host."""

    def __array_ufunc__(self, function, method, *inputs, out=(), **options):
        if any(type(item) is np.ndarray and item.ndim for item in (*inputs, *out)):
            raise TypeError("arrays of the host and of the device do not mix")
        plain = [item.view(np.ndarray) if type(item) is OnDevice else item for item in inputs]
        if out:
            options["out"] = tuple(item.view(np.ndarray) for item in out)
        found = getattr(function, method)(*plain, **options)
        return found.view(OnDevice) if isinstance(found, np.ndarray) else found


class Landed:
    def __init__(self, array):
        self.array = array

    def into(self, out):
        out[...] = self.array.view(np.ndarray)


class StandIn:
    """As :class:`pystamps_kernels.cuda.device.Device` says."""

    index = 0

    def __init__(self, folder, shared_bytes=227 * 1024, free=1 << 40):
        self.folder = Path(folder)
        self.shared_bytes = shared_bytes
        self.free = free
        self.libraries = {}
        self.guarded = []
        self.launched = []
        self.uploaded = 0

    @contextmanager
    def active(self, lane=0):
        yield

    def wait(self):
        pass

    def empty(self, shape, dtype):
        dtype = np.dtype(dtype)
        count = int(np.prod(shape))
        whole = np.full((count + 2 * GUARD) * dtype.itemsize, POISON, np.uint8)
        found = whole.view(dtype)[GUARD : GUARD + count].reshape(shape).view(OnDevice)
        self.guarded.append((weakref.ref(whole), GUARD * dtype.itemsize))
        return found

    def zeros(self, shape, dtype):
        found = self.empty(shape, dtype)
        found[...] = 0
        return found

    def upload(self, host):
        assert type(host) is np.ndarray, "an upload takes an array of the host"
        found = self.empty(host.shape, host.dtype)
        found.view(np.ndarray)[...] = host
        self.uploaded += host.nbytes
        return found

    def sorted_order(self, keys):
        order = np.argsort(keys.view(np.ndarray), kind="stable")
        return self.upload(order)

    def fetch(self, array):
        assert type(array) is OnDevice
        return Landed(array)

    def free_bytes(self):
        return self.free

    def launch(self, source, kernel, blocks, threads, *arguments, shared=0):
        with ONE_AT_A_TIME:
            self.launch_alone(source, kernel, blocks, threads, arguments, shared)

    def launch_alone(self, source, kernel, blocks, threads, arguments, shared):
        assert 0 < threads <= 1024
        assert shared <= self.shared_bytes
        self.launched.append((source, kernel))
        library = self.library(source)
        number = INSTANCES[source].index(kernel)
        wanted = ctypes.CFUNCTYPE(ctypes.c_char_p)((f"parameters_{number}", library))().decode()
        values = [
            checked(parameter, value, f"{kernel}, argument {place}")
            for place, (parameter, value) in enumerate(
                zip(wanted.split(",")[:-1], arguments, strict=True)
            )
        ]
        if not blocks:
            return
        pointers = (ctypes.c_void_p * len(values))(
            *(ctypes.cast(ctypes.pointer(value), ctypes.c_void_p) for value in values)
        )
        written = [
            value
            for parameter, value in zip(wanted.split(","), arguments, strict=False)
            if parameter.startswith("*")
        ]
        before = [array.copy() for array in written]
        start = getattr(library, f"launch_{number}")
        results = []
        for backwards in (0, 1):
            for array, copy in zip(written, before, strict=True):
                array[...] = copy
            fault = start(blocks, threads, ctypes.c_size_t(shared), backwards, pointers)
            assert not fault, f"{kernel}: {FAULTS[fault]}"
            results.append([array.tobytes() for array in written])
        assert results[0] == results[1], f"{kernel}: the order of the threads shows in the result"
        self.check_guards(kernel)

    def check_guards(self, kernel):
        self.guarded = [(whole, guard) for whole, guard in self.guarded if whole() is not None]
        for reference, guard in self.guarded:
            whole = reference()
            assert (whole[:guard] == POISON).all(), f"{kernel} writes before an array"
            assert (whole[-guard:] == POISON).all(), f"{kernel} writes past the end of an array"

    def library(self, source):
        if source not in self.libraries:
            built = self.folder / f"{source}.so"
            if not built.exists():
                build(source, self.folder, built)
            self.libraries[source] = ctypes.CDLL(str(built))
        return self.libraries[source]


def checked(parameter, value, where):
    """Return a ctypes value of a parameter's type; refuse an argument of another."""
    if "*" not in parameter:
        kind = {"int64": (int, ctypes.c_longlong), "float64": (float, ctypes.c_double)}[parameter]
        assert type(value) is kind[0], f"{where} is {type(value)}, the source has {parameter}"
        return kind[1](value)
    assert type(value) is OnDevice, f"{where} is not on the device"
    wanted = parameter.partition("*")[2]
    assert value.dtype == wanted, f"{where} is {value.dtype}, the source has {wanted}"
    assert value.flags.c_contiguous, f"{where} is not contiguous"
    return ctypes.c_void_p(value.ctypes.data)


def build(source, folder, built):
    """Compile a source with an entry point for each of its kernels."""
    header = Path(__file__).with_name("stand_in.h")
    entries = "".join(
        f'extern "C" int launch_{i}(unsigned b, unsigned t, size_t s, int o, void **a) '
        f"{{ return stand_in::Kernel<&{name}>::launch(b, t, s, o, a); }}\n"
        f'extern "C" const char *parameters_{i}() '
        f"{{ return stand_in::Kernel<&{name}>::parameters(); }}\n"
        for i, name in enumerate(INSTANCES[source])
    )
    program = folder / f"{source}.cpp"
    program.write_text(f'#include "{header}"\n{text(source)}\n{entries}')
    command = [COMPILER, "-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC",
               "-fno-gnu-unique", "-Wl,-Bsymbolic",
               "-Wall", "-Wno-unused-function", "-Wno-unknown-pragmas",
               "-o", built, program]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not ended.returncode, ended.stderr
