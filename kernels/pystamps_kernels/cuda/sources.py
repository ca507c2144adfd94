"""The CUDA sources: their text, the kernels they hold, how they are compiled."""

from functools import cache
from importlib.resources import files
from typing import Any

OPTIONS = ("--std=c++17", "--fmad=false")
"""Of NVRTC: no product is fused with a sum unless the source says ``fma``."""

_PHASORS = ("float2", "double2")
_REALS = ("float", "double")
_WORDS = ("unsigned short", "unsigned int")

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
        "phasors_of_cycles",
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
        "referenced_product<float>",
        "referenced_product<double>",
        "temporal_highpass",
        "network_smooth",
        "least_and_largest_neighbour",
        "clamp<float>",
        "clamp<double>",
        "bootstrap_deviation",
    ),
    "scn": ("spatial_lowpass",),
    "patch": (
        "at_cells",
        "against_cells",
        "whole_rows",
        "keep_phase",
        "count_not_finite",
        "put_columns",
        "unit_against_cells",
        "take_columns",
    ),
    "sums": (
        "cell_sums",
        "weighted_sums<float>",
        "weighted_sums<float2>",
        "column_parts<float>",
        "column_parts<double>",
        "column_sums<float, float>",
        "column_sums<double, double>",
        "column_products",
        "histogram<float>",
        "histogram<double>",
    ),
    "arcs": ("look_angle", "star_smooth", "held_smooth"),
    "annealing": ("anneal",),
    "raster": (
        "edge_costs",
        "cost_records",
        "solution_cost",
        "residues",
        "nearest_in_column",
        "nearest_along_rows",
    ),
    "lad": ("lad_fit",),
    "kriging": (
        "series_variograms",
        "spatial_variogram",
        "variogram_shapes",
        "fit_variograms",
        "krig_time",
        "krig_space",
    ),
    "geometry": (
        "look_angles",
        "perpendicular_baselines",
        "bilinear",
        *(f"{kernel}<{w}>" for kernel in ("add_amplitudes", "add_pairs") for w in _WORDS),
    ),
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
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "float32": "float",
    "float64": "double",
}
