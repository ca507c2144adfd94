"""The configuration: sections, messages, precedence."""

import json
import math
import os
import re

import pytest

from pystamps_hpc.config import RunConfig, load_config, parse_config
from pystamps_hpc.errors import ConfigError

EXAMPLE = """
runtime:
  backend: native
  stage2_kernel_backend: native
  kernel_backend_overrides:
    stage2_grid_accumulate: native
    stage2_histogram: native
    stage2_topofit: native
    stage2_topofit_row_invariant: native
    stage2_topofit_coh_row_invariant: native
    stage4_edge_stats: native
    stage7_scla: native
    stage8_edge_noise: native
  io_workers: 8
  cpu_workers: 0
  stage2_native_threads: 0
  stage7_chunk_ps: 100000
  stage8_chunk_edges: 200000
mpi: {enabled: auto}
output: {mat_format: auto}
tolerance: {profile: strict}
"""

MESSAGES = (
    ("runtime.backend", "rust", "unsupported runtime backend 'rust' (use auto, threads, processes, "
     "gpu or native)"),
    ("runtime.stage2_kernel_backend", "c", "unsupported kernel backend 'c' (use auto, python, "
     "native or cuda)"),
    ("runtime.kernel_backend_overrides", 3, "must be a mapping"),
    ("runtime.stage2_native_threads", -1, "must be an integer >= 0"),
    ("runtime.stage2_native_threads", True, "must be an integer >= 0"),
    ("runtime.io_workers", 0, "must be an integer >= 1"),
    ("runtime.io_workers", 1.5, "must be an integer >= 1"),
    ("runtime.cpu_workers", "many", "must be an integer >= 0"),
    ("runtime.cpu_workers", 10**20 - 1, "must be below 2,147,483,648"),
    ("runtime.cpu_workers", math.inf, "must be an integer >= 0"),
    ("runtime.cpu_workers", None, "must be an integer >= 0"),
    ("runtime.stage6_solver", "mcf", "unsupported stage-6 solver 'mcf' (use auto, native or "
     "snaphu)"),
    ("runtime.triangulator", "cgal", "unsupported triangulator 'cgal' (use auto, native or "
     "triangle)"),
    ("runtime.stage7_chunk_ps", 0, "must be an integer >= 1"),
    ("runtime.stage8_chunk_edges", 0, "must be an integer >= 1"),
    ("runtime.memory_gb", -1, "must be a number >= 0"),
    ("runtime.memory_gb", [1], "must be a number >= 0"),
    ("runtime.stale_policy", "ask", "unsupported stale policy 'ask' (use rerun, keep or fail)"),
    ("mpi.enabled", "maybe", "unsupported value 'maybe' (use auto, on or off)"),
    ("output.mat_format", "v6", "unsupported MAT format 'v6' (use auto, v5 or v7.3)"),
    ("output.compress", "yes please", "must be true or false"),
    ("output.fsync", 1, "must be true or false"),
    ("output.mean_v_type", "w", "unsupported value type 'w' (use v, v-d, v-o or v-do)"),
    ("tolerance.profile", "loose", "unsupported profile 'loose' (use strict or scientific)"),
    ("tolerance.rtol", -1, "must be finite and >= 0"),
    ("tolerance.atol", math.nan, "must be finite and >= 0"),
    ("tolerance.atol", 10**400, "must be finite and >= 0"),
    ("tolerance.max_outlier_fraction", 2, "must be between 0 and 1"),
    ("tolerance.max_abs", "big", "must be finite and >= 0"),
    ("tools.snaphu", "", "must be a text"),
    ("tools.triangle", 7, "must be a text"),
    ("compat.random_generator", "numpy", "unsupported random generator 'numpy' (use matlab or "
     "octave)"),
    ("compat.arithmetic", "half", "unsupported arithmetic 'half' (use auto, double or single)"),
    ("compat.strict_reference", True, "needs compat.reference_root"),
)  # fmt: skip


def tree(key, value):
    section, _, name = key.partition(".")
    return {section: {name: value}}


def refused(content):
    with pytest.raises(ConfigError) as caught:
        parse_config(content)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(("key", "value", "message"), MESSAGES)
def test_c064_a_value_outside_its_range_is_told_with_its_key(key, value, message):
    assert refused(tree(key, value)) == f"Config error: {key}: {message}"


def test_every_key_has_a_check_and_a_default_that_passes_it():
    assert parse_config(RunConfig().to_dict()) == RunConfig()


