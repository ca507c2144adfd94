"""What the console answers, as types: they check what goes out, and describe it to programs."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ...pipeline import LAST_STAGE


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


class Stage(BaseModel):
    """A stage: its number and title."""

    stage: int
    title: str


class StageMatrix(BaseModel):
    """The state of every stage: a letter each, which ``legend`` explains."""

    stages: list[Stage]
    merged_stages: list[Stage]
    patches: list[str]
    cells: list[str] = Field(description="letters of the stages of each patch")
    merged: str = Field(description="letters of the merged stages")
    pending: int = Field(description="targets that the next answer will tell of")
    legend: dict[str, str]
    run_ids: list[str] = Field(description="runs that are shown over what is on the disk")


class Run(BaseModel):
    """A run, without its tasks."""

    run_id: str
    state: str = Field(description="running, finished, stopped, failed, dead or silent")
    why: str
    command: list[str]
    started_utc: str | None
    finished_utc: str | None
    last_utc: str | None = Field(description="last sign of life of one without an end")
    wall_sec: float | None
    exit_code: int | None
    counts: dict[str, int]
    compiling: str


class Job(BaseModel):
    """The run that this console has started last."""

    pid: int
    arguments: list[str]
    started_utc: str
    exit_code: int | None
    stopping: bool
    last_words: str = Field(description="the end of what it wrote to standard error")


class RunList(BaseModel):
    """The runs of a dataset, newest first."""

    runs: list[Run]
    more: int = Field(description="older runs that are not listed")
    locked_by: list[dict[str, Any]]
    job: Job | None


class Task(BaseModel):
    """A task of a run."""

    stage: int
    scope: str
    target: str
    state: str
    rank: int | None
    started_sec: float | None = Field(description="seconds since 1970")
    started_utc: str | None
    seconds: float | None
    fraction: float | None = Field(description="finished share of the step it is at")
    text: str
    reason: str


class TaskList(BaseModel):
    """The tasks that have changed since a cursor."""

    tasks: list[Task]
    next: str


class EventList(BaseModel):
    """Events of a run, and the cursor behind the last."""

    events: list[dict[str, Any]]
    next: str


class LogText(BaseModel):
    """A part of the log of a run, and the byte behind it."""

    text: str
    next: int


class Start(BaseModel):
    """What run to start."""

    model_config = ConfigDict(extra="forbid")
    start: int = Field(1, ge=1, le=LAST_STAGE)
    end: int = Field(LAST_STAGE, ge=1, le=LAST_STAGE)
    force: bool = False


class Nothing(BaseModel):
    """The empty body of a request that says it all by its path."""

    model_config = ConfigDict(extra="forbid")


class Change(BaseModel):
    """A new value of a parameter as it would be typed; without one the default again."""

    model_config = ConfigDict(extra="forbid")
    value: str | None = Field(None, max_length=2000)
    patch: str = Field("", description="patch in which alone it holds")


class Consequences(BaseModel):
    """What would follow from a change of a parameter, in sentences."""

    name: str
    value: Any
    follows: list[str]
