"""The results of a dataset as the console shows them: read when asked for, kept while true."""

import hashlib
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from ...config import RunConfig
from ...errors import ConfigError, DatasetError, PystampsError
from ...stages.shared.value_types import value_type
from ..products.artifacts import MergedArtifacts
from ..products.points import Points, read_points
from ..products.result import stored_type
from .layers import COHERENCE, OF_TABLE, VELOCITY, Layer, columns_are, read_layer
from .places import Places, require_place
from .store import NotYet, Store
from .trees import Trees

BYTES_OF_POINT = 150
"""What a point takes in memory besides its layers: positions, numbers, coordinates."""

DOWNLOADED = ("id", "longitude", "latitude", "height", "coherence", "velocity",
              "velocity_deviation", "rmse")  # fmt: skip
"""Columns of series and downloads, without those of the dates."""


def served_results(trees: Trees, store: Store) -> Callable[[int], "Results"]:
    """Return what gives the results of a served dataset by its number."""
    return lambda number: Results(trees.root(number), store, trees.config)


@dataclass(frozen=True)
class Kept:
    """A result that does not say its size."""

    value: Any
    nbytes: int


@dataclass(frozen=True)
class Stated:
    """A result, and of which state of the files it is."""

    value: Any
    state: str


class Results:
    """What is shown of a dataset.

    Parameters
    ----------
    root : Path
        The dataset.
    store : Store
        Keeps what was computed; those of several datasets share it.
    config : RunConfig
        Arithmetic of means.

    Notes
    -----
    A result is of the artifacts as they are: when one is replaced, it is computed anew. An object
    serves one request: it looks once at how they are.
    """

    def __init__(self, root: Path, store: Store, config: RunConfig) -> None:
        self.root, self.store, self.config = root, store, config

    @cached_property
    def state(self) -> str:
        """What changes with every artifact of the root, 16 characters; as it was first asked for.

        What is kept of other states is forgotten.
        """
        known = []
        for file in sorted(self.root.glob("*.mat")):
            try:
                found = file.stat()
            except FileNotFoundError:  # a run has just replaced it
                continue
            known.append((file.name, found.st_mtime_ns, found.st_size))
        now = hashlib.blake2b(repr(known).encode(), digest_size=8).hexdigest()
        home = str(self.root)
        self.store.forget(lambda key: key[0] == home and key[1] not in (now, ""))
        return now

    def kept(self, of_what: Hashable, compute: Callable[[], Any]) -> Any:
        """Return a result of the artifacts as they are; NotYet while it is being computed."""
        return self.store.get((str(self.root), self.state, of_what), compute)

    def latest(self, of_what: Hashable, state: str, compute: Callable[[], "Stated"]) -> Any:
        """Return a result of a state of other files, or the last one while a newer one is made.

        NotYet before there is any.
        """
        key = (str(self.root), "", of_what)
        known: Stated = self.store.known(key) or self.store.get(key, compute)
        if known.state != state:
            self.store.begin(key, compute, again=True)
        return known.value

    def found(self) -> MergedArtifacts:
        """Return the dataset."""
        kept: Kept = self.kept("found", self._read_found)
        return kept.value  # type: ignore[no-any-return]

    def places(self) -> Places:
        """Return where the points are."""
        found: Places = self.kept("places", self._read_places)
        return found

    def layer(self, name: str = "", ifg: int = 0) -> Layer:
        """Return a layer; without a name that of :meth:`first`. `ifg` is a column, 0 none.

        Raises
        ------
        NotYet
            It is being computed.
        ConfigError, DatasetError, MatError, StageError
            As of ``read_layer``.
        """
        name = name or self.first()
        columns = "one"
        if name not in OF_TABLE:
            kind = value_type(name, self.found().small_baselines)
            name, columns = kind.name, columns_are(kind)
        if ifg < 0:
            raise ConfigError(f"ifg {ifg}: must be a number from 1")
        if columns == "one":
            ifg = 0  # or the same would be kept once for each
        found: Layer = self.kept(("layer", name, ifg), partial(self._read_layer, name, ifg))
        return found

    def first(self) -> str:
        """Return the layer that is shown first: velocity, before it can be known coherence.

        Before stage 8 the usual velocity is fitted to what stages 6 and 7 left.
        """
        made_of = ("phuw2", "scla2")
        if self.found().small_baselines:
            made_of = ("phuw_sb2", "scla_sb2")
        known = all((self.root / f"{artifact}.mat").exists() for artifact in made_of)
        with suppress(PystampsError):  # a damaged one is told where it is shown
            known = known or stored_type(self.root) is not None
        return VELOCITY if known else COHERENCE

    def number(self, name: str, point: int) -> float | None:
        """Return a number of a sorted point; None where it is not known, or not yet."""
        try:
            return finite(self.layer(name).values[point])
        except (PystampsError, NotYet):
            return None

    def table(self) -> Points:
        """Return the table of points with the displacements; raises as :meth:`layer`."""
        kept: Kept = self.kept("table", self._read_table)
        return kept.value  # type: ignore[no-any-return]

    def prepare(self) -> None:
        """Have the displacements prepared that a click will ask for."""
        if self.first() == VELOCITY:
            self.store.begin((str(self.root), self.state, "table"), self._read_table)

    def row_of(self, ps: int) -> int:
        """Return the row of a PS of which the number is given; DatasetError if there is none."""
        n_ps = self.found().n_ps
        if not 1 <= ps <= n_ps:
            raise DatasetError(f"PS {ps}: there are 1 to {n_ps:,}")
        return ps - 1

    def _read_found(self) -> Kept:
        found = MergedArtifacts(self.root, self.config)
        return Kept(found, BYTES_OF_POINT * found.n_ps)

    def _read_places(self) -> Places:
        return Places.of(self.found().points["lonlat"])

    def _read_layer(self, name: str, ifg: int) -> Layer:
        return read_layer(self.found(), self.places().order, name, ifg, self.config)

    def _read_table(self) -> Kept:
        points = read_points(self.root, config=self.config, columns=DOWNLOADED)
        return Kept(points, BYTES_OF_POINT * len(points))


