"""Results that take a while: computed once in the background, the least used ones forgotten."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillRunning
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

PATIENCE = 1.0
"""How long a request waits for a result before it is told that it is being computed [s]."""

WORKERS = 2
"""Results that are computed side by side: one that takes long does not keep all others waiting."""

REMEMBERED = 10.0
"""How long a failure is kept for who asks again [s]."""

NAME = "result of the console"
"""Of the threads."""

MOST_BYTES = 600 << 20
"""What is kept at most."""


class NotYet(Exception):
    """A result is being computed; asking again later finds it."""


class Store:
    """Results by key, computed by a few threads of their own.

    Parameters
    ----------
    most_bytes : int
        What is kept at most; the result that was asked for last is kept in any case.
    patience : float
        How long :meth:`get` waits [s].
    """

    def __init__(self, most_bytes: int = MOST_BYTES, patience: float = PATIENCE) -> None:
        self.most_bytes, self.patience = most_bytes, patience
        self._found: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._running: dict[Hashable, Future[Any]] = {}
        self._failed: dict[Hashable, tuple[BaseException | None, float]] = {}
        self._closed = False
        self._lock = threading.RLock()
        self._own = threading.local()
        self._waiting: SimpleQueue[tuple[Future[Any], Hashable, Callable[[], Any]] | None] = (
            SimpleQueue()
        )
        for _ in range(WORKERS):  # which do not keep a console that is stopped
            threading.Thread(target=self._work, name=NAME, daemon=True).start()

    def get(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Return a result, computed if it is not there.

        Parameters
        ----------
        key : hashable
            What it is, and of which state of the files.
        compute : callable
            Returns it; its ``nbytes`` counts. It may ask for other results.

        Raises
        ------
        NotYet
            It takes longer; it goes on being computed.
        PystampsError, OSError
            Of `compute`; the next request tries again.
        """
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key][0]
            self._forget_failures()
            error, _ = self._failed.pop(key, (None, 0.0))
        if error is not None:
            raise error
        if getattr(self._own, "computing", False):
            return self._within(key, compute)
        future = self._submitted(key, compute)
        try:
            return future.result(self.patience)
        except StillRunning:
            if not future.done():
                raise NotYet(key) from None
        finally:
            if future.done() and future.exception() is not None:
                with self._lock:
                    self._failed.pop(key, None)  # told
        return future.result()

    def known(self, key: Hashable) -> Any:
        """Return a result that is there, else None; raises what kept it from being made anew."""
        with self._lock:
            self._forget_failures()
            error, _ = self._failed.pop(key, (None, 0.0))
            if error is not None:
                raise error
            return self._found.get(key, (None, 0))[0]

    def begin(self, key: Hashable, compute: Callable[[], Any], again: bool = False) -> None:
        """Have a result computed that will be asked for soon; `again`: though there is one."""
        with self._lock:
            known = key in self._found
        if again or not known:
            self._submitted(key, compute)

    def forget(self, outdated: Callable[[Any], bool]) -> None:
        """Drop the results whose keys are outdated."""
        with self._lock:
            for key in [key for key in self._found if outdated(key)]:
                del self._found[key]

    def close(self) -> None:
        """Forget all results, and end the threads when they are done with what they compute."""
        with self._lock:
            self._closed = True
            self._found.clear()
            self._failed.clear()
        with suppress(Empty):
            while True:
                self._waiting.get_nowait()
        for _ in range(WORKERS):
            self._waiting.put(None)

    def _forget_failures(self) -> None:
        now = time.monotonic()
        for key in [key for key, (_, since) in self._failed.items() if now - since >= REMEMBERED]:
            del self._failed[key]

    @property
    def nbytes(self) -> int:
        """Bytes that are kept."""
        with self._lock:
            return sum(size for _, size in self._found.values())

    def _within(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Return what another result is made of; what waits for its turn is not waited for."""
        future = self._running.get(key)
        if future is not None and future.running():
            return future.result()
        return self._kept(key, compute())

    def _submitted(self, key: Hashable, compute: Callable[[], Any]) -> Future[Any]:
        with self._lock:
            future = self._running.get(key)
            if future is None:
                self._running[key] = future = Future()
                self._waiting.put((future, key, compute))
        return future

    def _work(self) -> None:
        self._own.computing = True
        while True:
            work = self._waiting.get()
            if work is None:
                return
            future, key, compute = work
            future.set_running_or_notify_cancel()
            try:
                result = self._kept(key, compute())
            except BaseException as error:  # for who asked, and for who was told to ask again
                _bare(error)
                with self._lock:
                    self._forget_failures()
                    self._failed[key] = error, time.monotonic()
                    self._running.pop(key, None)
                future.set_exception(error)
            else:
                self._running.pop(key, None)
                future.set_result(result)
            del work, future, key, compute

    def _kept(self, key: Hashable, result: Any) -> Any:
        size = int(getattr(result, "nbytes", 1 << 10))
        with self._lock:
            if self._closed:
                return result
            self._found[key] = result, size
            self._found.move_to_end(key)
            while len(self._found) > 1 and self.nbytes > self.most_bytes:
                self._found.popitem(last=False)
        return result


def _bare(error: BaseException) -> None:
    """Take off an error, and those behind it, the frames that hold the arrays of what failed."""
    seen: BaseException | None = error
    while seen is not None:
        seen.__traceback__ = None
        seen = seen.__context__
