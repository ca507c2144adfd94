"""Contracts of the geometry of candidates: angles, baselines, interpolation."""

from .model import Array, Kernel, Scalar

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage1_look_angles",
        "look and incidence angle from slant range on a spherical Earth",
        (
            Array("range_sample", "n_cand", "f64", "range sample from 0"),
            Scalar("near_range", "slant range of sample 0 [m]"),
            Scalar("range_spacing", "range step [m]"),
            Scalar("sar_to_center", "satellite to the centre of the Earth [m]"),
            Scalar("earth_radius", "ground to the centre of the Earth [m]"),
        ),
        (
            Array("look", "n_cand", "f64", "look angle [rad], NaN where no triangle exists"),
            Array("incidence", "n_cand", "f64", "incidence angle [rad], NaN likewise"),
        ),
        tolerance={"look": 1e-15, "incidence": 1e-15},
    ),
    Kernel(
        "stage1_perpendicular_baselines",
        "perpendicular baseline of each candidate in each interferogram",
        (
            Array("line_offset", "n_cand", "f64", "azimuth lines from the middle of the scene"),
            Array("look", "n_cand", "f64", "look angle [rad]"),
            Array("baseline", "n_ifg 2", "f64", "cross-track and normal component [m]"),
            Array("baseline_rate", "n_ifg 2", "f64", "their change [m/s]"),
            Scalar("prf", "lines per second [Hz]"),
        ),
        (Array("bperp", "n_cand n_ifg", "f64", "perpendicular baseline [m]"),),
        tolerance={"bperp": 1e-9},
    ),
    Kernel(
        "stage1_bilinear",
        "bilinear interpolation on a regular grid",
        (
            Array("grid", "n_row n_col", "f64", "values at the nodes, at least 2 x 2"),
            Array("row", "n_cand", "f64", "row coordinate in nodes from 0"),
            Array("column", "n_cand", "f64", "column coordinate in nodes from 0"),
        ),
        (Array("values", "n_cand", "f64", "interpolated values"),),
    ),
)
