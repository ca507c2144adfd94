"""``parms``: show, explain, set or reset processing parameters."""

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...config import configured_by, load_config
from ...dataset.parameter_table import text_of
from ...errors import ConfigError, DatasetError, Exit
from ..command import Answer, Command, dataset_option, on_root
from ..shapes import STRONG, Shape, Text, marked, pairs, paragraph, table

if TYPE_CHECKING:
    from ...dataset.parameters import Parameters
    from ...dataset.tree import Dataset

Document = dict[str, Any]

NOT_SET = "not set"
NEGATIVE = re.compile(r"-\.?\d|-inf", re.IGNORECASE)
"""A value that begins with a minus sign and is no option."""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)
    parser.add_argument("--patch", metavar="NAME", help="the parameters that hold in this patch")
    parser.add_argument("--local", action="store_true", help="localparms.mat instead of parms.mat")
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION")
    parser.set_defaults(action="show", name=None)
    show = actions.add_parser("show", help="all parameters, or one", allow_abbrev=False)
    show.add_argument("name", nargs="?")
    explain = actions.add_parser("explain", help="what a parameter is for", allow_abbrev=False)
    explain.add_argument("name")
    change = actions.add_parser("set", help="change a parameter", allow_abbrev=False)
    change.add_argument("name")
    change._negative_number_matcher = NEGATIVE  # -Inf is a value too
    change.add_argument("value", nargs="+", help="number, text, list of numbers or []")
    back = actions.add_parser("reset", help="back to the default", allow_abbrev=False)
    back.add_argument("name")
    for action in (show, explain, change, back):
        dataset_option(action)


@on_root
def run(options: Namespace) -> Answer:
    """Show, explain, set or reset parameters."""
    from ...tools.parameter_changes import explained, parameters_of

    dataset, here = _place(options.dataset)
    if options.action in ("set", "reset") and options.patch and not options.local:
        raise ConfigError(
            f"parms --patch {options.patch} {options.action} needs --local; without --patch "
            "the value holds for all patches"
        )
    if here is not None:
        file = parameters_of(dataset, here).file
        print(f"{here} is a patch of {dataset.root}; its parameters: {file}", file=sys.stderr)
    if options.action == "show":
        return _shown(parameters_of(dataset, options.patch or here), options.name), Exit.OK
    if options.action == "explain":
        known = parameters_of(dataset, options.patch or here)
        name = known.resolve(options.name)
        return {name: explained(known, name)}, Exit.OK
    return _change(dataset, options.patch or here, options), Exit.OK


def _place(folder: str) -> tuple["Dataset", str | None]:
    """Return the dataset of a directory and, if the directory is a patch, its name.

    Raises
    ------
    DatasetError
        It is neither.
    """
    from ...dataset.tree import discover_dataset, require_dataset

    here = Path(folder).resolve()
    dataset = discover_dataset(here, need_patches=False)
    if not dataset.patches:
        with suppress(DatasetError):
            above = discover_dataset(here.parent)
            if here.name in above.patches:
                return above, here.name
    require_dataset(dataset)
    return dataset, None


def _change(dataset: "Dataset", patch: str | None, options: Namespace) -> Document:
    """Set or reset a parameter; return it with what follows from the change."""
    from ...tools.parameter_changes import change

    name, row = change(
        dataset,
        patch,
        options.name,
        options.value if options.action == "set" else None,
        options.local,
        options.arguments,
        load_config(options.config),
        configured_by(options.config),
    )
    return {name: row}


def _shown(known: "Parameters", name: str | None) -> Document:
    from ...tools.parameter_changes import described

    names = [each for each in sorted(known.names, key=str.lower) if each.startswith(name or "")]
    return {item: described(known, item) for item in names or [known.resolve(name or "")]}


def view(document: Document) -> Iterator[Shape]:
    """Show parameters; one alone with everything that is known about it."""
    if len(document) == 1:
        ((name, row),) = document.items()
        yield pairs(
            {
                name: marked(_typed(row["value"]), STRONG),
                "meaning": row["meaning"],
                "unit": row["unit"],
                "allowed": row["allowed"],
                "default": _typed(row["default"]),
                "from": row["source"],
                "stages": row["stages"],
                "change it": row.get("change_it"),
                "runs again": row.get("runs_again"),
            }
        )
        for note in row.get("notes", ()):
            yield paragraph(note)
        return
    yield table(
        ("name", "value", "meaning"),
        ((name, _with_unit(row), _meaning(row)) for name, row in document.items()),
    )


def _with_unit(row: Document) -> Text:
    """Write a value with its unit, one that is not the default in bold."""
    text = _typed(row["value"])
    if text != NOT_SET:
        text = f"{text} {row['unit']}".rstrip()
    return marked(text, STRONG if row["value"] != row["default"] else "")


def _meaning(row: Document) -> Text:
    """Say what a parameter means, its default where it has another value, and its source."""
    notes = [] if row["value"] == row["default"] else [f"default {_typed(row['default'])}"]
    if row["source"] != "parms":
        notes.append(row["source"] if row["source"] != "default" else "not in parms.mat")
    return marked(row["meaning"], note=f" ({'; '.join(notes)})" if notes else "")


def _typed(value: Any) -> str:
    """Write a value as it is typed: y, 20, [3 12]."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return {"inf": "Inf", "-inf": "-Inf", "nan": NOT_SET}.get(value, value)
    return f"[{' '.join(map(_typed, value))}]" if isinstance(value, list) else text_of(value)


COMMAND = Command(
    "parms",
    "Show, explain, set or reset processing parameters.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc parms --dataset DIR show",
        "pystamps-hpc parms --dataset DIR explain weed_standard_dev",
        "pystamps-hpc parms --dataset DIR set unwrap_grid_size 100",
        "pystamps-hpc parms --dataset DIR set drop_ifg_index 3 12",
        "pystamps-hpc parms --dataset DIR reset unwrap_grid_size",
    ),
)
