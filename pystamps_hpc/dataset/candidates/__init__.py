"""Readers of candidate files: one module per processor, one result.

:func:`read` is what the pipeline calls for the stage 1 input ``candidates.*``.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from ...errors import DatasetError
from ..parameters import Parameters
from ..problems import Problems
from ..tree import STATE_DIRECTORY
from . import doris, isce, snap
from .model import Candidates, Grid, GridGeometry, OrbitGeometry, Scene
from .network import Network
from .processor import SIGNS, is_set, processor_of
from .pscands import NAMES, Order, PatchFiles, read_patch

__all__ = [
    "Candidates",
    "Examined",
    "Grid",
    "GridGeometry",
    "Network",
    "OrbitGeometry",
    "Scene",
    "Sources",
    "examine",
    "processor_of",
    "read",
    "scene_of",
    "sensor_parameters",
]


class Files(Protocol):
    """What a processor's module says of its files."""

    BYTE_ORDER: Order
    SCENE_NAMES: tuple[str, ...]

    def scene_files(self, patch: Path, /) -> Iterator[Path]:
        """Yield the files of the scene that the reader may use."""
        ...


@dataclass(frozen=True)
class Reader:
    """How the files of a processor are read.

    Parameters
    ----------
    files : Files
        What they are.
    scene : callable
        ``scene(patch)`` reads what the patches of a scene share.
    sensor_values : callable
        ``sensor_values(root, patches)`` reads heading, wavelength and the like.
    """

    files: Files
    scene: Callable[[Path], Scene]
    sensor_values: Callable[[Path, Sequence[Path]], dict[str, str | float]]


_SNAP, _SNAP_SB = (Reader(snap, read, snap.sensor_values) for read in (snap.scene, snap.scene_sb))

SINGLE_MASTER: dict[str, Reader] = {
    "snap": _SNAP,
    "gamma": _SNAP,
    "doris": Reader(doris, doris.scene, doris.sensor_values),
    "isce": Reader(isce, isce.scene, doris.orbit_values),
}
SMALL_BASELINES: dict[str, Reader] = {
    "snap": _SNAP_SB,
    "gamma": _SNAP_SB,
    "doris": Reader(doris, doris.scene_sb, doris.orbit_values),
    "isce": Reader(isce, isce.scene_sb, doris.orbit_values),
}


_SHARED = frozenset(
    [
        *(name for groups in SIGNS.values() for group in groups for name in group),
        *(name for reader in SINGLE_MASTER.values() for name in reader.files.SCENE_NAMES),
    ]
)
"""Files of a scene, or signs of a processor: a patch that has none shares those of the root."""


def _reader(processor: str, parameters: Parameters) -> Reader:
    return (SMALL_BASELINES if parameters.small_baselines else SINGLE_MASTER)[processor]


def read(patch: Path, parameters: Parameters) -> Candidates:
    """Read the candidates of a patch.

    Parameters
    ----------
    patch : Path
        Patch directory; files of the whole scene lie in its parent.
    parameters : Parameters
        ``insar_processor`` and ``small_baseline_flag`` choose the reader.

    Returns
    -------
    Candidates
        Arrays in file order; the phase stays on disk.

    Raises
    ------
    DatasetError
        Missing, damaged or contradictory files; a processor without a reader.
    """
    processor = processor_of(patch.parent, parameters, (patch,))
    reader = _reader(processor, parameters)
    return _in_patch(patch, reader.scene(patch), reader.files, processor)


def scene_of(patch: Path, parameters: Parameters) -> Scene:
    """Read what a patch shares with the other patches of the scene; raises as :func:`read`."""
    processor = processor_of(patch.parent, parameters, (patch,))
    return _reader(processor, parameters).scene(patch)


def _in_patch(patch: Path, scene: Scene, of: Files, processor: str) -> Candidates:
    """Join the files of a patch with those of its scene."""
    files = read_patch(patch, scene.n_file, of.BYTE_ORDER, processor)
    if isinstance(scene.geometry, GridGeometry):
        _require_inside(patch, files, scene.geometry)
    return Candidates(
        azimuth=files.azimuth,
        range_sample=files.range_sample,
        lonlat=files.lonlat,
        phase=files.phase,
        amplitude_dispersion=files.amplitude_dispersion,
        height=files.height,
        network=scene.network,
        geometry=scene.geometry,
        warnings=files.warnings + scene.warnings,
    )


def _require_inside(patch: Path, files: PatchFiles, scene: GridGeometry) -> None:
    outside = (files.azimuth >= scene.length) | (files.range_sample >= scene.width)
    if outside.any():
        p = int(np.flatnonzero(outside)[0])
        raise DatasetError(
            f"{patch / 'pscands.1.ij'}: candidate {p + 1} at line {files.azimuth[p]}, sample "
            f"{files.range_sample[p]} is outside the scene of {scene.length} x {scene.width} "
            "(len.txt, width.txt)"
        )


