"""Images and interferograms of a scene: a star around one master, or pairs with small baselines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DatasetError
from ..problems import refuse
from ..rows import IntArray
from .text import day_text


@dataclass(frozen=True)
class Network:
    """Which images the interferograms join.

    Parameters
    ----------
    day : (n_image,) int64
        MATLAB day number of each image, ascending.
    pairs : (n_ifg, 2) int64
        First and second image of each interferogram, from 0.
    columns : (n_ifg,) int64
        Its place in the phase files, from 0.
    master_day : int
        Day from which times are counted.
    master : int or None
        Image that all interferograms begin with; None for small baselines.
    warnings : tuple of str
        What the user should know of it.
    """

    day: IntArray
    pairs: IntArray
    columns: IntArray
    master_day: int
    master: int | None
    warnings: tuple[str, ...] = ()


def single_master(
    master_day: int, other_day: IntArray, columns: IntArray, warnings: tuple[str, ...] = ()
) -> Network:
    """Return the network of a single master, its interferograms by day.

    Parameters
    ----------
    master_day : int
        MATLAB day number.
    other_day : (n_ifg,) int64
        Days of the other images, all different and none the master's.
    columns : (n_ifg,) int64
        Place of each in the phase files.
    warnings : tuple of str
        What the user should know of them.
    """
    order = np.argsort(other_day, kind="stable")
    master = int(np.count_nonzero(other_day < master_day))
    others = np.delete(np.arange(len(other_day) + 1), master)
    return Network(
        day=np.insert(other_day[order], master, master_day),
        pairs=np.stack((np.full_like(others, master), others), axis=1),
        columns=columns[order],
        master_day=master_day,
        master=master,
        warnings=warnings,
    )


def small_baselines(day: IntArray, ifgday: IntArray, master_day: int, listing: Path) -> Network:
    """Return the network of pairs, in the order of their file.

    Parameters
    ----------
    day : (n_image,) int64
        Days of the images, ascending.
    ifgday : (n_ifg, 2) int64
        Days of each pair.
    master_day : int
        MATLAB day number.
    listing : Path
        File that names the pairs.

    Raises
    ------
    DatasetError
        A pair of one image or of a day that no image has, a pair listed twice or reversed, or a
        master that is in no pair.
    """
    refuse([*_wrong_pairs(day, ifgday, listing)])
    if master_day not in ifgday:
        raise DatasetError(
            f"{listing}: no interferogram has the master {day_text(master_day)}, from which times "
            "are counted; name an image of the network as master"
        )
    return Network(
        day=day,
        pairs=np.searchsorted(day, ifgday),
        columns=np.arange(len(ifgday)),
        master_day=master_day,
        master=None,
        warnings=tuple(_notable(day, ifgday, listing)),
    )


def _wrong_pairs(day: IntArray, ifgday: IntArray, listing: Path) -> Iterator[str]:
    unknown = np.setdiff1d(ifgday, day)
    if len(unknown):
        yield (
            f"{listing}: pairs the days {_days(unknown)}, of which there is no image (day.1.in, "
            "master day); name the image, or take the pairs out"
        )
    again = "leave it out and extract the candidates again"
    listed: set[tuple[int, int]] = set()
    for first, second in map(tuple, ifgday.tolist()):
        text = f"{day_text(first)}_{day_text(second)}"
        reverse = f"{day_text(second)}_{day_text(first)}"
        if first == second:
            yield f"{listing}: {text} pairs an image with itself; {again}"
        elif (first, second) in listed:
            yield f"{listing}: names the pair {text} twice; {again}"
        elif (second, first) in listed:
            yield f"{listing}: names {text} and {reverse}, which are one pair; {again}"
        listed.add((first, second))


def _days(day: IntArray) -> str:
    return ", ".join(map(day_text, day))


def _notable(day: IntArray, ifgday: IntArray, listing: Path) -> Iterator[str]:
    unused = np.setdiff1d(day, ifgday)
    if len(unused):
        yield (
            f"{listing}: no interferogram has the images {_days(unused)}; they will be without "
            "phase in the time series"
        )
    turned = ifgday[ifgday[:, 0] > ifgday[:, 1]]
    if len(turned):
        named = ", ".join("_".join(map(day_text, pair)) for pair in turned.tolist())
        yield (
            f"{listing}: the later image comes first in {named}; their phase is taken to be of the "
            "second image against the first"
        )
    n_image = len(day) - len(unused)
    loops = len(ifgday) - n_image + 1
    if loops == 0 and len(np.unique(ifgday[:, 0])) == 1:
        yield (
            f"{listing}: all {len(ifgday)} interferograms begin with {day_text(ifgday[0, 0])}, as "
            "of a single master, for which small_baseline_flag is n"
        )
    elif loops < 2:
        yield (
            f"{listing}: {len(ifgday)} interferograms of {n_image} images close "
            f"{'one loop' if loops == 1 else 'no loop'}, so that errors of unwrapping hardly show; "
            "add pairs"
        )
