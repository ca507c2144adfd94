"""The commands that show values: what they answer, write and refuse."""

import numpy as np
import pytest

from pystamps_hpc.cli import shapes
from pystamps_hpc.cli.commands import info, timeseries, values
from pystamps_hpc.dataset.mat import read_mat, write_mat
from tests.tools.test_products import Result


@pytest.fixture
def result(tmp_path):
    return Result(tmp_path / "set")


def shown(module, document):
    class Page:
        def isatty(self):
            return False

    return shapes.text_of(module.view(document), Page())


def test_values_are_written_into_the_dataset_as_stamps_does(command, result):
    ended = command("values", "v-do", "--dataset", result.root)
    assert ended.code == 0
    document = ended.document
    path = result.root / "ps_plot_v-do.mat"
    assert (document["file"], document["unit"], document["ps"]) == (str(path), "mm/yr", 400)
    assert document["sign"] == "(positive: towards the satellite)"
    assert document["interferograms"] == [1, 2, 4, 5]
    found = read_mat(path)["ph_disp"]
    np.testing.assert_allclose(found[:, 0], result.velocity, atol=1e-3)
    assert document["columns"][0]["most"] == pytest.approx(found.max(), abs=1e-5)
    text = shown(values, document)
    assert "v-do: mean velocity, without look-angle (DEM) error, ramp" in text
    assert "mean of 400 points" in text


def test_a_file_that_is_there_stays_unless_forced_and_may_lie_elsewhere(command, result, tmp_path):
    words = ("values", "u", "--ifgs", "3:5", "1", "--dataset", result.root)
    assert command(*words).code == 0
    ended = command(*words)
    assert ended.code == 3
    assert "exists; --force replaces it" in ended.err
    assert command(*words, "--force").code == 0
    there = command(*words, "--output", tmp_path / "u.mat").document
    assert [row["number"] for row in there["columns"]] == [3, 4, 5, 1]
    assert "2016" in shown(values, there)
    (result.root / ".golden").touch()
    assert "marked golden" in command(*words, "--force").err


def test_what_is_asked_for_is_checked_before_the_file(command, result, tmp_path):
    (tmp_path / "there.mat").touch()
    for words, told in (
        (("usb",), "has no 'usb'"),
        (("u", "--ifgs", "9"), "outside 1 to 5"),
        (("u", "--ref-ifg", "9"), "must be 1 to 5"),
        (("v-do", "--ts", "--ifgs", "9"), "outside 1 to 5"),
    ):
        ended = command(
            "values", *words, "--dataset", result.root, "--output", tmp_path / "there.mat"
        )
        assert ended.code == 2
        assert told in ended.err


def test_against_another_column_and_as_displacements(command, result):
    ended = command("values", "u", "--ref-ifg", "previous", "--dataset", result.root)
    assert not read_mat(ended.document["file"])["ph_disp"][:, 0].any()
    ended = command("values", "v-do", "--ts", "--dataset", result.root)
    assert ended.document["file"].endswith("ps_plot_ts_v-do.mat")
    moved = read_mat(ended.document["file"])["ph_mm"]
    np.testing.assert_allclose(moved, result.displacement[:, [0, 1, 3, 4]], atol=6e-3)


