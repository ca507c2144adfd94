"""The stage table: order, scopes, markers, keys, parameters."""

import ast
import dataclasses
import pickle
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

from pystamps_hpc import expected_stage_artifact, pipeline
from pystamps_hpc.dataset.parameter_table import TABLE
from pystamps_hpc.dataset.parameters import Parameters
from pystamps_hpc.dataset.schema import ARTIFACTS
from pystamps_hpc.pipeline.loading import _VIRTUAL
from pystamps_hpc.pipeline.table import (
    MODULES,
    mode_of,
    read_by,
    readers,
    stage_numbers,
    task,
    tasks,
)
from pystamps_hpc.stages import shared
from pystamps_hpc.stages.base import EACH_PATCH, artifact_fields
from pystamps_hpc.stages.shared.ifgs import Ifgs
from tests.stub_chain import CHAIN

CONTRACT = [row[:4] for row in CHAIN]  # stage, scope, required with the marker last, optional


def test_c003_the_nine_tasks_come_in_order_with_their_scopes():
    rows = [(row.spec.number, row.spec.scope) for row in tasks("ps")]
    assert rows == [(stage, scope) for stage, scope, _, _ in CONTRACT]


@pytest.mark.parametrize(("stage", "scope", "required", "optional"), CONTRACT)
def test_c005_a_bundle_holds_the_artifacts_of_the_contract(stage, scope, required, optional):
    row = task(stage, scope, "ps")
    assert row.required == tuple(required.split())
    assert set(row.optional) == set(optional.split())
    assert row.bundle == (*row.optional, *row.required)


@pytest.mark.parametrize(("stage", "scope", "required", "optional"), CONTRACT)
def test_c004_the_marker_is_published_last(stage, scope, required, optional):
    del optional
    assert task(stage, scope, "ps").spec.marker == required.split()[-1]
    assert expected_stage_artifact(stage, scope) == f"{required.split()[-1]}.mat"


def test_a_row_is_one_object_that_travels_as_its_place():
    for row in (*tasks("ps"), *tasks("sb")):
        assert task(row.spec.number, row.spec.scope, row.mode) is row
        assert pickle.loads(pickle.dumps(row)) is row


def test_the_last_stage_is_that_of_the_table():
    assert stage_numbers() == tuple(range(1, pipeline.LAST_STAGE + 1))
    assert stage_numbers("merged") == (5, 6, 7, 8)
    assert stage_numbers("patch", "triangulator") == (4,)


@pytest.mark.parametrize(
    ("artifact", "scope", "key", "stages"),
    [
        ("pm1", "patch", "", [3, 5]),
        ("pm1", "patch", "K_ps", [3]),
        ("pm1", "patch", "ph_weight", []),
        ("ps1", "patch", "ll0", []),  # which is only copied
        ("rc2", "patch", "ph_rc", [5]),  # the merge, of every patch
        ("scla_smooth2", "merged", "K_ps_uw", [6]),
        ("uw_interp", "merged", "", []),
    ],
)
def test_who_reads_an_artifact_is_told_by_file_and_by_key(artifact, scope, key, stages):
    assert [row.spec.number for row in read_by(artifact, scope, "ps", key)] == stages


def test_the_flag_chooses_the_table():
    network = Parameters(stored={"small_baseline_flag": "y"})
    assert (mode_of(Parameters(stored={})), mode_of(network)) == ("ps", "sb")


def test_a_parameter_of_small_baselines_has_its_readers():
    assert readers("sb_scla_drop_index", "sb") == (7,)
    assert readers("scla_drop_index", "sb") == (7,)


# stage, scope, what belongs to it in the order of removal
OWNED = (
    (1, "patch", "ps1 bp1 ph1 hgt1 da1 inc1 la1"),
    (5, "patch", "ph2 rc2 bp2 pm2 ps2 inc2 la2 hgt2"),
    (5, "merged", "ifgstd2 rc2 bp2 pm2 ph2 ps2 inc2 la2 hgt2"),
    (6, "merged", "phuw2 uw_phaseuw uw_space_time uw_interp uw_grid"),
    (7, "merged", "scla2 scla_smooth2 scla_sb2 scla_smooth_sb2"),
    (8, "merged", "scn2 mean_v temp_vario unwrapping_errors_edges modeled_defo_edges mv2"),
)


