"""Parameters follow StaMPS: defaults by mode, abbreviation, local precedence, resets."""

import math
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from pystamps_hpc.dataset.mat import MatFile, read_mat, write_mat
from pystamps_hpc.dataset.parameter_table import TABLE, defaults, text_of
from pystamps_hpc.dataset.parameters import Parameters, disagreements, load, save
from pystamps_hpc.errors import ConfigError, DatasetError
from tests.dataset.objects import string_objects_5, string_objects_73
from tests.golden.parity import golden_root


def scalar(value):
    return np.array([[float(value)]])


@pytest.fixture
def root(tmp_path):
    write_mat(tmp_path / "parms.mat", {"small_baseline_flag": "n", "max_topo_err": scalar(5)})
    (tmp_path / "PATCH_1").mkdir()
    return tmp_path


@pytest.mark.golden
@pytest.mark.parametrize(("name", "small_baselines"), [("ps-small", False), ("sb-small", True)])
def test_the_default_set_is_the_one_that_stamps_creates(name, small_baselines):
    path = golden_root() / name / "input" / "parms.mat"
    if not path.exists():
        pytest.skip(f"no golden data in {path.parent}")
    stored = read_mat(path)
    del stored["Created"]
    created = {**defaults(small_baselines), "insar_processor": "snap"}
    assert set(created) == set(stored)
    for key, value in created.items():
        found = stored[key]
        if isinstance(value, str):
            assert found == value, key
        else:
            wanted = np.atleast_1d(np.array(value, float))
            np.testing.assert_array_equal(found.reshape(-1), wanted, err_msg=key)


def test_no_name_of_the_table_begins_with_another():
    assert not [(a, b) for a in TABLE for b in TABLE if a != b and b.startswith(a)]


def test_the_table_can_be_imported_without_numpy():
    code = "import sys, pystamps_hpc.dataset.parameters; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_default_is_allowed():
    for small_baselines in (False, True):
        for name, value in defaults(small_baselines).items():
            if name not in ("lambda", "heading"):
                assert TABLE[name].check(value) == value, name


def test_missing_fields_read_as_the_defaults_of_the_mode(root):
    single = load(root)
    assert single.value("density_rand") == 20
    assert single.source("density_rand") == "default"
    assert single.value("max_topo_err") == 5
    assert single.source("max_topo_err") == "parms"
    assert single.value("sb_scla_drop_index") is None
    network = single.set_value("small_baseline_flag", "y")
    assert network.value("density_rand") == 2
    assert network.value("sb_scla_drop_index") == ()


def test_reading_never_writes(root):
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    load(root / "PATCH_1", root).value("lambda")
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_patch_reads_its_own_parms_before_those_of_the_root(root):
    patch = root / "PATCH_1"
    assert load(patch, root).file == root / "parms.mat"
    write_mat(patch / "parms.mat", {"max_topo_err": scalar(7)})
    assert load(patch, root).value("max_topo_err") == 7
    assert disagreements(load(patch, root), load(root)) == {"max_topo_err": (7, 5)}


def test_a_local_value_holds_in_its_folder_alone_and_is_set_until_both_are_reset(root):
    save(load(root).set_value("max_topo_err", 9.0, local=True))
    assert load(root).value("max_topo_err") == 9
    assert load(root).source("max_topo_err") == "localparms"
    assert load(root / "PATCH_1", root).value("max_topo_err") == 5
    save(load(root).set_value("max_topo_err", 11.0))
    assert read_mat(root / "parms.mat")["max_topo_err"] == 5
    assert read_mat(root / "localparms.mat")["max_topo_err"] == 11
    save(load(root).set_value("max_topo_err", math.nan))
    assert not (root / "localparms.mat").exists()
    assert read_mat(root / "parms.mat")["max_topo_err"] == 20


def test_a_list_with_some_nan_is_stored_and_an_empty_one_is_no_reset(root):
    parameters = load(root).set_value("ref_lon", (1.0, math.nan))
    assert text_of(parameters.value("ref_lon")) == "[1 NaN]"
    cleared = parameters.set_value("drop_ifg_index", (2.0,)).set_value("drop_ifg_index", ())
    assert cleared.value("drop_ifg_index") == ()
    save(cleared)
    assert read_mat(root / "parms.mat")["drop_ifg_index"].shape == (0, 0)