def test_without_a_type_all_are_listed(command, result):
    document = command("values", "--dataset", result.root).document
    assert {"w", "u", "v", "vs", "hgt"} <= {row["type"] for row in document["types"]}
    assert "dmos" in shown(values, document)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("values", "usb"), 2, "a single-master stack has no 'usb'"),
        (("values", "u", "--ifgs", "9"), 2, "outside 1 to 5"),
        (("values", "u", "--ifgs", "0"), 2, "0 is less than 1"),
        (("values", "u", "--ifgs", "5:3"), 2, "5:3 is empty"),
        (("values", "u", "--ref-ifg", "9"), 2, "must be 1 to 5, or 'previous'"),
        (("values", "u", "--ref-ifg", "x"), 2, "invalid ref_ifg value"),
        (("values", "s"), 3, "scn2.mat: file does not exist"),
        (("values", "v-do", "--ts", "--ref-ifg", "2"), 2, "--ts does not take --ref-ifg"),
        (("values", "v-do", "--ts", "--deviation", "residuals"), 2, "--ts does not take --devi"),
        (("values", "v-do", "--ts", "--ifgs", "9"), 2, "outside 1 to 5"),
        (("values", "v-do", "--ts", "--ifgs", "3"), 2, "none of these images is fitted"),
        (("values", "u", "--output", "u.csv"), 2, "u.csv: must end in .mat"),
        (("values", "u", "--output", "/dev/null/u.mat"), 1, "cannot publish /dev/null/u.mat"),
        (("timeseries", "--lon", "12.3", "--lat", "60"), 3, "no PS within 1000 m"),
        (("timeseries", "--lon", "12.3", "--lat", "44", "--output", "a.mat"), 2, "end in .csv"),
        (("timeseries", "--lon", "nan", "--lat", "60"), 2, "is no point"),
        (("timeseries", "--lon", "12.3", "--lat", "44", "--type", "u"), 2, "time series are of"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_exit_code(command, result, words, code, told):
    ended = command(*words, "--dataset", result.root)
    assert ended.code == code
    assert told in ended.err
    assert ended.document is None


def test_no_output_replaces_an_artifact_or_goes_into_a_golden_dataset(command, result, tmp_path):
    words = ("values", "u", "--dataset", result.root, "--force", "--output")
    before = (result.root / "phuw2.mat").read_bytes()
    for place in (result.root, tmp_path / "PATCH_1"):
        place.mkdir(exist_ok=True)
        (place / "pscands.1.ij").touch()
        ended = command(*words, place / "phuw2.mat")
        assert ended.code == 3
        assert "phuw2.mat: is what stages read or write; take another name" in ended.err
    assert (result.root / "phuw2.mat").read_bytes() == before
    assert command(*words, tmp_path / "phuw2.mat").code == 0
    (result.root / ".golden").touch()
    lon, lat = result.lonlat[3]
    at = ("timeseries", "--dataset", result.root, "--lon", lon, "--lat", lat, "--output")
    for ended in (command(*words, result.root / "products" / "u.mat"),
                  command(*at, result.root / "point.csv")):  # fmt: skip
        assert ended.code == 3
        assert "marked golden" in ended.err
    assert not (result.root / "point.csv").exists()


def test_displacements_are_of_the_images_that_are_listed(command, result):
    words = ("values", "v-do", "--ts", "--ifgs", "1", "3:5", "--dataset", result.root)
    document = command(*words).document
    assert document["interferograms"] == [1, 4, 5]
    moved = read_mat(document["file"])["ph_mm"]
    np.testing.assert_allclose(moved, result.displacement[:, [0, 3, 4]], atol=6e-3)


def test_the_series_of_a_point_as_document_page_and_table(command, result, tmp_path):
    lon, lat = result.lonlat[3]
    where = ("--lon", lon, "--lat", lat, "--dataset", result.root)
    document = command("timeseries", *where, "--output", tmp_path / "p.csv").document
    assert document["point"]["ps"] == [4]
    assert document["velocity_mm_per_year"] == pytest.approx(result.velocity[3], abs=0.01)
    moved = [row["displacement_mm"] for row in document["series"]]
    np.testing.assert_allclose(moved, result.displacement[3, [0, 1, 3, 4]], atol=6e-3)
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines[0] == "date,displacement_mm,line_mm"
    assert lines[1].startswith(f"2016-01-15,{moved[0]:.4f},")
    line = [float(row.split(",")[2]) for row in lines[1:]]
    np.testing.assert_allclose(line, moved, atol=0.02)  # the PS moves steadily
    days = np.array([row.split(",")[0] for row in lines[1:]], "M8[D]").astype(float)
    rate = (line[-1] - line[0]) / (days[-1] - days[0]) * 365.25
    assert rate == pytest.approx(document["velocity_mm_per_year"], abs=1e-3)
    assert "PS 4" in shown(timeseries, document)
    other = result.lonlat[9]
    document = command("timeseries", *where, "--minus", *other).document
    assert document["minus"]["ps"] == [10]
    assert document["velocity_mm_per_year"] == pytest.approx(
        result.velocity[3] - result.velocity[9], abs=0.02
    )
    assert "minus" in shown(timeseries, document)


def test_what_results_out_of_date_show_is_shown_with_a_warning(command, result, monkeypatch):
    write_mat(result.root / "ifgstd2.mat", {"ifg_std": np.ones((5, 1), np.float32)})
    rows = [
        {"target": "root", "stage": stage, "path": path, "reason": f"change {stage}", "again": ""}
        for stage, path in ((6, "phuw2.mat"), (7, "scla2.mat"), (8, "mean_v.mat"))
    ]
    monkeypatch.setattr("pystamps_hpc.tools.status.stale_results", lambda *_: rows)
    at = ("--dataset", result.root)
    lon, lat = result.lonlat[3]
    again = f"pystamps-hpc run --dataset {result.root} --start-step 6 --stale rerun"
    for words, told in (
        (("values", "u", *at), "phuw2.mat is out of date (change 6) and"),
        (("values", "v-do", *at), "phuw2.mat and 1 more are out of date (change 6) and"),
        (("values", "v-do", "--ts", *at), "phuw2.mat and 1 more are out of date"),
        (("timeseries", "--lon", lon, "--lat", lat, *at), "phuw2.mat and 1 more are out of date"),
    ):
        (warning,) = command(*words).document["warnings"]
        assert warning.startswith(told)
        assert warning.endswith(again)
    assert command("values", "hgt", *at).document["warnings"] == []
    assert command("info", *at).document["warnings"] == []
    (result.root / "ps1.mat").touch()
    assert command("values", "u", "--force", *at).document["warnings"] == []
    (result.root / "ps1.mat").unlink()
    rows[0]["stage"] = 5
    document = command("info", *at).document
    assert "phuw2.mat is out of date" in document["warnings"][0]
    assert "warning: phuw2.mat is out of date" in shown(info, document)


def test_images_are_listed_with_what_is_known_of_them(command, result):
    write_mat(result.root / "ifgstd2.mat", {"ifg_std": np.arange(5, dtype=np.float32)[:, None]})
    command("parms", "--dataset", result.root, "set", "drop_ifg_index", "2")
    document = command("info", "--dataset", result.root).document
    assert document["ps"] == 400
    assert [row["noise_deg"] for row in document["images"]] == [0, 1, 2, 3, 4]
    assert [row["dropped"] for row in document["images"]] == [False, True, False, False, False]
    assert "2 dropped" in shown(info, document)
