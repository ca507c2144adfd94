"""The self-test of an installation; the image's own test runs it for real."""

import json

import pytest

from pystamps_hpc.tools import child_run, selftest


@pytest.fixture
def runs(monkeypatch):
    """Child runs that end as told and leave one artifact; returns what each was called with."""
    called = []

    def pretend(codes=(0, 0, 0), size=2, content=b"same"):
        monkeypatch.setattr(selftest, "unavailable_reason", lambda backend: "")
        monkeypatch.setattr(selftest, "find_snaphu", lambda name: None)
        monkeypatch.setattr(selftest, "simulate", lambda root, options: root.mkdir())

        def run(words, ranks, environ):
            root = words[words.index("--dataset") + 1]
            (root / "a.mat").write_bytes(content if ranks > 1 else b"same")
            code = codes[len(called)]
            called.append((ranks, environ))
            report = {"ok": not code, "mpi": {"size": size if ranks > 1 else 1},
                      "results": [{"status": "completed"}]}  # fmt: skip
            return child_run.ChildRun(code, json.dumps(report), "", 0.1)

        monkeypatch.setattr(child_run, "run", run)
        return called

    return pretend


def test_the_same_bytes_on_one_process_and_on_two_ranks_pass(runs):
    called = runs()
    document = selftest.self_test()
    assert document["ok"]
    assert [step["name"] for step in document["steps"]] == ["kernels", "one process", "2 ranks"]
    assert [ranks for ranks, _ in called] == [1, 2]


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        ({"content": b"other"}, "a.mat differs from that of one process"),
        ({"size": 1}, "2 ranks were started, the run had 1"),
        ({"codes": (0, 5)}, "exit code 5"),
    ],
)
def test_what_is_wrong_with_the_ranks_is_told(runs, spoiled, message):
    runs(**spoiled)
    document = selftest.self_test()
    assert not document["ok"]
    assert document["steps"][-1]["message"].startswith(message)


def test_nothing_is_tried_after_a_step_that_failed(runs):
    runs(codes=(1,))
    assert [step["name"] for step in selftest.self_test()["steps"]] == ["kernels", "one process"]


def test_one_rank_needs_no_launcher(runs):
    called = runs()
    assert selftest.self_test(ranks=1)["ok"]
    assert len(called) == 1


def test_inside_a_job_the_ranks_are_no_tasks_of_it():
    environ = {
        "SLURM_JOB_ID": "7",
        "PMIX_RANK": "0",
        "PMI_SIZE": "2",
        "TMPDIR": "/absent",
        "A": "b",
    }
    kept = selftest.job_free(environ)
    assert kept["A"] == "b"
    assert not any(name.startswith(("SLURM_", "PMIX_", "PMI_")) for name in kept)
    assert kept["TMPDIR"] != "/absent"
