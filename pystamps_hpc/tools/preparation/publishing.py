"""Patches come to the disk and into their places while the next ones are made."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ...dataset.publish import Publication, flush_all, staging_root
from ...parallel.context import Context
from ...stages.prepare.patches import Patch
from .layout import Layout
from .record import MARKER, Record


@dataclass
class Publisher:
    """Publishes on the root, beside what the ranks do; made by :func:`publisher`.

    Parameters
    ----------
    layout, known, ctx, name
        The plan, what is there of it, ranks, name of the run.
    staged : ExitStack
        Removes what has not been published.
    beside : Executor
        Its thread publishes.
    """

    layout: Layout
    known: Record
    ctx: Context
    name: str
    staged: ExitStack
    beside: Executor
    under_way: "Future[None] | None" = None
    has_thread: bool = True

    def stage(self, strip: Sequence[Patch]) -> list[Publication]:
        """Return where patches are made, a directory each; collective."""
        root = self.layout.stack.root
        found = [Publication(root / patch.name, self.name, suffix="") for patch in strip]
        self.ctx.on_root(lambda: self._make(found))
        return found

    def publish(self, publications: Sequence[Publication]) -> None:
        """Begin to publish patches, once those before are there; collective.

        Raises
        ------
        PublishError, OSError
            Those before could not be.
        """
        self.ctx.on_root(lambda: self._begin(publications))

    def end(self) -> None:
        """Wait until the patches are there; collective; errors as of :meth:`publish`."""
        self.ctx.on_root(self._end)

    def _make(self, publications: Sequence[Publication]) -> None:
        if self.under_way is not None and self.under_way.done():
            self.under_way.result()  # or its error, before more is made
        for publication in publications:
            shutil.rmtree(staging_root(publication.target), ignore_errors=True)
            self.staged.enter_context(publication)
            for file in (MARKER, "mean_amp.flt"):  # also of a patch without candidate, or line
                (publication.staging / file).touch()

    def _begin(self, publications: Sequence[Publication]) -> None:
        self._end()
        if self.has_thread:
            try:
                self.under_way = self.beside.submit(self._publish, publications)
                return
            except RuntimeError:  # never asked again: with a thread it would do these too
                self.has_thread, self.under_way = False, None
        self._publish(publications)

    def _end(self) -> None:
        if self.under_way is not None:
            self.under_way.result()

    def _publish(self, publications: Sequence[Publication]) -> None:
        for publication in publications:
            paths = sorted(publication.staging.iterdir())
            if self.ctx.config.output.fsync:
                flush_all(paths)
            names = [path.name for path in paths if path.name != MARKER]
            publication.commit([*names, MARKER])
            self.known.add(self.layout.stack.root, publication.target.name)
        self.known.save(self.layout.stack.root)


@contextmanager
def publisher(layout: Layout, known: Record, ctx: Context, name: str) -> Iterator[Publisher]:
    """Publish patches beside the block; all are there at its end, or an error is raised.

    Where the block fails, what it has given to publish comes to its place nevertheless; if it does
    not, a warning says why.
    """
    with ExitStack() as staged, ThreadPoolExecutor(1, "publish") as beside:
        made = Publisher(layout, known, ctx, name, staged, beside)
        try:
            yield made
        except Exception:
            if made.under_way is not None and (lost := made.under_way.exception()):
                ctx.warn(f"what was made before could not be published: {lost}")
            raise
        made.end()
