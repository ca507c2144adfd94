"""Readers of candidate files: one module per processor, one result.

:func:`read` is what the pipeline calls for the stage 1 input ``candidates.*``.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

import numpy as np

from ...errors import DatasetError
from ..parameters import Parameters
from ..problems import Problems
from . import doris, isce, snap
from .model import Candidates, Grid, GridGeometry, OrbitGeometry, Scene
from .network import Network
from .processor import is_set, processor_of
from .pscands import NAMES, Order, PatchFiles, read_patch

__all__ = [
    "READERS",
    "Candidates",
    "Examined",
    "Grid",
    "GridGeometry",
    "Network",
    "OrbitGeometry",
    "Scene",
    "examine",
    "processor_of",
    "read",
    "scene_of",
    "sensor_parameters",
    "sources",
]


class Reader(Protocol):
    """What a processor's module offers."""

    BYTE_ORDER: Order
    SCENE_NAMES: tuple[str, ...]

    def scene(self, patch: Path, /) -> Scene:
        """Read what the patches of a scene with a single master share."""
        ...

    def scene_sb(self, patch: Path, /) -> Scene:
        """Read what the patches of a scene with small baselines share."""
        ...

    def sensor_values(self, root: Path, patches: Sequence[Path], /) -> dict[str, str | float]:
        """Read heading, wavelength and the like."""
        ...

    def scene_files(self, patch: Path, /) -> Iterator[Path]:
        """Yield the files of the scene that the reader may use."""
        ...


READERS: dict[str, Reader] = {"snap": snap, "gamma": snap, "doris": doris, "isce": isce}


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
    return _in_patch(patch, _scene_reader(processor, parameters)(patch), processor)


def scene_of(patch: Path, parameters: Parameters) -> Scene:
    """Read what a patch shares with the other patches of the scene; raises as :func:`read`."""
    return _scene_reader(processor_of(patch.parent, parameters, (patch,)), parameters)(patch)


def _scene_reader(processor: str, parameters: Parameters) -> Callable[[Path], Scene]:
    reader = READERS[processor]
    return reader.scene_sb if parameters.small_baselines else reader.scene


def _in_patch(patch: Path, scene: Scene, processor: str) -> Candidates:
    """Join the files of a patch with those of its scene."""
    files = read_patch(patch, scene.n_file, READERS[processor].BYTE_ORDER, processor)
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
            reader = READERS[processor]
            own = patch if _has_own_scene(patch, reader) else None
            place = (processor, parameters.small_baselines, own)
            if place not in scenes:
                scenes[place] = found.tried(_scene_reader(processor, parameters), patch)
                found.tried(reader.sensor_values, patch.parent, tuple(patches))
            scene = scenes[place]
            if scene is not None:
                candidates = found.tried(_in_patch, patch, scene, processor)
            else:
                found.tried(read_patch, patch, None, reader.BYTE_ORDER, processor)
        yield Examined(patch, scene, candidates, tuple(dict.fromkeys(found.messages)))


def _has_own_scene(patch: Path, reader: Reader) -> bool:
    """Whether files of the scene lie in the patch itself."""
    try:
        names = os.listdir(patch)
    except OSError:
        return False
    return any(fnmatch(name, pattern) for name in names for pattern in reader.SCENE_NAMES)


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
        ``heading`` [deg] and ``lambda`` [m]; ``platform`` (SNAP, GAMMA); ``slc_osf`` (DORIS);
        ``insar_processor`` where only the files tell it.
        To be stored in the ``parms.mat`` of the root before stage 1.

    Raises
    ------
    DatasetError
        As :func:`read`.
    """
    processor = processor_of(root, parameters, patches)
    values = READERS[processor].sensor_values(root, patches)
    return values if is_set(parameters) else {**values, "insar_processor": processor}


def sources(patch: Path, parameters: Parameters) -> Iterator[Path]:
    """Yield the existing files from which :func:`read` takes the candidates of a patch.

    What is missing is left out; :func:`read` complains about it.
    """
    scene = READERS[processor_of(patch.parent, parameters, (patch,))].scene_files(patch)
    yield from (path for path in (*(patch / name for name in NAMES), *scene) if path.is_file())
