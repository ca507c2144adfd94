"""What each stage reads, and whether the candidate files of a dataset fit together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..dataset import candidates, parameters
from ..dataset.candidates import Scene
from ..dataset.candidates.pscands import read_table, size_of
from ..dataset.candidates.text import day_text, locate_optional, side_of
from ..dataset.parameter_table import TABLE, text_of
from ..dataset.parameters import Parameters
from ..dataset.problems import Problems
from ..dataset.schema import ARTIFACTS
from ..dataset.tree import Dataset, discover_dataset
from ..errors import DatasetError
from ..pipeline.acceptance import require_connected
from ..pipeline.preflight import Finding, examine_candidates, examine_cores, no_candidates
from ..pipeline.stack import StackSummary, network_of
from ..pipeline.table import Task, maker, mode_of, tasks
from ..stages.base import EACH_PATCH, Field, Mode, Scope, artifact_fields
from .preparation.examination import examine_stack, is_unprepared

Row = dict[str, Any]

DIRECT = "direct patch metadata files"
DERIVED = "derived from diff0/rslc"
MISSING = "missing"

_CANDIDATES = """
pixels          | ij         | n 3      | id, azimuth row, range column (from 0)   | pscands.1.ij | yes
phase           | ph         | n n_ifg  | complex phasor of each interferogram     | pscands.1.ph | yes
position        | lonlat     | n 2      | longitude, latitude [deg]                | pscands.1.ll | yes
scene width     | width      | 1        | range samples                            | width.txt | yes
scene length    | length     | 1        | azimuth lines                            | len.txt | yes
image days      | day        | n_ifg    | yyyymmdd of the other images             | pscphase.in, day.1.in | yes
pairs           | ifgday     | n_ifg 2  | small baselines: images of each          | pscphase.in, ifgday.1.in | no
master day      | master_day | 1        | yyyymmdd of the master                   | pscphase.in, master_day.1.in, rsc.txt | yes
baselines       | bperp      | n_ifg    | perpendicular baseline [m], or per pixel | diff0/*.base, bperp.1.in, bperp_*.1.in, baselineGRID_* | yes
dispersion      | D_A        | n        | amplitude dispersion                     | pscands.1.da | no
height          | hgt        | n        | height [m]                               | pscands.1.hgt | no
heading         | heading    | 1        | heading of the satellite [deg]           | rslc/*.par, heading.1.in | yes
wavelength      | lambda     | 1        | radar wavelength [m]                     | rslc/*.par, lambda.1.in | yes
angles          | la or inc  | n        | look or incidence angle                  | rslc/*.par, look_angle.1.in, inc_angle.raw | no
slant range     | mean_range | 1        | slant range of the scene centre [m]      | rslc/*.par | no
"""  # noqa: E501

_VIRTUAL = {
    "patch.name": ("1", "name of the patch", "dataset tree"),
    "parent.bperp": ("n_image", "baselines of the images, where values are held [m]", "../ps2.mat"),
    "tropo.phase": ("n_ps n_ifg", "tropospheric phase, where subtracted [rad]", "tca2, tca_sb2"),
    "patch_noover.box": ("4", "part of the scene that the patch owns", "patch_noover.in"),
}


def describe_inputs(
    stages: Sequence[int],
    dataset: str | Path | None = None,
    patch: str | None = None,
    master: str | None = None,
) -> dict[str, Any]:
    """Return the document ``pystamps-hpc/inputs/1``; reads only.

    Parameters
    ----------
    stages : sequence of int
        Stage numbers, 1 to 8.
    dataset : str or Path, optional
        Dataset whose stages are described, without one those of a single master; its candidate
        files are checked if stage 1 is among the stages, or the images that a processor left if
        there are no patches yet.
    patch : str, optional
        Patch that is checked; by default all are, and the first that is not sound is described,
        else the first.
    master : str, optional
        Date of the master of a stack without patches, where nothing else tells it.

    Raises
    ------
    DatasetError
        The dataset or the patch does not exist.
    """
    mode = "ps" if dataset is None else mode_of(parameters.load(Path(dataset)))
    described = [row for row in tasks(mode) if row.spec.number in stages]
    document: dict[str, Any] = {
        "schema": "pystamps-hpc/inputs/1",
        "stages": [
            {
                "stage": row.spec.number,
                "title": row.spec.name,
                "scope": row.spec.scope,
                "inputs": [*_artifact_rows(row), *_parameter_rows(row)],
            }
            for row in described
        ],
    }
    if dataset is not None and any(row.reads_candidates for row in described):
        root = discover_dataset(dataset, need_patches=False).root
        if is_unprepared(root):
            document["stack_check"] = examine_stack(root, master)
        else:
            document["stage1_dataset_check"] = check_candidates(discover_dataset(dataset), patch)
    return document


def _artifact_rows(row: Task) -> Iterator[Row]:
    nested = row.patch_inputs
    for field in row.reads:
        name = f"{field.artifact}.{field.key}"
        if name == "candidates.*":
            yield from _candidate_rows()
        elif name == EACH_PATCH and nested is not None:
            yield from (
                _artifact_row(inner, "patch", row.mode, "every patch: ")
                for inner in artifact_fields(nested)
            )
        else:
            yield _artifact_row(field, row.spec.scope, row.mode, "")


def _candidate_rows() -> Iterator[Row]:
    for line in _CANDIDATES.strip().splitlines():
        name, array, shape, meaning, sources, required = (part.strip() for part in line.split("|"))
        yield _row(name, array, shape, meaning, sources, required != "no")


def _artifact_row(field: Field, scope: Scope, mode: Mode, prefix: str) -> Row:
    name = f"{field.artifact}.{field.key}"
    if name in _VIRTUAL:
        shape, meaning, source = _VIRTUAL[name]
    else:
        key = ARTIFACTS[field.artifact].keys.get(field.key)
        shape = " ".join(key.dims) if key else "any"
        meaning = key.meaning if key else "all other keys of the file"
        made = maker(field.artifact, scope, mode)
        source = f"stage {made.spec.number}: {field.artifact}.mat" if made else field.artifact
    return _row(field.name, name, shape, meaning, prefix + source, not field.optional)


def _parameter_rows(row: Task) -> Iterator[Row]:
    for item in fields(row.spec.params):
        parameter = TABLE[item.name.rstrip("_")]
        unit = f" [{parameter.unit}]" if parameter.unit else ""
        shape = {"pair": "1 2", "indices": "1 k"}.get(parameter.kind, "1 1")
        yield _row(
            parameter.name,
            f"parms.{parameter.name}",
            shape,
            parameter.meaning + unit,
            "localparms.mat, parms.mat, default",
            parameter.name in ("lambda", "heading"),
        )


def _row(name: str, array: str, shape: str, meaning: str, sources: str, required: bool) -> Row:
    return {
        "logical_input": name,
        "array_name": array,
        "shape_hint": shape,
        "meaning": meaning,
        "common_sources": sources,
        "required": required,
    }


def check_candidates(dataset: Dataset, patch: str | None = None) -> dict[str, Any]:
    """Check whether the candidate files fit together, as a run does before work; reads only.

    Parameters
    ----------
    dataset : Dataset
        Tree.
    patch : str, optional
        Patch that is checked and described; by default all are checked, and the first that is not
        sound is described, else the first.

    Raises
    ------
    DatasetError
        The dataset has no patches, or not the one that is named.
    """
    names = dataset.patches if patch is None else (Path(patch).name,)
    if not set(names) <= set(dataset.patches):
        raise DatasetError(f"{dataset.root} has no patch {names[0]}")
    known = {name: parameters.load(dataset.directory(name), dataset.root) for name in names}
    examined = examine_candidates(dataset, known, names)
    found = [*examined.findings, *no_candidates(dataset, examined.summaries)]
    found += examine_cores(dataset, names) if len(dataset.patches) > 1 else []
    found += _islands(known, examined.summaries)
    unsound = [name for name in names if any(finding.target == name for finding in found)]
    name = (unsound or names)[0]
    own = [finding.message for finding in found if finding.target == name]
    problems = list(dict.fromkeys(finding.message for finding in found))
    return {
        "dataset": str(dataset.root),
        **_described(dataset.directory(name), known[name], own),
        "sound": not problems,
        "problems": problems,
        "checked": len(names),
        "unsound_patches": unsound,
    }


def _islands(
    known: Mapping[str, Parameters], summaries: Mapping[str, StackSummary]
) -> Iterator[Finding]:
    """Yield that small baselines fall apart; all patches have one network."""
    for name, summary in list(summaries.items())[:1]:
        if known[name].small_baselines:
            found = Problems()
            found.tried(require_connected, known[name], summary)
            yield from (Finding(name, message) for message in found.messages)


def _described(patch: Path, known: Parameters, problems: list[str]) -> dict[str, Any]:
    """Describe one patch; a check is good where no problem names its file."""
    (examined,) = candidates.examine({patch: known})
    scene, n = examined.scene, _rows_of(patch / "pscands.1.ij", 3)
    mode = _metadata_mode(patch)
    rows = [*_patch_rows(patch, n, scene), *_scene_rows(patch, mode, scene)]
    warnings = list(examined.candidates.warnings) if examined.candidates else []
    return {
        "patch": patch.name,
        "metadata_mode": mode,
        "overview": _overview(patch, known, n, scene),
        "consistency": [_judged(row, problems) for row in rows],
        "warnings": [*examined.problems, *warnings],
    }


def _metadata_mode(patch: Path) -> str:
    root = patch.parent
    if all(locate_optional(name, patch, root) for name in ("day.1.in", "bperp.1.in")):
        return DIRECT
    if all(locate_optional(name, root, patch) for name in ("rsc.txt", "pscphase.in")):
        return DERIVED
    return MISSING


def _overview(patch: Path, known: Parameters, n: int | None, scene: Scene | None) -> list[Row]:
    processor = Problems().tried(candidates.processor_of, patch.parent, known, (patch,))
    values = {
        "processor": (processor or known.value("insar_processor"), "chooses the reader"),
        "small baselines": (known.value("small_baseline_flag"), "y: network, n: single master"),
        "candidates": (n, "lines of pscands.1.ij"),
        "interferograms": (scene and scene.n_file, "columns of pscands.1.ph"),
        "heading": (text_of(known.value("heading")), "deg; stage 1 sets it"),
        "lambda": (text_of(known.value("lambda")), "m; stage 1 sets it"),
    }
    if scene is not None and scene.network.master is None:
        ifgs = network_of(scene)
        values |= {
            "images": (len(ifgs.day), "days, with that of the master"),
            "pairs": (len(ifgs), "interferograms between them"),
            "islands": (len(ifgs.islands), "1: pairs join all images"),
        }
    return [
        {"metric": metric, "value": value, "meaning": meaning}
        for metric, (value, meaning) in values.items()
    ]


def _rows_of(table: Path, columns: int) -> int | None:
    rows = Problems().tried(read_table, table, columns)
    return None if rows is None else len(rows)


def _patch_rows(patch: Path, n: int | None, scene: Scene | None) -> Iterator[Row]:
    why = "row k of every file must be candidate k"
    yield _check("candidates in pscands.1.ij", "pscands.1.ij", n, "a table of 3 columns", why)
    widths = {"ll": 8, "hgt": 4, "ph": None if scene is None else 8 * scene.n_file}
    for kind, width in widths.items():
        name = f"pscands.1.{kind}"
        expected = None if n is None or width is None else n * width
        if (patch / name).exists() or kind != "hgt":
            yield _check(f"bytes of {name}", name, size_of(patch / name), expected, why)
    if (patch / "pscands.1.da").exists():
        lines = _rows_of(patch / "pscands.1.da", 1)
        yield _check("candidates in pscands.1.da", "pscands.1.da", lines, n, why)


def _scene_rows(patch: Path, mode: str, scene: Scene | None) -> Iterator[Row]:
    n = None if scene is None else scene.n_file
    others = None if scene is None else len(scene.network.day) - 1
    master = None if scene is None else day_text(scene.network.master_day)
    why = "one per interferogram of pscands.1.ph"
    if mode == DERIVED:
        listed = "pairs" if scene is not None and scene.network.master is None else "days"
        yield _check(f"{listed} in pscphase.in", "pscphase.in", n, n, why)
        yield _check(
            "master day", "master_day", master, "one master", "times and baselines count from it"
        )
        yield _check("baselines", ".base", n, n, "per candidate from .base files")
        return
    if scene is not None and scene.network.master is None:
        yield _check("pairs in ifgday.1.in", "ifgday.1.in", n, n, why)
        why = "one per image but the master"
    yield _check("days in day.1.in", "day.1.in", others, others, why)
    yield _check(
        "master day", "master_day", master, "one master", "times and baselines count from it"
    )
    yield _check("baselines in bperp.1.in", "bperp.1.in", others, others, why)
    for name, what in (("width.txt", "range samples"), ("len.txt", "azimuth lines")):
        path = locate_optional(name, patch, patch.parent)
        side = None if path is None else Problems().tried(side_of, path)
        yield _check(name, name, side, f"number of {what}", "size of the scene")


def _check(check: str, file: str, observed: Any, expected: Any, why: str) -> Row:
    return {
        "check": check,
        "observed": "missing" if observed is None else observed,
        "expected": "unknown" if expected is None else expected,
        "status": "warning" if observed is None or expected is None else "ok",
        "why_it_matters": why,
        "file": file,
    }


def _judged(row: Row, problems: list[str]) -> Row:
    file = row.pop("file")
    named = any(file in problem for problem in problems)
    return {**row, "status": "warning"} if named else row