def test_all_problems_of_a_file_are_told_together():
    text = refused({"runtime": {"io_workers": 0, "speed": 9}, "fun": {}, "mpi": 3})
    assert [line.split(": ")[1] for line in text.splitlines()] == [
        "fun", "runtime.io_workers", "runtime.speed", "mpi",
    ]  # fmt: skip


def test_unknown_keys_are_errors_with_a_hint_where_science_parameters_belong():
    assert refused({"runtime": {"clap_win": 32}}).endswith(
        " (science parameters belong in parms.mat)"
    )
    assert refused({"clap_win": 32}).endswith("(science parameters belong in parms.mat)")
    text = refused({"output": {"mat": "v5"}})
    assert text == (
        "Config error: output.mat: unknown key (known: bootstrap_seed, compress, fsync, "
        "krig_seed, mat_format, mean_v_type, products, stamps_log)"
    )
    assert refused({"improve": {"all": True}}).startswith(
        "Config error: improve.all: unknown improvement 'all' (known: "
    )


def test_c060_an_override_names_a_registered_kernel_and_a_backend():
    text = refused(tree("runtime.kernel_backend_overrides", {"stage9_magic": "native"}))
    assert "unknown kernel 'stage9_magic' (known: " in text
    assert "stage2_topofit" in text
    text = refused(tree("runtime.kernel_backend_overrides", {"stage2_topofit": "rust"}))
    assert "unsupported kernel backend 'rust'" in text


def test_outliers_need_a_profile_and_a_cap():
    assert refused({"tolerance": {"max_outlier_fraction": 0.1}}).splitlines() == [
        "Config error: tolerance.max_outlier_fraction: needs profile scientific",
        "Config error: tolerance.max_abs: is required when max_outlier_fraction is not 0",
    ]
    allowed = {"profile": "scientific", "max_outlier_fraction": 0.1, "max_abs": 1}
    assert parse_config({"tolerance": allowed}).tolerance.max_abs == 1.0


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"rtol": -1}, ".rtol: must be finite and >= 0"),
        ({"speed": 1}, ".speed: unknown key (known: rtol, atol, max_outlier_fraction, max_abs)"),
        (3, ": must be a mapping"),
        ({"max_outlier_fraction": 0.5, "max_abs": 1}, ".max_outlier_fraction: needs profile "
         "scientific"),
    ],
)  # fmt: skip
def test_tolerances_of_single_keys_are_checked_with_their_path(entry, message):
    text = refused({"tolerance": {"key_tolerances": {"ph2.ph": entry}}})
    assert text == f"Config error: tolerance.key_tolerances.ph2.ph{message}"


@pytest.mark.parametrize(
    ("key", "given", "taken"),
    [
        ("runtime.backend", "thread", "threads"),
        ("runtime.backend", "IO", "threads"),
        ("runtime.backend", "process", "processes"),
        ("runtime.backend", "cpu", "processes"),
        ("runtime.stage6_solver", "backend", "auto"),
        ("runtime.stage6_solver", "external", "snaphu"),
        ("runtime.stage2_kernel_backend", "cpu", "python"),
        ("runtime.stage2_kernel_backend", "gpu", "cuda"),
        ("mpi.enabled", True, "on"),
        ("mpi.enabled", False, "off"),
        ("tolerance.rtol", "1e-5", 1e-5),
        ("runtime.cpu_workers", "4", 4),
        ("runtime.stage7_chunk_ps", 1e5, 100_000),
    ],
)
def test_aliases_and_numbers_as_text_are_understood(key, given, taken):
    assert parse_config(tree(key, given)).value(key) == taken


def write(path, text):
    path.write_text(text)
    return path


def test_the_traps_of_yaml_are_caught(tmp_path):
    text = "tolerance: {rtol: 1e-5}\nmpi: {enabled: off}\noutput: {compress: on}\n"
    config = load_config(write(tmp_path / "a.yaml", text))
    assert config.tolerance.rtol == 1e-5
    assert config.mpi.enabled == "off"
    assert config.output.compress is True


def test_c036_json_and_yaml_say_the_same(tmp_path):
    import yaml

    from_yaml = load_config(write(tmp_path / "a.yml", EXAMPLE))
    from_json = load_config(write(tmp_path / "a.json", json.dumps(yaml.safe_load(EXAMPLE))))
    assert from_yaml == from_json
    assert from_yaml.runtime.kernel_backend_overrides["stage7_scla"] == "native"


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
@pytest.mark.parametrize("text", ["", " \n", "{}"])
def test_an_empty_file_means_the_defaults(tmp_path, name, text):
    assert load_config(write(tmp_path / name, text)) == RunConfig()


