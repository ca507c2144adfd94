"""A device by CuPy: pinned, asynchronous transfers on two streams of each Python thread."""

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .device import MIB, Array, DeviceMemoryError, OnDevice
from .sources import INSTANCES, OPTIONS, text

DEFAULT_SHARED = 48 * 1024
"""Shared memory of a block that a kernel has without asking [bytes]."""


@dataclass
class Pinned:
    """A copy in pinned memory that lands when its stream is done."""

    stream: Any
    staging: Array

    def into(self, out: Array) -> None:
        """Wait for the stream and put the copy into `out`."""
        self.stream.synchronize()
        out[...] = self.staging


class CupyDevice:
    """A device of the CUDA runtime.

    Parameters
    ----------
    index : int
        Number among the visible devices.
    sharing : int
        Processes that share the device.
    """

    def __init__(self, index: int, sharing: int = 1) -> None:
        self.index = index
        self._sharing = sharing
        self._cupy: Any = importlib.import_module("cupy")
        attributes = self._cupy.cuda.Device(index).attributes
        self.shared_bytes = int(attributes["MaxSharedMemoryPerBlockOptin"])
        self._of_thread = threading.local()
        self._function = lru_cache(None)(self._compiled)

    @contextmanager
    def active(self, lane: int = 0) -> Iterator[None]:
        """Make the device and a stream of this thread current."""
        with self._cupy.cuda.Device(self.index):
            streams = self._of_thread.__dict__.setdefault("streams", {})
            if lane not in streams:
                streams[lane] = self._cupy.cuda.Stream(non_blocking=True)
            held = self._of_thread.__dict__.setdefault("held", {}).setdefault(lane, [])
            self._of_thread.lane = lane
            with streams[lane], self._told_memory():
                streams[lane].synchronize()
                held.clear()  # nothing of this lane is in flight any more
                yield

    @contextmanager
    def _told_memory(self) -> Iterator[None]:
        """Say in one line what lacked when the device has no memory left."""
        try:
            yield
        except self._cupy.cuda.memory.OutOfMemoryError as error:
            free = self.free_bytes() // MIB
            raise DeviceMemoryError(
                f"device {self.index} has {free} MiB free, which is too little: {error}"
            ) from error

    def wait(self) -> None:
        """Wait for the current stream; what its transfers held is free again."""
        self._cupy.cuda.get_current_stream().synchronize()
        self._of_thread.held[self._of_thread.lane].clear()

    def upload(self, host: Array) -> OnDevice:
        """Copy by way of pinned memory, in the order of the current stream."""
        copy = self._cupy.empty(host.shape, host.dtype)
        if host.size:
            staging = self._staging(host.shape, host.dtype)
            staging[...] = host
            copy.set(staging, stream=self._cupy.cuda.get_current_stream())
        return copy

    def empty(self, shape: tuple[int, ...], dtype: Any) -> OnDevice:
        """Return a new array from the pool of the current stream."""
        return self._cupy.empty(shape, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> OnDevice:
        """Return a new array of zeros."""
        return self._cupy.zeros(shape, dtype)

    def sorted_order(self, keys: OnDevice) -> OnDevice:
        """Sort by Thrust; CuPy's order is stable."""
        return self._cupy.argsort(keys, kind="stable").astype(np.int64, copy=False)

    def fetch(self, array: OnDevice) -> Pinned:
        """Begin to copy to pinned memory, in the order of the current stream."""
        stream = self._cupy.cuda.get_current_stream()
        staging = self._staging(array.shape, array.dtype)
        if array.size:
            array.get(stream=stream, out=staging, blocking=False)
            self._hold(array)
        return Pinned(stream, staging)

    def launch(
        self, source: str, kernel: str, blocks: int, threads: int, *arguments: Any, shared: int = 0
    ) -> None:
        """Compile the source where that was not done yet, and start the kernel."""
        if not blocks:
            return
        function = self._function(source, kernel)
        if shared > max(DEFAULT_SHARED, function.max_dynamic_shared_size_bytes):
            function.max_dynamic_shared_size_bytes = shared
        exact = [
            np.int64(value)
            if isinstance(value, int)
            else np.float64(value)
            if isinstance(value, float)
            else value
            for value in arguments
        ]
        function((blocks,), (threads,), tuple(exact), shared_mem=shared)

    def free_bytes(self) -> int:
        """Memory that the driver and the pool have free, shared with the other ranks.

        The limit of the pool (``CUPY_GPU_MEMORY_LIMIT``) counts as the end of the memory.
        """
        with self._cupy.cuda.Device(self.index):
            pool = self._cupy.get_default_memory_pool()
            free = int(self._cupy.cuda.runtime.memGetInfo()[0]) // self._sharing
            free += int(pool.free_bytes())
            limit = int(pool.get_limit())
            return min(free, max(limit - int(pool.used_bytes()), 0)) if limit else free

    def _compiled(self, source: str, kernel: str) -> Any:
        module = self._cupy.RawModule(
            code=text(source), options=OPTIONS, name_expressions=INSTANCES[source]
        )
        return module.get_function(kernel)

    def _staging(self, shape: tuple[int, ...], dtype: Any) -> Array:
        count = int(np.prod(shape))
        if not count:
            return np.empty(shape, dtype)
        memory = self._cupy.cuda.alloc_pinned_memory(count * np.dtype(dtype).itemsize)
        staging: Array = np.frombuffer(memory, dtype, count).reshape(shape)
        self._hold(staging)
        return staging

    def _hold(self, item: Any) -> None:
        """Keep what a transfer reads or writes until its stream is done."""
        self._of_thread.held[self._of_thread.lane].append(item)
