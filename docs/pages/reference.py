"""Artifacts, parameters and configuration keys."""

from collections.abc import Iterable
from inspect import getdoc
from typing import Any, get_args

from pystamps_hpc.config import OPTIONS, SECTIONS
from pystamps_hpc.dataset.parameter_table import TABLE
from pystamps_hpc.dataset.schema import ARTIFACTS, Key
from pystamps_hpc.pipeline.table import Task, maker, read_by, readers
from pystamps_hpc.stages.base import Mode, Scope
from pystamps_hpc.stages.shared.value_types import BASES, LETTERS, bases_of

from .markdown import classes_of, code, default_of, plain, shape_of, table
from .stage_guide import anchor, title


def artifacts() -> str:
    """Every file and key."""
    parts = [
        "# Artifacts\n\n",
        "Every MAT file of a dataset, as StaMPS writes and reads it. Files with a 1 hold the "
        "candidates of a patch, files with a 2 what is left of them, in the patch and merged in "
        "the root. `n_ifg` counts the interferograms: those of a single master with the master's "
        "column, of small baselines (SB) the pairs; `n_pm` without that column, "
        "`n_uw` those that are unwrapped. *Index* keys count from 1 on disk and from 0 inside; "
        "flags are `logical` on disk and bool inside; an optional key may be missing or 0 × 0; "
        "what is *null at the master* has a column (of `bperp` a row) there on disk, but not "
        "inside; nor has what bears *ids* in its first column; numbers are finite unless they "
        "*may be NaN*. *Read by* are the stages, here as in StaMPS, that need a file; what none "
        "reads is for a look at the results, for StaMPS' plots, or, as `uw_grid` and `uw_interp`, "
        "for the next step of StaMPS' own stage 6. A key of *ours* StaMPS neither "
        "writes nor reads; all others are its own, so that it can go on from any stage. How many "
        "bytes each file takes: [Scaling](../scaling.md#bytes-of-each-artifact).\n",
    ]
    for name, artifact in ARTIFACTS.items():
        places = [(scope, mode) for scope in get_args(Scope) for mode in get_args(Mode)]
        made = [row for place in places if (row := maker(name, *place))]
        read = [row for place in places for row in read_by(name, *place)]
        rows = [
            (code(key.name), shape_of(key), classes_of(key), remarks_of(key), key.meaning)
            for key in artifact.keys.values()
        ]
        origin = linked(made) or "StaMPS' bookkeeping, or a user"
        use = linked(read) or "no stage"
        parts.append(f"\n## {name}.mat\n\nMade by: {origin}\n\nRead by: {use}\n\n")
        parts.append(table(("Key", "Shape", "Class", "Kind", "Meaning"), rows))
    return "".join(parts)


def linked(rows: Iterable[Task]) -> str:
    """Name tasks, each with a link to what it does."""
    in_order = sorted(rows, key=lambda row: row.spec.number)
    return "; ".join(
        dict.fromkeys(
            f"[{title(row).lower()}](../stage-guide.md#{anchor(row)}), {row.spec.scope}"
            for row in in_order
        )
    )


def remarks_of(key: Key) -> str:
    """Say how a key differs from a plain array."""
    words = {
        "index": key.index,
        "whole number": key.integer,
        "optional": key.optional,
        "may be NaN": key.may_be_nan,
        "null at the master": key.null is not None,
        "ids": key.ids is not None,
        "ours": key.ours,
    }
    return ", ".join(word for word, holds in words.items() if holds)


def parameters() -> str:
    """Every processing parameter."""
    rows = [
        (
            code(item.name),
            default_of(item),
            item.form,
            item.unit,
            " ".join(map(str, sorted({*readers(item.name, "ps"), *readers(item.name, "sb")}))),
            item.meaning,
        )
        for item in TABLE.values()
    ]
    return (
        "# Parameters\n\n"
        "The StaMPS processing parameters. They live in `parms.mat` of the root; a "
        "`localparms.mat` in a patch overrides single ones there; what neither holds has the "
        "default below. Show and change them with `pystamps-hpc parms`. *Stages* are those that "
        "read the parameter; the others keep it for StaMPS' own tools. Index lists count from 1, "
        "as in StaMPS.\n\n"
        + table(("Name", "Default", "Allowed", "Unit", "Stages", "Meaning"), rows)
    )


def value_types() -> str:
    """Every value type."""
    names = [{id(base): name for name, base in bases_of(mode).items()} for mode in (False, True)]
    rows = [
        (
            *(code(known.get(id(base), "")) for known in names),
            base.meaning,
            base.unit,
            " ".join(code(f"-{suffix}") for suffix in base.operations if suffix),
        )
        for base in BASES
    ]
    return (
        "# Value types\n\n"
        "What `pystamps-hpc values TYPE` shows, by StaMPS' names: a base, with letters behind a "
        "dash in any order, `v-do`. Of small baselines (SB) it may have another name than of a "
        "single master (PS). How they are used: [Values](../values.md).\n\n"
        + table(("PS", "SB", "Shows", "Unit", "Letters"), rows)
        + "\nLetters take off: "
        + "; ".join(f"`{letter}` {meaning}" for letter, meaning in LETTERS.items())
        + ".\n"
    )


def config() -> str:
    """Every configuration key."""
    parts = [
        "# Configuration\n\n",
        "A YAML or JSON file, given with `--config` or in `$PYSTAMPS_HPC_CONFIG`; every key has "
        "a default. It says how to compute; what to compute (the science) is in the "
        "[parameters](parameters.md). An unknown key or a value outside its range ends the "
        "program with exit code 2 and a message that names the key and what is allowed.\n",
    ]
    for section, cls in SECTIONS.items():
        parts.append(f"\n## {section}\n\n{plain(getdoc(cls) or '')}\n")
        rows = [
            (code(key), code(yaml_of(item.default)), item.check.allowed, plain(item.meaning))
            for key, item in OPTIONS.items()
            if key.startswith(f"{section}.")
        ]
        if rows:
            parts.append("\n" + table(("Key", "Default", "Allowed", "Meaning"), rows))
    return "".join(parts)


def yaml_of(value: Any) -> str:
    """Write a default as in a configuration file."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    return "{}" if value == {} else str(value)
