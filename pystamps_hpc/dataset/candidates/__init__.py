"""Readers of candidate files: one module per processor, one result.

:func:`read` is what the pipeline calls for the stage 1 input ``candidates.*``.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ...errors import DatasetError
from ..parameters import Parameters
from . import doris, isce, snap
from .model import Candidates, Grid, GridGeometry, OrbitGeometry
from .pscands import NAMES

__all__ = [
    "READERS",
    "Candidates",
    "Grid",
    "GridGeometry",
    "OrbitGeometry",
    "read",
    "sensor_parameters",
    "sources",
]


class Reader(Protocol):
    """What a processor's module offers."""

    def read(self, patch: Path, parameters: Parameters, /) -> Candidates:
        """Read the candidates of a patch."""
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
        ``insar_processor`` chooses the reader.

    Returns
    -------
    Candidates
        Arrays in file order; the phase stays on disk.

    Raises
    ------
    DatasetError
        Missing, damaged or contradictory files; a processor or mode without a reader.
    """
    processor = _supported(parameters)
    return READERS[processor].read(patch, parameters)


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
        ``heading`` [deg] and ``lambda`` [m]; ``platform`` (SNAP, GAMMA); ``slc_osf`` (DORIS).
        To be stored in the ``parms.mat`` of the root before stage 1.

    Raises
    ------
    DatasetError
        As :func:`read`.
    """
    return READERS[_supported(parameters)].sensor_values(root, patches)


def sources(patch: Path, parameters: Parameters) -> Iterator[Path]:
    """Yield the existing files from which :func:`read` takes the candidates of a patch.

    What is missing is left out; :func:`read` complains about it.
    """
    scene = READERS[_supported(parameters)].scene_files(patch)
    yield from (path for path in (*(patch / name for name in NAMES), *scene) if path.is_file())


def _supported(parameters: Parameters) -> str:
    processor = str(parameters.value("insar_processor")).strip().lower()
    if processor not in READERS:
        raise DatasetError(
            f"insar_processor={processor} is not supported in stage 1; "
            f"supported: {', '.join(READERS)}"
        )
    if str(parameters.value("small_baseline_flag")).lower() == "y":
        raise DatasetError(
            f"small_baseline_flag=y is not supported in stage 1 ({processor}); supported: n"
        )
    return processor