@pytest.mark.parametrize(("stage", "scope", "names"), OWNED)
def test_a_file_belongs_to_the_first_task_that_makes_it(stage, scope, names):
    row = task(stage, scope, "ps")
    assert row.owned == tuple(names.split())
    assert row.first_made == tuple(name for name in row.owned if name not in row.spec.foreign)


def test_a_task_outdates_what_later_ones_own_but_the_feedback_of_its_next_pass():
    after = {number: task(number, "merged", "ps").owned for number in (6, 7, 8)}
    merge = task(5, "merged", "ps")
    assert task(8, "merged", "ps").outdates == ((), ())
    assert task(7, "merged", "ps").outdates == (after[8], ())
    of_pass = (*after[8], "scla2", "scla_sb2", "scla_smooth_sb2")
    assert task(6, "merged", "ps").outdates == (of_pass, ())
    assert merge.outdates == ((*after[8], *after[7], *after[6]), ())
    promoted, weeded = task(5, "patch", "ps"), task(4, "patch", "ps")
    assert promoted.outdates == ((*merge.outdates[0], *merge.owned), ())
    assert weeded.outdates == (promoted.outdates[0], promoted.owned)


def test_what_a_task_reads_of_its_last_pass_it_spares():
    spared = {row: {f"{name}.mat" for name in row.spec.spares} for row in tasks("ps")}
    assert [row.spec.number for row in tasks("ps") if row.feedback] == [6]
    assert all(row.feedback <= spared[row] for row in tasks("ps"))


def test_what_counts_the_points_of_a_stage_is_among_its_outputs():
    counting = {row: set(row.spec.counted_in.values()) for row in tasks("ps")}
    assert [row.spec.number for row, keys in counting.items() if keys] == [1, 3, 4, 5]
    for row, keys in counting.items():
        assert keys <= {f"{f.artifact}.{f.key}" for f in artifact_fields(row.spec.outputs)}


def test_only_the_last_stage_extends_what_an_earlier_one_makes():
    assert {row.spec.number: row.extends for row in tasks("ps") if row.extends} == {
        8: ("uw_space_time",)
    }


def test_the_merge_gathers_what_the_last_stage_of_a_patch_makes():
    gathering = {row: row.gathers for row in tasks("ps") if row.gathers}
    assert gathering == {task(5, "merged", "ps"): task(5, "patch", "ps")}


@pytest.mark.parametrize(("stage", "scope"), [(6, "patch"), (2, "merged")])
def test_a_stage_has_no_marker_in_the_other_scope(stage, scope):
    with pytest.raises(LookupError, match=f"stage {stage} has no {scope} scope"):
        expected_stage_artifact(stage, scope)


@pytest.mark.parametrize("room", ["pipeline", "tools"])
def test_nothing_but_the_table_knows_a_stage_by_its_number(room):
    tested = re.compile(
        r"\b(stage|number|stage_id|(start|end)_step|first|last) *"
        r"(==|!=|<=?|>=?|in|not in) *[(\[{]?[1-9]\b"
    )
    for path in Path(pipeline.__path__[0]).parent.joinpath(room).rglob("*.py"):
        assert tested.findall(path.read_text()) == [], path


def test_a_task_judges_what_it_or_a_later_one_left_of_an_earlier_run():
    assert task(6, "merged", "ps").judged == task(6, "merged", "ps").feedback
    unwrapping = task(6, "merged", "sb")
    assert unwrapping.judged == unwrapping.feedback | {"phuw_sb2.mat"}
    assert not task(8, "merged", "ps").judged


def test_every_annotation_names_a_key_of_a_schema():
    for row in (*tasks("ps"), *tasks("sb")):
        classes = [row.spec.inputs, row.spec.outputs]
        nested = row.patch_inputs
        for cls in [*classes, *([nested] if nested else [])]:
            for field in artifact_fields(cls):
                name = f"{field.artifact}.{field.key}"
                if name == EACH_PATCH or name in _VIRTUAL:
                    continue
                assert field.artifact in ARTIFACTS, name
                assert field.key == "*" or field.key in ARTIFACTS[field.artifact].keys, name


