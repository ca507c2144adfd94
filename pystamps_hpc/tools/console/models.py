"""What the console answers, as types: they check what goes out and make the description of it."""

from pydantic import BaseModel


class ServedDataset(BaseModel):
    """A dataset that the console serves."""

    number: int
    name: str
    path: str


class Served(BaseModel):
    """What the console serves, and whether it may change things."""

    version: str
    allow_run: bool
    datasets: list[ServedDataset]
