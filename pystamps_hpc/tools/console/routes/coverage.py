"""Coverage."""

from fastapi import APIRouter

from ..trees import Trees


def router(trees: Trees) -> APIRouter:
    """Return the routes."""
    return APIRouter(tags=["coverage"])
