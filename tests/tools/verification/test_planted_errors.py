"""A deliberately wrong value in any key of any artifact is found, and its place is told."""

import numpy as np
import pytest
import scipy.sparse

from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.tools.verification.compare import Policy, verify_run_against_golden

from .trees import MINI, mini_files

POLICY = Policy("strict")


class Planted:
    """One artifact alone in two trees, of which the run's can be spoiled."""

    def __init__(self, scratch, file):
        self.file, self.artifact = file, file.split("/")[-1].removesuffix(".mat")
        self.values = read_mat(MINI / file)
        self.roots = scratch / "run", scratch / "golden"
        for root in self.roots:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
        write_mat(self.roots[1] / file, self.values, fsync=False)

    def failure(self, changes):
        """Verify the artifact with some keys replaced; the failure row, None when it passes."""
        report = self.verify(changes)
        assert len(report.failed) < 2
        return report.failed[0] if report.failed else None

    def verify(self, changes):
        values = {**self.values, **changes}
        values = {key: value for key, value in values.items() if value is not None}
        write_mat(self.roots[0] / self.file, values, fsync=False)
        return verify_run_against_golden(*self.roots, POLICY)

    def expect(self, key, value, kinds, where=None):
        failure = self.failure({key: value})
        assert failure is not None, f"{self.file} {key}: not found"
        assert failure["path"] == self.file
        assert failure["failing_key"] == key
        assert failure["failing_keys"] == [key]
        assert failure["failure_kind"] in kinds, failure
        if where is not None:
            worst = failure["worst"]
            row, across = worst["row"], worst["ifg"] or worst["point"] or worst["column"]
            assert row == where[0] + 1, failure
            assert across == (where[-1] + 1 if self.values[key].shape[-1] > 1 else None), failure
            patch = self.file.split("/")[0] if "/" in self.file else None
            assert failure["worst"]["patch"] == patch

    def matrices(self):
        """Keys that hold numbers."""
        for key, value in self.values.items():
            if isinstance(value, np.ndarray) and value.size:
                yield key, value, POLICY.rule(self.artifact, key)


@pytest.fixture(params=mini_files())
def planted(request, tmp_path):
    return Planted(tmp_path, request.param)


VALUE_KINDS = {"value_mismatch", "wrap_mismatch", "cycle_mismatch", "set_mismatch"}


def test_the_artifact_as_it_is_passes_with_zero_differences(planted):
    report = planted.verify({})
    assert report.ok
    assert report.checked == 1
    assert [result.key for result in report.keys] == list(planted.values)
    assert report.tolerated == []
    assert report.notes == []


def test_a_flipped_bit_that_moves_a_value_beyond_its_tolerance(planted):
    for key, value, rule in planted.matrices():
        where = tuple(n // 2 for n in value.shape)
        if rule.kind == "phasor" and not value[where]:
            where = np.unravel_index(np.argmax(np.abs(value)), value.shape)
        spoilt = flip_bit(value, where, allowed(rule, value, where))
        if spoilt is not None:
            planted.expect(key, spoilt, VALUE_KINDS, where)


def test_two_swapped_rows(planted):
    for key, value, rule in planted.matrices():
        distance = np.abs(value - value[:1].astype(complex)).reshape(len(value), -1).max(axis=1)
        other = int(np.nanargmax(distance))
        if rule.kind == "wrapped":
            distance = np.minimum(distance, np.abs(2 * np.pi - distance))
        if distance[other] <= allowed(rule, value, (0,) * value.ndim):
            continue
        spoilt = value.copy()
        spoilt[[0, other]] = value[[other, 0]]
        failure = planted.failure({key: spoilt})
        assert failure is not None, f"{planted.file} {key}"
        assert failure["failing_keys"] == [key]
        assert failure["worst"]["row"] in (1, other + 1)


def test_a_transposed_matrix(planted):
    for key, value, _ in planted.matrices():
        turned = np.ascontiguousarray(np.swapaxes(value, 0, 1))
        if turned.shape != value.shape:
            planted.expect(key, turned, {"shape_mismatch"})


def test_a_missing_key_and_an_additional_one(planted):
    for key in planted.values:
        failure = planted.failure({key: None})
        assert (failure["failure_kind"], failure["failing_key"]) == ("missing_key", key)
    report = planted.verify({"more": np.ones((1, 1))})
    assert report.ok
    assert report.extra == [f"{planted.file}:more"]


def test_a_changed_class_is_a_failure_or_where_the_schema_allows_it_a_note(planted):
    for key, value, _ in planted.matrices():
        other = {"float64": "float32", "float32": "float64", "complex64": "complex128"}
        changed = value.astype(other.get(value.dtype.name, "float64"))
        report = planted.verify({key: changed})
        noted = {row["key"] for row in report.notes if row["note"].startswith("class ")}
        failed = {name for row in report.failed for name in row["failing_keys"]}
        assert noted | failed == {key}


def test_one_cycle_in_one_sample_counts_unless_the_key_is_cyclic(planted):
    for key, value, rule in planted.matrices():
        if value.dtype.kind != "f" or value.size < 50:
            continue
        where = (len(value) // 2, *(n // 2 for n in value.shape[1:]))
        spoilt = value.copy()
        spoilt[where] += 2 * np.pi
        if rule.kind == "wrapped":
            assert planted.failure({key: spoilt}) is None
        else:
            planted.expect(key, spoilt, {"value_mismatch", "cycle_mismatch"}, where)


def test_other_text_an_empty_value_and_another_sparse_pattern(planted):
    for key, value in planted.values.items():
        if isinstance(value, str):
            planted.expect(key, value + "x", {"value_mismatch"})
        elif scipy.sparse.issparse(value):
            spoilt = value.tolil()
            spoilt[3, 1] += 1.0
            planted.expect(key, spoilt.tocsc(), {"set_mismatch", "value_mismatch"}, (3, 1))
        elif not value.size:
            planted.expect(key, np.zeros((1, 1), value.dtype), {"shape_mismatch"})


def test_a_missing_and_a_damaged_file(planted):
    planted.verify({})
    path = planted.roots[0] / planted.file
    path.write_bytes(path.read_bytes()[:150])
    report = verify_run_against_golden(*planted.roots, POLICY)
    assert [row["failure_kind"] for row in report.failed] == ["unreadable"]
    path.unlink()
    report = verify_run_against_golden(*planted.roots, POLICY)
    assert [row["failure_kind"] for row in report.failed] == ["missing_run_artifact"]
    assert report.failed[0]["path"] == planted.file


def allowed(rule, value, where):
    """Largest difference that the rule lets pass at a place."""
    finite = np.abs(value[np.isfinite(value)])
    size = finite.max(initial=0.0) if rule.kind in ("row", "phasor") else abs(value[where])
    return 2 * (rule.atol + rule.rtol * float(size))


def flip_bit(value, where, beyond):
    """Flip the lowest bit of an element that moves it further than that; None without one."""
    if value.dtype == bool:
        spoilt = value.copy()
        spoilt[where] ^= True
        return spoilt
    real = value.dtype.kind == "c"
    width = value.dtype.itemsize // (2 if real else 1)
    for bit in range(8 * width - 2):  # neither the sign nor the largest exponents
        spoilt = np.ascontiguousarray(value).copy()
        parts = spoilt.view(f"u{width}").reshape(*value.shape, -1)
        parts[(*where, 0)] ^= np.array(1 << bit, parts.dtype)
        moved = abs(spoilt[where] - value[where])
        if np.isfinite(moved) and moved > beyond:
            return spoilt
    return None
