"""What a plain ``run`` would do on a dataset: for who asks what is next."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from shlex import quote

from ..dataset.schema import POINTS
from ..dataset.tree import Dataset
from ..errors import PystampsError
from ..stages.base import Mode
from .finished import Finished
from .plan import NAMED, PlannedTask, Planner
from .presence import product_files
from .request import Request
from .run_parameters import read_parameters
from .table import stage_numbers, tasks


@dataclass(frozen=True)
class Outlook:
    """What a plain ``run`` would do.

    Parameters
    ----------
    stages : tuple of int
        Stages of which it would do something.
    products : bool
        Whether products of a run go with it.
    refused : str
        Why it would refuse to begin; empty if it would not.
    """

    stages: tuple[int, ...] = ()
    products: bool = False
    refused: str = ""

    @property
    def text(self) -> str:
        """Name the stages and the products: ``stages 6-8, products``."""
        return named(self.stages, self.products)


def outlook(finished: Finished) -> Outlook:
    """Plan a run of all stages, without a look at the candidates themselves."""
    request = Request(start=first_stage(finished.dataset))
    try:
        plan = _plan(finished, request)
    except PystampsError as error:
        return Outlook(refused=str(error))
    due = [planned for planned in plan if planned.action == "run"]
    stages = tuple(sorted({planned.stage for planned in due}))
    return Outlook(stages, _removes_products(due))


def first_stage(dataset: Dataset) -> int:
    """Return the stage with which a run begins: of merged points without patches the next one."""
    merged = not dataset.patches and (dataset.root / f"{POINTS[0]}.mat").exists()
    return stage_numbers("merged")[0] + 1 if merged else 1


def _plan(finished: Finished, request: Request) -> list[PlannedTask]:
    """Plan with the parameters as stored; before stage 1 with those in the processor's files."""
    try:
        return Planner(finished, request).plan()
    except PystampsError:
        known, _ = read_parameters(finished.dataset, request.window, needed=False)
        ahead = Finished(finished.dataset, finished.config, known, finished.kernels)
        return Planner(ahead, request).plan()


def configured(file: str) -> str:
    """Return the option with which an advised command names the configuration file, if any."""
    return f" --config {quote(file)}" if file else ""


def _removes_products(due: list[PlannedTask]) -> bool:
    names = set(product_files())
    return any(names.intersection(planned.invalidates) for planned in due)


def named(stages: Collection[int], products: bool = False) -> str:
    """Name stages, and whether the products are meant too: ``stages 2-5, 7, products``."""
    spans: list[list[int]] = []
    for stage in sorted(stages):
        if spans and stage == spans[-1][-1] + 1:
            spans[-1].append(stage)
        else:
            spans.append([stage])
    listed = ", ".join(f"{s[0]}-{s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)
    word = "stage" if len(set(stages)) == 1 else "stages"
    return f"{word} {listed}" + (", products" if products else "")


def shortened(names: Sequence[str]) -> str:
    """Name files, those of several patches once; of many the first, and how many there are."""
    distinct = list(dict.fromkeys(name.rpartition("/")[2] for name in names))
    more = " ..." * (len(distinct) > NAMED) + f" ({len(names)} files)" * (len(names) > NAMED)
    return ", ".join(distinct[:NAMED]) + more


def built_on(dataset: Dataset, stage: int, mode: Mode) -> str:
    """Name a stage with all that is made from its results."""
    later = {row.spec.number for row in tasks(mode) if row.spec.number >= stage}
    return named(later, any((dataset.root / name).exists() for name in product_files()))
