"""Rasters are read by the system before they are asked for: disk and threads work at once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Semaphore, Thread

from ...dataset.slc_stack import Raster
from ...errors import DatasetError
from ...parallel.context import Context

AHEAD = 1 << 30  # bytes of rasters that are read before they are asked for, at most


@contextmanager
def read_ahead(
    rasters: Sequence[Raster], lines: range, ctx: Context
) -> Iterator[Callable[[], None]]:
    """Read lines of rasters, one raster after the other, while the block works.

    Several ranks keep a disk busy among them, and which of them asks for a raster is not known
    before; there is none ahead then, nor where a raster alone is more than may be ahead.

    Yields
    ------
    callable
        Called when a raster has been used, so that a further one is read.
    """
    largest = max((raster.line_bytes * len(lines) for raster in rasters), default=0)
    if ctx.team.size > 1 or not 0 < largest <= AHEAD:
        yield lambda: None
        return
    room, over = Semaphore(AHEAD // largest), Event()

    def read() -> None:
        for raster in rasters:
            room.acquire()
            if over.is_set():
                return
            with suppress(DatasetError), raster.opened() as file:  # whoever reads it, says so
                file.expect(slice(lines.start, lines.stop))

    thread = Thread(target=read, name="read ahead")
    try:
        thread.start()
    except RuntimeError:  # none is to be had
        yield lambda: None
        return
    try:
        yield room.release
    finally:
        over.set()
        room.release()
        thread.join()
