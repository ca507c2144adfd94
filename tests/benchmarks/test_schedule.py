"""The simulated schedule: time is kept, decisions are those of the queue, real ranks agree."""

import json

import numpy as np
import pytest

from benchmarks import rates, replay, scaling, schedule, schedule_page
from benchmarks.event_loop import Clock, Line, Shared
from benchmarks.replay import Cluster, MergedWork, Step, bound, replay_merged, replay_patches
from benchmarks.stage_bytes import stage_bytes
from pystamps_hpc.parallel import order
from tests.faults.campaign import renew

FREE = {"latency": 1e-12, "operations": 1e15, "disk": 1e15, "stream": 1e15}


def steps(*seconds):
    return [[Step("2 patch", each)] for each in seconds]


def ends(requests):
    """Return when requests that are made at once are fulfilled."""
    clock, found = Clock(), {}

    def process(name, request):
        yield request
        found[name] = clock.now

    for name, request in requests(clock).items():
        clock.start(process(name, request))
    clock.run()
    return found


def test_what_is_shared_is_shared_evenly_and_no_faster_than_one_can_take_it():
    def requests(clock):
        disk = Shared(clock, 100.0, 60.0)
        return {"large": disk.use(150.0), "small": disk.use(50.0)}

    # both get 50 per second until the small one is done, then the large one gets 60
    assert ends(requests) == {"small": pytest.approx(1.0), "large": pytest.approx(1 + 100 / 60)}


def test_questions_are_answered_one_after_the_other():
    def requests(clock):
        line = Line(clock, seconds=1.0, pause=0.5)
        return {"first": line.ask(), "second": line.ask()}

    assert ends(requests) == {"first": 1.5, "second": 2.5}


def test_a_run_can_be_stopped_in_the_middle():
    clock = Clock()
    clock.at(5.0, lambda: pytest.fail("past the end"))
    assert clock.run(until=3.0) == 3.0


def test_the_largest_patch_goes_first_whatever_its_place():
    tasks = steps(1, 1, 1, 1, 1, 1, 6)
    cost = [task[0].seconds for task in tasks]
    found = replay_patches(tasks, cost, Cluster(2, 2, **FREE))
    assert found.seconds == pytest.approx(6.0, abs=0.02)
    assert found.seconds >= bound(tasks, Cluster(2)) == 6.0
    # a driver that knew nothing of sizes would come to it last
    blind = replay_patches(tasks, [1.0] * 7, Cluster(2, 2, **FREE))
    assert blind.seconds == pytest.approx(9.0, abs=0.02)


def test_the_replay_takes_places_from_the_real_queue(monkeypatch):
    class Backwards(order.Places):
        def take(self):
            place = super().take()
            return place if place == order.NO_MORE else 2 - place

    found = replay_patches(steps(3, 2, 1), [3, 2, 1], Cluster(1, **FREE))
    assert found.takers == [0, 0, 0]
    monkeypatch.setattr(replay, "Places", Backwards)
    early = replay_patches(steps(3, 2, 1), [3, 2, 1], Cluster(1, **FREE), until=2.5)
    assert early.finished == [0, 0, 1]


def test_slow_ranks_take_fewer_patches_and_the_bound_knows_them():
    cluster = Cluster(4, 4, slow_share=0.25, slow_factor=5.0, **FREE)
    assert sorted(cluster.slowness) == [1, 1, 1, 5]
    tasks = steps(*[1.0] * 32)
    found = replay_patches(tasks, [1.0] * 32, cluster)
    counts = np.bincount(found.takers)
    assert counts[cluster.slowness == 5] == counts.min() <= 3
    assert bound(tasks, cluster) == pytest.approx(32 / 3.2)
    assert found.seconds >= bound(tasks, cluster)


def test_a_slow_file_system_is_told_from_work():
    slow = Cluster(4, 4, disk=10.0, stream=10.0, latency=1e-12, operations=1e15)
    tasks = [[Step("1 patch", 1.0, bytes_read=10.0)]] * 4
    found = replay_patches(tasks, [1.0] * 4, slow)
    assert found.spent["1 patch"]["work"] == pytest.approx(4.0)
    assert found.spent["1 patch"]["bytes"] == pytest.approx(16.0, abs=0.1)  # four at once, 4 s each
    assert found.seconds == pytest.approx(5.0, abs=0.02)


def test_what_was_published_before_a_rank_died_is_not_done_again():
    tasks = [[Step("1 patch", 1.0), Step("2 patch", 10.0)]] * 4
    cluster = Cluster(4, 4, **FREE)
    seconds, lost = replay.replay_death(tasks, [1.0] * 4, cluster, at=6.0, restart=100.0)
    assert seconds == pytest.approx(6 + 100 + 10, abs=0.02)
    assert lost == pytest.approx(5.0, abs=0.02)  # of stage 2 on each rank; stage 1 stands


def test_rows_of_a_merged_stage_wait_for_the_slowest_rank_and_columns_do_not():
    even, slow = Cluster(8, 8, **FREE), Cluster(8, 8, slow_share=0.1, **FREE)
    rows = MergedWork("7 merged", rows=80.0, serial=3.0)
    n_ps = 8 * 4096 * 10
    assert replay_merged(rows, n_ps, 64, even).spread == pytest.approx(10.0)
    assert replay_merged(rows, n_ps, 64, slow).spread == pytest.approx(50.0)
    columns = MergedWork("6 merged", rows=0.0, serial=0.0, columns=80.0)
    assert replay_merged(columns, n_ps, 64, slow).spread < 20.0
    assert replay_merged(rows, n_ps, 64, even).alone == 3.0