def finite(value: float) -> float | None:
    """Return a number; None of one that is none."""
    return round(float(value), 4) if np.isfinite(value) else None


@dataclass(frozen=True)
class Area:
    """A reference area that was chosen on the map.

    Parameters
    ----------
    longitude, latitude : float
        Its centre [deg].
    radius : float
        [m]
    """

    longitude: float
    latitude: float
    radius: float

    @classmethod
    def of(cls, text: str) -> "Area | None":
        """Read ``lon,lat,radius``; None of an empty text."""
        if not text:
            return None
        try:
            longitude, latitude, radius = map(float, text.split(","))
        except ValueError:
            raise ConfigError(
                f"ref {text}: must be longitude, latitude and radius in m, such as 12.3,44.1,200"
            ) from None
        require_place(longitude, latitude)
        if not 0 < radius < np.inf:
            raise ConfigError(f"ref {text}: must have a positive radius in m")
        return cls(longitude, latitude, radius)

    def sorted_points(self, places: Places) -> Any:
        """Return which of the sorted points lie in it; DatasetError if none does."""
        found = places.around(self.longitude, self.latitude, self.radius)
        if not len(found):
            raise DatasetError(
                f"no PS within {self.radius:g} m of {self.longitude:.5f}, {self.latitude:.5f}; "
                "choose a larger reference area or another place"
            )
        return found

    def text(self, n_points: int) -> str:
        """Say what values are relative to."""
        return (
            f"the mean of {n_points:,} PS within {self.radius:g} m of {self.longitude:.5f}, "
            f"{self.latitude:.5f}, chosen on the map"
        )
