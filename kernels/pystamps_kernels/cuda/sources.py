"""The CUDA sources: their text, the kernels they hold, how they are compiled."""

from functools import cache
from importlib.resources import files
from typing import Any

OPTIONS = ("--std=c++17", "--fmad=false")
"""Of NVRTC: no product is fused with a sum unless the source says ``fma``."""

_PHASORS = ("float2", "double2")
_REALS = ("float", "double")

INSTANCES: dict[str, tuple[str, ...]] = {
    "samples": (
        "unit_phasors",
        "deviation",
        "angle",
        "subtract_phase",
        "wrapped_phase",
        "arc_phasors",
        "phase_steps",
        "to_points",
        *(f"{kernel}<{b}>" for kernel in ("ph_weight", "ph_weight_single") for b in _REALS),
    ),
    "edge_stats": (
        "spread_of_noise",
        "least_of_nodes",
        *(
            f"{kernel}<{z}>"
            for kernel in ("arc_noise", "pair_sums", "spread_of_pairs")
            for z in _PHASORS
        ),
    ),
    "windows": (
        "planes",
        "filter_windows",
        "add_windows",
        "rounded",
        "with_phase",
        "filter_cells",
    ),
    "series": (
        "scla",
        "edge_noise",
        "arc_noise",
        "arc_variance",
        "image_baselines",
        "velocity_fit",
        "temporal_highpass",
        "network_smooth",
        "least_and_largest_neighbour",
        "clamp<float>",
        "clamp<double>",
        "bootstrap_deviation",
    ),
    "scn": ("spatial_lowpass",),
    "patch": ("at_cells", "against_cells", "whole_rows", "keep_phase", "count_not_finite"),
    "sums": ("cell_sums", "histogram<float>", "histogram<double>"),
    "topofit": (
        "trial_table<float>",
        "trial_table<double>",
        *(f"fit<{z}, {b}>" for z in _PHASORS for b in _REALS),
        "fit_single<float2, float>",
        "fit_single<float2, double>",
        "fit_single<double2, float>",
    ),
}
"""Source -> the kernels that it is compiled for, templates with their arguments."""


@cache
def text(source: str) -> str:
    """Return the whole text of a source: what all share, then its own file."""
    folder = files(__package__) / "sources"
    parts = [(folder / f"{name}.cu").read_text(encoding="utf-8") for name in ("common", source)]
    return "\n".join(parts)


def of_classes(kernel: str, *arrays: Any) -> str:
    """Return the name of a template for the classes of these arrays."""
    return f"{kernel}<{', '.join(_TYPES[array.dtype.name] for array in arrays)}>"


_TYPES = {
    "complex64": "float2",
    "complex128": "double2",
    "float32": "float",
    "float64": "double",
}