def test_the_mode_cannot_be_reset(root):
    with pytest.raises(ConfigError, match="small_baseline_flag cannot be reset"):
        load(root).set_value("small_baseline_flag", math.nan)


def test_names_are_completed_when_they_are_unique():
    parameters = Parameters()
    assert parameters.resolve("unwrap_grid") == "unwrap_grid_size"
    with pytest.raises(ConfigError, match="'unwrap' is not unique: unwrap_method, "):
        parameters.resolve("unwrap")
    with pytest.raises(ConfigError, match="'nosuch' is unknown"):
        parameters.resolve("nosuch")
    with pytest.raises(ConfigError, match="did you mean clap_win"):
        parameters.resolve("clapwin")


def test_a_field_equal_to_the_beginning_of_another_is_not_unique():
    parameters = Parameters(stored={"clap": 1.0})
    with pytest.raises(ConfigError, match="'clap' is not unique"):
        parameters.resolve("clap")


def test_a_parameter_that_stamps_does_not_create_can_be_added():
    assert Parameters().value("ref_x") is None
    assert Parameters().set_value("ref_x", (0.0, 100.0)).value("ref_x") == (0, 100)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("clap_win", 0.5, "parameter clap_win=0.5: must be an integer >= 1"),
        ("unwrap_grid_size", -1.0, "must be a number > 0"),
        ("unwrap_grid_size", math.inf, "finite"),
        ("weed_neighbours", "maybe", "must be y or n"),
        ("unwrap_method", "4D", "2D or 3D or "),
        ("drop_ifg_index", (0.0, 2.0), r"indices from 1, not \[0\]"),
        ("drop_ifg_index", "all", "list of indices"),
        ("ref_lon", (1.0,), "must be two numbers"),
        ("clap_alpha", "1", "not a text"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_what_is(name, value, message):
    with pytest.raises(ConfigError, match=message):
        Parameters().set_value(name, value)


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("weed_neighbours", "Yes", "y"),
        ("weed_neighbours", 0.0, "n"),
        ("weed_neighbours", True, "y"),
        ("weed_max_noise", math.inf, math.inf),
        ("ref_lon", (10.5, 11.0), (10.5, 11.0)),
        ("drop_ifg_index", 3.0, (3.0,)),
        ("scn_deramp_ifg", "ALL", "all"),
        ("unwrap_method", "3d_full", "3D_FULL"),
        ("select_method", "percent", "PERCENT"),
        ("filter_weighting", "whatever", "whatever"),
    ],
)
def test_allowed_values_are_stored_in_one_spelling(name, given, stored):
    assert Parameters().set_value(name, given).value(name) == stored


@dataclass(frozen=True)
class Wanted:
    lambda_: float
    clap_win: int
    weed_neighbours: bool
    drop_ifg_index: tuple[int, ...]
    sb_scla_drop_index: tuple[int, ...]
    scn_deramp_ifg: tuple[int, ...] | str
    ref_x: tuple[float, float] | None
    ref_lon: tuple[float, float]
    scla_method: Literal["L1", "L2"]


def test_a_stage_gets_its_fields_in_its_types():
    parameters = Parameters(
        stored={"lambda": 0.05, "weed_neighbours": "Y", "drop_ifg_index": 3.0, "scla_method": "l1"}
    ).set_value("scn_deramp_ifg", "all")
    params = parameters.to_params(Wanted)
    assert params == Wanted(0.05, 32, True, (3,), (), "all", None, (-math.inf, math.inf), "L1")
    assert isinstance(params.clap_win, int)
    assert pickle.loads(pickle.dumps(parameters)) == parameters


def test_a_stage_is_told_which_value_is_unusable(tmp_path):
    unset = Parameters(file=tmp_path / "parms.mat")
    with pytest.raises(DatasetError, match=r"parameter lambda is not set.*parms\.mat"):
        unset.to_params(Wanted)
    bad = unset.with_values({"lambda": 0.05, "clap_win": "wide"})
    with pytest.raises(DatasetError, match=r"parameter clap_win='wide' in .*must be a number"):
        bad.to_params(Wanted)
    text = bad.with_values({"clap_win": -3.0})
    with pytest.raises(DatasetError, match=r"clap_win=-3 in .*an integer >= 1"):
        text.to_params(Wanted)


