"""Contracts of variograms, and of kriging in time and in space."""

from .model import Array, Kernel, Scalar

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage8_series_variograms",
        "empirical variogram of every series: mean semivariance of its pairs, by lag",
        (
            Array("series", "n n_use", "f32", "values"),
            Array("first", "n_pair", "i64", "first epoch of each pair, pairs sorted by lag"),
            Array("second", "n_pair", "i64", "its second epoch"),
            Array("starts", "n_start", "i64", "first pair of each lag, and the end; none is empty"),
        ),
        (Array("semivariance", "n n_lag", "f64", "half the mean squared difference"),),
        tolerance={"semivariance": 1e-12},
    ),
    Kernel(
        "stage8_spatial_variogram",
        "sums of an empirical variogram: squared differences of pairs of points, by distance",
        (
            Array("xy", "n 2", "f32", "positions [m]"),
            Array("values", "n n_use", "f32", "values"),
            Scalar("width", "width of a bin [m]"),
            Scalar("n_bin", "bins from distance 0 on; pairs beyond are left out", int),
            Scalar("first", "pairs whose lower point is this one or later ...", int),
            Scalar("stop", "... and before this one", int),
        ),
        (
            Array("squares", "n_bin n_use", "f64", "squared differences, summed over pairs"),
            Array("pairs", "n_bin", "i64", "number of pairs"),
        ),
        tolerance={"squares": 1e-8},
    ),
    Kernel(
        "stage8_fit_variograms",
        "exponential variogram with nugget, the best in least squares within bounds of the range",
        (
            Array("lags", "n_lag", "f64", "lags, ascending, one at least"),
            Array("semivariance", "n n_lag", "f64", "semivariance at the lags, not negative"),
            Scalar("indifferent", "range where the sill is zero, so that none is better"),
        ),
        (
            Array("model", "n 3", "f64", "range, sill, nugget"),
            Array("objective", "n", "f64", "sum of squared deviations"),
        ),
        tolerance={"model": 1e-6, "objective": 1e-12},
    ),
    Kernel(
        "stage8_krig_time",
        "ordinary kriging of every series at its own epochs, with and without the own value",
        (
            Array("series", "n n_use", "f32", "values"),
            Array("model", "n 3", "f64", "range, sill, nugget of each series"),
            Array("distance", "n_use n_use", "f64", "between epochs, in the unit of the range"),
            Array("order", "n_use n_use", "i64", "row k: epochs by their distance from epoch k"),
            Scalar("n_most", "neighbours that are used at most", int),
        ),
        (
            Array("low_pass", "n n_use", "f64", "value without noise"),
            Array("others", "n n_use", "f64", "predicted by other epochs, NaN without any"),
        ),
        tolerance={"low_pass": 1e-9, "others": 1e-9},
    ),
    Kernel(
        "stage8_krig_space",
        "ordinary kriging at points from their nearest points, every column with its own model",
        (
            Array("values", "n n_use", "f32", "values of all points"),
            Array("xy", "n 2", "f32", "positions of all points [m]"),
            Array("model", "n_use 3", "f64", "range [m], sill, nugget of each column"),
            Array("targets", "n_row", "i64", "points that are predicted"),
            Array("neighbours", "n_row n_near", "i64", "their neighbours by distance, then -1"),
        ),
        (Array("kriged", "n_row n_use", "f64", "values without noise, 0 without neighbours"),),
        tolerance={"kriged": 1e-8},
    ),
)
