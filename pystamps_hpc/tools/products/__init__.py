"""What a user looks at after stage 8: the velocity map and the table of time series."""

from pathlib import Path

from ...errors import PystampsError
from ...pipeline.types import PipelineReport
from .velocity_csv import velocity_csv
from .velocity_map import velocity_map

__all__ = ["make_products", "velocity_csv", "velocity_map"]


def make_products(report: PipelineReport) -> None:
    """Draw the map and write the table of a finished stage 8, and add them to the report.

    They are made when stage 8 has run, or when one of them is missing.
    """
    root = Path(report.dataset)
    status = next((row.status for row in report.results if row.stage_id == 8), "")
    for name, make in (("velocity.png", velocity_map), ("velocity.csv", velocity_csv)):
        path = root / "products" / name
        if status == "completed" or (status == "skipped_existing" and not path.exists()):
            try:
                path.parent.mkdir(exist_ok=True)
                make(root, path)
            except (PystampsError, OSError) as error:
                report.warnings.append(f"no {name}: {error}")
                continue
            report.products[name] = str(path)
