"""What a run would do, asked of the pipeline itself."""

from typing import Any

from ...errors import ConfigError
from ...parallel.team import SerialTeam
from ...pipeline.stages import run_pipeline
from ...pipeline.types import PipelineContext
from ..run_products import make_products
from .trees import Trees


def dry_run(trees: Trees, number: int, start: int, end: int) -> dict[str, Any]:
    """Return the report of a dry run of some stages; nothing is written or locked.

    Raises
    ------
    ConfigError
        The first stage is after the last.
    PystampsError
        The run would refuse to begin.
    """
    if start > end:
        raise ConfigError(f"stage {start} is after stage {end}")
    context = PipelineContext(
        trees.root(number),
        trees.config,
        start_step=start,
        end_step=end,
        dry_run=True,
        config_file=trees.config_file,
    )
    return run_pipeline(context, team=SerialTeam(), finish=make_products).to_json()
