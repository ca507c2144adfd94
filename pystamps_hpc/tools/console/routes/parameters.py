"""Processing parameters: what they are, what a change would outdate, and the change itself."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from ....dataset.parameters import Parameters
from ....dataset.tree import Dataset
from ...consequences import if_changed
from ...parameter_changes import (
    change,
    changed_value,
    described,
    explained,
    parameters_of,
    typed_value,
)
from .. import models
from ..answers import document
from ..trees import Trees, among

COMMAND = ("console", "parms")
"""What the lock says while a parameter is changed."""

Patch = Annotated[str, Query(max_length=255)]
Value = Annotated[str | None, Query(max_length=2000)]


def router(trees: Trees) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["parameters"])

    def known_of(number: int, patch: str) -> tuple[Dataset, str | None, Parameters]:
        dataset = trees.dataset(number)
        name = among(patch, dataset.patches, "patch") if patch else None
        return dataset, name, parameters_of(dataset, name)

    @routes.get("/datasets/{number}/parameters")
    def all_of_them(number: int, patch: Patch = "") -> Response:
        """List the parameters: value, source, default, meaning, what runs again after a change."""
        _, _, known = known_of(number, patch)
        names = sorted(known.names, key=str.lower)
        return document({"parameters": {name: explained(known, name) for name in names}})

    @routes.get("/datasets/{number}/parameters/{name}/consequences")
    def consequences(
        number: int, name: str, value: Value = None, patch: Patch = ""
    ) -> models.Consequences:
        """Say what would follow from a change; without a value, from the default."""
        dataset, place, known = known_of(number, patch)
        full = among(name, known.names, "parameter")
        wanted, notes = (None, []) if value is None else typed_value(full, value.split())
        after = changed_value(dataset, known, full, wanted, bool(place))
        follows = if_changed(
            dataset,
            trees.config,
            full,
            float("nan") if wanted is None else wanted,
            place or "",
            trees.config_file,
        )
        now: Any = described(after, full)["value"]
        return models.Consequences(name=full, value=now, follows=[*notes, *follows])

    @routes.post("/datasets/{number}/parameters/{name}")
    def set_one(number: int, name: str, wanted: models.Change) -> Response:
        """Change a parameter, or give it its default again."""
        dataset, place, known = known_of(number, wanted.patch)
        full = among(name, known.names, "parameter")
        words = None if wanted.value is None else wanted.value.split()
        _, row = change(
            dataset, place, full, words, bool(place), COMMAND, trees.config, trees.config_file
        )
        return document({"name": full, **row})

    return routes
