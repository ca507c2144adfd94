"""Exports that StaMPS has, too, against the files that it wrote of the golden sets."""

import gzip
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.tools.export.kml import write_kml
from pystamps_hpc.tools.export.stamps import write_stamps_set
from pystamps_hpc.tools.export.visualizer import write_visualizer_csv
from pystamps_hpc.tools.products.points import read_points

from .cuts import CIRCLE, CUTS, cut_tree
from .parity import golden_root

pytestmark = [pytest.mark.golden, pytest.mark.usefixtures("golden")]

EXPORTS = golden_root() / "products" / "exports"
CASES = [("ps-cut9", "v-do"), ("ps-cut9", "v-d_mv"), ("sb-cut3", "v-do")]
"""Sets, and what was plotted before; ``_mv``: with deviations, relative to a circle."""

SAME = ("date.txt", "ps_ij.txt", "ps_ll.txt", "dem_error.xy", "ps_mean_v_std.xy")
"""Text files that are the same bytes."""

VELOCITY = 1.1e-5
"""What single arithmetic makes of a velocity [mm/yr]."""

PHASE, MOVED = 3e-7, 4e-6
"""The same of a phase [rad] and a displacement [mm]."""


def config(exports="reference"):
    return RunConfig().with_values({"compat.exports": exports, "compat.arithmetic": "single"})


def table(path, **options):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as file:
        return np.genfromtxt(file, **options)


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """Return the tree of a set, relative to all points or to the circle."""
    made = {}

    def tree(name, circle=False):
        if (name, circle) not in made:
            root = made[name, circle] = tmp_path_factory.mktemp(name)
            cut_tree(name, root)
            changes = {"ref_velocity": 0.003} | (CIRCLE if circle else {})
            parameters.save(parameters.load(root).with_values(changes))
        return made[name, circle]

    return tree


@pytest.fixture(scope="module")
def sets(trees, tmp_path_factory):
    """Return the set of files of a case as StaMPS writes it, what it wrote, and its arrays."""
    made = {}

    def of(name, case):
        if (name, case) not in made:
            stored = np.load(EXPORTS / name / case / "arrays.npz")
            root = trees(name, circle=case.endswith("_mv"))
            if "mv2.n_boot" in stored:
                deviation = {key[4:]: stored[key] for key in stored if key.startswith("mv2.")}
                write_mat(root / "mv2.mat", deviation)
            folder = tmp_path_factory.mktemp("export") / "stamps"
            kind = case.removesuffix("_mv")
            write_stamps_set(read_points(root, kind, config=config()), folder)
            (root / "mv2.mat").unlink(missing_ok=True)
            made[name, case] = folder, EXPORTS / name / case, stored
        return made[name, case]

    return of


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_set_of_stamps_has_its_files_and_their_text(sets, name, case):
    folder, expected, stored = sets(name, case)
    images = [key.removeprefix("u-dm.") for key in stored if key.startswith("u-dm.")]
    names = {path.stem for path in expected.glob("*.gz")} | {"ph_w.flt", "ph_uw.flt"}
    assert {path.name for path in folder.iterdir()} == names | {
        f"ps_u-dm.{image}.xy" for image in images
    }
    for path in expected.glob("*.gz"):
        text = gzip.decompress(path.read_bytes())
        if path.stem in SAME:
            assert (folder / path.stem).read_bytes() == text
        widths = {re.sub(rb"[-\d]", b"0", line) for line in text.splitlines()[:50]}
        if path.stem != "ps_data.xy":
            found = (folder / path.stem).read_bytes().splitlines()[:50]
            assert {re.sub(rb"[-\d]", b"0", line) for line in found} == widths


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_set_of_stamps_holds_its_values(sets, name, case):
    folder, expected, stored = sets(name, case)
    velocity = table(expected / "ps_mean_v.xy.gz")
    np.testing.assert_allclose(table(folder / "ps_mean_v.xy"), velocity, rtol=0, atol=VELOCITY)
    points = table(expected / "ps_data.xy.gz")
    np.testing.assert_allclose(table(folder / "ps_data.xy"), points, rtol=0, atol=1.1e-4)
    for key in ("ph_w.flt", "ph_uw.flt"):
        difference = np.fromfile(folder / key, np.float32) - stored[key]
        assert np.abs(np.angle(np.exp(1j * difference))).max() < PHASE
    for key in filter(re.compile(r"u-dm\.").match, stored):
        moved = table(folder / f"ps_{key}.xy")
        np.testing.assert_array_equal(moved[:, :2], velocity[:, :2])
        np.testing.assert_allclose(moved[:, 2], stored[key], rtol=0, atol=MOVED)


