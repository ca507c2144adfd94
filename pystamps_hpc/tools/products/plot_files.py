"""The files that StaMPS' plotting saves: ``ps_plot_<type>.mat``, ``ps_plot_ts_<type>.mat``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from ...dataset.mat import Stream, write_mat
from ...dataset.publish import write_error
from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows
from ...dataset.schema import ARTIFACTS
from ...dataset.tree import is_root_or_patch
from ...errors import ConfigError, DatasetError, MatError
from ...parallel.team import SerialTeam, Team, units
from .files import in_blocks, in_shared_blocks, product_file
from .time_series import Series
from .values import Values


def plot_file(root: Path, value_type: str, series: bool = False) -> Path:
    """Return where StaMPS' plotting saves values, or the displacements behind a velocity."""
    return root / f"ps_plot_{'ts_' if series else ''}{value_type}.mat"


def write_values(
    values: Values, path: Path, force: bool = False, team: Team | None = None
) -> FloatArray | None:
    """Write values as StaMPS' plotting does, and with them what they are.

    Beside StaMPS' ``ph_disp`` and ``ifg_list`` the file says ``value_type``, ``unit``, ``ref_ps``,
    the columns ``unwrap_ifg_index`` of a line, and the line ``m`` itself (offset [rad], rate
    [rad/day]).

    Parameters
    ----------
    values : Values
        Written in blocks of rows.
    path : Path
        The file; replaced atomically.
    force : bool
        Whether a file that is there is replaced.
    team : Team, optional
        Ranks that compute the rows, of which the first writes; the call is collective then.

    Returns
    -------
    (k, 3) float64 or None
        Smallest, mean and largest value of each column without NaN; None of phasors, and on ranks
        that do not write.

    Raises
    ------
    ConfigError, DatasetError
        As :func:`require_free`.
    PublishError
        It cannot be written.
    """
    team = team or SerialTeam()
    if team.rank > 0:
        for _ in in_shared_blocks(values.rows, team):
            pass
        return None
    summary = _Summary(values.rows, team)
    variables: dict[str, Any] = {
        "ph_disp": Stream(values.rows.shape, values.rows.dtype, summary.blocks()),
        "ifg_list": _row(values.ifg_list),
        "value_type": values.kind.name,
        "unit": values.unit,
        "ref_ps": _reference(values.ref_ps),
    }
    if values.kind.is_velocity:
        variables["unwrap_ifg_index"] = _row(values.columns + 1)
    if values.fit is not None:
        variables["m"] = values.fit.T
    _write(path, variables, force)
    return summary.of_columns


def write_series(series: Series, path: Path, force: bool = False) -> None:
    """Write the displacements of all PS as StaMPS' plotting does for its ``ts`` window.

    Parameters
    ----------
    series : Series
        Displacements; written in blocks of rows.
    path : Path
        The file; replaced atomically.
    force : bool
        Whether a file that is there is replaced.

    Raises
    ------
    ConfigError, DatasetError
        As :func:`require_free`.
    PublishError
        It cannot be written.
    """
    moved, points = series.displacement, series.points
    _write(
        path,
        {
            "ph_mm": Stream(moved.shape, moved.dtype, in_blocks(moved)),
            "lonlat": points["lonlat"],
            "unwrap_ifg_index": _row(series.columns + 1),
            "ref_ps": _reference(series.ref_ps),
            "day": series.day[:, None],
            "n_ps": float(moved.shape[0]),
            "lambda": series.wavelength,
            "ifg_list": np.zeros((0, 0)),
            "master_day": points["master_day"],
            "bperp": points["bperp"][:, None],
        },
        force,
    )


def require_free(path: Path, suffix: str | tuple[str, ...], force: bool) -> None:
    """Refuse a file that is not to be written.

    Parameters
    ----------
    path : Path
        The file.
    suffix : str or tuple of str
        What its name must end in, ``.mat``, or one of these; empty of a folder.
    force : bool
        Whether a file that is there is replaced.

    Raises
    ------
    ConfigError
        Its name ends in something else.
    DatasetError
        It exists, its dataset is marked golden, or its name is that of an artifact or the
        parameters there.
    """
    known = (suffix,) if isinstance(suffix, str) else suffix
    if "" not in known and path.suffix not in known:
        told = " or ".join(filter(None, (", ".join(known[:-1]), known[-1])))
        raise ConfigError(f"{path}: must end in {told}, which is what is written")
    folder = path.resolve().parent
    for root in (folder, *folder.parents):
        if (root / ".golden").exists():
            raise DatasetError(f"data set is marked golden ({root}/.golden): write elsewhere")
    if path.stem in (*ARTIFACTS, "parms") and is_root_or_patch(folder):
        raise DatasetError(f"{path}: is what stages read or write; take another name")
    if path.exists() and not force:
        raise DatasetError(f"{path}: exists; --force replaces it")


def require_place(path: Path) -> None:
    """Refuse a file where none can be made, before anything is computed for it.

    Raises
    ------
    PublishError
        Nothing can be written there.
    """
    folder = path.absolute().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise write_error(path, error) from None


class _Summary:
    """Blocks of rows on their way to a file, and what they hold."""

    def __init__(self, rows: Rows, team: Team) -> None:
        self.rows, self.team = rows, team
        columns = rows.shape[1]
        self.low, self.high = np.full(columns, np.inf), np.full(columns, -np.inf)
        self.total, self.count = np.zeros(columns), np.zeros(columns)

    def blocks(self) -> Iterator[tuple[slice, AnyArray]]:
        """Yield the blocks."""
        for rows, block in in_shared_blocks(self.rows, self.team):
            if block.dtype.kind != "c":
                known = np.isfinite(block)
                self.low = np.minimum(self.low, np.where(known, block, np.inf).min(axis=0))
                self.high = np.maximum(self.high, np.where(known, block, -np.inf).max(axis=0))
                for unit in units(0, len(block)):  # in an order that no number of ranks changes
                    counted = np.where(known[unit], block[unit], 0)
                    self.total += counted.sum(axis=0, dtype=np.float64)
                self.count += known.sum(axis=0)
            yield rows, block

    @property
    def of_columns(self) -> FloatArray | None:
        """Smallest, mean, largest value of each column, (k, 3); NaN where it has none."""
        if self.rows.dtype.kind == "c":
            return None
        void = self.count == 0
        mean = self.total / np.where(void, 1, self.count)
        found = np.stack((self.low, mean, self.high), axis=1)
        found[void] = np.nan
        return found


def _row(numbers: IntArray) -> FloatArray:
    return numbers[None].astype(np.float64)


def _reference(ref_ps: IntArray | None) -> FloatArray:
    return np.zeros((0, 0)) if ref_ps is None else (ref_ps[:, None] + 1).astype(np.float64)


def _write(path: Path, variables: Mapping[str, Any], force: bool) -> None:
    require_free(path, ".mat", force)
    with product_file(path) as temporary:
        try:
            write_mat(temporary, variables)
        except MatError as error:
            if isinstance(error.__cause__, OSError):
                raise write_error(path, error.__cause__) from None
            raise
