"""Every value type against what StaMPS' own plotting gives for the golden sets.

``products/SET/CASE.json`` lists the calls of a case, ``CASE.npz`` their results. Where StaMPS stops
or shows what cannot be meant, :data:`STAMPS_STOPS` and :data:`ODD` say what is made here.
"""

import json
import re
from functools import cache

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.errors import PystampsError
from pystamps_hpc.stages.shared.velocity import line_of_sight_velocity
from pystamps_hpc.tools.products import deviation
from pystamps_hpc.tools.products.artifacts import MergedArtifacts
from pystamps_hpc.tools.products.values import read_values, relative_to_reference

from .parity import golden_root

pytestmark = [pytest.mark.golden, pytest.mark.usefixtures("golden")]

PRODUCTS = golden_root() / "products"
SETS = ("ps-small", "sb-small")

CHANGES = {
    "refcircle": {"ref_centre_lonlat": (12.305, 44.095), "ref_radius": 900.0},
    "refbox": {"ref_lon": (12.29, 12.32), "ref_lat": (44.08, 44.11)},
    "refempty": {"ref_radius": 10.0, "ref_centre_lonlat": (0.0, 0.0)},
    "refnone": {"ref_radius": -np.inf},
    "refxy": {"ref_x": (-1000.0, 1500.0), "ref_y": (-500.0, 2000.0), "ref_radius": 10.0},
    "drop": {"drop_ifg_index": (3.0, 12.0)},
    "envisat": {"platform": "ENVISAT"},
    "scla_deramp": {"scla_deramp": "y"},
}  # fmt: skip
OF_PAIRS = {
    "refcircle": {"ref_centre_lonlat": (12.305, 44.095), "ref_radius": 700.0},
    "drop": {"drop_ifg_index": (4.0, 17.0, 30.0)},
}
"""Parameters of a case, those of small baselines where they differ."""

LISTS = {
    "ps-small": {
        "u-dm": [3, 7, 10, 15], "w-d": [15, 2, 8], "v-do": [2, 4, 5, 9, 11, 14, 18],
        "s": [20, 1], "vdrop": [5, 8, 9, 13, 20], "p": [11, 12],
    },
    "sb-small": {
        "usb-d": [3, 7, 10, 40], "u-dm": [1, 5, 13], "w-d": [15, 2, 8], "s": [14, 2],
        "v-do": list(range(1, 42, 2)), "vs-d": list(range(1, 21)), "wf": [1, 42],
        "Vs": [2, 3, 4, 8, 9, 10, 11],
    },
}  # fmt: skip

STAMPS_STOPS = {
    "refnone": ("v", "vs"),
    "default": ("wf",),
    "refifg": ("p_prev", "w_prev", "wf_4"),
    "aps": ("vs-da_linear", "Vt", "t"),
}
"""Calls that stop in StaMPS and have a result here."""

ODD = {("ps-small", "wa"): 10, ("sb-small", "w-dm"): 7}
"""Columns of the master, which StaMPS sets to 1 + i (PS), and a pair that it takes for them."""

WAVELENGTH = 0.05546576
SINGLE, RAMPS, DOUBLE = 5e-6, 2.2e-5, 3.5e-5
"""Tolerances of phase [rad]: with means of StaMPS' arithmetic, with its ramps, in double."""
VELOCITY = 4e-5
"""Tolerance of velocities [mm/yr], which StaMPS computes in single."""
LINE = 3e-6, 3e-8
"""Tolerances of offset [rad] and rate [rad/day]."""


def calls():
    for name in SETS:
        for path in sorted((PRODUCTS / name).glob("*.json")):
            for tag, known in json.loads(path.read_text())["types"].items():
                if not tag.startswith("numeric"):
                    yield pytest.param(name, path.stem, tag, known, id=f"{name}-{path.stem}-{tag}")


@cache
def results(name, case):
    return np.load(PRODUCTS / name / f"{case}.npz")


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """Make the tree of a case: links to the golden one, parameters and corrections of its own."""
    made = {}

    def tree(name, case):
        if (name, case) not in made:
            made[name, case] = _tree(name, case, tmp_path_factory.mktemp(f"{name}-{case}"))
        return made[name, case]

    return tree


def _tree(name, case, root):
    source = golden_root() / name / "expected"
    for path in source.glob("*.mat"):
        (root / path.name).symlink_to(path)
    changes = {**CHANGES, **(OF_PAIRS if name == "sb-small" else {})}.get(case)
    if changes:
        known = parameters.load(root).with_values(changes)
        (root / "parms.mat").unlink()
        parameters.save(known)
    if case.startswith("degree"):
        write_mat(root / "deramp_degree.mat", {"degree": float(case.removeprefix("degree"))})
    if case.startswith("aps"):
        _write_corrections(root, name == "sb-small", case == "aps-missing")
    if case == "scla_deramp":
        _write_ramps(root, name)
    return root


