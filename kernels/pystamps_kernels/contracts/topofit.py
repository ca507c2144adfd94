"""Contracts of the fit of the look-angle error to the phasors of a point."""

from .model import Array, Kernel, Scalar

_PHASOR = Array("cpxphase", "n m", "c64 c128", "phasors of a row; 0 = no data")
_TRIALS = Scalar("n_trial_wraps", "cycles of the largest slope searched over the baseline range")
_FIT = (
    Array("slope", "n", "f64", "look-angle error slope K [rad/m]"),
    Array("offset", "n", "f64", "constant phase C [rad]"),
    Array("coherence", "n", "f64", "temporal coherence gamma"),
    Array("residual", "n m", "c64", "phasors without the slope, offset included"),
)
_FIT_TOLERANCE = {"slope": 5e-9, "offset": 5e-6, "coherence": 1e-6, "residual": 5e-6}

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage2_topofit",
        "look-angle error slope of each row, every row with its own baselines",
        (_PHASOR, Array("bperp", "n m", "f32 f64", "perpendicular baselines [m]"), _TRIALS),
        _FIT,
        _FIT_TOLERANCE,
        single=True,
    ),
    Kernel(
        "stage2_topofit_row_invariant",
        "look-angle error slope of each row, baselines shared by all rows",
        (_PHASOR, Array("bperp", "m", "f32 f64", "perpendicular baselines [m]"), _TRIALS),
        _FIT,
        _FIT_TOLERANCE,
        single=True,
    ),
    Kernel(
        "stage2_topofit_coh_row_invariant",
        "temporal coherence only, baselines shared by all rows",
        (
            Array("cpxphase", "n m", "c128", "unit phasors"),
            Array("bperp", "m", "f32 f64", "perpendicular baselines [m]"),
            _TRIALS,
        ),
        (Array("coherence", "n", "f32 f64", "temporal coherence, of the class of bperp"),),
        {"coherence": 1e-6},
        single=True,
    ),
    Kernel(
        "stage2_topofit_coh_rough",
        "temporal coherence to few digits; NaN where rounding may decide how a fit turns out",
        (
            Array("cpxphase", "n m", "c128", "unit phasors"),
            Array("bperp", "m", "f32 f64", "perpendicular baselines [m]"),
            _TRIALS,
        ),
        (Array("coherence", "n", "f32", "temporal coherence, good to 1e-5"),),
        {"coherence": 1e-5},
    ),
)
