"""What a user looks at after stage 8: the velocity map and the table of time series."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ...dataset.inside import within
from ...errors import PublishError, PystampsError, explained
from ...parallel.team import Team
from ...pipeline import LAST_STAGE
from ...pipeline.presence import PRODUCTS
from ...pipeline.product_origins import UNFINISHED, Origin, read_origins, write_origin
from ...pipeline.types import PipelineReport
from .origin import differences, origin_now, what_is_not_known
from .velocity_csv import velocity_csv
from .velocity_map import velocity_map

__all__ = ["make_products", "velocity_csv", "velocity_map"]


def make_products(report: PipelineReport, team: Team) -> None:
    """Draw the map and write the table of a finished stage 8, and add them to the report.

    They are made when one of them is missing, or was made from something else than what is there;
    of a dry run it is told which. Files that were not made here are replaced with ``--force``
    alone. A product that cannot be written, or was lost and cannot be made, is a failure of the
    run; the results stand.
    """
    team.on_root(lambda: _make_all(report))


def _make_all(report: PipelineReport) -> None:
    root = Path(report.dataset)
    status = next((row.status for row in report.results if row.stage_id == LAST_STAGE), "")
    if status not in ("completed", "skipped_existing", "planned"):
        return
    value_type = report.config["output"]["mean_v_type"]
    origins = read_origins(root)
    makers = {"velocity.png": velocity_map, "velocity.csv": velocity_csv}
    for name, make in makers.items():
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
        else:
            _make(make, root, name, origin, known, report)
    if status != "planned":
        report.warnings += what_is_not_known(root, value_type)


def _make(
    make: Callable[..., Path],
    root: Path,
    name: str,
    origin: Origin,
    known: Origin | None,
    report: PipelineReport,
) -> None:
    """Make one product; from now on it counts as ours, also if that is interrupted."""
    lost = known is not None or _lies_there(root, name)
    path = within(root, "products") / name
    try:
        write_origin(root, name, known or UNFINISHED)
        path.parent.mkdir(exist_ok=True)
        make(root, path, report.config["output"]["mean_v_type"])
        write_origin(root, name, origin)
    except Exception as error:
        told = explained(error, name)
        if told is None:
            raise
        _without(root, path, error, told, lost, report)
        if not lost and not _lies_there(root, name):
            with suppress(OSError, PystampsError):  # then it counts as ours, and as unfinished
                write_origin(root, name, None)
    else:
        report.products[name] = str(path)
        report.made.append(name)


def _lies_there(root: Path, name: str) -> bool:
    return any((root / file).exists() for file in PRODUCTS[name])


def _refuse(name: str, present: list[str], report: PipelineReport) -> None:
    """Tell that files are in the way which were not made here."""
    told = (
        f"{', '.join(present)}: not made by pystamps-hpc; move away what is to be kept, or insist "
        "with --force"
    )
    if report.dry_run:
        report.warnings.append(f"no {name}: {told}")
    else:
        report.not_made[name] = told


def _without(
    root: Path, path: Path, error: Exception, told: str, lost: bool, report: PipelineReport
) -> None:
    """Tell that a product could not be made; what was made from something else goes."""
    with suppress(OSError):
        for name in PRODUCTS[path.name]:
            (root / name).unlink(missing_ok=True)
    if lost or isinstance(error, PublishError) or not isinstance(error, PystampsError):
        report.not_made[path.name] = told
    else:
        report.warnings.append(f"no {path.name}: {told}")
