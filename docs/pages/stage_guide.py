"""The stage guide: what every task reads and writes, from the stage table."""

import sys
from collections.abc import Iterator
from pathlib import Path

from pystamps_hpc.dataset.parameter_table import TABLE, Parameter
from pystamps_hpc.dataset.schema import ARTIFACTS
from pystamps_hpc.pipeline.table import Task, maker, tasks
from pystamps_hpc.stages.base import EACH_PATCH, Field, Mode, Scope, artifact_fields

from .markdown import classes_of, code, default_of, plain, shape_of, table

ROOT = Path(__file__).resolve().parents[2]

PAGES = {
    "stage1": "stage1", "stage2": "stage2", "stage3": "stage3", "stage4": "stage4",
    "stage5_promote": "stage5", "stage5_merge": "stage5", "stage6": "stage6",
    "stage6_sb": "stage6", "stage7": "stage7", "stage7_sb": "stage7", "stage8": "stage8",
    "stage8_sb": "stage8",
}  # fmt: skip
"""Stage module -> page in plain language."""

STACKS: dict[tuple[Mode, ...], str] = {
    ("ps", "sb"): "both modes",
    ("ps",): "a single master",
    ("sb",): "small baselines",
}
"""Modes of a row, in words."""

VIRTUAL = {
    "candidates.*": ("the candidate files of the patch", "see `pystamps-hpc describe-inputs`"),
    "patch.name": ("name of the patch", "the dataset tree"),
    "parent.bperp": ("baselines of the images, where values are held", "`../ps2.mat`"),
    "tropo.phase": ("tropospheric phase, where `subtr_tropo` is `y`", "`tca2.mat`, `tca_sb2.mat`"),
    "patch_noover.box": ("part of the scene that the patch owns", "`patch_noover.in`"),
}
"""Inputs that are no artifacts: meaning and source."""


def stage_guide() -> str:
    """Describe inputs, outputs, parameters, configuration and marker of every task."""
    parts = [
        "# Stage guide\n\n",
        "The tasks in the order in which they run: stages 1 to 5 in every patch, then the merge "
        "and stages 6 to 8 in the root of the dataset. Those up to the merge are the same for a "
        "single master and for small baselines (SB), where columns are pairs of images; stages 6 "
        "to 8 have a section for each. A task is **finished** when all its "
        "required artifacts are there; the marker is written last. A finished task is skipped "
        "unless something it was made from has changed, or `--force` is given "
        "(see [concepts](concepts.md#what-is-skipped)). Shapes are those on disk; inside, the "
        "first index is always the point.\n\n",
        table(
            ("Stage", "Name", "Stacks", "Scope", "Marker", "Plain language"),
            [
                (
                    f"[{title(row)}](#{anchor(row)})",
                    row.spec.name,
                    STACKS[row.spec.modes],
                    row.spec.scope,
                    code(f"{row.spec.marker}.mat"),
                    f"[page](stages/{PAGES[module_name(row)]}.md)",
                )
                for row in rows()
            ],
        ),
    ]
    return "".join([*parts, *map(stage_section, rows())])


def rows() -> list[Task]:
    """Return the tasks of both modes in the order of the stages, what both share once."""
    own = (row for row in tasks("sb") if "ps" not in row.spec.modes)
    return sorted((*tasks("ps"), *own), key=lambda row: row.spec.number)


def module_name(row: Task) -> str:
    """Return the module of a stage, ``stage5_merge``."""
    return row.spec.solve.__module__.removeprefix("pystamps_hpc.stages.")


def title(row: Task) -> str:
    """Return the heading of a task."""
    merge = ", merge" if module_name(row) == "stage5_merge" else ""
    return f"Stage {row.spec.number}{merge}" + ", small baselines" * ("ps" not in row.spec.modes)


def anchor(row: Task) -> str:
    """Return the link target of a task's heading."""
    return title(row).lower().replace(",", "").replace(" ", "-")


def stage_section(row: Task) -> str:
    """Describe one task."""
    spec = row.spec
    module = sys.modules[spec.solve.__module__]
    path = Path(str(module.__file__)).relative_to(ROOT).as_posix()
    where = "in every patch" if spec.scope == "patch" else "once, in the root"
    required = ", ".join(code(f"{name}.mat") for name in row.required)
    optional = ", ".join(code(f"{name}.mat") for name in row.optional)
    facts = [
        f"- **Stacks**: {STACKS[spec.modes]}",
        f"- **Scope**: {spec.scope}, {where}",
        f"- **Module**: [`{path}`](../{path}), science version {spec.version}",
        f"- **Finished when present**: {required}",
        *([f"- **May also write**: {optional}"] if optional else []),
        f"- **Marker** (written last): `{spec.marker}.mat`",
        "- **Configuration that changes the result**: " + ", ".join(map(code, spec.config)),
    ]
    summary = plain((module.__doc__ or "").strip().partition("\n\n")[0])
    outputs = [row_of_field(field, row, spec.scope, source=False) for field in written(row)]
    return "".join(
        (
            f"\n## {title(row)}\n\n{summary}\n\n",
            "\n".join(facts),
            "\n\n### Reads\n\n",
            table(("Key", "Shape", "Class", "Meaning", "From"), inputs_of(row)),
            "\n### Writes\n\n",
            table(("Key", "Shape", "Class", "Meaning"), outputs),
            "\n### Parameters\n\n",
            table(
                ("Name", "Default", "Unit", "Meaning"),
                [
                    (code(item.name), default_of(item), item.unit, item.meaning)
                    for item in parameters_of(row)
                ],
            ),
        )
    ).replace("### ", f"### {title(row)}: ")


def written(row: Task) -> Iterator[Field]:
    """Yield the output fields grouped by artifact, the marker's last."""
    known = artifact_fields(row.spec.outputs)
    for name in row.bundle:
        yield from (field for field in known if field.artifact == name)


def parameters_of(row: Task) -> list[Parameter]:
    """Return the parameters that a stage reads, by name."""
    return [TABLE[name] for name in sorted(row.parameters)]


def inputs_of(row: Task) -> Iterator[tuple[str, ...]]:
    """Yield the table rows of a stage's inputs."""
    nested = row.patch_inputs
    for field in row.reads:
        if f"{field.artifact}.{field.key}" == EACH_PATCH and nested is not None:
            for inner in artifact_fields(nested):
                key, *rest, source = row_of_field(inner, row, "patch")
                yield (key, *rest, f"every patch, {source}")
        else:
            yield row_of_field(field, row, row.spec.scope)


def row_of_field(field: Field, row: Task, scope: Scope, source: bool = True) -> tuple[str, ...]:
    """Return the table row of an input of a task or, without its source, of an output."""
    name = f"{field.artifact}.{field.key}"
    made = maker(field.artifact, scope, row.mode)
    origin = f"stage {made.spec.number}" if made else f"`{field.artifact}.mat`"
    if name in VIRTUAL:
        meaning, origin = VIRTUAL[name]
        return code(name), "", "", meaning, origin
    key = ARTIFACTS[field.artifact].keys.get(field.key)
    shape, classes = (shape_of(key), classes_of(key)) if key else ("", "")
    meaning = key.meaning if key else "all other keys of the file"
    if field.optional:
        meaning += " (may be missing)"
    return (code(name), shape, classes, meaning, origin)[: 5 if source else 4]