def _write_corrections(root, small_baselines, missing):
    """Write the synthetic corrections that the README of the products describes."""
    found = MergedArtifacts(root)
    lon, lat = found.points["lonlat"].T
    height = (found.value("hgt2.hgt") - 150) / 100
    fields = height, 20 * (lon - lon.mean()), 20 * (lat - lat.mean())
    series = found.series

    def correction(p):
        k = np.arange(1, series.n_columns + 1)
        waves = 0.8 * np.sin(1.3 * p * k), 0.6 * np.cos(0.7 * k + p), 0.4 * np.sin(0.31 * k**2 + p)
        values = sum(f[:, None] * wave for f, wave in zip(fields, waves, strict=True))
        values -= values[:, [series.master]]
        if small_baselines:
            first, second = found.network.pairs.T
            values = values[:, second] - values[:, first]
        return values

    linear = correction(1)
    linear[np.arange(len(lon)) % 977 == 500] = np.nan
    era = correction(2)
    if missing:
        era[:, [2, 6, 19, 35]] = 0
    tropo = {
        "ph_tropo_linear": linear, "ph_tropo_era": era, "ph_tropo_merra2": correction(3),
        "ph_tropo_powerlaw": correction(4), "K_tropo_powerlaw": 0.001 * correction(5) + 0.01,
    }  # fmt: skip
    files = {
        "tca": tropo, "ica": {"ph_iono_azshift": correction(6)},
        "tide": {"ph_tide": 0.3 * correction(7)},
    }  # fmt: skip
    version = "_sb2" if small_baselines else "2"
    for stem, keys in files.items():
        single = {key: value.astype(np.float32) for key, value in keys.items()}
        write_mat(root / f"{stem}{version}.mat", single)


def _write_ramps(root, name):
    """Make stages 7 and 8 anew with ramps, as the golden values were."""
    from pystamps_hpc.parallel.context import Context, QuietLog
    from pystamps_hpc.pipeline.loading import load_inputs
    from pystamps_hpc.pipeline.table import mode_of, task
    from pystamps_kernels.dispatch import table

    from .parity import values_of

    parms = parameters.load(root)
    config = RunConfig().with_values({"compat.arithmetic": "single"}).resolved()
    for stage in (7, 8):
        spec = task(stage, "merged", mode_of(parms)).spec
        ctx = Context(table("native", "single"), config, log=QuietLog())
        inputs = load_inputs(spec.inputs, root, parms)
        made = values_of(spec.solve(inputs, parms.to_params(spec.params), ctx))
        for artifact, keys in made.items():
            (root / f"{artifact}.mat").unlink(missing_ok=True)
            write_mat(root / f"{artifact}.mat", keys)


def asked(name, case, tag):
    """Return value type and further arguments of a call."""
    kind, _, extra = tag.partition("_")
    options = {}
    if case == "refifg":
        options["ref_ifg"] = -1 if extra.startswith("prev") else int(extra)
        if extra.endswith("list"):
            options["ifgs"] = [4, 9, 10]
    elif case == "list":
        options["ifgs"] = LISTS[name][kind]
    elif case.startswith("aps"):
        options["tropo"] = "a_erai" if extra in ("", "plain") else extra.removeprefix("alias_")
    return kind, options


@pytest.mark.parametrize("arithmetic", ["single", "double"])
@pytest.mark.parametrize(("name", "case", "tag", "known"), list(calls()))
def test_values_are_those_of_stamps(name, case, tag, known, arithmetic, trees, monkeypatch):
    kind, options = asked(name, case, tag)
    config = RunConfig().with_values({"compat.arithmetic": arithmetic})
    monkeypatch.setattr(deviation, "resampled", stamps_samples)
    monkeypatch.setattr("pystamps_hpc.tools.products.values.resampled", stamps_samples)
    root = trees(name, case)
    if known["result"] != "ok":
        if tag in STAMPS_STOPS.get(case, ()):
            assert read_values(root, kind, **options, config=config).rows[:].size
            return
        with pytest.raises(PystampsError):
            read_values(root, kind, **options, config=config)
        return
    if case == "refempty":
        with pytest.raises(PystampsError, match="0 PS in reference area"):
            read_values(root, kind, **options, config=config)
        return
    found = read_values(root, kind, **options, config=config)
    stored = results(name, case)
    every = int(known["rows"].partition("::")[2]) if "::" in known["rows"] else 1
    values, expected = found.rows[:][::every], stored[f"{tag}.ph_disp"]
    np.testing.assert_array_equal(found.ifg_list, stored[f"{tag}.ifg_list"].ravel())
    assert known["unit"].startswith({"phasor": "unit phasor"}.get(found.unit, found.unit))
    if (name, kind) in ODD:
        values[:, ODD[name, kind]] = expected[:, ODD[name, kind]]
    atol = tolerance(found, case, arithmetic)
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=atol, equal_nan=True)
    if found.fit is not None and f"{tag}.m" in stored:
        every = int(re.search(r"columns 0::(\d+)", known["m"])[1])
        for fitted, wanted, atol in zip(
            found.fit[::every].T, stored[f"{tag}.m"], LINE, strict=True
        ):
            np.testing.assert_allclose(fitted, wanted, rtol=0, atol=atol)
    if f"{tag}.mean_v" in stored:  # StaMPS' sign: away from the satellite
        velocity = line_of_sight_velocity(found.fit[:, 1], WAVELENGTH)
        np.testing.assert_allclose(-velocity, stored[f"{tag}.mean_v"], rtol=0, atol=6e-5)


def tolerance(found, case, arithmetic):
    if found.unit == "mm/yr":
        return VELOCITY
    if arithmetic == "double":
        return DOUBLE
    return RAMPS if "o" in found.kind.name or case == "scla_deramp" else SINGLE


def test_values_of_ones_own_are_relative_to_the_reference(golden):
    root = golden_root() / "ps-small" / "expected"
    x = np.arange(1, 9858)
    found = relative_to_reference(root, np.column_stack([np.sin(x / 100), 3 * np.cos(x / 77)]))
    expected = results("ps-small", "aps")["numeric2.ph_disp"]
    np.testing.assert_allclose(found[::17], expected, rtol=0, atol=2e-7)


def stamps_samples(n_fitted, seed):
    """Return the samples that every golden deviation was made with."""
    return np.load(PRODUCTS / "bootstrap" / f"boot_1500_{n_fitted}.npz")["ix"].astype(int) - 1
