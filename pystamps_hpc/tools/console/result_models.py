"""What the console answers of results, as types; see ``models``."""

from pydantic import BaseModel

Number = float | None


class Extent(BaseModel):
    """A part of the earth [deg]; longitudes may go on beyond 180."""

    west: float
    south: float
    east: float
    north: float


class LayerType(BaseModel):
    """A layer there can be: one number of the ``points``, or one of the value ``types``.

    Its columns are ``one``, ``images`` or ``interferograms``; ``none`` of a panel.
    """

    name: str
    group: str
    meaning: str
    unit: str
    columns: str


class IfgColumn(BaseModel):
    """A column of a value type."""

    number: int
    date: str


class MapFacts(BaseModel):
    """What there is to be shown of a dataset."""

    points: int
    placed: int
    extent: Extent
    types: list[LayerType]
    images: list[IfgColumn]
    interferograms: list[IfgColumn]
    first: str


class LayerFacts(BaseModel):
    """What is written beside a map; ``low`` and ``high`` are the usual ends of its colours."""

    name: str
    ifg: int | None
    meaning: str
    unit: str
    sign: str
    reference: str
    dates: str
    points: int
    with_value: int
    colours: str
    palette: list[str]
    low: float
    high: float
    label: str
    takes_reference: bool


class Near(BaseModel):
    """The PS next to a place, and the value of the layer there."""

    ps: int
    longitude: float
    latitude: float
    away_m: float
    height: Number
    coherence: Number
    velocity: Number
    value: Number
    unit: str


class Wave(BaseModel):
    """The model of acceleration and yearly wave: days since the master, displacement [mm]."""

    days: list[float]
    displacement: list[Number]


class PlaceSeries(BaseModel):
    """The series of a place [mm], its line, and what is far from it."""

    ps: int
    longitude: float
    latitude: float
    points: int
    height: Number
    coherence: Number
    displacement: list[Number]
    spread: list[Number] | None
    velocity: Number
    velocity_deviation: Number
    rmse: Number
    line: list[Number]
    band: list[Number]
    outliers: list[bool]
    wave: Wave | None


class SeriesAnswer(BaseModel):
    """Series of places at the same dates."""

    value_type: str
    meaning: str
    unit: str
    velocity_unit: str
    sign: str
    reference: str
    master: str
    dates: list[str]
    minus: int | None
    radius: float | None
    series: list[PlaceSeries]


class Mean(BaseModel):
    """A part of a profile."""

    distance_m: float
    mean: float
    deviation: float
    points: int


class ProfileAnswer(BaseModel):
    """Values along a line, and their means in equal parts."""

    meaning: str
    unit: str
    sign: str
    reference: str
    dates: str
    length_m: float
    width_m: float
    points: int
    ps: list[int]
    distance_m: list[float]
    values: list[Number]
    means: list[Mean]


class DropAnswer(BaseModel):
    """What a run would do with another ``drop_ifg_index``."""

    drop_ifg_index: list[int]
    stages: list[int]
    products: bool
    refused: str
    told: list[str]


class SheetAnswer(BaseModel):
    """What a panel of small maps shows."""

    kind: str
    value_type: str
    meaning: str
    unit: str
    sign: str
    reference: str
    colours: str
    palette: list[str]
    low: float
    high: float
    label: str
    maps: list[IfgColumn]