def test_an_empty_section_means_its_defaults_a_wrong_one_is_refused():
    assert parse_config({"runtime": None}) == RunConfig()
    assert refused({"runtime": False}) == "Config error: runtime: must be a mapping of keys"
    assert refused([1]) == "Config error: the file must hold a mapping of sections"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "", "config must be YAML or JSON"),
        ("none.yaml", None, "file does not exist"),
        ("a.yaml", "a: [", "cannot be parsed: "),
        ("a.json", "{", "cannot be parsed: "),
        ("a.yaml", "x: &a [1, 2]\nruntime: {backend: *a}\n", ".*aliases .*name. are not taken"),
        ("a.json", "[" * 100_000, ".*nested too deeply"),
        ("a.yaml", "#" * (1 << 21), ".*longer than 1,048,576 bytes"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_by_name(tmp_path, name, text, message):
    if text is not None:
        write(tmp_path / name, text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / name)
    assert re.match(f"Config error: {tmp_path / name}: {message}", str(caught.value))
    assert "\n" not in str(caught.value)


def test_the_environment_names_a_file(tmp_path, monkeypatch):
    path = write(tmp_path / "a.yaml", "runtime: {io_workers: 3}")
    monkeypatch.setenv("PYSTAMPS_HPC_CONFIG", str(path))
    assert load_config().runtime.io_workers == 3
    other = write(tmp_path / "b.yaml", "runtime: {io_workers: 4}")
    assert load_config(other).runtime.io_workers == 4


def test_file_environment_and_command_line_in_this_order(tmp_path, monkeypatch):
    from pystamps_hpc.cli.commands.run import configuration
    from pystamps_hpc.cli.parser import build_parser

    text = "runtime: {backend: threads, io_workers: 3}\nmpi: {enabled: on}\n"
    path = write(tmp_path / "a.yaml", text)
    words = ["run", "--dataset", "x", "--config", str(path)]

    def resolved(*more):
        return configuration(build_parser().parse_args([*words, *more]))

    assert resolved().mpi.enabled == "on"
    monkeypatch.setenv("PYSTAMPS_HPC_MPI", "off")
    assert resolved().mpi.enabled == "off"
    assert resolved("--mpi", "auto").mpi.enabled == "auto"
    assert resolved("--backend", "native").runtime.backend == "native"
    assert resolved("--backend", "native").runtime.io_workers == 3
    assert resolved("--stale", "fail").runtime.stale_policy == "fail"
    with pytest.raises(ConfigError, match="unsupported runtime backend 'x'"):
        resolved("--backend", "x")


def test_c060_kernels_of_the_command_line_are_laid_over_those_of_the_file(tmp_path):
    from pystamps_hpc.cli.commands.run import configuration
    from pystamps_hpc.cli.parser import build_parser

    path = write(
        tmp_path / "a.yaml",
        "runtime: {kernel_backend_overrides: {stage7_scla: python, stage2_topofit: python}}",
    )
    words = ["--config", str(path), "run", "--dataset", "x"]
    options = build_parser().parse_args([*words, "--kernel-backend", "stage2_topofit=native"])
    assert configuration(options).runtime.kernel_backend_overrides == {
        "stage7_scla": "python",
        "stage2_topofit": "native",
    }
    options = build_parser().parse_args([*words, "--kernel-backend", "stage2_topofit"])
    with pytest.raises(ConfigError, match="expected KERNEL=BACKEND"):
        configuration(options)


def test_the_arithmetic_follows_the_random_generator():
    for generator, arithmetic in (("octave", "single"), ("matlab", "double")):
        config = parse_config({"compat": {"random_generator": generator}})
        assert config.resolved().compat.arithmetic == arithmetic
    given = parse_config({"compat": {"random_generator": "octave", "arithmetic": "double"}})
    assert given.resolved().compat.arithmetic == "double"


def test_a_pipe_is_no_configuration(tmp_path):
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(ConfigError, match="not a regular file"):
        load_config(tmp_path / "a.yaml")


def test_a_list_of_words_is_read_as_a_list_or_with_commas():
    for written in (["velocity.csv", "points.gpkg"], "velocity.csv, points.gpkg"):
        config = parse_config({"output": {"products": written}})
        assert config.output.products == ("velocity.csv", "points.gpkg")
    with pytest.raises(ConfigError, match=r"output.products: unsupported product 'map' \(use"):
        parse_config({"output": {"products": ["map"]}})
    with pytest.raises(ConfigError, match=r"output.products: must be a list of velocity.png"):
        parse_config({"output": {"products": 7}})
