"""What of the chain runs natively here, and what is certified."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ....errors import ConfigError
from ....pipeline import LAST_STAGE
from ....pipeline.table import stage_numbers
from ...backends import describe_backend_matrix
from ...inputs import describe_inputs
from ...verification.coverage import native_coverage
from ..answers import document
from ..trees import Trees


def router(trees: Trees) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["coverage"])
    stage = Annotated[int, Query(ge=1, le=LAST_STAGE)]

    @routes.get("/coverage")
    def coverage(start: stage = 1, end: stage = LAST_STAGE) -> Response:
        """Say which stages run natively and which are certified, as `coverage` does."""
        return document(native_coverage(start, end))

    @routes.get("/backends")
    def backends() -> Response:
        """Say which kernels run on which backend here, as `describe-backends` does."""
        return document(describe_backend_matrix(trees.config))

    @routes.get("/inputs")
    def inputs(stage: Annotated[str, Query(pattern=r"^(all|\d(,\d){0,7})$")] = "all") -> Response:
        """Say what stages read, as `describe-inputs` does."""
        known = stage_numbers()
        numbers = list(known) if stage == "all" else [int(word) for word in stage.split(",")]
        if unknown := [number for number in numbers if number not in known]:
            raise ConfigError(f"unsupported stage: {unknown[0]}")
        return document(describe_inputs(numbers))

    return routes
