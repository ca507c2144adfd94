"""Datasets and their runs."""

from importlib.metadata import version

from fastapi import APIRouter

from ..models import Served, ServedDataset
from ..trees import Trees


def router(trees: Trees, allow_run: bool = False) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["runs"])

    @routes.get("/datasets")
    def datasets() -> Served:
        """List the datasets that are served."""
        found = [
            ServedDataset(number=k, name=root.name, path=str(root))
            for k, root in enumerate(trees.roots)
        ]
        return Served(version=version("pystamps-hpc"), allow_run=allow_run, datasets=found)

    return routes
