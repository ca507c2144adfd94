"""Ratios of figures: of what both have, in pairs, on one type of machine, with their spread."""

import json

import pytest

from benchmarks import compare

MACHINE = {"cpu": "AMD EPYC 9124 (x 2)", "visible_cores": 2, "python": "3.11.9", "load": [9, 9, 9]}
KERNELS = {
    "machine": MACHINE, "n_ps": 200, "n_ifg": 6, "threads": 1,
    "kernels": [
        {"kernel": "stage2_topofit", "form": "single", "native_sec": {"min": 2.0}},
        {"kernel": "stage2_deviation", "form": "", "native_sec": {"min": 1.0}},
    ],
}  # fmt: skip
CHAINS = {
    "machine": MACHINE, "dataset": "", "scene": {"n_candidates": 9, "n_ifg": 3},
    "configurations": [
        {"backend": "native", "ranks": 2, "threads": 1, "ok": True, "cpu_sec": 8.0},
        {"backend": "cuda", "ranks": 1, "threads": 1, "ok": False, "reason": "none"},
    ],
}  # fmt: skip


def test_a_pair_is_compared_where_both_have_the_figure():
    pairs = [({"a": 1.0, "new": 3.0}, {"a": 2.0, "old": 1.0}), ({"a": 3.0}, {"a": 2.0})]
    assert compare.ratios(pairs) == {"a": [0.5, 1.5]}
    assert compare.ratios([({"a": 1.0}, {"a": 0.0})]) == {}


def test_the_spread_is_median_and_quartiles():
    assert compare.spread([1.0, 2.0, 3.0, 4.0, 50.0]) == compare.Spread(3.0, 2.0, 4.0, 5)
    assert compare.spread([1.2]) == compare.Spread(1.2, 1.2, 1.2, 1)


def test_the_one_and_the_other_begin_by_turns():
    assert compare.turns(3) == [("ours", "theirs"), ("theirs", "ours"), ("ours", "theirs")]


def test_a_type_of_machine_is_processor_cores_and_python_but_not_its_load():
    kind = compare.machine_type(MACHINE)
    assert kind == "amd-epyc-9124-x-2-2-cores-python-3.11"
    assert compare.machine_type({**MACHINE, "load": [0, 0, 0], "python": "3.11.2"}) == kind
    assert compare.machine_type({**MACHINE, "visible_cores": 4}) != kind


def test_sizes_are_part_of_what_is_compared_and_what_failed_is_left_out():
    assert compare.figures_of(KERNELS) == {
        "stage2_topofit single (200 x 6, 1 threads)": 2.0,
        "stage2_deviation (200 x 6, 1 threads)": 1.0,
    }
    assert compare.figures_of(CHAINS) == {"chain native 2 x 1 (9 x 3)": 8.0}
    assert not set(compare.figures_of({**KERNELS, "n_ps": 300})) & set(compare.figures_of(KERNELS))


def test_figures_are_kept_and_set_beside_those_of_the_same_machine(tmp_path, monkeypatch):
    stamps = iter(["20260101T000000Z", "20260102T000000Z", "20260103T000000Z"])
    monkeypatch.setattr(compare.time, "strftime", lambda *_: next(stamps))
    assert "run make bench first" in compare.beside_the_last(tmp_path)
    (tmp_path / "kernels.json").write_text(json.dumps(KERNELS))
    assert "nothing to compare" in compare.beside_the_last(tmp_path)
    faster = json.loads(json.dumps(KERNELS))
    faster["kernels"][0]["native_sec"]["min"] = 1.0
    (tmp_path / "kernels.json").write_text(json.dumps(faster))
    told = compare.beside_the_last(tmp_path)
    lines = told.splitlines()
    assert lines[0].startswith("beside the last 1 of amd-epyc")
    assert lines[3].split()[0] == "stage2_deviation"  # the slowest first
    assert "0.500" in lines[4]
    assert lines[-1] == "all 2: 0.750 (0.625-0.875)"
    elsewhere = {**faster, "machine": {**MACHINE, "visible_cores": 64}}
    (tmp_path / "kernels.json").write_text(json.dumps(elsewhere))
    assert "nothing to compare" in compare.beside_the_last(tmp_path)


def test_a_name_that_is_no_commit_is_refused_before_work():
    with pytest.raises(SystemExit, match="no-such-name is no commit here"):
        compare.main(["--against", "no-such-name"])