def test_a_stage_that_sees_a_null_column_has_the_network_that_places_it():
    for row in tasks("ps"):
        for cls in (row.spec.inputs, row.spec.outputs):
            found = [field for field in artifact_fields(cls) if field.artifact in ARTIFACTS]
            keys = [ARTIFACTS[f.artifact].keys.get(f.key) for f in found]
            if any(key is not None and key.null is not None for key in keys):
                assert any(field.type is Ifgs for field in found), cls


def test_every_parameter_of_a_stage_is_a_known_one():
    for row in tasks("ps"):
        for item in dataclasses.fields(row.spec.params):
            assert item.name.rstrip("_") in TABLE


def test_configuration_that_counts_is_recorded_by_the_stages_it_changes():
    counted = {(row.spec.number, row.spec.scope): set(row.spec.config) for row in tasks("ps")}
    assert all("compat.arithmetic" in keys for keys in counted.values())
    assert "compat.random_generator" in counted[2, "patch"]
    assert "runtime.stage6_solver" in counted[6, "merged"]
    assert "runtime.triangulator" in counted[4, "patch"] & counted[7, "merged"]
    assert "output.mean_v_type" in counted[8, "merged"]


SCHEDULING = {"runtime.stage7_chunk_ps", "runtime.stage8_chunk_edges", "runtime.unwrap_minutes",
              "tools.snaphu"}  # fmt: skip
"""Configuration that a stage may read although it changes no result."""


def config_read_by(module):
    """Return ``section.key`` of every ``ctx.config.section.key`` in a module."""
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        names = []
        while isinstance(node, ast.Attribute):
            names.insert(0, node.attr)
            node = node.value
        of_context = isinstance(node, ast.Name) and node.id == "ctx"
        if of_context and names[:1] == ["config"] and names[2:]:
            yield ".".join(names[1:3])


@pytest.mark.parametrize("name", MODULES)
def test_configuration_that_a_stage_reads_is_declared_or_only_schedules(name):
    module = import_module(f"pystamps_hpc.stages.{name}")
    parts = [module]
    if hasattr(module, "__path__"):
        names = [found.name for found in pkgutil.iter_modules(module.__path__)]
        parts += [import_module(f"{module.__name__}.{part}") for part in names]
    read = {key for part in parts for key in config_read_by(part)}
    assert read <= set(module.SPEC.config) | SCHEDULING


def test_configuration_that_parts_of_several_stages_read_only_schedules():
    for found in pkgutil.iter_modules(shared.__path__, f"{shared.__name__}."):
        assert set(config_read_by(import_module(found.name))) <= SCHEDULING, found.name


# fields of the reference's parameters that the built branches read; the mode is
# recorded with every stage
PARAMETERS = {
    (1, "patch"): "heading lambda insar_processor",
    (2, "patch"): "clap_alpha clap_beta clap_low_pass_wavelength clap_win filter_grid_size "
    "filter_weighting gamma_change_convergence gamma_max_iterations lambda max_topo_err "
    "quick_est_gamma_flag",
    (3, "patch"): "clap_alpha clap_beta clap_win density_rand percent_rand select_method "
    "select_reest_gamma_flag drop_ifg_index gamma_stdev_reject slc_osf quick_est_gamma_flag",
    (4, "patch"): "drop_ifg_index weed_max_noise weed_neighbours weed_standard_dev weed_time_win "
    "weed_zero_elevation",
    (5, "merged"): "heading merge_resample_size merge_standard_dev",
    (6, "merged"): "drop_ifg_index lambda max_topo_err scla_deramp "
    "subtr_tropo tropo_method unwrap_grid_size unwrap_method",
    (7, "merged"): "drop_ifg_index scla_deramp scla_drop_index scla_method "
    "subtr_tropo tropo_method ref_lon ref_lat ref_centre_lonlat ref_radius",
    (8, "merged"): "scn_deramp_ifg scn_kriging_flag scn_time_win scn_wavelength "
    "ref_lon ref_lat lambda",
}


@pytest.mark.parametrize("scoped", PARAMETERS, ids=str)
def test_parameters_that_count_are_those_of_the_contract(scoped):
    names = {item.name.rstrip("_") for item in dataclasses.fields(task(*scoped, "ps").spec.params)}
    assert set(PARAMETERS[scoped].split()) <= names
