"""Contracts of residues, and of the chains of grid arcs between them."""

from .model import Array, Kernel

_TURNS = Array("turns", "n_row n_col", "f64", "wrapped phase [cycles]")

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage6_residues",
        "residues of a wrapped raster",
        (_TURNS,),
        (
            Array(
                "residues", "n_row1 n_col1", "i32", "cycles that each 2 x 2 face does not close by"
            ),
        ),
    ),
    Kernel(
        "stage6_chains",
        "chains of grid arcs that carry the same cycles, between faces where they can change",
        (
            Array("row_edges", "n_row1 n_col", "i64", "signed edge number, from 1, of row arcs"),
            Array("col_edges", "n_row n_col1", "i64", "signed edge number of column arcs"),
            Array("residues", "n_row1 n_col1", "i32", "residue of each face"),
        ),
        (
            Array("row_chains", "n_row1 n_col", "i32", "signed chain number, from 1, of row arcs"),
            Array("col_chains", "n_row n_col1", "i32", "signed chain number of column arcs"),
            Array("tail", "n_chain", "i32", "face that a chain leaves; the last is the outside"),
            Array("head", "n_chain", "i32", "face that a chain enters"),
            Array("n_arcs", "n_chain", "i32", "arcs of the chain"),
            Array("edge", "n_chain", "i32", "signed edge number, from 1"),
            Array("supply", "n_face", "i64", "cycles that have to leave each face"),
        ),
    ),
)
