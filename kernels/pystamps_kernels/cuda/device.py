"""The device that the CUDA kernels run on: arrays, transfers, launches.

Kernels use a device through :class:`Device`. :mod:`.cupy_device` is the real one; the tests put
another in its place that runs the same sources on the processor.
"""

import importlib
import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
OnDevice = Any
"""An array in the memory of the device."""

MIB = 1 << 20


class DeviceMemoryError(MemoryError):
    """The device has too little free memory for the smallest piece of a kernel's work."""


def too_little(device: "Device", needed: float) -> DeviceMemoryError:
    """Return the error of a device that has less memory free than is needed [bytes]."""
    free, wanted = device.free_bytes() // MIB, math.ceil(needed / MIB)
    return DeviceMemoryError(f"device {device.index} has {free} MiB free, {wanted} MiB needed")


class Landing(Protocol):
    """A copy to the host that is under way."""

    def into(self, out: Array) -> None:
        """Wait for the copy and put it into `out`."""
        ...


class Device(Protocol):
    """What the kernels ask of a device."""

    index: int
    shared_bytes: int
    """Shared memory that a block may have."""

    def active(self, lane: int = 0) -> AbstractContextManager[None]:
        """Make the device current in this thread; work of the same `lane` is done in order."""
        ...

    def wait(self) -> None:
        """Wait for the work of the current lane, so that others may use what it made."""
        ...

    def upload(self, host: Array) -> OnDevice:
        """Copy an array of the host; the host array may change as soon as this returns."""
        ...

    def empty(self, shape: tuple[int, ...], dtype: Any) -> OnDevice:
        """Return a new array; nothing is known of its elements."""
        ...

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> OnDevice:
        """Return a new array of zeros."""
        ...

    def sorted_order(self, keys: OnDevice) -> OnDevice:
        """Return the stable order (n,) int64 that sorts `keys`."""
        ...

    def fetch(self, array: OnDevice) -> Landing:
        """Begin to copy an array to the host."""
        ...

    def launch(
        self, source: str, kernel: str, blocks: int, threads: int, *arguments: Any, shared: int = 0
    ) -> None:
        """Start a kernel of ``sources/SOURCE.cu`` on a grid of `blocks` times `threads`.

        Parameters
        ----------
        source, kernel : str
            Name of the file, and of the kernel with its template arguments as the file's entry in
            :data:`.sources.INSTANCES` has it.
        blocks, threads : int
            Size of the grid and of a block; without blocks nothing is started.
        arguments
            Arrays of this device, int (64-bit) and float (double).
        shared : int
            Dynamic shared memory of a block [bytes].
        """
        ...

    def free_bytes(self) -> int:
        """Memory that this process may still take [bytes]."""
        ...


_in_use: list[Device] = []


def current() -> Device:
    """Return the device of this process: the one that was chosen, else the first visible one."""
    if not _in_use:
        choose(0)
    return _in_use[-1]


def choose(local_rank: int, local_size: int = 1) -> int:
    """Let this process use the device of its rank, modulo the visible ones; return its index.

    Parameters
    ----------
    local_rank, local_size : int
        Number of this process among those of its machine, and how many those are; processes that
        share a device share its memory.
    """
    from .cupy_device import CupyDevice

    count = visible_devices()
    index = local_rank % count
    sharing = len(range(index, max(local_size, local_rank + 1), count))
    _in_use[:] = [CupyDevice(index, sharing)]
    return index


@contextmanager
def using(device: Device) -> Iterator[Device]:
    """Put a device in the place of the process's own while the block runs."""
    _in_use.append(device)
    try:
        yield device
    finally:
        _in_use.remove(device)


def visible_devices() -> int:
    """Return how many devices the driver shows this process, 0 without a driver."""
    runtime = importlib.import_module("cupy").cuda.runtime
    try:
        return int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError:
        return 0


def unavailable_reason() -> str:
    """Say why no device can be used here; an empty string when one can."""
    return "" if _in_use else _driver_reason()


@cache
def _driver_reason() -> str:
    try:
        importlib.import_module("cupy")
    except Exception as error:
        said = (str(error) or type(error).__name__).splitlines()[0]
        return f"cupy cannot be imported: {said}; pip install 'pystamps-hpc[cuda12]' or [cuda13]"
    if not visible_devices():
        asked = os.environ.get("CUDA_VISIBLE_DEVICES")
        return f"no CUDA device is visible (CUDA_VISIBLE_DEVICES={asked or 'not set'})"
    return ""


def fetched(device: Device, array: OnDevice) -> Array:
    """Copy an array of the device to the host and wait for it; nothing of the copy stays held."""
    host = np.empty(array.shape, array.dtype)
    landing = device.fetch(array)
    device.wait()
    landing.into(host)
    return host
