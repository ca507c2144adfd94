"""How far a dataset is: finished stages, gaps, stale work, patches without PS, lock."""

from pathlib import Path
from shlex import quote
from typing import Any

from ..config import RunConfig, load_config
from ..dataset import parameters
from ..dataset.files import read_json
from ..dataset.lock import holders
from ..dataset.tree import ROOT, Dataset, discover_dataset, is_patch, require_dataset, state_path
from ..errors import PystampsError
from ..pipeline.choices import resolve_choices
from ..pipeline.findings import facts_of, findings, funnel
from ..pipeline.finished import Finished
from ..pipeline.outlook import Outlook, built_on, configured, outlook
from ..pipeline.presence import product_files
from ..pipeline.state import changed_since
from ..pipeline.table import Task
from ..stages.base import Scope


def collect_status(
    root: str | Path,
    config: RunConfig | None = None,
    detail: bool = False,
    config_file: str = "",
) -> dict[str, Any]:
    """Return the document ``pystamps-hpc/status/1``; reads only.

    Parameters
    ----------
    root : str or Path
        Dataset.
    config : RunConfig, optional
        Configuration against which finished work may be stale.
    detail : bool
        Add points per stage and file sizes.
    config_file : str, optional
        Where the configuration comes from. Without one, what comes next is said for the file of the
        last run.

    Raises
    ------
    DatasetError
        The root does not exist, is no dataset, or its patch list is unusable.
    """
    finished = _finished(root, config)
    dataset = finished.dataset
    facts, last = facts_of(dataset, finished.mode, finished.state), _last_run(dataset.root)
    gaps: list[dict[str, Any]] = []
    patches, lost = [], []
    for patch in dataset.patches:
        gone = finished.lost(patch)
        if gone is not None:
            lost.append({"patch": patch, "stage": gone})
            patches.append({"patch": patch, "stage": _rows(finished, "patch")[-1].spec.number})
        else:
            patches.append({"patch": patch, "stage": _reached(finished, patch, "patch", gaps)})
    document = {
        "schema": "pystamps-hpc/status/1",
        "dataset": str(dataset.root),
        "merged_stage": _reached(finished, ROOT, "merged", gaps),
        "patches": patches,
        "gaps": gaps,
        "stale": _stale(finished),
        "no_ps": lost,
        "locked_by": next(iter(holders(dataset.root)), None),
        "last_run": last,
        "due": sum(_due(finished, target) for target in (ROOT, *dataset.patches)),
        "next": _next(finished, config_file or (last or {}).get("config") or "", not config_file),
        "with_feedback": facts[ROOT]["with_feedback"],
        "combined_of": _sources(finished),
        "products": [name for name in product_files() if (dataset.root / name).exists()],
    }
    if detail:
        document["funnel"] = funnel(facts)
        found = findings(facts)
        document["points"], document["cell_m"] = found["points"], found["cell_m"]
        document["files"] = _files(dataset)
    return document


def stale_results(root: str | Path, config: RunConfig | None = None) -> list[dict[str, Any]]:
    """Return what of a dataset is out of date, as ``stale`` of :func:`collect_status`.

    Raises
    ------
    DatasetError
        As :func:`collect_status`.
    """
    return _stale(_finished(root, config))


def stale_warning(
    root: str | Path, stage: int, config: RunConfig | None = None, config_file: str = ""
) -> list[str]:
    """Return one sentence on results that are shown although they are out of date, or none.

    Parameters
    ----------
    root : str or Path
        Dataset; of a patch by itself nothing is said.
    stage : int
        Last stage whose results are shown; later ones do not matter.
    config : RunConfig, optional
        Configuration against which finished work may be out of date.
    config_file : str, optional
        Where the configuration comes from.

    Raises
    ------
    DatasetError
        As :func:`collect_status`.
    """
    if is_patch(Path(root)):
        return []
    old = [row for row in stale_results(root, config) if row["stage"] <= stage]
    if not old:
        return []
    are = f"and {len(old) - 1} more are" if len(old) > 1 else "is"
    return [
        f"{old[0]['path']} {are} out of date ({old[0]['reason']}) and shown as it was; made again "
        f"by: pystamps-hpc run --dataset {quote(str(root))}{configured(config_file)} "
        f"--start-step {old[0]['stage']} --stale rerun"
    ]


