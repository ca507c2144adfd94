"""Which program made the interferograms: as it is set, else as its files show."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import DatasetError
from ..parameters import Parameters

SIGNS = {
    "snap": (("rsc.txt",), ("pscphase.in",)),
    "gamma": (("rsc.txt",), ("pscphase.in",)),
    "isce": (("day.1.in",), ("inc_angle.raw", "look_angle.raw", "baselineGRID_*")),
    "doris": (("day.1.in",), ("bperp.1.in", "bperp_*.1.in")),
}
"""Files that a processor leaves: of each group at least one."""

NAME = "insar_processor"


def processor_of(root: Path, parameters: Parameters, patches: Sequence[Path] = ()) -> str:
    """Return the processor of a dataset, one of :data:`SIGNS`.

    Parameters
    ----------
    root : Path
        Dataset root.
    parameters : Parameters
        ``insar_processor`` counts where ``parms.mat`` or ``processor.txt`` says it.
    patches : sequence of Path
        Patch directories; looked into for what the root lacks.

    Raises
    ------
    DatasetError
        A processor that is not supported, files of another processor, or nothing that
        tells it.
    """
    found = next(_left_by((root, *patches)), None)
    if not is_set(parameters):
        if found is None:
            raise DatasetError(
                f"{root / 'processor.txt'}: file not found, and neither rsc.txt and pscphase.in "
                "(snap, gamma) nor day.1.in and bperp.1.in (doris, isce) tell the processor; "
                "write its name into processor.txt"
            )
        return found
    processor = str(parameters.value(NAME)).strip().lower()
    if processor not in SIGNS:
        raise DatasetError(
            f"{NAME}={processor} is not supported in stage 1; supported: {', '.join(SIGNS)}"
        )
    # the rasters of ISCE may lie above SMALL_BASELINES
    if found is not None and processor not in _left_by((root, *patches, root.parent)):
        files = " and ".join(" or ".join(group) for group in SIGNS[found])
        raise DatasetError(
            f"{NAME}={processor} ({where_set(parameters)}), but the files are those of {found} "
            f"({files}); set {NAME} to {found}"
        )
    return processor


def is_set(parameters: Parameters) -> bool:
    """Whether the processor is said anywhere; StaMPS takes doris where it is not."""
    return any(NAME in values for values in (parameters.stored, parameters.local, parameters.site))


def where_set(parameters: Parameters) -> str:
    """Name the file that says the processor."""
    if NAME in parameters.local:
        return parameters.local_file.name
    return parameters.file.name if NAME in parameters.stored else "processor.txt"


def _left_by(directories: Sequence[Path]) -> Iterator[str]:
    """Yield the processors whose files are there."""
    for processor, groups in SIGNS.items():
        if all(_any_there(group, directories) for group in groups):
            yield processor


def _any_there(patterns: tuple[str, ...], directories: Sequence[Path]) -> bool:
    return any(_there(folder, pattern) for folder in directories for pattern in patterns)


def _there(folder: Path, pattern: str) -> bool:
    return any(folder.glob(pattern)) if "*" in pattern else os.path.exists(f"{folder}/{pattern}")
