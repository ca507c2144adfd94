"""Series, deviations and lists of StaMPS' plotting, and what is made of the same trees here."""

import gzip

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.stages.shared.ifgs import date_of
from pystamps_hpc.tools.listing import dataset_listing
from pystamps_hpc.tools.products.plot_files import write_series
from pystamps_hpc.tools.products.points import read_points
from pystamps_hpc.tools.products.time_series import at_point, line_of, read_series
from pystamps_hpc.tools.products.values import read_values

from .parity import golden_root

pytestmark = [pytest.mark.golden, pytest.mark.usefixtures("golden")]

CUTS = {"ps-cut9": ("ps-small", 9, "v"), "sb-cut3": ("sb-small", 3, "V")}
"""Set -> the set that it is cut from, of which rows, the letter of its velocities."""
CIRCLE = {"ref_centre_lonlat": (12.305, 44.095), "ref_radius": 900.0}
NEEDED = ("ps2", "phuw2", "scla2", "scn2", "ifgstd2", "phuw_sb_res2", "la2", "parms")
SINGLE = 2e-5
"""StaMPS' plotting computes in single [mm]."""


@pytest.fixture(scope="module", params=CUTS)
def cut(request, tmp_path_factory):
    """Return name and tree of a set of which only some points are left."""
    source, step, _ = CUTS[request.param]
    root = tmp_path_factory.mktemp(request.param)
    n_ps = int(read_mat(golden_root() / source / "expected" / "ps2.mat")["n_ps"].item())
    for path in (golden_root() / source / "expected").glob("*.mat"):
        if path.stem not in NEEDED:
            continue
        values = {
            key: value[::step] if np.shape(value)[:1] == (n_ps,) else value
            for key, value in read_mat(path).items()
        }
        if path.stem == "ps2":
            values["n_ps"] = float(len(values["xy"]))
        write_mat(root / path.name, values)
    return request.param, root


def stored(name):
    return np.load(golden_root() / "products" / "exports" / name / "timeseries.npz")


@pytest.mark.parametrize("suffix", ["", "-d", "-o", "-do", "-ds"])
def test_displacements_are_those_of_stamps(cut, suffix, tmp_path):
    name, root = cut
    kind = f"{CUTS[name][2]}{suffix}"
    if f"ts0_{kind}.ph_mm" not in stored(name):
        pytest.skip(f"no {kind} of {name}")
    series = read_series(root, kind)
    write_series(series, tmp_path / "ts.mat")
    found, expected = read_mat(tmp_path / "ts.mat"), stored(name)
    moved = expected[f"ts0_{kind}.ph_mm"]
    if suffix == "-d":  # StaMPS takes the phase of the master off twice
        phase = read_mat(root / "scla2.mat")["C_ps_uw"]
        phase = phase - phase.mean()
        moved = moved - phase * series.wavelength * 1000 / (4 * np.pi)
    np.testing.assert_allclose(found["ph_mm"], moved, rtol=0, atol=SINGLE)
    assert found["ph_mm"].dtype == np.float32
    for key in ("day", "unwrap_ifg_index", "bperp"):
        np.testing.assert_array_equal(found[key], expected[f"ts0_{kind}.{key}"])


def test_the_table_of_points_shows_displacements_and_velocities_of_stamps(cut):
    name, root = cut
    kind = f"{CUTS[name][2]}-do"
    points = read_points(root, kind)
    blocks = list(points.blocks())
    moved = np.concatenate([block.displacement for block in blocks])
    velocity = np.concatenate([block.values["velocity"] for block in blocks])
    without_master = np.delete(moved, points.dates.index(points.velocities.master), axis=1)
    expected = stored(name)[f"ts0_{kind}.ph_mm"]
    np.testing.assert_allclose(without_master, expected, rtol=0, atol=SINGLE)
    np.testing.assert_allclose(velocity, read_values(root, kind).rows[:, 0], rtol=0, atol=4e-5)
    incidence, up = blocks[0].values["incidence"], blocks[0].values["look_up"]
    mean = np.degrees(read_mat(root / "ps2.mat")["mean_incidence"].item())
    assert np.abs(incidence - mean).max() < 0.5
    np.testing.assert_allclose(up, np.cos(np.radians(incidence)), atol=1e-6)


@pytest.mark.parametrize("point", ["p1", "p2", "p3"])
def test_series_of_points_are_those_of_stamps(cut, point):
    name, root = cut
    parameters.save(parameters.load(root).with_values(CIRCLE))
    series, expected = read_series(root), stored(name)
    found = at_point(series, tuple(expected[f"{point}.lonlat"]), 300.0)
    np.testing.assert_array_equal(found.ps + 1, expected[f"{point}.in"])
    np.testing.assert_allclose(found.displacement, expected[f"{point}.ts"], rtol=0, atol=SINGLE)
    line = line_of(series, found.displacement)
    np.testing.assert_allclose(
        [line.offset, line.velocity / 365.25], expected[f"{point}.x_hat"], rtol=0, atol=1e-5
    )
    if point == "p2":
        other = at_point(series, tuple(expected["p1.lonlat"]), 300.0)
        moved = other.displacement - found.displacement
        np.testing.assert_allclose(moved, expected["diff12.ts"], rtol=0, atol=2 * SINGLE)


@pytest.mark.parametrize("suffix", ["", "-d"])
def test_the_deviation_of_residuals_is_that_of_resampling_within_a_tenth(suffix):
    kind, plotted = f"vs{suffix}", np.load(golden_root() / "products" / "ps-small" / "default.npz")
    found = read_values(golden_root() / "ps-small" / "expected", kind, deviation="residuals")
    ratio = (found.rows[:] / plotted[f"{kind}.ph_disp"]).ravel()
    assert abs(np.median(ratio) - 1) < 0.1
    assert (np.abs(np.percentile(ratio, (5, 95)) - 1) < 0.4).all()


def test_another_seed_gives_nearly_the_same_deviation():
    root = golden_root() / "ps-small" / "expected"
    one, other = (
        read_values(root, "vs", config=RunConfig().with_values({"output.bootstrap_seed": seed}))
        for seed in (0, 1)
    )
    assert (one.rows[:] != other.rows[:]).all()
    assert abs(np.median(one.rows[:] / other.rows[:]) - 1) < 0.05


def lines_of(path):
    """Return the lines of a listing of StaMPS, one per image or pair."""
    return [line for line in gzip.open(path, "rt").read().splitlines() if line.endswith("deg")]


@pytest.mark.parametrize("name", CUTS)
def test_the_listing_is_that_of_stamps(name):
    source, _, letter = CUTS[name]
    listing = dataset_listing(golden_root() / source / "expected")
    folder = golden_root() / "products" / "exports" / name
    expected = [line.split() for line in lines_of(folder / "ps_info.txt.gz")]
    assert [row["number"] for row in listing["images"]] == [int(row[0]) for row in expected]
    bperp = [row["bperp_m"] for row in listing["images"]]
    np.testing.assert_allclose(bperp, [float(row[2]) for row in expected], atol=0.55)
    if letter == "v":
        noise = [row["noise_deg"] for row in listing["images"]]
        assert noise == [float(row[4]) for row in expected]
        return
    pairs = lines_of(folder / "sb_info.txt.gz")
    assert len(listing["interferograms"]) == len(pairs)
    noise = [float(line.split()[-2]) for line in pairs]
    assert [row["noise_deg"] for row in listing["interferograms"]] == noise
    assert listing["images"][7]["date"] == listing["master"] == date_of(736584)
