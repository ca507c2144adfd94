"""Finished parts of a task: found again, or not used at all."""

import os

import numpy as np
import pytest

from pystamps_hpc.dataset.memo import MemoStore
from pystamps_hpc.parallel.context import Context

ARRAYS = {"ph_uw": np.arange(6, dtype=np.float32).reshape(2, 3), "J": np.array(7)}


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def store(tmp_path, warnings):
    return MemoStore(tmp_path, 6, "f" * 64, warnings.append)


def test_c111_a_stored_part_is_found_again(store, warnings):
    assert store.load("ifg_000001") is None
    store.save("ifg_000001", ARRAYS)
    found = store.load("ifg_000001")
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert warnings == []


def test_c111_a_part_of_another_fingerprint_or_stage_is_never_found(store, tmp_path, warnings):
    store.save("ifg_000001", ARRAYS)
    assert MemoStore(tmp_path, 6, "e" * 64, warnings.append).load("ifg_000001") is None
    assert MemoStore(tmp_path, 7, "f" * 64, warnings.append).load("ifg_000001") is None


def damage_nothing_but_a_byte(path):
    content = bytearray(path.read_bytes())
    content[content.index(ARRAYS["ph_uw"].tobytes()) + 8] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:200]),
        lambda path: path.write_bytes(b"no archive"),
        damage_nothing_but_a_byte,
        lambda path: np.savez(path, **ARRAYS),
        lambda path: np.savez(path, sha256="0" * 64, **ARRAYS),
    ],
)
def test_a_damaged_part_is_ignored_with_a_warning(store, warnings, damage):
    store.save("k", ARRAYS)
    path = store.folder / "k.npz"
    damage(path)
    assert store.load("k") is None
    assert len(warnings) == 1
    assert warnings[0].startswith(f"ignoring checkpoint {path}: ")


def test_a_part_with_numbers_that_are_not_finite_is_ignored(store, warnings):
    store.save("k", {"a": np.ones(2), "ph_uw": np.array([1.0, np.nan], np.float32)})
    assert store.load("k") is None
    assert warnings == [f"ignoring checkpoint {store.folder / 'k.npz'}: ph_uw is not finite"]


@pytest.mark.parametrize("step", ["pathlib.Path.write_bytes", "os.replace"])
def test_a_part_that_cannot_be_stored_leaves_nothing_and_costs_nothing(
    store, warnings, monkeypatch, step
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, full)
    store.save("k", ARRAYS)
    assert list(store.folder.iterdir()) == []
    assert warnings == [f"no checkpoint {store.folder / 'k.npz'}: No space left on device"]


def test_clear_removes_the_parts_of_the_stage_of_every_fingerprint(store, tmp_path, warnings):
    other = MemoStore(tmp_path, 6, "e" * 64, warnings.append)
    foreign = MemoStore(tmp_path, 7, "f" * 64, warnings.append)
    for each in (store, other, foreign):
        each.save("k", ARRAYS)
    store.clear()
    assert [each.load("k") is None for each in (store, other, foreign)] == [True, True, False]


def test_the_context_computes_once(store):
    calls = []

    def compute():
        calls.append(1)
        return ARRAYS

    ctx = Context(None, None, checkpoints=store)
    for _ in range(3):
        np.testing.assert_array_equal(ctx.memo("k", compute)["ph_uw"], ARRAYS["ph_uw"])
    assert calls == [1]


def test_c111_memos_of_a_killed_task_are_used_and_removed_when_it_is_published(stubs, tree):
    from pystamps_hpc.errors import StageError
    from pystamps_hpc.pipeline.stages import run_pipeline
    from pystamps_hpc.pipeline.types import PipelineContext

    computed = []

    def part(ctx, k):
        return ctx.memo(f"ifg_{k:06d}", lambda: computed.append(k) or {"ph_uw": np.ones(k)})

    def half(ctx):
        part(ctx, 1)
        part(ctx, 2)
        raise StageError("killed")

    stubs.acts[6, "root"] = half
    assert not run_pipeline(PipelineContext(tree)).ok
    assert len(list(tree.rglob("memo/6-*/*.npz"))) == 2
    stubs.acts[6, "root"] = lambda ctx: [part(ctx, k) for k in (1, 2, 3)]
    assert run_pipeline(PipelineContext(tree)).ok
    assert computed == [1, 2, 3]
    assert not list(tree.rglob("memo/6-*"))


def test_a_deflated_part_is_not_inflated(store, warnings):
    store.folder.mkdir(parents=True)
    np.savez_compressed(store.folder / "a.npz", a=np.zeros(10**6))
    assert store.load("a") is None
    assert warnings[0].endswith("a member is deflated")


def test_a_pipe_in_place_of_a_part_is_not_waited_for(store):
    store.folder.mkdir(parents=True)
    os.mkfifo(store.folder / "a.npz")
    assert store.load("a") is None
