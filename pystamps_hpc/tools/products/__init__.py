"""What a user looks at after stage 8: the velocity map and the table of time series."""

from contextlib import suppress
from pathlib import Path

from ...dataset.inside import within
from ...errors import PublishError, PystampsError, explained
from ...pipeline.presence import PRODUCTS
from ...pipeline.state import TargetState
from ...pipeline.table import tasks
from ...pipeline.types import PipelineReport
from .origin import differences, origin_now
from .velocity_csv import velocity_csv
from .velocity_map import velocity_map

__all__ = ["make_products", "velocity_csv", "velocity_map"]


def make_products(report: PipelineReport) -> None:
    """Draw the map and write the table of a finished stage 8, and add them to the report.

    They are made when one of them is missing, or was made from something else than what is there.
    One that cannot be written is a failure of the run; the results stand.
    """
    root = Path(report.dataset)
    last = tasks()[-1].spec.number
    status = next((row.status for row in report.results if row.stage_id == last), "")
    if status not in ("completed", "skipped_existing"):
        return
    value_type = report.config["output"]["mean_v_type"]
    state = TargetState.load(root)
    makers = {"velocity.png": velocity_map, "velocity.csv": velocity_csv}
    for name, make in makers.items():
        path = within(root, "products") / name
        known = state.products.get(name)
        origin = origin_now(root, value_type, known)
        there = all((root / file).exists() for file in PRODUCTS[name])
        if there and known and not differences(known, origin):
            continue
        state.products.pop(name, None)
        try:
            path.parent.mkdir(exist_ok=True)
            make(root, path, value_type)
        except Exception as error:
            told = explained(error, name)
            if told is None:
                raise
            _without(root, path, error, told, report)
            continue
        state.products[name] = origin
        report.products[name] = str(path)
    state.save()


def _without(root: Path, path: Path, error: Exception, told: str, report: PipelineReport) -> None:
    """Tell that a product could not be made; what was made from something else goes."""
    with suppress(OSError):
        for name in PRODUCTS[path.name]:
            (root / name).unlink(missing_ok=True)
    if isinstance(error, PublishError) or not isinstance(error, PystampsError) or path.exists():
        report.not_made[path.name] = told
    else:
        report.warnings.append(f"no {path.name}: {told}")
