"""The command that exports: what it answers, writes by default, and refuses."""

import pytest

from pystamps_hpc import cli
from pystamps_hpc.cli import shapes
from pystamps_hpc.cli.commands import export
from pystamps_hpc.tools.export import FORMATS
from tests.tools.test_products import Result

pytest.importorskip("pyogrio")


@pytest.fixture
def result(tmp_path):
    return Result(tmp_path / "set")


def shown(document):
    class Page:
        def isatty(self):
            return False

    return shapes.text_of(export.view(document), Page())


def test_by_default_the_file_lies_among_the_products(command, result):
    document = command("export", "gpkg", "--dataset", result.root).document
    path = result.root / "products" / "points.gpkg"
    assert document["file"] == str(path)
    assert path.is_file()
    assert (document["format"], document["value_type"], document["points"]) == ("gpkg", "v-do", 400)
    assert document["dates"][0] == "2016-01-15"
    assert document["reference"] == "the mean of all 400 PS"
    text = shown(document)
    assert "v-do [mm/yr], positive towards the satellite" in text
    assert "warning: acceleration and seasonal_amplitude are empty: 4 dates" in text
    assert sorted(each.name for each in path.parent.iterdir()) == ["points.gpkg"]


def test_a_type_that_is_asked_for_is_in_the_name(command, result):
    document = command("export", "CSV", "--type", "v-od", "--dataset", result.root).document
    assert document["file"] == str(result.root / "products" / "points_v-do.csv")
    assert document["value_type"] == "v-do"


def test_without_a_format_all_are_listed_as_in_help(command, result, capsys):
    document = command("export", "--dataset", result.root).document
    assert [row["format"] for row in document["formats"]] == list(FORMATS)
    assert "GeoPackage for QGIS" in shown(document)
    with pytest.raises(SystemExit):
        cli.main(["export", "--help"])
    assert ", ".join(FORMATS) in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("dxf",), 2, "format dxf: there is none"),
        (("gpkg", "--type", "usb"), 2, "a single-master stack has no 'usb'"),
        (("gpkg", "--output", "points.shp"), 2, "points.shp: must end in .gpkg"),
        (("gpkg", "--output", "/dev/null/a.gpkg"), 1, "cannot publish /dev/null/a.gpkg"),
        (("gpkg", "--type", "v-s"), 3, "scn2.mat: file does not exist"),
        (("gpkg", "--type", "v-a", "--tropo", "a_erai"), 3, "tca2.mat: file does not exist"),
        (("gpkg", "--type", "v-a", "--tropo", "rain"), 2, "rain"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_exit_code(command, result, words, code, told):
    ended = command("export", *words, "--dataset", result.root)
    assert ended.code == code
    assert told in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not (result.root / "products").exists()


def test_an_unfinished_scene_is_told_what_makes_its_phase(command, result):
    for name in ("phuw2.mat", "mean_v.mat"):
        (result.root / name).unlink()
    command("parms", "--dataset", result.root, "reset", "lambda")
    ended = command("export", "gpkg", "--dataset", result.root)
    assert ended.code == 3
    assert f"run --dataset {result.root} --end-step 6 makes it" in ended.err


def test_an_export_of_results_out_of_date_warns(command, result, monkeypatch):
    rows = [{"target": "root", "stage": 8, "path": "mean_v.mat", "reason": "new", "again": ""}]
    monkeypatch.setattr("pystamps_hpc.tools.status.stale_results", lambda *_: rows)
    document = command("export", "csv", "--dataset", result.root).document
    assert any(text.startswith("mean_v.mat is out of date") for text in document["warnings"])
