"""Contracts of the inversion of a network of interferograms."""

from .model import Array, Kernel

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage6_network_inversion",
        "phase of every image by a fixed least-squares operator",
        (
            Array("phase", "n_ps n_pair", "f32", "unwrapped phase of the pairs [rad]"),
            Array("reference", "n_pair", "f32", "phase of the reference area [rad]"),
            Array("operator", "n_image n_pair", "f64", "pairs to images"),
        ),
        (Array("images", "n_ps n_image", "f32", "phase of the images [rad]"),),
    ),
    Kernel(
        "stage6_column_products",
        "products of all pairs of columns, summed over the rows in order",
        (Array("values", "n m", "f64", "values"),),
        (Array("products", "m m", "f64", "sums of products, symmetric"),),
    ),
)
