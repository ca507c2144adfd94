"""Contracts of the spatially correlated look-angle error and the master atmosphere."""

from .model import Array, Kernel

_PHASE = Array("phase", "n_ps n_ifg", "f32", "unwrapped phase [rad]")
_BPERP = Array("bperp", "n_ps n_ifg", "f32", "perpendicular baseline, zero at the master [m]")
_REFERENCE = Array("reference", "n_ifg", "f32", "phase of the reference area [rad]")
_FITTED = Array("fitted", "n_fit", "i64", "interferograms of the master fit, 0-based")
_MEAN_OPERATOR = Array("offset_operator", "n_fit", "f64", "phase to offset: a row of weights")

_SLOPE = Array("K_ps_uw", "n_ps", "f64", "look-angle error slope [rad/m]")
_OFFSET = Array("C_ps_uw", "n_ps", "f32", "master atmosphere and orbit error [rad]")
_SCLA = Array("ph_scla", "n_ps n_ifg", "f32", "look-angle error phase [rad]")

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage7_scla",
        "look-angle error and master phase of every PS by fixed least-squares operators",
        (
            _PHASE,
            _BPERP,
            _REFERENCE,
            Array("sequence", "n_seq", "i64", "differenced interferograms, ascending, 0-based"),
            Array("slope_operator", "n_diff", "f64", "phase steps to slope: n_seq - 1 weights"),
            _FITTED,
            _MEAN_OPERATOR,
        ),
        (_SLOPE, _OFFSET, _SCLA),
    ),
    Kernel(
        "stage7_scla_of_slope",
        "look-angle error and master phase of every PS for slopes that are known",
        (
            _PHASE,
            _BPERP,
            _REFERENCE,
            Array("slope", "n_ps", "f64", "look-angle error slope [rad/m]"),
            _FITTED,
            _MEAN_OPERATOR,
        ),
        (_OFFSET, _SCLA),
    ),
    Kernel(
        "stage7_scla_of_pairs",
        "look-angle error of every PS from pairs as they are, by a fixed least-squares operator",
        (
            _PHASE,
            _BPERP,
            _REFERENCE,
            Array("pairs", "n_fit", "i64", "interferograms of the fit, 0-based"),
            Array("slope_operator", "n_fit", "f64", "phase to slope: a row of weights"),
        ),
        (_SLOPE, _SCLA),
    ),
    Kernel(
        "stage7_image_baselines",
        "baselines of the images of every PS from those of the pairs, by a fixed operator",
        (
            Array("operator", "n_fit n_ifg", "f64", "baselines of pairs to those of images"),
            Array("bperp", "n_ps n_ifg", "f32", "perpendicular baseline of each pair [m]"),
        ),
        (Array("image_bperp", "n_ps n_fit", "f32", "perpendicular baseline of each image [m]"),),
    ),
    Kernel(
        "stage7_scla_smooth",
        "slope and offset of every PS clamped to the range of its neighbours",
        (
            Array("slope", "n_ps", "f64", "look-angle error slope [rad/m]"),
            Array("offset", "n_ps", "f32", "master atmosphere and orbit error [rad]"),
            Array("edges", "n_edge 2", "i64", "neighbours, 0-based"),
        ),
        (_SLOPE, _OFFSET),
    ),
)
