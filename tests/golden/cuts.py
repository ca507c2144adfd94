"""Golden sets of which only some points are left, as those of ``products/exports`` were made."""

import numpy as np

from pystamps_hpc.dataset.mat import read_mat, write_mat

from .parity import golden_root

CUTS = {"ps-cut9": ("ps-small", 9, "v"), "sb-cut3": ("sb-small", 3, "V")}
"""Set -> the set that it is cut from, of which rows, the letter of its velocities."""

CIRCLE = {"ref_centre_lonlat": (12.305, 44.095), "ref_radius": 900.0}
"""The reference area of some of their files."""

_NEEDED = ("ps2", "phuw2", "phuw_sb2", "scla2", "scla_sb2", "scn2", "ifgstd2", "phuw_sb_res2",
           "parms", "rc2", "hgt2", "pm2", "la2", "inc2")  # fmt: skip


def cut_tree(name, root):
    """Write the tree of a set to a directory."""
    source, step, _ = CUTS[name]
    expected = golden_root() / source / "expected"
    n_ps = int(read_mat(expected / "ps2.mat")["n_ps"].item())
    for path in expected.glob("*.mat"):
        if path.stem not in _NEEDED:
            continue
        values = {
            key: value[::step] if np.shape(value)[:1] == (n_ps,) else value
            for key, value in read_mat(path).items()
        }
        if path.stem == "ps2":
            values["n_ps"] = float(len(values["xy"]))
        write_mat(root / path.name, values)
