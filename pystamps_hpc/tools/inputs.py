"""What each stage reads, and whether the candidate files of a dataset fit together."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..dataset import candidates, parameters
from ..dataset.candidates import isce, snap
from ..dataset.candidates.pscands import read_table
from ..dataset.candidates.text import day_text, locate_optional, number_of, numbers_of
from ..dataset.parameter_table import TABLE, text_of
from ..dataset.parameters import Parameters
from ..dataset.schema import ARTIFACTS
from ..dataset.tree import Dataset, discover_dataset
from ..errors import DatasetError, PystampsError
from ..pipeline.table import Task, maker, patch_inputs, tasks
from ..stages.base import EACH_PATCH, Field, artifact_fields

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
master day      | master_day | 1        | yyyymmdd of the master                   | pscphase.in, master_day.1.in | yes
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
    "patch_noover.box": ("4", "part of the scene that the patch owns", "patch_noover.in"),
}


def describe_inputs(
    stages: Sequence[int], dataset: str | Path | None = None, patch: str | None = None
) -> dict[str, Any]:
    """Return the document ``pystamps-hpc/inputs/1``; reads only.

    Parameters
    ----------
    stages : sequence of int
        Stage numbers, 1 to 8.
    dataset : str or Path, optional
        Dataset whose candidate files are checked if stage 1 is among the stages.
    patch : str, optional
        Patch that is checked; by default all are, and the first that is not sound is described,
        else the first.

    Raises
    ------
    DatasetError
        The dataset or the patch does not exist.
    """
    described = [row for row in tasks() if row.spec.number in stages]
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
    if dataset is not None and 1 in stages:
        found = discover_dataset(dataset)
        names = found.patches if patch is None else (patch,)
        checks = [check_candidates(found, name) for name in names]
        unsound = [check for check in checks if not check["sound"]]
        document["stage1_dataset_check"] = {
            **(unsound or checks)[0],
            "checked": len(checks),
            "unsound_patches": [check["patch"] for check in unsound],
        }
    return document


def _artifact_rows(row: Task) -> Iterator[Row]:
    nested = patch_inputs(row)
    for field in row.reads:
        name = f"{field.artifact}.{field.key}"
        if name == "candidates.*":
            yield from _candidate_rows()
        elif name == EACH_PATCH and nested is not None:
            yield from (
                _artifact_row(inner, "patch", "every patch: ") for inner in artifact_fields(nested)
            )
        else:
            yield _artifact_row(field, row.spec.scope, "")


def _candidate_rows() -> Iterator[Row]:
    for line in _CANDIDATES.strip().splitlines():
        name, array, shape, meaning, sources, required = (part.strip() for part in line.split("|"))
        yield _row(name, array, shape, meaning, sources, required != "no")


def _artifact_row(field: Field, scope: Any, prefix: str) -> Row:
    name = f"{field.artifact}.{field.key}"
    if name in _VIRTUAL:
        shape, meaning, source = _VIRTUAL[name]
    else:
        key = ARTIFACTS[field.artifact].keys.get(field.key)
        shape = " ".join(key.dims) if key else "any"
        meaning = key.meaning if key else "all other keys of the file"
        made = maker(field.artifact, scope)
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


def check_candidates(dataset: Dataset, patch: str) -> dict[str, Any]:
    """Check whether the candidate files of one patch fit together; reads only.

    Raises
    ------
    DatasetError
        The dataset has no patches, or not the one that is named.
    """
    name = Path(patch).name
    if name not in dataset.patches:
        raise DatasetError(f"{dataset.root} has no patch {name}")
    directory = dataset.directory(name)
    known = parameters.load(directory, dataset.root)
    mode = _metadata_mode(directory)
    warnings: list[str] = []
    readable = True
    n = _candidate_count(directory)
    n_ifg = _interferogram_count(directory, n)
    checks = [*_count_checks(directory, n), *_stack_checks(directory, mode, n_ifg)]
    try:
        warnings += candidates.read(directory, known).warnings
    except PystampsError as error:
        warnings.append(str(error))
        readable = False
    return {
        "dataset": str(dataset.root),
        "patch": name,
        "metadata_mode": mode,
        "overview": _overview(known, n, n_ifg),
        "consistency": checks,
        "warnings": warnings,
        "sound": readable and all(check["status"] != "warning" for check in checks),
    }


def _metadata_mode(patch: Path) -> str:
    root = patch.parent
    if all(locate_optional(name, patch, root) for name in ("day.1.in", "bperp.1.in")):
        return DIRECT
    if all(locate_optional(name, root, patch) for name in ("rsc.txt", "pscphase.in")):
        return DERIVED
    return MISSING


def _overview(known: Parameters, n: int | None, n_ifg: int | None) -> list[Row]:
    values = {
        "processor": (known.value("insar_processor"), "chooses the reader"),
        "small baselines": (known.value("small_baseline_flag"), "y: network, n: single master"),
        "candidates": (n, "lines of pscands.1.ij"),
        "interferograms": (n_ifg, "columns of pscands.1.ph"),
        "heading": (text_of(known.value("heading")), "deg; stage 1 sets it"),
        "lambda": (text_of(known.value("lambda")), "m; stage 1 sets it"),
    }
    return [
        {"metric": metric, "value": value, "meaning": meaning}
        for metric, (value, meaning) in values.items()
    ]


def _candidate_count(patch: Path) -> int | None:
    try:
        return len(read_table(patch / "pscands.1.ij", 3))
    except DatasetError:
        return None


def _interferogram_count(patch: Path, n: int | None) -> int | None:
    size = _size(patch / "pscands.1.ph")
    return None if not n or size is None else size // (8 * n)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _count_checks(patch: Path, n: int | None) -> Iterator[Row]:
    why = "row k of every file must be candidate k"
    yield _check("candidates in pscands.1.ij", n, "a table of 3 columns", n is not None, why)
    for name, item in {"pscands.1.ll": 8, "pscands.1.hgt": 4}.items():
        size = _size(patch / name)
        if size is not None or name == "pscands.1.ll":
            expected = None if n is None else n * item
            yield _check(f"bytes of {name}", size, expected, size == expected, why)
    path = patch / "pscands.1.da"
    if path.is_file():
        with path.open("rb") as file:
            lines = sum(1 for line in file if line.strip())
        yield _check("candidates in pscands.1.da", lines, n, lines == n, why)
    size, column = _size(patch / "pscands.1.ph"), 8 * (n or 0)
    fits = size is not None and n is not None and (size % column == 0 if n else size == 0)
    why = "each interferogram holds 8 bytes per candidate"
    yield _check("bytes of pscands.1.ph", size, f"a multiple of {column}", fits, why)


def _stack_checks(patch: Path, mode: str, n_ifg: int | None) -> Iterator[Row]:
    yield from (_derived_checks if mode == DERIVED else _direct_checks)(patch, n_ifg)
    for name, what in (("width.txt", "range samples"), ("len.txt", "azimuth lines")):
        path = locate_optional(name, patch, patch.parent)
        try:
            value = int(number_of(path)) if path else None
        except DatasetError:
            value = None
        yield _check(name, value, f"number of {what}", value is not None, "size of the scene")


def _derived_checks(patch: Path, n_ifg: int | None) -> Iterator[Row]:
    why = "an interferogram may have been missing during extraction"
    try:
        stack = snap.read_stack(patch)
    except DatasetError as error:
        yield _check("days in pscphase.in", str(error), n_ifg, False, why)
        return
    yield _check("days in pscphase.in", len(stack.paths), n_ifg, len(stack.paths) == n_ifg, why)
    yield _check("master day", day_text(stack.master_day), "one master", True, "PS stack")
    found = sum(path.suffix == ".base" for path in snap.scene_files(patch))
    yield {
        **_check("baselines", found, n_ifg, found == n_ifg, "per candidate from .base files"),
        **({"status": "derived at runtime"} if found == n_ifg else {}),
    }


def _direct_checks(patch: Path, n_ifg: int | None) -> Iterator[Row]:
    for label, name in (("days", "day.1.in"), ("baselines", "bperp.1.in")):
        path = locate_optional(name, patch, patch.parent)
        try:
            found = len(numbers_of(path)) if path else None
        except DatasetError:
            found = None
        why = "one line per interferogram of pscands.1.ph"
        yield _check(f"{label} in {name}", found, n_ifg, found is not None and found == n_ifg, why)
    names = [path.name for path in isce.scene_files(patch)]
    master = next((name for name in names if name.startswith(("master_day", "reference_d"))), None)
    yield _check("master day", master, "master_day.1.in", master is not None, "place of the master")


def _check(check: str, observed: Any, expected: Any, good: bool, why: str) -> Row:
    return {
        "check": check,
        "observed": "missing" if observed is None else observed,
        "expected": "unknown" if expected is None else expected,
        "status": "ok" if good else "warning",
        "why_it_matters": why,
    }