def _finished(root: str | Path, config: RunConfig | None) -> Finished:
    dataset = discover_dataset(root, need_patches=False)
    require_dataset(dataset)
    choices = resolve_choices(config or RunConfig())
    return Finished(dataset, choices, parameters.load_all(dataset))


def _next(finished: Finished, config_file: str, read: bool) -> dict[str, Any]:
    """Say what a run with a configuration file would do; the file may have to be read."""
    try:
        if config_file and read:
            config = resolve_choices(load_config(config_file))
            finished = Finished(finished.dataset, config, finished.parameters)
        ahead = outlook(finished)
    except PystampsError as error:
        ahead = Outlook(refused=str(error))
    return {
        "stages": list(ahead.stages),
        "refused": ahead.refused,
        "text": ahead.text,
        "options": configured(config_file),
    }


def _sources(finished: Finished) -> dict[str, Any] | None:
    """Return the datasets that a combined one was made of, and what has changed there since."""
    sources = finished.state(ROOT).sources
    found = {kind: {"root": source["root"], "changed": changed_since(source)}
             for kind, source in sources.items()}  # fmt: skip
    return found or None


def _due(finished: Finished, target: str) -> int:
    """Return how many tasks of a target are left of a forced run; none if it has no PS for them."""
    lost, due = finished.lost(target), finished.state(target).due
    return len(due) if lost is None or any(stage <= lost for stage in due) else 0


def _rows(finished: Finished, scope: Scope) -> list[Task]:
    """Return the tasks of a scope; where there are no patches, none that gathers them."""
    rows = (row for row in finished.table if row.spec.scope == scope)
    return [row for row in rows if finished.dataset.patches or not row.gathers]


def _reached(finished: Finished, target: str, scope: Scope, gaps: list[dict[str, Any]]) -> int:
    """Return the last stage of the gap-free prefix; what is complete behind a gap is told."""
    missing = {row.spec.number: finished.missing(row, target) for row in _rows(finished, scope)}
    reached = 0
    for number, names in missing.items():
        if names:
            break
        reached = number
    last = max((number for number, names in missing.items() if not names), default=0)
    for number, names in missing.items():
        if names and number < last:
            files = [f"{name}.mat" for name in names]
            gaps.append({"target": target, "stage": number, "missing": files})
    return reached


def _stale(finished: Finished) -> list[dict[str, Any]]:
    dataset = finished.dataset
    found = []
    for row in finished.table:
        for target in dataset.patches if row.spec.scope == "patch" else (ROOT,):
            try:
                reason = finished.out_of_date(row, target)
            except PystampsError as error:
                reason = str(error)
            if reason:
                path = dataset.directory(target) / row.marker_file
                name = path.relative_to(dataset.root).as_posix()
                found.append(
                    {"target": target, "stage": row.spec.number, "path": name, "reason": reason,
                     "again": built_on(dataset, row.spec.number, row.mode)}
                )  # fmt: skip
    return found


def _last_run(root: Path) -> dict[str, Any] | None:
    reports = sorted(state_path(root, "runs").glob("*/report.json"))
    if not reports:
        return None
    try:
        report = read_json(reports[-1])
    except (OSError, ValueError):
        return None
    if not isinstance(report, dict):
        return None
    known = {name: report.get(name) for name in ("run_id", "exit_code", "finished_utc")}
    file = str(report.get("config_file") or "")
    return {**known, "config": file if Path(file).is_file() else None}


def _files(dataset: Dataset) -> dict[str, int]:
    sizes = {}
    for target in (ROOT, *dataset.patches):
        for path in sorted(dataset.directory(target).glob("*.mat")):
            sizes[path.relative_to(dataset.root).as_posix()] = path.stat().st_size
    return sizes