@dataclass(frozen=True)
class Examined:
    """What the files of a patch hold, and what is wrong with them.

    Parameters
    ----------
    patch : Path
        Patch directory.
    scene : Scene or None
        None where it cannot be read.
    candidates : Candidates or None
        None where they cannot be read.
    problems : tuple of str
        One line each; those of the scene are told with the first patch that shares it.
    """

    patch: Path
    scene: Scene | None
    candidates: Candidates | None
    problems: tuple[str, ...]


def examine(patches: Mapping[Path, Parameters]) -> Iterator[Examined]:
    """Read the candidates of patches as :func:`read` does, and note all that is wrong.

    Parameters
    ----------
    patches : mapping
        Patch directory -> parameters that hold there.
    """
    scenes: dict[tuple[str, bool, Path | None], Scene | None] = {}
    for patch, parameters in patches.items():
        found = Problems()
        scene = candidates = None
        processor = found.tried(processor_of, patch.parent, parameters, (patch,))
        if processor is not None:
            reader = _reader(processor, parameters)
            own = patch if _has_own(patch, frozenset(reader.files.SCENE_NAMES)) else None
            place = (processor, parameters.small_baselines, own)
            if place not in scenes:
                scenes[place] = found.tried(reader.scene, patch)
                found.tried(reader.sensor_values, patch.parent, tuple(patches))
            scene = scenes[place]
            if scene is not None:
                candidates = found.tried(_in_patch, patch, scene, reader.files, processor)
            else:
                found.tried(read_patch, patch, None, reader.files.BYTE_ORDER, processor)
        yield Examined(patch, scene, candidates, tuple(dict.fromkeys(found.messages)))


def _has_own(patch: Path, patterns: frozenset[str]) -> bool:
    """Whether files of the scene lie in the patch itself, or may do so in a directory of its."""
    try:
        with os.scandir(patch) as entries:
            return _are_own(entries, patterns)
    except OSError:
        return False


def _are_own(entries: Iterable[os.DirEntry[str]], patterns: frozenset[str]) -> bool:
    of_scene = _any_of(patterns)
    return any(
        of_scene(entry.name) or (entry.is_dir() and entry.name != STATE_DIRECTORY)
        for entry in entries
    )


@cache
def _any_of(patterns: frozenset[str]) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(map(translate, patterns))).match


def sensor_parameters(
    root: Path, parameters: Parameters, patches: Sequence[Path] = ()
) -> dict[str, str | float]:
    """Resolve the parameters that stage 1 takes from the processor's files.

    Parameters
    ----------
    root : Path
        Dataset root.
    parameters : Parameters
        ``insar_processor`` says which files.
    patches : sequence of Path
        Patch directories; looked into for what the root lacks.

    Returns
    -------
    dict
        ``heading`` [deg] and ``lambda`` [m]; ``platform`` (SNAP, GAMMA); ``slc_osf`` (DORIS with
        a single master);
        ``insar_processor`` where only the files tell it.
        To be stored in the ``parms.mat`` of the root before stage 1.

    Raises
    ------
    DatasetError
        As :func:`read`.
    """
    processor = processor_of(root, parameters, patches)
    values = _reader(processor, parameters).sensor_values(root, patches)
    return values if is_set(parameters) else {**values, "insar_processor": processor}


class Sources:
    """Where the candidates of patches come from; a scene that patches share is looked at once."""

    def __init__(self) -> None:
        self._of_scenes: dict[tuple[Path, bool, str], tuple[Path, ...]] = {}
        self._has_own: dict[Path, bool] = {}

    def look(self, patch: Path, entries: Iterable[os.DirEntry[str]]) -> None:
        """Take over what somebody has seen in a patch, which then is not looked into again."""
        with suppress(OSError):  # of a link that leads nowhere, say
            self._has_own[patch] = _are_own(entries, _SHARED)

    def of(self, patch: Path, parameters: Parameters) -> Iterator[Path]:
        """Yield the files from which :func:`read` takes the candidates of a patch.

        Some may be missing; :func:`read` complains about it.

        Raises
        ------
        DatasetError
            Nothing tells the processor, or another one than is set.
        """
        yield from (patch / name for name in NAMES)
        yield from self._of_scene(patch, parameters)

    def _of_scene(self, patch: Path, parameters: Parameters) -> tuple[Path, ...]:
        said = str(parameters.value("insar_processor")) if is_set(parameters) else ""
        key = (patch.parent, parameters.small_baselines, said)
        alone = self._has_own[patch] if patch in self._has_own else _has_own(patch, _SHARED)
        if not alone and key in self._of_scenes:
            return self._of_scenes[key]
        processor = processor_of(patch.parent, parameters, (patch,))
        found = tuple(_reader(processor, parameters).files.scene_files(patch))
        if not alone and not any(path.is_relative_to(patch) for path in found):
            self._of_scenes[key] = found
        return found
