"""Phase that other programs estimate, to be subtracted: troposphere (TRAIN), ionosphere, tides."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...dataset.rows import AnyArray, ComputedRows, FloatArray, IntArray, Rows, block
from ...errors import StageError
from ...parallel.context import Context
from .ifgs import Ifgs, date_of, one_based
from .least_squares import pseudo_inverse

_METHODS = """
linear         l    ph_tropo_linear
linear-man     lman strat_corr
powerlaw       p    ph_tropo_powerlaw
powerlaw-k     pk   K_tropo_powerlaw
meris          m    ph_tropo_meris
meris-ni       mi   ph_tropo_meris_no_interp
modis          M    ph_tropo_modis
modis-ni       MI   ph_tropo_modis_no_interp
recalmodis     RM   ph_tropo_modis_recal
recalmodis-ni  RMI  ph_tropo_modis_no_interp_recal
erai           e    ph_tropo_era
erai-h         eh   ph_tropo_era_hydro
erai-w         ew   ph_tropo_era_wet
wrf            w    ph_tropo_wrf
wrf-h          wh   ph_tropo_wrf_hydro
wrf-w          ww   ph_tropo_wrf_wet
merra          -    ph_tropo_merra
merra-h        -    ph_tropo_merra_hydro
merra-w        -    ph_tropo_merra_wet
merra2         -    ph_tropo_merra2
merra2-h       -    ph_tropo_merra2_hydro
merra2-w       -    ph_tropo_merra2_wet
gacos          -    ph_tropo_gacos
narr           -    ph_tropo_narr
narr-h         -    ph_tropo_narr_hydro
narr-w         -    ph_tropo_narr_wet
era5           -    ph_tropo_era5
era5-h         -    ph_tropo_era5_hydro
era5-w         -    ph_tropo_era5_wet
"""

COEFFICIENT_MAP = "powerlaw-k"
"""The method whose values are no phase [rad/m]: they are shown, not referenced or subtracted."""


def method_name(method: str) -> str:
    """Return the name of a method of tropospheric correction, as of ``tropo_method``.

    Parameters
    ----------
    method : str
        StaMPS' long or short name, ``a_erai`` or ``a_e``; ``a_meris+a_erai-h`` is a sum.

    Returns
    -------
    str
        Long names without ``a_``, ``meris+erai-h``.

    Raises
    ------
    StageError
        A part is not known, or a sum has a map of coefficients.
    """
    known = [line.split() for line in _METHODS.strip().splitlines()]
    names = []
    for part in method.split("+"):
        word = part.strip().removeprefix("a_")
        found = [row[0] for row in known if word in (row[0], row[1]) and word != "-"]
        if not found:
            raise StageError(
                f"tropo_method {method}: '{part}' is not known; known: "
                + ", ".join(f"a_{row[0]}" for row in known)
            )
        names += found
    if len(names) > 1 and COEFFICIENT_MAP in names:
        raise _no_phase(method)
    return "+".join(names)


def phase_method(method: str) -> str:
    """Return the name of a method whose values are subtracted, as :func:`method_name`.

    Raises
    ------
    StageError
        A part is not known, or is a map of coefficients.
    """
    name = method_name(method)
    if name == COEFFICIENT_MAP:
        raise _no_phase(method)
    return name


def _no_phase(method: str) -> StageError:
    return StageError(
        f"tropo_method {method}: a_{COEFFICIENT_MAP} is a map of coefficients [rad/m], no phase to "
        "subtract or to add; the phase made with it is a_powerlaw"
    )


def keys_of(method: str) -> tuple[str, ...]:
    """Return the keys of ``tca2.mat`` whose sum a method is, by its long name."""
    rows = (line.split() for line in _METHODS.strip().splitlines())
    keys = {name: key for name, _, key in rows}
    return tuple(keys[part] for part in method.split("+"))


def tropospheric(parts: Sequence[Rows], method: str, shape: tuple[int, int], ctx: Context) -> Rows:
    """Return the phase of a tropospheric method.

    Parameters
    ----------
    parts : sequence of Rows, (n_ps, n_col) float32
        Its parts [rad], as :func:`keys_of` names them.
    method : str
        Its long name.
    shape : (int, int)
        Points and columns that it has to have.
    ctx : Context
        Sums over PS.

    Returns
    -------
    Rows, (n_ps, n_col) float32
        Their sum [rad]. Columns that an interpolated spectrometer lacks stay zero, as in StaMPS.

    Raises
    ------
    StageError
        It is of other points or columns.
    """
    for part in parts:
        if tuple(part.shape) != shape:
            found, wanted = (" x ".join(map(str, each)) for each in (part.shape, shape))
            raise StageError(f"tropospheric phase a_{method} is {found}, expected {wanted}; "
                             "estimate it again for these points")  # fmt: skip
    if len(parts) == 1:
        return parts[0]
    kept = np.ones(shape[1], np.bool_)
    if not method.partition("+")[0].endswith("-ni"):
        kept = has_estimate(parts[0], ctx)

    def added(rows: Any, columns: Any) -> FloatArray:
        values = sum(block(part, rows, columns).astype(np.float32) for part in parts)
        return np.where(kept[columns], values, np.float32(0))

    return ComputedRows(shape, np.dtype(np.float32), added)


def has_estimate(correction: Rows, ctx: Context) -> AnyArray:
    """Return which columns have an estimate: not zero everywhere, (n_col,) bool."""

    def counted(rows: slice) -> AnyArray:
        return np.asarray((np.nan_to_num(correction[rows]) != 0).sum(axis=0))

    found: AnyArray = ctx.sum_rows(counted, correction.shape[0]) > 0
    return found


def of_images(correction: Rows, pairs: Ifgs, used: IntArray, ctx: Context) -> Rows:
    """Invert a correction of small baselines to the images against the master.

    Parameters
    ----------
    correction : Rows, (n_ps, n_ifg) float32
        Correction of every pair [rad]; a column of zeros is no estimate.
    pairs : Ifgs
        Small baselines.
    used : (n_use,) int64
        Pairs that count.
    ctx : Context
        Work over PS.

    Returns
    -------
    Rows, (n_ps, n_image) float32
        Correction of every image [rad], zero at the master.

    Raises
    ------
    StageError
        Pairs without estimate cut images off, or the master has none.

    Notes
    -----
    StaMPS ``sb_invert_aps``: least squares without weights; docs/values.md, Corrections.
    """
    known = used[has_estimate(correction, ctx)[used]]
    _require_joined(pairs, used, known)
    images = np.intersect1d(pairs.pairs[known], pairs.series.columns)
    operator = pseudo_inverse(pairs.design[np.ix_(known, images)])

    def inverted(rows: Any, columns: Any) -> FloatArray:
        values = np.zeros((len(wanted := correction[rows]), len(pairs.day)), np.float32)
        values[:, images] = wanted[:, known].astype(np.float64) @ operator.T
        return values[:, columns]

    return ComputedRows((correction.shape[0], len(pairs.day)), np.dtype(np.float32), inverted)


def _require_joined(pairs: Ifgs, used: IntArray, known: IntArray) -> None:
    """Refuse a correction that leaves images without a way to the master."""
    without = f"pairs {one_based(np.setdiff1d(used, known))} have no estimate"
    wanted, joined = pairs.only(used), pairs.only(known)
    if pairs.master_day not in joined.day:
        raise StageError(f"correction of images: {without}; the master has none")
    islands = joined.islands
    lonely = [
        *np.setdiff1d(wanted.day, joined.day),
        *(joined.day[k] for i in islands[1:] for k in i),
    ]
    if lonely:
        raise StageError(
            f"correction of images: {without}; isolated from the master without them: "
            + ", ".join(map(date_of, sorted(lonely)))
        )