def test_files_beside_the_dataset_give_processor_wavelength_and_heading(tmp_path):
    (tmp_path / "PATCH_1").mkdir()
    (tmp_path / "processor.txt").write_text("snap \n")
    (tmp_path / "lambda.1.in").write_text("0.0562\n")
    (tmp_path / "heading.1.in").write_text("-167.3\n")
    parameters = load(tmp_path / "PATCH_1", tmp_path)
    assert parameters.value("insar_processor") == "snap"
    assert parameters.value("lambda") == 0.0562
    assert parameters.value("heading") == -167.3
    (tmp_path / "lambda.1.in").write_text("none\n")
    with pytest.raises(DatasetError, match=r"lambda\.1\.in: holds 'none', expected a number"):
        load(tmp_path)


def test_obsolete_fields_are_migrated(tmp_path):
    write_mat(tmp_path / "ps1.mat", {"n_ifg": scalar(5), "n_image": scalar(4)})
    old = {
        "weed_alpha": scalar(8),
        "pixel_aspect_ratio": scalar(5),
        "plot_pixel_size": scalar(2),
        "unwrap_ifg_index": np.array([[1.0, 2.0, 4.0]]),
        "recalc_index": "all",
        "sb_recalc_index": np.array([[5.0]]),
    }
    write_mat(tmp_path / "parms.mat", old)
    parameters = load(tmp_path)
    assert not set(old) & set(parameters.names)
    assert parameters.value("plot_scatterer_size") == 50
    assert parameters.value("drop_ifg_index") == (3, 5)
    assert parameters.value("scla_drop_index") == ()
    assert parameters.value("sb_scla_drop_index") == (1, 2, 3, 4)


def test_an_old_index_is_dropped_when_nothing_says_how_many_interferograms_there_are(tmp_path):
    write_mat(tmp_path / "parms.mat", {"unwrap_ifg_index": np.array([[1.0, 2.0]])})
    assert load(tmp_path).value("drop_ifg_index") == ()


def test_saving_keeps_unknown_fields_and_writes_matlab_classes(root):
    write_mat(
        root / "parms.mat", {"my_note": "keep", "my_matrix": np.eye(2), "clap_win": scalar(8)}
    )
    save(load(root).with_values({"platform": "S1A", "lambda": 0.05}))
    written = read_mat(root / "parms.mat")
    assert list(written)[:3] == ["Created", "small_baseline_flag", "insar_processor"]
    assert written["my_note"] == "keep"
    np.testing.assert_array_equal(written["my_matrix"], np.eye(2))
    assert written["platform"] == "S1A"
    assert written["clap_win"].dtype == np.float64
    assert written["clap_win"].shape == (1, 1)
    assert written["drop_ifg_index"].shape == (0, 0)
    assert written["ref_lon"].shape == (1, 2)
    assert not list(root.glob(".parms*"))
    again = load(root)
    save(again)
    assert text_of(tuple(load(root).complete.items())) == text_of(tuple(again.complete.items()))


NAMES = ("max_topo_err", "clap_win", "unwrap_grid_size", "drop_ifg_index")
CHANGES = st.tuples(
    st.sampled_from(["set", "set local", "reset", "reset local", "nan"]),
    st.sampled_from(NAMES),
    st.integers(1, 50),
)


@given(st.lists(CHANGES, max_size=12))
def test_any_sequence_of_changes_agrees_with_two_dictionaries(changes):
    parameters, parms, local = Parameters(), {}, {}
    for what, name, number in changes:
        value = (float(number),) if name == "drop_ifg_index" else float(number)
        if what == "set":
            parameters = parameters.set_value(name, value)
            (local if name in local else parms)[name] = value
        elif what == "set local":
            parameters = parameters.set_value(name, value, local=True)
            local[name] = value
        else:
            if what == "nan":
                parameters = parameters.set_value(name, math.nan)
            else:
                parameters = parameters.reset(name, local=what == "reset local")
            local.pop(name, None)
            if what != "reset local":
                parms.pop(name, None)
        for key in NAMES:
            assert parameters.value(key) == {**defaults(False), **parms, **local}[key]
            source = "localparms" if key in local else "parms" if key in parms else "default"
            assert parameters.source(key) == source


