"""What :class:`CupyDevice` asks of CuPy, on the processor and as late as CUDA may be.

A stream does nothing before someone waits for it. Pinned memory is spoilt as soon as nobody holds
it, as the next transfer would overwrite it; so a copy that is not held until it is done shows.
"""

import ctypes
import threading
import weakref
from types import SimpleNamespace

import numpy as np

from pystamps_kernels.cuda.sources import INSTANCES

from .stand_in import OnDevice, StandIn

SPOILT = b"\xff"


class LateArray(OnDevice):
    """An array of the device; what is put into it is put there by the current stream."""

    module = None  # the fake it belongs to

    def __setitem__(self, place, value):
        own = self.view(np.ndarray)
        given = value.view(np.ndarray)
        self.module.stream.later("move", lambda: own.__setitem__(place, given))

    def set(self, staging, stream):
        """Copy from pinned memory, which the stream does not keep."""
        assert stream is self.module.stream
        read, own = self.module.pinned_bytes(staging), self.view(np.ndarray)
        stream.later("upload", lambda: np.copyto(own, read().view(own.dtype).reshape(own.shape)))

    def get(self, stream, out, blocking):
        """Copy to pinned memory."""
        assert not blocking
        assert stream is self.module.stream
        write, own = self.module.pinned_bytes(out), self.view(np.ndarray)
        stream.later("fetch", lambda: np.copyto(write().view(own.dtype).reshape(own.shape), own))


class Stream:
    """Work that is done in order when someone waits for it."""

    def __init__(self, module, name):
        self.module, self.name, self.waiting = module, name, []

    def later(self, what, work):
        self.module.log.append((what, self.name))
        self.waiting.append(work)

    def synchronize(self):
        self.module.log.append(("wait", self.name))
        work, self.waiting = self.waiting, []
        for each in work:
            each()

    def __enter__(self):
        self.outside, self.module.of_thread.stream = self.module.stream, self

    def __exit__(self, *error):
        self.module.of_thread.stream = self.outside


class Pool:
    """The pool of the memory of the device; arrays are given back at once."""

    def __init__(self):
        self.used = self.limit = 0

    def hold(self, array, size):
        self.used += size
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        weakref.finalize(owner, self.release, size)

    def release(self, size):
        self.used -= size

    def free_bytes(self):
        return 0

    def free_all_blocks(self):
        pass

    def used_bytes(self):
        return self.used

    def get_limit(self):
        return self.limit

    def set_limit(self, size):
        self.limit = size


class FakeCupy:
    """The module, as far as it is used; `log` tells what was asked for in which order."""

    def __init__(self, folder):
        self.device = StandIn(folder)
        self.free = 1 << 40
        self.log, self.pool, self.streams = [], {}, 0
        self.memory = Pool()
        self.of_thread = threading.local()
        self.array = type("Late", (LateArray,), {"module": self})
        attributes = {"MaxSharedMemoryPerBlockOptin": 227 * 1024}
        memory = SimpleNamespace(OutOfMemoryError=type("OutOfMemoryError", (MemoryError,), {}))
        runtime = SimpleNamespace(memGetInfo=lambda: (self.free, 0), getDeviceCount=lambda: 1)
        self.cuda = SimpleNamespace(
            Device=lambda index: _Device(attributes), Stream=self.new_stream, memory=memory,
            runtime=runtime, get_current_stream=lambda: self.stream,
            alloc_pinned_memory=self.alloc_pinned_memory,
        )  # fmt: skip

    @property
    def stream(self):
        """The current stream of this thread."""
        return self.of_thread.__dict__.setdefault("stream", Stream(self, "null"))

    def new_stream(self, non_blocking):
        self.streams += 1
        return Stream(self, self.streams - 1)

    def alloc_pinned_memory(self, size):
        memory = bytearray(size)
        taken = (ctypes.c_char * size).from_buffer(memory)
        self.pool[ctypes.addressof(taken)] = memory
        weakref.finalize(taken, spoil, memory)
        return taken

    def pinned_bytes(self, array):
        memory = self.pool[array.ctypes.data]
        return lambda: np.frombuffer(memory, np.uint8)

    def empty(self, shape, dtype):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        limit = self.memory.get_limit()
        if limit and self.memory.used_bytes() + size > limit:
            raise self.cuda.memory.OutOfMemoryError(f"out of memory allocating {size:,} bytes")
        found = self.device.empty(shape, dtype)
        self.memory.hold(found, size)
        return found.view(self.array)

    def zeros(self, shape, dtype):
        found = self.empty(shape, dtype)
        found[...] = np.zeros(shape, dtype)
        return found

    def argsort(self, keys, kind):
        self.stream.synchronize()
        return np.argsort(keys.view(np.ndarray), kind=kind).view(self.array)

    def get_default_memory_pool(self):
        return self.memory

    def RawModule(self, code, options, name_expressions):
        (source,) = (name for name, kernels in INSTANCES.items() if kernels == name_expressions)
        return SimpleNamespace(get_function=lambda kernel: _Function(self, source, kernel))


class _Device:
    def __init__(self, attributes):
        self.attributes = attributes

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class _Function:
    max_dynamic_shared_size_bytes = 48 * 1024

    def __init__(self, module, source, kernel):
        self.module, self.source, self.kernel = module, source, kernel

    def __call__(self, grid, block, arguments, shared_mem):
        assert shared_mem <= self.max_dynamic_shared_size_bytes, "shared memory was not asked for"
        given = [
            value.view(OnDevice) if isinstance(value, LateArray) else value.item()
            for value in arguments
        ]
        module = self.module
        module.stream.later(
            "launch",
            lambda: module.device.launch(
                self.source, self.kernel, *grid, *block, *given, shared=shared_mem
            ),
        )


def spoil(memory):
    memory[:] = SPOILT * len(memory)
