"""What must hold in every finished run, whatever it is compared with.

Each check takes the files of the merged dataset and reports the first row where it fails. Checks
whose files are not there yet are passed over.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ....dataset import parameters
from ....dataset.mat import MatFile
from ....dataset.rows import AnyArray, with_column
from ....dataset.schema import ARTIFACTS
from ....dataset.tree import ROOT
from ....errors import MatError
from ....pipeline import LAST_STAGE
from ....pipeline.loading import require_mode
from ....pipeline.table import mode_of, tasks
from ...products.origin import outdated_products
from .comparison import Difference
from .merged import SCLA_IDENTITY, Checked, Merged, congruence, first_bad, largest
from .pair_checks import PAIR_CHECKS
from .policy import Rule, policy_table
from .report import KeyResult, VerifyReport, failure
from .trees import ArtifactFile, Window, artifact_files
from .values import Value, stored


def verify_run_alone(run: str | Path, window: Window | None = None) -> VerifyReport:
    """Check a run against itself, without golden data.

    Parameters
    ----------
    run : str or Path
        Dataset directory.
    window : Window, optional
        Which stages are checked; by default all.

    Raises
    ------
    DatasetError
        The tree does not exist.
    """
    window = window or Window()
    files = artifact_files(Path(run), window)
    report = VerifyReport(
        str(run), "", "consistency", [], window, policy_table()["policy_version"], len(files)
    )
    root = Path(run)
    parms = parameters.load(root)
    checks = OF_PAIRS if parms.small_baselines else OF_SINGLE_MASTER
    held: list[Callable[..., Any]] = [_check_numbers, _check_products, *checks]
    report.rules = [_rule(check) for check in held]
    for file in files:
        _check_numbers(file, root, report)
    if window.last == LAST_STAGE and window.scope != "patch":
        _check_products(root, report)
    present = {file.artifact: file for file in files if file.target == ROOT}
    with ExitStack() as stack:
        try:
            if "ps2" in present:
                require_mode(stack.enter_context(MatFile(root / "ps2.mat")), parms)
        except MatError as error:
            report.failed.append(failure(present["ps2"], "unreadable", str(error)))
            return report
        merged = Merged(root, stack, parms)
        for check in checks:
            for checked in _checked(check, merged, report):
                if checked.artifact in present:
                    _add(report, present[checked.artifact], checked)
    return report


def _rule(check: Callable[..., Any]) -> str:
    """Return what a check holds, from the first line of its docstring."""
    return (
        (check.__doc__ or "")
        .partition("\n")[0]
        .removeprefix("Check that ")
        .rstrip(".")
        .replace("``", "")
    )


def _check_products(root: Path, report: VerifyReport) -> None:
    """Check that the products were made from the artifacts that are there."""
    for path, reason in outdated_products(root).items():
        last = tasks(mode_of(parameters.load(root)))[-1].spec
        file = ArtifactFile(last.number, last.scope, ROOT, last.marker)
        row = failure(file, "outdated", f"{path}: {reason}")
        report.failed.append({**row, "path": path})


def _checked(
    check: Callable[[Merged], Iterator[Checked]], merged: Merged, report: VerifyReport
) -> Iterator[Checked]:
    """Run a check; what cannot be read is told once and ends it."""
    try:
        yield from check(merged)
    except MatError as error:
        report.notes.append({"path": ".", "key": "", "note": f"{check.__name__}: {error}"})


def _add(report: VerifyReport, file: ArtifactFile, checked: Checked) -> None:
    difference = checked.difference
    if not difference.ok:
        difference = replace(difference, problem=f"{checked.what}: {difference.problem}")
    result = KeyResult(file, checked.key, difference, Rule(), shape_golden=(2, 2))
    report.keys.append(result)
    if not difference.ok:
        message = f"{checked.key}: {difference.problem} at {result.place}"
        report.failed.append(failure(file, "value_mismatch", message, [result]))


def _check_numbers(file: ArtifactFile, root: Path, report: VerifyReport) -> None:
    """Check that every number is finite, every index at least 1."""
    try:
        with MatFile(root / file.path) as mat:
            for key in mat.variables:
                schema = ARTIFACTS[file.artifact].keys.get(key)
                value = stored(mat, key)
                if schema is None or value.matlab_class in ("char", "cell", "sparse"):
                    continue
                least = 1 if schema.index and not value.empty else None
                difference = _bad_numbers(value, least, schema.sound_nan)
                _add(report, file, Checked(file.artifact, key, "numbers", difference))
    except MatError as error:
        report.failed.append(failure(file, "unreadable", str(error)))


def _bad_numbers(value: Value, least: int | None, sound_nan: bool) -> Difference:
    def bad(block: AnyArray) -> AnyArray:
        wrong: AnyArray = np.zeros(block.shape, bool) if sound_nan else ~np.isfinite(block)
        return wrong if least is None else wrong | (block < least)

    what = "not finite" if least is None else "not finite or below 1"
    return first_bad(value, bad, f"elements are {what}")


def points_agree(merged: Merged) -> Iterator[Checked]:
    """Check that every array per point has as many points as ``ps2``."""
    if not merged.has("ps2"):
        return
    n_ps = merged.number("ps2", "n_ps")
    per_point = (("ps2", "ij"), ("ph2", "ph"), ("pm2", "K_ps"), ("bp2", "bperp_mat"),
                 ("rc2", "ph_rc"), ("phuw2", "ph_uw"), ("scla2", "K_ps_uw"),
                 ("scla_smooth2", "K_ps_uw"), ("scn2", "ph_scn_slave"), ("phuw_sb2", "ph_uw"),
                 ("phuw_sb_res2", "ph_res"), ("scla_sb2", "K_ps_uw"),
                 ("scla_smooth_sb2", "K_ps_uw"))  # fmt: skip
    for artifact, key in per_point:
        if not merged.has(artifact):
            continue
        found = merged.value(artifact, key).n_rows
        problem = "" if found == n_ps else f"{found} rows, ps2.n_ps is {n_ps}"
        yield Checked(artifact, key, "points", Difference(not problem, 0.0, problem=problem))


def unwrapped_is_congruent(merged: Merged) -> Iterator[Checked]:
    """Check that the unwrapped phase is the wrapped one plus cycles, unused columns zero."""
    if not merged.has("phuw2", "rc2", "ps2", "pm2", "bp2"):
        return
    if merged.master is not None:
        yield from congruence(merged, "phuw2", merged.master)


def look_angle_phase_follows(merged: Merged) -> Iterator[Checked]:
    """Check that the look-angle error phase is slope times baseline."""
    if not merged.has("ps2", "bp2"):
        return
    master, bperp = merged.master, merged.value("bp2", "bperp_mat")
    if master is None:
        return
    for artifact in ("scla2", "scla_smooth2"):
        if not merged.has(artifact):
            continue
        phase, slope = merged.value(artifact, "ph_scla"), merged.value(artifact, "K_ps_uw")
        difference = Difference(True, 0.0)
        for rows in phase.blocks():
            baselines = bperp.read(rows).astype(np.float64)
            if baselines.shape[1] < phase.n_columns:
                baselines = with_column(baselines, master, 0)
            off = np.abs(phase.read(rows) - slope.read(rows) * baselines)
            difference = largest(off, rows.start, SCLA_IDENTITY, difference)
        yield Checked(artifact, "ph_scla", "slope times baseline", difference)


def indices_are_inside(merged: Merged) -> Iterator[Checked]:
    """Check that indices are at most what they count."""
    if merged.has("ps2"):
        n_image = merged.number("ps2", "n_image")
        yield _at_most(merged, "ps2", "master_ix", n_image)
    if merged.has("uw_grid", "uw_interp"):
        n_node = merged.number("uw_grid", "n_ps")
        yield _at_most(merged, "uw_interp", "Z", n_node)
        yield _at_most(
            merged, "uw_interp", "edgs", max(n_node, merged.number("uw_interp", "n_edge"))
        )


def _at_most(merged: Merged, artifact: str, key: str, most: int) -> Checked:
    value = merged.value(artifact, key)
    difference = first_bad(value, lambda block: block > most, f"indices are above {most}")
    return Checked(artifact, key, "range of indices", difference)


OF_SINGLE_MASTER = (
    points_agree,
    unwrapped_is_congruent,
    look_angle_phase_follows,
    indices_are_inside,
)
OF_PAIRS = (points_agree, *PAIR_CHECKS, indices_are_inside)