def test_rows_are_written_by_all_ranks_and_no_faster_than_the_file_system_takes_them():
    cluster = Cluster(8, 8, disk=400.0, stream=100.0)
    work = MergedWork("7 merged", 0.0, 0.0, bytes_written_rows=4000.0)
    alone = MergedWork("7 merged", 0.0, 0.0, bytes_written=4000.0)
    assert replay_merged(work, 4096, 10, cluster).moving == pytest.approx(10.0)
    assert replay_merged(work, 4096, 10, Cluster(2, 2, disk=400.0, stream=100.0)).moving == 20.0
    assert replay_merged(alone, 4096, 10, cluster).alone == pytest.approx(40.0)


def test_files_of_all_patches_are_opened_once_others_by_every_rank():
    cluster = Cluster(100, 10, operations=1000.0, latency=1e-3)
    work = MergedWork("5 merged", 0.0, 0.0, files_read=1000.0)
    once = MergedWork("5 merged", 0.0, 0.0, files_read=1000.0, by_root=True)
    assert replay_merged(work, 4096, 10, cluster).opening == pytest.approx(300.0)
    assert replay_merged(once, 4096, 10, cluster).opening == pytest.approx(3.0)


@pytest.mark.parametrize("kind", ["even", "different", "very different", "one of 20 x"])
def test_patches_of_every_kind_add_up_and_are_the_same_for_a_seed(kind):
    found = rates.sizes(100, 5e6, kind, seed=3)
    assert sum(found) == pytest.approx(5e6)
    assert found == rates.sizes(100, 5e6, kind, seed=3)
    if kind == "one of 20 x":
        assert max(found) == pytest.approx(20 * min(found))


def recorded():
    """Return a run as `make bench-large` records it, without other work on the machine."""
    stages = list(scaling.COSTS)
    moved = {
        "rows": 1000,
        "whole": 100,
        "written": 500,
        "written_rows": 300,
        "files_read": 8,
        "files_written": 4,
    }
    run = {
        "ok": True, "n_candidates": 1000, "n_ifg": 10, "patches": 4, "cpu_sec": 99.0,
        "stage_sec": dict.fromkeys(stages, 8.0), "stage_bytes": dict.fromkeys(stages, moved),
        "own_sec": {stage: 11.0 for stage in stages if stage.endswith("merged")},
        "root_sec": {stage: 5.0 for stage in stages if stage.endswith("merged")},
    }  # fmt: skip
    return run


def test_rates_tell_what_rank_0_does_alone_and_give_back_what_was_measured():
    run = recorded()
    found = rates.rates_of(run, ranks=2)
    works = {work.stage: work for work in rates.merged_work(found, scaling.Stack(1000, 10, 4))}
    assert works["7 merged"].rows == pytest.approx(6.0)
    assert works["7 merged"].serial == pytest.approx(5.0)
    assert works["6 merged"].columns == pytest.approx(6.0)
    more = {w.stage: w for w in rates.merged_work(found, scaling.Stack(2000, 30, 4))}["7 merged"]
    assert (more.rows, more.serial) == (pytest.approx(36.0), pytest.approx(10.0))
    assert works["5 merged"].files_read == pytest.approx(8)
    assert works["8 merged"].bytes_written == pytest.approx(200)
    assert works["8 merged"].bytes_written_rows == pytest.approx(300)
    (task,) = rates.patch_steps(found, [1000.0], 10)
    assert [step.seconds for step in task] == pytest.approx([8.0] * 5)
    assert task[0].files_written == 1


def test_times_that_other_work_has_lengthened_add_up_to_the_processor_time():
    run = recorded()
    calm, busy = rates.rates_of(run, 2), rates.rates_of({**run, "cpu_sec": 42.0}, 2)
    occupied = 5 * 8.0 + 4 * (6.0 + 5.0)
    assert busy["2 patch"].seconds / calm["2 patch"].seconds == pytest.approx(42 / occupied)


def test_the_page_names_the_longest_part_and_the_share_of_rank_0(tmp_path, monkeypatch):
    monkeypatch.setattr(schedule, "STACK", scaling.Stack(1e6, 60, 100))
    monkeypatch.setattr(schedule, "RANKS", (8, 128))
    monkeypatch.setattr(schedule, "PATCHES", (50,))
    found = rates.rates_of(recorded(), 2)
    document = {
        "seed": 1, "machine": {"cpu": "A CPU"}, "measured": {"n_candidates": 1000, "n_ifg": 10},
        "stack": vars(schedule.STACK), "cluster": vars(Cluster(64)), "slow": schedule.SLOW_DISK,
        "scenarios": schedule.scenarios(found, 1), "stages": schedule.stages(found, 1),
        "choices": schedule.choices(found, 1),
        "real": [{"what": "even", "ranks": 2, "simulated": 1.0, "real": 1.25}],
    }  # fmt: skip
    text = schedule_page.section(document)
    assert "| even | 2 | 1.00 | 1.25 | 1.250 |" in text
    stage, part, _ = schedule_page.longest_part(document["stages"], 128)
    assert schedule_page.PARTS[part] in text
    assert stage in text
    assert 0 < schedule_page.serial_share(document["stages"], 128) < 1
    json.dumps(document)
    page = tmp_path / "scaling.md"
    page.write_text("# Scaling\n\n<!-- schedule -->\n<!-- end -->\n")
    renew("schedule", text, page)
    kept = scaling.kept("schedule", page.read_text(encoding="utf-8"))
    assert kept == f"<!-- schedule -->\n{text}<!-- end -->"


def test_bytes_and_files_of_a_stage_are_those_of_its_artifacts(simulated):
    found = stage_bytes(simulated)
    assert found["1 patch"]["written"] == 0  # nothing has run
    candidates = sum(path.stat().st_size for path in simulated.glob("PATCH_*/pscands.1.ph"))
    assert found["1 patch"]["whole"] > candidates
