"""The network of interferograms: which images they join, when, how far apart, and their numbers.

A single-master stack and small baselines are two values of one class. What StaMPS counts, in its
lists and its files, are *columns*: those of a single-master stack are the images, so that the
master has one too, although it makes no interferogram with itself. Inside there is none, see
``null`` in :mod:`pystamps_hpc.dataset.schema`, but where the arithmetic includes the master's own
phase; there :meth:`Ifgs.with_master` puts it in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from ...dataset import border
from ...dataset.rows import FloatArray, IntArray, with_column
from ...dataset.schema import key
from ...errors import StageError


@dataclass(frozen=True)
class Ifgs:
    """Interferograms as pairs of images.

    Parameters
    ----------
    pairs : (n_ifg, 2) int64
        First and second image of each, from 0.
    bperp : (n_ifg,) float32 or float64
        Perpendicular baseline of each [m].
    day : (n_image,) float64
        Acquisition of each image, MATLAB day numbers, ascending.
    master_day : float
        Day from which times are counted.
    master : int or None
        Image that all pairs begin with; None for small baselines.
    """

    KEYS = ("bperp", "day", "master_day", "master_ix", "n_ifg", "n_image", "ifgday", "ifgday_ix")
    """Keys of ``ps1`` and ``ps2`` that hold the network; the last two of small baselines only."""

    pairs: IntArray
    bperp: FloatArray
    day: FloatArray
    master_day: float
    master: int | None

    @classmethod
    def of_master(
        cls, master: int, bperp: FloatArray, day: FloatArray, master_day: float
    ) -> "Ifgs":
        """Return the network of a single-master stack."""
        others = np.delete(np.arange(len(day)), master)
        pairs = np.stack((np.full_like(others, master), others), axis=1)
        return cls(pairs, bperp, day, master_day, master)

    @classmethod
    def of_keys(cls, keys: Mapping[str, Any]) -> "Ifgs":
        """Return the network that :attr:`KEYS` hold.

        Raises
        ------
        StageError
            The master, or an image of a pair, is none of the images.
        """
        day, pairs = keys["day"], keys.get("ifgday_ix")
        if pairs is not None:
            outside = pairs[(pairs < 0) | (pairs >= len(day))]
            if len(outside):
                raise StageError(f"ifgday_ix is {outside[0] + 1}, but there are {len(day)} days")
            return cls(pairs, keys["bperp"], day, keys["master_day"], None)
        master = keys["master_ix"]
        if not 0 <= master < len(day):
            raise StageError(f"master_ix is {master + 1}, but there are {len(day)} days")
        bperp = border.without_null(key("ps1", "bperp"), keys["bperp"], master)
        return cls.of_master(master, bperp, day, keys["master_day"])

    @property
    def keys(self) -> dict[str, Any]:
        """What :attr:`KEYS` hold."""
        pairs = self.pairs if self.master is None else None
        return {
            "bperp": border.with_null(key("ps1", "bperp"), self.bperp, self.master),
            "day": self.day,
            "master_day": self.master_day,
            "master_ix": self._days_before_master if self.master is None else self.master,
            "n_ifg": self.n_columns,
            "n_image": len(self.day),
            "ifgday": None if pairs is None else self.day[pairs],
            "ifgday_ix": pairs,
        }

    def __len__(self) -> int:
        """Return the number of interferograms."""
        return len(self.pairs)

    @property
    def n_columns(self) -> int:
        """Number of columns, that of the master included."""
        return len(self) + (self.master is not None)

    @cached_property
    def columns(self) -> IntArray:
        """Column of each interferogram, (n_ifg,)."""
        return np.arange(len(self)) if self.master is None else self.pairs[:, 1]

    @property
    def series(self) -> "Ifgs":
        """The images against the master, as the phase of each image is a series in time.

        A single-master stack is its own series. That of small baselines has no baselines of its
        own: they follow from those of the pairs. Raises as :attr:`master_image`.
        """
        if self.master is not None:
            return self
        n_image = len(self.day)
        return Ifgs.of_master(
            self.master_image, np.full(n_image - 1, np.nan), self.day, self.master_day
        )

    @property
    def master_image(self) -> int:
        """The image from which times are counted.

        Raises
        ------
        StageError
            None is of the master day.
        """
        if self.master is None and self.master_day not in self.day:
            raise StageError(
                f"master_day is {date_of(self.master_day)}, which is the day of none of the "
                f"{len(self.day)} images; add the master to the network"
            )
        return self._days_before_master if self.master is None else self.master

    @property
    def _days_before_master(self) -> int:
        return int(np.count_nonzero(self.day < self.master_day))

    @property
    def elapsed(self) -> FloatArray:
        """Time of each image since the master day, (n_image,) [days]."""
        return self.day - self.master_day

    @property
    def spans(self) -> FloatArray:
        """Time from the first to the second image of each column, (n_columns,) [days]."""
        if self.master is not None:
            return self.elapsed
        first, second = self.day[self.pairs].T
        return np.asarray(second - first)

    @property
    def design(self) -> FloatArray:
        """(n_ifg, n_image) matrix with -1 at the first and +1 at the second image."""
        design = np.zeros((len(self), len(self.day)))
        design[np.arange(len(self)), self.pairs[:, 0]] = -1
        design[np.arange(len(self)), self.pairs[:, 1]] = 1
        return design

    def name_of(self, column: int) -> str:
        """Name a column for messages: its number as StaMPS counts, and the days of its images."""
        return f"interferogram {column + 1} ({self.date_of(column)})"

    def of_image(self, image: int) -> IntArray:
        """Return the interferograms of an image, in order."""
        return np.flatnonzero((self.pairs == image).any(axis=1))

    def degrees(self) -> IntArray:
        """Return the number of interferograms of each image."""
        return np.bincount(self.pairs.ravel(), minlength=len(self.day))

    @property
    def islands(self) -> list[IntArray]:
        """Images that interferograms join, directly or over others; the largest island first.

        Images in no interferogram are on none.
        """
        island = np.arange(len(self.day))
        before = island[:0]
        while not np.array_equal(island, before):  # both images of a pair take the lower number
            before = island.copy()
            np.minimum.at(island, self.pairs, island[self.pairs].min(axis=1, keepdims=True))
        joined = np.flatnonzero(self.degrees())
        found = [joined[island[joined] == k] for k in np.unique(island[joined])]
        return sorted(found, key=len, reverse=True)

    def joined_to_master(self, without: IntArray) -> IntArray:
        """Return the images that interferograms join to the master, it included, ascending.

        Ways over the images `without` do not count; where these include the master, it stays.
        """
        master = self.master_image
        kept = ~np.isin(self.pairs, np.setdiff1d(without, [master])).any(axis=1)
        rest = replace(self, pairs=self.pairs[kept], bperp=self.bperp[kept])
        return next((part for part in rest.islands if master in part), np.array([master]))

    def require_connected(self) -> None:
        """Refuse a network that falls apart, or small baselines without the master.

        No phase tells how its parts move to each other, or how it moves to the master.

        Raises
        ------
        StageError
            Lists the islands by the dates of their images, or names the master.
        """
        if self.master is None and self.master_day not in self.day:
            raise StageError(
                f"none of the {len(self)} interferograms that drop_ifg_index leaves includes the "
                f"master, {date_of(self.master_day)}; shorten the list, or add one"
            )
        islands = self.islands
        if len(islands) > 1:
            parts = " | ".join(dates_of(self.day[part]) for part in islands)
            raise StageError(
                f"the interferograms that drop_ifg_index leaves fall into {len(islands)} islands "
                f"of images: {parts}; add pairs between them, or leave out those of all but one"
            )

    def only(self, chosen: IntArray) -> "Ifgs":
        """Return the network of some interferograms and of the images that occur in them."""
        images, pairs = np.unique(self.pairs[chosen], return_inverse=True)
        master = None if self.master is None else int(np.searchsorted(images, self.master))
        pairs = pairs.reshape(-1, 2)
        return Ifgs(pairs, self.bperp[chosen], self.day[images], self.master_day, master)

    def with_master(self, values: Any, at_master: Any) -> Any:
        """Put the master's column in; there is none with small baselines.

        Parameters
        ----------
        values : (..., n_ifg) array or (n_rows, n_ifg) Rows
            Values of the interferograms.
        at_master : scalar or (n_rows,) array
            Value of the master; for rows that are not in memory a scalar.

        Returns
        -------
        array or Rows
            Values of the columns.
        """
        return values if self.master is None else with_column(values, self.master, at_master)

    def master_noise(self, offset: FloatArray) -> FloatArray:
        """Return the phase offset of points, (n_ps,) [rad], as noise of the master.

        Small baselines have no image in common: zeros.
        """
        return np.zeros_like(offset) if self.master is None else offset

    def date_of(self, column: int) -> str:
        """Write the date of a column, of small baselines both: ``2020-03-01 to 2020-03-13``."""
        images = self.pairs[column] if self.master is None else [column]
        return " to ".join(date_of(day) for day in self.day[images])

    def used(self, drop_ifg_index: Sequence[int], fewest: int = 0) -> IntArray:
        """Return the interferograms that ``drop_ifg_index`` leaves; see :func:`used_columns`."""
        used = used_columns(drop_ifg_index, self.n_columns, fewest, self.master)
        return np.flatnonzero(np.isin(self.columns, used))

    def used_columns(self, drop_ifg_index: Sequence[int], fewest: int = 0) -> IntArray:
        """Return the columns that ``drop_ifg_index`` leaves; see :func:`used_columns`."""
        return used_columns(drop_ifg_index, self.n_columns, fewest)

    def require_master_at_its_day(self, remedy: str) -> None:
        """Refuse a master that is not where its day says.

        Raises
        ------
        StageError
            Its number is not that of the days before ``master_day``.
        """
        before = self._days_before_master
        if self.master is not None and before != self.master:
            raise StageError(
                f"master_ix is {self.master + 1}, but {before} days come before master_day; "
                f"{remedy}"
            )


def listed_columns(numbers: Sequence[int], n_columns: int, parameter: str) -> IntArray:
    """Convert a list of a parameter to columns.

    Parameters
    ----------
    numbers : sequence of int
        1-based numbers.
    n_columns : int
        Number of columns, that of the master included.
    parameter : str
        Name of the parameter, for the message.

    Returns
    -------
    (k,) int64
        Ascending, each once, from 0.

    Raises
    ------
    StageError
        A number outside 1 to `n_columns`.
    """
    listed = np.unique(np.asarray(numbers, np.int64))
    outside = listed[(listed < 1) | (listed > n_columns)]
    if len(outside):
        bad = ", ".join(map(str, outside))
        raise StageError(
            f"parameter {parameter}: {bad} is outside 1 to {n_columns}; correct the list"
        )
    return listed - 1


def used_columns(
    drop_ifg_index: Sequence[int], n_columns: int, fewest: int = 0, without: int | None = None
) -> IntArray:
    """Return the columns that ``drop_ifg_index`` leaves.

    Parameters
    ----------
    drop_ifg_index : sequence of int
        1-based numbers.
    n_columns : int
        Number of columns, that of the master included.
    fewest : int
        How many must be left.
    without : int, optional
        Column of the master, where it is no interferogram.

    Returns
    -------
    (k,) int64
        Ascending.

    Raises
    ------
    StageError
        A number outside 1 to `n_columns`, or fewer than `fewest` are left.
    """
    candidates = np.delete(np.arange(n_columns), [] if without is None else without)
    used = np.setdiff1d(candidates, listed_columns(drop_ifg_index, n_columns, "drop_ifg_index"))
    if len(used) < fewest:
        raise StageError(
            f"parameter drop_ifg_index: leaves {len(used)} of {len(candidates)} interferograms, "
            f"at least {fewest} are needed; shorten the list"
        )
    return used


def inverted_images(series: Ifgs, listed: IntArray | None) -> IntArray:
    """Return the images, without the master, to which small baselines were inverted.

    Parameters
    ----------
    series : Ifgs
        The images against the master.
    listed : (k,) int64 or None
        Images that have a phase; all by default.

    Returns
    -------
    (n_fit,) int64
        Ascending.
    """
    return series.columns if listed is None else np.intersect1d(listed, series.columns)


def dates_of(days: FloatArray, most: int = 20) -> str:
    """Write MATLAB day numbers as dates, of very many the first."""
    words = list(map(date_of, days))
    left_out = len(words) - most
    more = [f"and {left_out} more"] if left_out > 0 else []
    return ", ".join([*words[:most], *more])


def one_based(positions: IntArray) -> str:
    """Write 0-based positions as StaMPS would number them, for messages: ``1-3, 7``."""
    runs = np.split(positions, np.flatnonzero(np.diff(positions) != 1) + 1)
    words = (f"{run[0] + 1}-{run[-1] + 1}" if len(run) > 1 else f"{run[0] + 1}" for run in runs
             if len(run))  # fmt: skip
    return ", ".join(words) or "none"


def date_of(day: float) -> str:
    """Write a MATLAB day number as a date."""
    return date.fromordinal(int(day) - 366).isoformat()