@pytest.mark.parametrize("name", CUTS)
def test_the_sound_set_differs_where_its_names_say_something_else(trees, sets, name, tmp_path):
    points = read_points(trees(name), "v-do", config=config("sound"))
    write_stamps_set(points, tmp_path / "stamps")
    _, expected, stored = sets(name, "v-do")
    velocity = table(expected / "ps_mean_v.xy.gz")
    for file, atol in (("ps_mean_v.xy", 6e-5), ("ps_ll.txt", 6e-7)):
        of_stamps = table(expected / f"{file}.gz")
        np.testing.assert_allclose(table(tmp_path / "stamps" / file), of_stamps, rtol=0, atol=atol)
    found = table(tmp_path / "stamps" / "ps_data.xy")
    np.testing.assert_allclose(found[:, 2], velocity[:, 2], rtol=0, atol=6e-5)
    np.testing.assert_allclose(found[:, 3], points.known["height"], rtol=0, atol=6e-4)
    deviation = table(tmp_path / "stamps" / "ps_mean_v_std.xy")[:, 2]
    np.testing.assert_array_equal(found[:, 5], deviation)
    # constants of ERS scale the error of the DEM, and StaMPS subtracts its mean
    slope = points.found.value("scla2.K_ps_uw")
    assert np.corrcoef(found[:, 4], -slope)[0, 1] > 0.999
    master = points.found.series.master
    moved = {k: table(tmp_path / "stamps" / f"ps_u-dm.{k + 1}.xy")[:, 2] for k in (0, master)}
    np.testing.assert_allclose(moved[0], stored["u-dm.1"], rtol=0, atol=6e-5)
    assert not moved[master].any()
    assert np.abs(stored[f"u-dm.{master + 1}"]).max() > 5
    wrapped = np.fromfile(tmp_path / "stamps" / "ph_w.flt", np.float32).reshape(len(points), -1)
    of_stamps = stored["ph_w.flt"].reshape(wrapped.shape)
    others = np.delete(np.arange(wrapped.shape[1]), master)
    np.testing.assert_allclose(wrapped[:, others], of_stamps[:, others], atol=PHASE)
    assert wrapped[:, master].any() == (name == "sb-cut3")


@pytest.mark.parametrize("name", CUTS)
def test_the_table_of_the_visualizer_is_that_of_stamps(trees, name, tmp_path):
    kind = f"{CUTS[name][2]}-do"
    expected = EXPORTS / name / "stamps_tsexport.csv.gz"
    head = gzip.decompress(expected.read_bytes()).decode().splitlines()[:2]
    values = table(expected, delimiter=",", skip_header=2)
    for exports, of_degrees, of_millimetres in (("reference", 0, 1.2e-5), ("sound", 5.1e-6, 6e-5)):
        points = read_points(trees(name, circle=True), kind, config=config(exports), columns=())
        path = tmp_path / f"{exports}.csv"
        write_visualizer_csv(points, path)
        names, first = path.read_text().splitlines()[:2]
        assert names == head[0]
        assert first.split(",")[3:] == head[1].split(",")[3:]
        place, of_stamps = (list(map(float, line.split(",")[:2])) for line in (first, head[1]))
        # the middle of the points lies in the circle
        within = 0 if exports == "reference" else 0.008
        np.testing.assert_allclose(place, of_stamps, rtol=0, atol=within)
        found = table(path, delimiter=",", skip_header=2)
        np.testing.assert_allclose(found[:, :2], values[:, :2], rtol=0, atol=of_degrees)
        np.testing.assert_allclose(found[:, 2:], values[:, 2:], rtol=0, atol=of_millimetres)


KML = "{http://www.opengis.net/kml/2.2}"
DRAWN = {
    "nolim": {},
    "lim": {"limits": (-12, 10), "opacity": 0.7},
    "thin": {"limits": (-12, 10), "thinning": 10},
}
"""Calls of ``ps_gescatter``."""


def placemarks(path):
    """Return longitude, latitude, value, colour and size of each placemark."""
    document = ElementTree.parse(path).getroot()
    styles = {
        style.get("id"): (style.findtext(f".//{KML}color"), style.findtext(f".//{KML}scale"))
        for style in document.iter(f"{KML}Style")
    }
    return [
        (*map(float, mark.findtext(f".//{KML}coordinates").split(",")),
         *styles[mark.findtext(f"{KML}styleUrl")[1:]])
        for mark in document.iter(f"{KML}Placemark")
    ]  # fmt: skip


def placemarks_of_stamps(path):
    """Return the same of StaMPS' file, whose styles share one name."""
    text = gzip.decompress(path.read_bytes()).decode()
    found = re.findall(
        r"<color>(\w+)</color> \n<scale>([\d.]+)</scale>.*?<coordinates>(.*?)</coordinates>",
        text, re.DOTALL,
    )  # fmt: skip
    return [(*map(float, place.split(",")), colour, size) for colour, size, place in found]


@pytest.mark.parametrize("tag", DRAWN)
@pytest.mark.parametrize("name", CUTS)
def test_placemarks_are_those_of_stamps(trees, name, tag, tmp_path):
    points = read_points(trees(name, circle=True), "v-d", config=config(), columns=())
    write_kml(points, tmp_path / "v.kml", **DRAWN[tag])
    found = placemarks(tmp_path / "v.kml")
    expected = placemarks_of_stamps(EXPORTS / name / f"kml-{tag}.kml.gz")
    if tag != "thin":
        assert found == expected
        return
    # another random choice of as many
    every = {mark[:3]: mark[3] for mark in placemarks_of_stamps(
        EXPORTS / name / "kml-lim.kml.gz"
    )}  # fmt: skip
    assert len(found) == len(expected)
    for *place, colour, _ in found:
        assert colour == "66" + every[tuple(place)][2:]
