"""A run tree against a golden tree, file by file and key by key."""

from contextlib import ExitStack
from pathlib import Path

from ....dataset.mat import MatFile
from ....dataset.schema import ARTIFACTS, Key
from ....errors import MatError
from . import matching
from .comparison import Difference, compare_values
from .policy import Policy, policy_table
from .report import STORAGE, KeyResult, VerifyReport, failure
from .trees import ArtifactFile, Window, artifact_files
from .values import Value, stored

EDGES_UNMATCHED = 0.005
"""Fraction of edges that ties between co-circular points may decide otherwise."""


def verify_run_against_golden(
    run: str | Path,
    golden: str | Path,
    policy: Policy | None = None,
    window: Window | None = None,
) -> VerifyReport:
    """Compare every artifact of a golden tree with the one at the same place in a run tree.

    Parameters
    ----------
    run, golden : str or Path
        Dataset directories.
    policy : Policy, optional
        What counts as equal; by default strict, for a chain in single arithmetic.
    window : Window, optional
        Which stages and files are compared; by default all.

    Returns
    -------
    VerifyReport
        All differences; one never hides another.

    Raises
    ------
    DatasetError
        One of the trees does not exist.
    ConfigError
        The configured tolerances contradict the profile.
    """
    policy, window = policy or Policy(), window or Window()
    trees = Path(run), Path(golden)
    expected = artifact_files(trees[1], window)
    present = artifact_files(trees[0], window)
    report = VerifyReport(
        str(run),
        str(golden),
        policy.profile,
        sorted(policy.conditions),
        window,
        policy_table()["policy_version"],
    )
    report.extra = [file.path for file in present if file not in expected]
    if not expected:
        report.failed.append(_no_golden(trees[1], window))
    matchers: dict[str, matching.Matcher] = {}
    for file in expected:
        if file.target not in matchers:
            folders = [(tree / file.path).parent for tree in trees]
            matchers[file.target] = matching.Matcher(*folders)
        report.checked += 1
        _verify_file(file, trees, policy, window, matchers[file.target], report)
    if policy.profile == "scientific":
        for target, matcher in matchers.items():
            _report_overlap(target, matcher, expected, policy, report)
    return report


def _no_golden(golden: Path, window: Window) -> dict[str, object]:
    message = f"no golden artifacts found in {golden} for stages {window.first}-{window.last}"
    return {
        "path": "<dataset>",
        "message": message,
        "stage": None,
        "scope": None,
        "failure_kind": "missing_golden_artifacts",
        "failing_key": None,
        "failing_keys": [],
        "failure_class": "other",
    }


def _verify_file(
    file: ArtifactFile,
    trees: tuple[Path, Path],
    policy: Policy,
    window: Window,
    matcher: matching.Matcher,
    report: VerifyReport,
) -> None:
    """Compare one file and put what was found into the report."""
    paths = [tree / file.path for tree in trees]
    if not paths[0].is_file():
        missing = f"{file.path} is missing: run stage {file.stage}"
        report.failed.append(failure(file, "missing_run_artifact", missing))
        return
    results: list[KeyResult] = []
    lost: list[str] = []
    with ExitStack() as stack:
        try:
            run, golden = (stack.enter_context(MatFile(path)) for path in paths)
            for key in golden.variables:
                rule = policy.rule(file.artifact, key)
                if window.final_products_only and rule.diagnostic:
                    continue
                if key not in run.variables:
                    lost.append(key)
                    continue
                results.append(_verify_key(file, key, run, golden, policy, matcher))
        except MatError as error:
            report.failed.append(failure(file, "unreadable", str(error)))
            return
        report.extra += [
            f"{file.path}:{key}" for key in run.variables if key not in golden.variables
        ]
    report.keys += results
    for result in results:
        report.notes += [
            {"path": file.path, "key": result.key, "note": note} for note in result.difference.notes
        ]
    bad = [result for result in results if not result.difference.ok]
    bad.sort(key=lambda result: result.difference.failure_kind in STORAGE)
    if lost:
        row = failure(file, "missing_key", f"missing key '{lost[0]}'", bad)
        row |= {"failing_key": lost[0], "failing_keys": lost + row["failing_keys"]}
        report.failed.append(row)
    elif bad:
        kind = bad[0].difference.failure_kind
        report.failed.append(failure(file, kind, bad[0].message, bad))


def _verify_key(
    file: ArtifactFile,
    key: str,
    run: MatFile,
    golden: MatFile,
    policy: Policy,
    matcher: matching.Matcher,
) -> KeyResult:
    rule = policy.rule(file.artifact, key)
    schema = ARTIFACTS[file.artifact].keys.get(key)
    values = stored(run, key), stored(golden, key)
    shapes = values[0].shape, values[1].shape
    if policy.profile == "scientific" and schema is not None and rule.kind != "ignore":
        matched = _matched(file.artifact, schema, *values, matcher)
        if matched is None:
            skipped = Difference(True, 0.0, notes=("index key skipped under point matching",))
            return KeyResult(file, key, skipped, rule, *shapes)
        values = matched
    return KeyResult(file, key, compare_values(*values, rule, schema), rule, *shapes)


def _matched(
    artifact: str, schema: Key, run: Value, golden: Value, matcher: matching.Matcher
) -> tuple[Value, Value] | None:
    """Return the rows that both sides have; None for keys that number what differs."""
    axis_and_kind = matching.row_kind(artifact, schema)
    if schema.name in matching.INDEX_KEYS and axis_and_kind is None:
        kinds: tuple[matching.RowKind, ...] = ("edges", "cells", "points", "candidates")
        counted = kinds[:2] if artifact.startswith("uw_") else kinds[2:]
        return None if any(map(matcher.matching, counted)) else (run, golden)
    if axis_and_kind is None or schema.name == "ix":
        return run, golden
    axis, kind = axis_and_kind
    found = matcher.matching(kind)
    if found is None:
        return run, golden
    if schema.name in matching.INDEX_KEYS:
        return None
    if axis:
        run, golden = run.transposed(), golden.transposed()
    if (run.n_rows, golden.n_rows) != (found.n_run, found.n_golden):
        return run, golden  # no array per point: 0 x 0, or one value for all
    run, golden = run.taken(found.run), golden.taken(found.golden)
    if schema.name in matching.NUMBERED_KEYS:
        run, golden = run.without_first_column(), golden.without_first_column()
    return run, golden


def _report_overlap(
    target: str,
    matcher: matching.Matcher,
    expected: list[ArtifactFile],
    policy: Policy,
    report: VerifyReport,
) -> None:
    """Report matched rows, and fail the file that defines them when too few are common."""
    for kind, found in matcher.found.items():
        if found is None:
            continue
        report.overlap.append(
            {
                "directory": target,
                "rows": kind,
                "run": found.n_run,
                "golden": found.n_golden,
                "common": len(found.golden),
                "unmatched_fraction": found.fraction,
            }
        )
        artifact = matching.DEFINED_BY[kind]
        allowed = EDGES_UNMATCHED if kind == "edges" else policy.rule(artifact, "ij").unmatched
        file = next((f for f in expected if (f.target, f.artifact) == (target, artifact)), None)
        if file is not None and found.fraction > allowed:
            message = (
                f"{found.unmatched} {kind} of {found.n_golden} are only on one side"
                f" ({found.fraction:.2%}, allowed {allowed:.2%})"
            )
            report.failed.append(failure(file, "set_mismatch", message))