# --- values of other MATLAB types -----------------------------------------------------------------


def test_what_is_no_parameter_lies_in_the_saved_file_byte_for_byte(tmp_path):
    path = tmp_path / "parms.mat"
    parts = []
    for values in ({"s": {"a": 1.0}}, {"c": np.array(["x", 1], object)}, {"clap_win": 8.0}):
        scipy.io.savemat(path, values, do_compression="s" in values)
        parts.append(path.read_bytes()[128:])
    path.write_bytes(string_objects_5({"unwrap_method": "2D", "mine": "x"}, *parts))
    known = load(tmp_path)
    assert (known.value("unwrap_method"), known.value("clap_win")) == ("2D", 8)
    assert text_of(known.value("s")) == "<1 x 1 struct>"
    save(known.set_value("clap_win", 16.0))
    assert all(part in path.read_bytes() for part in parts[:2])
    with MatFile(path) as file:
        assert file.read("s")["a"][0, 0] == 1
    again = load(tmp_path)
    assert (again.value("mine"), again.value("clap_win")) == ("x", 16)


def test_a_header_with_blanks_for_its_objects_has_none(tmp_path):
    path = tmp_path / "parms.mat"
    scipy.io.savemat(path, {"s": {"a": 1.0}})
    whole = path.read_bytes()
    path.write_bytes(whole[:20].ljust(124) + whole[124:])  # as Octave writes
    save(load(tmp_path))
    with MatFile(path) as file:
        assert file.read("s")["a"][0, 0] == 1


def test_objects_and_cells_of_version_73_survive_a_change(tmp_path):
    path = tmp_path / "parms.mat"
    string_objects_73(path, {"unwrap_method": "2D"})
    with h5py.File(path, "r+") as file:
        file["#refs#/x"] = np.array([[97]], np.uint16)
        file["#refs#/x"].attrs["MATLAB_class"] = np.bytes_("char")
        file["c"] = np.array([[file["#refs#/x"].ref]], h5py.ref_dtype)
        file["c"].attrs["MATLAB_class"] = np.bytes_("cell")
    for value in (16.0, 24.0):
        save(load(tmp_path).set_value("clap_win", value))
    assert load(tmp_path).value("unwrap_method") == "2D"
    with MatFile(path) as file:
        assert file.read("c")[0, 0] == "a"
        assert file.read("clap_win") == 24
    assert path.read_bytes().startswith(b"MATLAB 7.3")


def test_a_parameter_of_another_type_is_refused_where_a_stage_reads_it(tmp_path):
    path = tmp_path / "parms.mat"
    scipy.io.savemat(path, {"clap_win": {"a": 1.0}})
    known = load(tmp_path)
    with pytest.raises(DatasetError) as caught:
        known.to_params(Reads)
    assert str(caught.value).startswith(f"parameter clap_win in {path} is <1 x 1 struct>, which")
    assert "parms set clap_win (an integer >= 1)" in str(caught.value)
    assert known.set_value("clap_win", 8.0).to_params(Reads) == Reads(8)


@dataclass(frozen=True)
class Reads:
    clap_win: int


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"begins with b''"),
        (b"# Created by Octave 8.4.0\n# name: a\n", "Octave writes one with save -v7"),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + bytes(7), "truncated"),
    ],
)
def test_settings_that_cannot_be_read_are_never_told_to_be_deleted(tmp_path, content, reason):
    (tmp_path / "parms.mat").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"parms\.mat: .*{reason}") as caught:
        load(tmp_path)
    assert "delete" not in str(caught.value)
    assert "restore it from a copy" in str(caught.value)


def test_settings_out_of_reach_need_no_copy(tmp_path):
    (tmp_path / "parms.mat").mkdir()
    with pytest.raises(DatasetError, match=r"not a regular file$"):
        load(tmp_path)


def test_a_long_list_is_left_in_its_file(tmp_path):
    write_mat(tmp_path / "parms.mat", {"mine": np.zeros((1, 200_000), np.int8)})
    assert str(load(tmp_path).value("mine")) == "<1 x 200000 int8>"
