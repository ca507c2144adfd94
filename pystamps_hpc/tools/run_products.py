"""What a run leaves for people after stage 8: map, table, and exports that are asked for."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..config import RunConfig
from ..config.products import USUAL
from ..dataset.inside import within
from ..errors import PublishError, PystampsError, explained
from ..parallel.team import Team
from ..pipeline import LAST_STAGE
from ..pipeline.events import Event, TaskStarted, Watcher
from ..pipeline.presence import PRODUCTS
from ..pipeline.product_origins import UNFINISHED, Origin, read_origins, write_origin
from ..pipeline.types import PipelineReport
from .drawing.page import load_matplotlib_beside
from .export import format_that_writes
from .products.origin import differences, origin_now, what_is_not_known


@dataclass(frozen=True)
class _Due:
    """A product to make, from what, and whether there was one before: ours, or another's."""

    name: str
    origin: Origin
    ours: bool
    foreign: bool


def make_products(report: PipelineReport, team: Team) -> None:
    """Make the products of a finished stage 8 that the configuration names; add them to the report.

    They are made when one of them is missing, or was made from something else than what is there;
    of a dry run it is told which. Files that were not made here are replaced with ``--force``
    alone. A product that cannot be written, or was lost and cannot be made, is a failure of the
    run; the results stand. Collective: each rank makes other products.
    """
    due = team.on_root(lambda: _due_products(report))
    root, value_type = Path(report.dataset), report.config["output"]["mean_v_type"]
    failures = team.map_tasks(
        lambda each: _failure(root, each.name, value_type), due, None, _untold
    )
    team.on_root(lambda: _tell(due, failures, root, report))


def require_products(config: RunConfig) -> None:
    """Refuse exports whose libraries are not installed, before anything is computed for them.

    Raises
    ------
    ToolMissingError
        One is missing.
    """
    exports = [name for name in config.output.products if name not in USUAL]
    if exports:
        from .export.write import require_modules

        for name in exports:
            require_modules(format_that_writes(name))


def loading_beside(watcher: Watcher, config: RunConfig) -> Watcher:
    """Return a watcher of rank 0 that loads what the map needs while merged stages are at work."""
    waiting = "velocity.png" in config.output.products

    def watch(event: Event) -> None:
        nonlocal waiting
        if waiting and isinstance(event, TaskStarted) and event.scope == "merged":
            waiting = False
            load_matplotlib_beside()
        watcher(event)

    return watch


def _untold(share: float) -> None:
    """Tell nobody how far the products are."""


def _due_products(report: PipelineReport) -> list[_Due]:
    """Return what is to be made; it counts as ours from now on, also if that is interrupted."""
    root = Path(report.dataset)
    status = next((row.status for row in report.results if row.stage_id == LAST_STAGE), "")
    if status not in ("completed", "skipped_existing", "planned"):
        return []
    value_type = report.config["output"]["mean_v_type"]
    origins, due = read_origins(root), []
    for name in report.config["output"]["products"]:
        known = origins.get(name)
        origin = origin_now(root, value_type, known)
        present = [file for file in PRODUCTS[name] if (root / file).exists()]
        complete = len(present) == len(PRODUCTS[name])
        if status != "planned" and complete and known and not differences(known, origin):
            if not report.dry_run:
                report.products[name] = str(within(root, "products") / name)
            continue
        if present and known is None and not report.force:
            _refuse(name, present, report)
        elif report.dry_run:
            report.would_make.append(f"products/{name}")
        elif told := _not_begun(root, name, known):
            report.not_made[name] = told
        else:
            ours = known is not None
            due.append(_Due(name, origin, ours, not ours and bool(present)))
    if status != "planned":
        report.warnings += what_is_not_known(root, value_type)
    return due


def _not_begun(root: Path, name: str, known: Origin | None) -> str | None:
    """Note that a product is being made; return why that was not possible."""
    try:
        write_origin(root, name, known or UNFINISHED)
        within(root, "products").mkdir(exist_ok=True)
    except (OSError, PystampsError) as error:
        return explained(error, name)
    return None


def _failure(root: Path, name: str, value_type: str) -> tuple[str, bool] | None:
    """Make a product; return why it could not be made, and whether it is one of our errors."""
    from .export.write import export
    from .products.velocity_csv import velocity_csv
    from .products.velocity_map import velocity_map

    path = within(root, "products") / name
    try:
        if name == "velocity.png":
            velocity_map(root, path, value_type)
        elif name == "velocity.csv":
            velocity_csv(root, path, value_type)
        else:
            export(root, format_that_writes(name).name, path=path, force=True, usual=value_type)
    except Exception as error:
        told = explained(error, name)
        if told is None:
            raise
        ours = isinstance(error, PystampsError) and not isinstance(error, PublishError)
        return told, ours
    return None


def _tell(
    due: list[_Due],
    failures: list[tuple[str, bool] | None],
    root: Path,
    report: PipelineReport,
) -> None:
    """Keep what was made from what, and tell it to the report."""
    for each, failure in zip(due, failures, strict=True):
        if failure is None:
            failure = _not_kept(root, each)
        if failure is None:
            report.products[each.name] = str(within(root, "products") / each.name)
            report.made.append(each.name)
            continue
        told, ours = failure
        if not each.foreign:  # that was to be replaced, and was not
            _without(root, each.name)
        if each.ours or each.foreign or not ours:
            report.not_made[each.name] = told
        else:
            report.warnings.append(f"no {each.name}: {told}")
        if each.foreign or not (each.ours or _lies_there(root, each.name)):
            with suppress(OSError, PystampsError):  # then it counts as ours, and as unfinished
                write_origin(root, each.name, None)


def _not_kept(root: Path, made: _Due) -> tuple[str, bool] | None:
    """Keep what a product was made from; return why that was not possible."""
    try:
        write_origin(root, made.name, made.origin)
    except (OSError, PystampsError) as error:
        return explained(error, made.name) or str(error), False
    return None


def _lies_there(root: Path, name: str) -> bool:
    return any((root / file).exists() for file in PRODUCTS[name])


def _refuse(name: str, present: list[str], report: PipelineReport) -> None:
    """Tell that files are in the way which were not made here."""
    told = (
        f"{', '.join(present)}: not made by a run of pystamps-hpc; move away what is to be kept, "
        "or insist with --force"
    )
    if report.dry_run:
        report.warnings.append(f"no {name}: {told}")
    else:
        report.not_made[name] = told


def _without(root: Path, name: str) -> None:
    """Remove what is left of a product: it was made from something else."""
    with suppress(OSError):
        for file in PRODUCTS[name]:
            (root / file).unlink(missing_ok=True)
