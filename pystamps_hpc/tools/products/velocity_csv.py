"""The table of velocities and displacement series, one line per PS."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from pystamps_kernels.dispatch import KernelTable

from ...config import RunConfig
from ...dataset import parameters
from ...dataset.mat import MatFile
from ...dataset.rows import FloatArray, Rows
from ...errors import DatasetError
from ...parallel.context import Context
from ...stages.interferograms import used_ifgs
from ...stages.ramps import degree_or_default
from ...stages.reference_area import mean_over_ps
from ...stages.velocity import PhaseSeries, corrected_phase
from .fixed_point import table_text
from .result import Velocities, read_artifact, read_velocities, replacing

_ROWS = 1 << 14


def velocity_csv(root: str | os.PathLike[str], path: str | os.PathLike[str]) -> Path:
    """Write position, velocity and displacement series of every PS.

    Comment lines begin with ``#`` and say units, signs, corrections and reference. Columns:
    ``longitude``, ``latitude`` [deg], ``velocity`` [mm/yr], and one displacement [mm] per date of
    the velocity fit and for the master, whose displacement is 0; positive is towards the
    satellite. A value that does not exist is left empty.

    Parameters
    ----------
    root : path
        Dataset processed through stage 8.
    path : path
        The file to write; replaced atomically.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DatasetError, MatError, StageError
        An artifact of stages 5 to 8 is missing or does not fit the others.
    PublishError
        The file cannot be written.

    Notes
    -----
    The phase is corrected as for the velocities and referenced, and the master's own phase is
    taken off (StaMPS ``ps_plot`` with ``ts``, specification 10.3; what StaMPS takes off twice
    under ``v-d`` is taken off once). Memory does not grow with the number of interferograms
    times PS: the phase is read in blocks of rows.
    """
    result = read_velocities(root)
    series = _phase_series(Path(root), result)
    target = Path(path)
    with replacing(target) as temporary, temporary.open("wb") as file:
        file.write(_header(result, series).encode())
        for rows, displacement in _displacements(result, series):
            file.write(
                table_text(
                    [
                        (result.lonlat[rows], 7),
                        (result.velocity[rows, None], 3),
                        (displacement, 2),
                    ]
                )
            )
    return target


def _phase_series(root: Path, result: Velocities) -> PhaseSeries:
    n_ps = len(result.velocity)
    points = read_artifact(root, "ps2", "xy", "day", "master_ix", "n_ifg")
    fit = read_artifact(root, "mean_v", "unwrap_ifg_index")
    dropped = parameters.load(root).value("drop_ifg_index") or ()
    n_ifg = points["n_ifg"]
    used = fit.get("unwrap_ifg_index")
    if used is None:
        used = used_ifgs(dropped, n_ifg)
    corrections = root / "scla2.mat"
    scla_phase, master_phase = None, None
    if corrections.exists():
        scla_phase = _stack(corrections, "ph_scla", n_ps, n_ifg)
        master_phase = read_artifact(root, "scla2", "C_ps_uw")["C_ps_uw"]
    degree = root / "deramp_degree.mat"
    return PhaseSeries(
        phase=_stack(root / "phuw2.mat", "ph_uw", n_ps, n_ifg),
        scla_phase=scla_phase,
        master_phase=master_phase,
        xy=points["xy"],
        day=points["day"],
        master_ix=points["master_ix"],
        ifg_std=None,
        used=used,
        ref_ps=result.reference,
        deramp_degree=degree_or_default(
            float(MatFile(degree).read("degree").item()) if degree.exists() else None
        ),
    )


def _stack(path: Path, name: str, n_ps: int, n_ifg: int) -> Rows:
    with MatFile(path) as file:
        rows = file.rows(name)
    if tuple(rows.shape) != (n_ps, n_ifg):
        found = " x ".join(map(str, rows.shape))
        raise DatasetError(
            f"{path}: '{name}' is {found}, expected {n_ps} x {n_ifg} as in ps2; run stage 6 again"
        )
    return rows


def _displacements(result: Velocities, series: PhaseSeries) -> Iterator[tuple[slice, FloatArray]]:
    """Yield blocks of rows and their displacement [mm], (n, n_date), the master among the dates."""
    ctx = Context(KernelTable({}, "double"), RunConfig())
    phase = corrected_phase(result.value_type, series, ctx)
    if series.master_phase is not None:
        phase = replace(phase, master_phase=series.master_phase)
    reference = np.zeros(len(series.fitted), np.float32)
    if series.ref_ps is not None:
        reference = mean_over_ps(phase, ctx, series.ref_ps)
    scale = -result.wavelength * 1000 / (4 * np.pi)
    master = int(np.searchsorted(series.fitted, series.master_ix))
    n_ps = phase.shape[0]
    for first in range(0, n_ps, _ROWS):
        rows = slice(first, min(first + _ROWS, n_ps))
        yield rows, np.insert((phase.rows(rows) - reference) * scale, master, 0, axis=1)


def _header(result: Velocities, series: PhaseSeries) -> str:
    dates = sorted({*series.fitted.tolist(), series.master_ix})
    notes = (
        "Line-of-sight velocity and displacement of persistent scatterers",
        "velocity: mm/yr; displacement at each date: mm; longitude, latitude: degrees",
        "positive: towards the satellite; negative: away from it",
        f"relative to {result.reference_text} and to the master date {result.master}",
        f"value type {result.value_type}: {result.correction_text}; displacements also without"
        " the master's atmosphere and noise",
        f"wavelength {result.wavelength:.9g} m",
    )
    names = ["longitude", "latitude", "velocity", *(str(result.days[k]) for k in dates)]
    return "".join(f"# {note}\n" for note in notes) + ",".join(names) + "\n"
