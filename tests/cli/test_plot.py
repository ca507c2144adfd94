"""``plot``: what it answers, writes and refuses."""

import shlex

import numpy as np
import pytest

from pystamps_hpc.cli import shapes
from pystamps_hpc.cli.commands import plot
from pystamps_hpc.dataset.mat import write_mat
from tests.tools.test_products import Result

pytest.importorskip("matplotlib")


@pytest.fixture
def result(tmp_path):
    return Result(tmp_path / "set", n_ps=60)


def shown(document):
    class Page:
        def isatty(self):
            return False

    return shapes.text_of(plot.view(document), Page())


def test_a_picture_goes_into_the_products_and_stays_unless_forced(command, result):
    words = ("plot", "v-do", "--dataset", result.root)
    document = command(*words).document
    path = result.root / "products" / "v-do.png"
    assert document["file"] == str(path)
    assert (document["unit"], document["ps"], document["drawn_as"]) == ("mm/yr", 60, "markers")
    text = shown(document)
    assert "mm/yr (positive: towards the satellite)" in text
    assert str(path) in "".join(text.split())
    before = path.read_bytes()
    again = command(*words)
    assert (again.code, again.document) == (3, None)
    assert "exists; --force replaces it" in again.err
    assert path.read_bytes() == before
    assert command(*words, "--force", "--limits", "-4", "4").document["limits"] == [-4, 4]
    assert path.read_bytes() != before


def test_lists_are_drawn_in_their_order_and_against_another_column(command, result, tmp_path):
    words = ("plot", "u", "--ifgs", "4", "1:2", "--ref-ifg", "previous", "--dataset", result.root)
    document = command(*words, "--output", tmp_path / "u.svg").document
    assert [row["number"] for row in document["maps"]] == [4, 1, 2]
    assert "3" in shown(document)
    assert (tmp_path / "u.svg").read_bytes().startswith(b"<?xml")


def test_the_page_has_as_many_elements_as_are_asked_for(command, result, tmp_path):
    sizes = []
    for dpi in (50, 100):
        path = tmp_path / f"{dpi}.png"
        words = ("plot", "hgt", "--dpi", dpi, "--output", path, "--dataset", result.root)
        assert command(*words).code == 0
        sizes.append(np.frombuffer(path.read_bytes()[16:24], ">i4"))
    assert (np.abs(sizes[1] - 2 * sizes[0]) <= 1).all()


def test_a_series_tells_its_velocity(command, result, tmp_path):
    lon, lat = result.lonlat[3]
    words = ("plot", "ts", "--lon", lon, "--lat", lat, "--dataset", result.root)
    document = command(*words, "--output", tmp_path / "p.png").document
    assert document["velocity_mm_per_year"] == pytest.approx(result.velocity[3], abs=0.02)
    assert f"{document['velocity_mm_per_year']:.2f} mm/yr, deviation" in shown(document)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("usb", 2, "a single-master stack has no 'usb'"),
        ("histogramm", 2, "ifg-noise; the dataset has the types w, wa"),
        ("histogramm", 2, "did you mean histogram?"),
        ("ifg_noise", 2, "did you mean ifg-noise?"),
        ("u --ref-ifg 99", 2, "must be 1 to 5, or 'previous'"),
        ("wa --tropo a_erai", 3, "TRAIN makes it"),
        ("v-z", 2, "'v' takes"),
        ("u --ifgs 9", 2, "outside 1 to 5"),
        ("s", 3, "scn2.mat: file does not exist; it holds"),
        ("u --limits 3 1", 2, "the lower first"),
        ("u --limits nan 1", 2, "the lower first"),
        ("u --lon 12.3", 2, "plot u does not take --lon"),
        ("network --limits 1 2", 2, "plot network does not take --limits"),
        ("histogram --hillshade", 2, "plot histogram does not take --hillshade"),
        ("ts --lon 12.3", 2, "a point is needed, --lon and --lat"),
        ("ts --lon 12.3 --lat 60", 3, "no PS within 1000 m"),
        ("ts --lon 12.3 --lat 44 --type u", 2, "time series are of"),
        ("ts --lon 12.3 --lat 44 --radius -1", 2, "must be a positive number"),
        ("u --dpi 9", 2, "9 is outside 30 to 1200"),
        ("u --output u.gif", 2, "u.gif: must end in .png, .pdf or .svg"),
        ("u --output /dev/null/u.png", 1, "cannot publish /dev/null/u.png"),
        ("histogram", 3, "no PATCH_* directory"),
        ("ifg-noise", 3, "ifgstd2.mat: file does not exist"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_exit_code(command, result, words, code, told):
    ended = command("plot", *shlex.split(words), "--dataset", result.root)
    assert ended.code == code, ended.err
    assert told in ended.err
    assert ended.document is None
    assert not list(result.root.rglob("*.png"))


def test_without_a_type_pictures_and_value_types_are_listed(command, result):
    document = command("plot", "--dataset", result.root).document
    names = [row["picture"] for row in document["pictures"]]
    assert names == ["network", "ts", "histogram", "selection", "ifg-noise"]
    assert document["types"] == command("values", "--dataset", result.root).document["types"]
    text = shown(document)
    assert "how a point moves" in text
    assert "dmos" in text


def test_a_picture_is_named_as_the_type_however_it_is_typed(command, result):
    for typed in ("V-od", "v-do"):
        words = ("plot", typed, "--force", "--dataset", result.root)
        assert command(*words).document["file"] == str(result.root / "products" / "v-do.png")


def test_series_of_two_points_are_two_files(command, result):
    files = set()
    for lon, lat in result.lonlat[[3, 40]]:
        words = ("plot", "ts", "--lon", lon, "--lat", lat, "--dataset", result.root)
        files.add(command(*words).document["file"])
        assert command(*words).code == 3
    assert len(files) == 2


def test_what_is_asked_for_is_checked_before_the_file(command, result, tmp_path):
    (tmp_path / "there.png").touch()
    for words, told in (
        ("histogramm", "no such picture"),
        ("v-z", "'v' takes"),
        ("u --ifgs 9", "outside 1 to 5"),
        ("u --ref-ifg 9", "must be 1 to 5"),
        ("v --ref-ifg 2", "has one column"),
    ):
        ended = command("plot", *words.split(), "--dataset", result.root, "--output",
                        tmp_path / "there.png")  # fmt: skip
        assert ended.code == 2
        assert told in ended.err


def test_nothing_is_written_into_a_golden_dataset(command, result, tmp_path):
    (result.root / ".golden").touch()
    for words in (("v-do",), ("v-do", "--output", result.root / "v.png")):
        ended = command("plot", *words, "--dataset", result.root, "--force")
        assert ended.code == 3
        assert "marked golden" in ended.err
    assert command("plot", "v-do", "--dataset", result.root, "--output",
                   tmp_path / "v.png").code == 0  # fmt: skip


def test_a_dataset_whose_values_are_out_of_date_is_drawn_with_a_warning(
    command, result, tmp_path, monkeypatch
):
    write_mat(result.root / "ifgstd2.mat", {"ifg_std": np.ones((5, 1), np.float32)})
    row = {"target": "root", "stage": 6, "path": "phuw2.mat", "reason": "change", "again": ""}
    monkeypatch.setattr("pystamps_hpc.tools.status.stale_results", lambda *_: [row])
    document = command("plot", "u", "--dataset", result.root, "--output",
                       tmp_path / "u.png").document  # fmt: skip
    assert document["warnings"][0].startswith("phuw2.mat is out of date (change)")
    assert "warning: phuw2.mat" in shown(document)
