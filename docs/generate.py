"""Write the reference pages from the code: ``make docs``; with ``--check`` only compare.

Every page comes from the declaration that the program itself uses: the stage table, the artifact
schema, the parameter table, the configuration, the contracts of the kernels, the parser.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from inspect import getdoc
from os.path import normpath
from pathlib import Path
from typing import Any

from pystamps_hpc.cli.commands import COMMANDS
from pystamps_hpc.cli.parser import build_parser
from pystamps_hpc.config import OPTIONS, SECTIONS
from pystamps_hpc.dataset.parameter_table import TABLE, Parameter, text_of
from pystamps_hpc.dataset.schema import ARTIFACTS, Key
from pystamps_hpc.errors import Exit
from pystamps_hpc.pipeline.table import Task, maker, readers, tasks
from pystamps_hpc.stages.base import EACH_PATCH, Field, artifact_fields
from pystamps_hpc.tools.verification.evidence import load_evidence
from pystamps_hpc.tools.verification.parity_page import parity_page
from pystamps_kernels.contracts import SUBJECTS, Array, Kernel, Scalar, all_kernels
from pystamps_kernels.contracts.model import DTYPES
from pystamps_kernels.dispatch import function

DOCS = Path(__file__).resolve().parent
NOTE = "made by docs/generate.py (make docs); changes made here are lost"

CLASSES = {
    "double": "double", "single": "single", "complex": "complex single", "logical": "logical",
    "char": "char", "sparse": "sparse double",
}  # fmt: skip

PAGES = {
    "stage1": "stage1", "stage2": "stage2", "stage3": "stage3", "stage4": "stage4",
    "stage5_promote": "stage5", "stage5_merge": "stage5", "stage6": "stage6", "stage7": "stage7",
    "stage8": "stage8",
}  # fmt: skip
"""Stage module -> page in plain language."""

VIRTUAL = {
    "candidates.*": ("the candidate files of the patch", "see `pystamps-hpc describe-inputs`"),
    "patch.name": ("name of the patch", "the dataset tree"),
    "parent.bperp": ("baselines of the images, where values are held", "`../ps2.mat`"),
    "patch_noover.box": ("part of the scene that the patch owns", "`patch_noover.in`"),
}
"""Inputs that are no artifacts: meaning and source."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    cells = ([cell.replace("|", "\\|") or " " for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def code(text: str) -> str:
    """Set a text in typewriter."""
    return f"`{text}`" if text else ""


def capital(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]


def plain(text: str) -> str:
    """Turn reStructuredText literals into Markdown and join the lines."""
    return " ".join(text.split()).replace("``", "`")


# --- stage guide ---------------------------------------------------------------------------------


def stage_guide() -> str:
    """Describe inputs, outputs, parameters, configuration and marker of every task."""
    parts = [
        "# Stage guide\n\n",
        "The tasks in the order in which they run: stages 1 to 5 in every patch, then the merge "
        "and stages 6 to 8 in the root of the dataset. A task is **finished** when all its "
        "required artifacts are there; the marker is written last. A finished task is skipped "
        "unless something it was made from has changed, or `--force` is given "
        "(see [concepts](concepts.md#what-is-skipped)). Shapes are those on disk; inside, the "
        "first index is always the point.\n\n",
        table(
            ("Stage", "Name", "Scope", "Marker", "Plain language"),
            [
                (
                    f"[{title(row)}](#{anchor(row)})",
                    row.spec.name,
                    row.spec.scope,
                    code(f"{row.spec.marker}.mat"),
                    f"[page](stages/{PAGES[module_name(row)]}.md)",
                )
                for row in tasks()
            ],
        ),
    ]
    return "".join([*parts, *map(stage_section, tasks())])


def module_name(row: Task) -> str:
    """Return the module of a stage, ``stage5_merge``."""
    return row.spec.solve.__module__.removeprefix("pystamps_hpc.stages.")


def title(row: Task) -> str:
    """Return the heading of a task."""
    return f"Stage {row.spec.number}" + (", merge" if module_name(row) == "stage5_merge" else "")


def anchor(row: Task) -> str:
    """Return the link target of a task's heading."""
    return title(row).lower().replace(",", "").replace(" ", "-")


def stage_section(row: Task) -> str:
    """Describe one task."""
    spec = row.spec
    module = sys.modules[spec.solve.__module__]
    path = Path(str(module.__file__)).relative_to(DOCS.parent).as_posix()
    where = "in every patch" if spec.scope == "patch" else "once, in the root"
    required = ", ".join(code(f"{name}.mat") for name in row.required)
    optional = ", ".join(code(f"{name}.mat") for name in row.optional)
    facts = [
        f"- **Scope**: {spec.scope}, {where}",
        f"- **Module**: [`{path}`](../{path}), science version {spec.version}",
        f"- **Finished when present**: {required}",
        *([f"- **May also write**: {optional}"] if optional else []),
        f"- **Marker** (written last): `{spec.marker}.mat`",
        "- **Configuration that changes the result**: " + ", ".join(map(code, spec.config)),
    ]
    summary = plain((module.__doc__ or "").strip().partition("\n\n")[0])
    outputs = [row_of_field(field, spec.scope, source=False) for field in written(row)]
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
                key, *rest, source = row_of_field(inner, "patch")
                yield (key, *rest, f"every patch, {source}")
        else:
            yield row_of_field(field, row.spec.scope)


def row_of_field(field: Field, scope: Any, source: bool = True) -> tuple[str, ...]:
    """Return the table row of an input or, without its source, of an output."""
    name = f"{field.artifact}.{field.key}"
    made = maker(field.artifact, scope)
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


def shape_of(key: Key) -> str:
    """Return the dimensions on disk."""
    return " × ".join(key.dims)


def classes_of(key: Key) -> str:
    """Return the MATLAB classes of a key."""
    return " or ".join(CLASSES[name] for name in key.classes)


# --- reference -----------------------------------------------------------------------------------


def artifacts() -> str:
    """Every file and key."""
    parts = [
        "# Artifacts\n\n",
        "Every MAT file of a dataset, as StaMPS writes and reads it. Files with a 1 hold the "
        "candidates of a patch, files with a 2 what is left of them, in the patch and merged in "
        "the root. `n_ifg` counts the interferograms with the master's column, `n_pm` without it, "
        "`n_uw` those that are unwrapped. *Index* keys count from 1 on disk and from 0 inside; "
        "flags are `logical` on disk and bool inside; an optional key may be missing or 0 × 0; "
        "what is *null at the master* has a column (of `bperp` a row) there on disk, but not "
        "inside; nor has what bears *ids* in its first column; numbers are finite unless they "
        "*may be NaN*.\n",
    ]
    for name, artifact in ARTIFACTS.items():
        made = (maker(name, "patch"), maker(name, "merged"))
        stages = [
            f"[{title(row).lower()}](../stage-guide.md#{anchor(row)}), {row.spec.scope}"
            for row in made
            if row
        ]
        rows = [
            (code(key.name), shape_of(key), classes_of(key), remarks_of(key), key.meaning)
            for key in artifact.keys.values()
        ]
        origin = "; ".join(stages) or "StaMPS' bookkeeping, or a user"
        parts.append(f"\n## {name}.mat\n\nMade by: {origin}\n\n")
        parts.append(table(("Key", "Shape", "Class", "Kind", "Meaning"), rows))
    return "".join(parts)


def remarks_of(key: Key) -> str:
    """Say how a key differs from a plain array."""
    words = {
        "index": key.index,
        "whole number": key.integer,
        "optional": key.optional,
        "may be NaN": key.may_be_nan,
        "null at the master": key.null is not None,
        "ids": key.ids is not None,
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
            " ".join(map(str, readers(item.name))),
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


def default_of(item: Parameter) -> str:
    """Write the default of a parameter with a single master."""
    if item.default is None:
        return "not set"
    return code(item.default if isinstance(item.default, str) else text_of(item.default))


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
    return "{}" if value == {} else str(value)


def kernels() -> str:
    """Every kernel and its contract."""
    parts = [
        "# Kernels\n\n",
        "The numerical kernels (package `pystamps_kernels`): arrays in, arrays out, usable "
        "without the rest. A section is a subject, the name of the file in `contracts/` and in "
        "every backend; a kernel's name begins with the stage that it was made for. Each has a "
        "*python* form (NumPy, the definition) and may have a *native* one (Numba, threaded); "
        "`pystamps-hpc describe-backends` says what runs here. "
        "A kernel with two forms has a second function of the same name with `_single`, the mixed "
        "single precision of StaMPS. Tolerance is the largest absolute difference between a "
        "backend and the definition; 0 means identical to the last bit.\n",
    ]
    for subject in SUBJECTS:
        own = [kernel for kernel in all_kernels().values() if kernel.module == subject]
        parts.append(f"\n## {subject}\n")
        parts += map(kernel_section, own)
    return "".join(parts)


def kernel_section(kernel: Kernel) -> str:
    """Describe one kernel."""
    backends = [name for name in ("python", "native") if function(kernel, name, "double")]
    forms = "double and single" if kernel.single else "one for both arithmetics"
    rows = [argument_row(item, "in", "") for item in kernel.arguments]
    rows += [
        argument_row(item, "out", f"{kernel.tolerance.get(item.name, 0):g}")
        for item in kernel.returns
    ]
    return (
        f"\n### {kernel.name}\n\n{capital(kernel.summary)}.\n\n"
        f"Backends: {', '.join(backends)}. Form: {forms}.\n\n"
        + table(("", "Name", "Shape", "Type", "Meaning", "Tolerance"), rows)
    )


def argument_row(item: Array | Scalar, way: str, tolerance: str) -> tuple[str, ...]:
    """Return the table row of an argument or result."""
    if isinstance(item, Scalar):
        return way, code(item.name), "", "number", item.meaning, tolerance
    shape = f"({', '.join(item.shape.split())})"
    kinds = item.dtypes.replace(" ", " or ")
    return way, code(item.name), shape, kinds, item.meaning, tolerance


def signatures() -> str:
    """Every kernel as a typed call, for type checkers."""
    methods = "".join(map(signature, all_kernels().values()))
    return (
        '"""The kernels as typed calls: what the contracts say of arguments and results."""\n\n'
        "import numpy as np\nfrom numpy.typing import NDArray\n\n"
        'class Signatures:\n    """Calls of all kernels, arguments by position."""\n\n' + methods
    )


def signature(kernel: Kernel) -> str:
    """Return the declaration of one kernel's call."""
    arguments = "".join(
        f"        {item.name}: {hint(item, exact=False)},\n" for item in kernel.arguments
    )
    results = [hint(item, exact=True) for item in kernel.returns]
    joined = ", ".join(results)
    answer = joined if len(results) == 1 else f"tuple[{joined}]"
    if len(answer) > 80:
        answer = "tuple[\n" + "".join(f"        {result},\n" for result in results) + "    ]"
    return f"    def {kernel.name}(\n        self,\n{arguments}        /,\n    ) -> {answer}: ...\n"


def hint(item: Array | Scalar, exact: bool) -> str:
    """Return the type of an argument, of any precision, or of a result."""
    if isinstance(item, Scalar):
        return item.kind.__name__
    names = item.dtypes.split()
    any_precision = {"f": "floating", "c": "complexfloating", "cf": "inexact"}
    kind = "".join(sorted({name[0] for name in names}))
    if kind in any_precision and not (exact and len(names) == 1):
        return f"NDArray[np.{any_precision[kind]}]"
    return f"NDArray[np.{DTYPES[names[0]].__name__}]"


# --- command line --------------------------------------------------------------------------------


def command_line() -> str:
    """Every command and option, and the exit codes."""
    parser = build_parser()
    commands: dict[str, argparse.ArgumentParser] = subcommands(parser)
    parts = [
        "# Command line\n\n",
        "`pystamps-hpc [GLOBAL OPTIONS] COMMAND [OPTIONS]`. The global options may stand before "
        "or after the command. On a terminal a command answers with a table; where standard output "
        "is none, or with `--json`, with one JSON document, and what is meant for people goes to "
        "standard error.\n\n",
        "## Global options\n\n",
        table(("Option", "Meaning"), map(option_row, options_of(parser))),
    ]
    globals_ = {word for action in options_of(parser) for word in action.option_strings}
    globals_ -= {"--dataset"}  # every command says what its own is
    for name, command in commands.items():
        parts.append(f"\n## {name}\n\n{COMMANDS[name].summary}\n")
        own = [a for a in options_of(command) if not globals_ & {*a.option_strings}]
        if own:
            parts.append("\n" + table(("Option", "Meaning"), map(option_row, own)))
        actions = [action_row(word, inner) for word, inner in subcommands(command).items()]
        if actions:
            parts.append("\n" + table(("Action", "Arguments"), actions))
        more = [a for inner in subcommands(command).values() for a in options_of(inner)
                if a.option_strings and a.dest not in {known.dest for known in own}]  # fmt: skip
        if more:
            parts.append("\n" + table(("Option", "Meaning"), map(option_row, more)))
        if COMMANDS[name].examples:
            lines = "\n".join(COMMANDS[name].examples)
            parts.append(f"\n```sh\n{lines}\n```\n")
    return "".join([*parts, exit_codes()])


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands below a parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def action_row(name: str, parser: argparse.ArgumentParser) -> tuple[str, str]:
    """Return the table row of a command inside a command."""
    forms = {"?": "[{}]", "+": "{} ..."}
    arguments = [action for action in options_of(parser) if not action.option_strings]
    words = [forms.get(str(a.nargs), "{}").format(a.dest.upper()) for a in arguments]
    helps = [action.help for action in arguments if action.help]
    return code(" ".join((name, *words))), "; ".join(helps)


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the options of a parser, without help and commands."""
    hidden = (argparse._HelpAction, argparse._SubParsersAction)
    return [action for action in parser._actions if not isinstance(action, hidden)]


def option_row(action: argparse.Action) -> tuple[str, str]:
    """Return the table row of an option or argument."""
    words = ", ".join(action.option_strings)
    value = str(action.metavar or "|".join(map(str, action.choices or ())))
    if action.option_strings and action.nargs == 0:
        value = ""
    text = f"{words} {value}".strip() or action.dest
    required = action.required and bool(action.option_strings)
    return code(text), (action.help or "") + (" (required)" if required else "")


def exit_codes() -> str:
    """Return the table of exit codes."""
    rows = [(str(code.value), code.meaning) for code in Exit]
    return "\n## Exit codes\n\nThe same on every rank.\n\n" + table(("Code", "Meaning"), rows)


def parity() -> str:
    """Say how far the program agrees with StaMPS, from the recorded audit."""
    return parity_page(load_evidence())


GENERATED: dict[str, Callable[[], str]] = {
    "stage-guide.md": stage_guide,
    "reference/cli.md": command_line,
    "reference/config.md": config,
    "reference/parameters.md": parameters,
    "reference/artifacts.md": artifacts,
    "reference/kernels.md": kernels,
    "reference/parity.md": parity,
    "../kernels/pystamps_kernels/signatures.pyi": signatures,
}


def page(name: str) -> str:
    """Return the text of a generated page."""
    note = f"<!-- {NOTE} -->\n\n" if name.endswith(".md") else f"# {NOTE}\n\n"
    return note + GENERATED[name]()


def outdated() -> list[str]:
    """Return the generated pages that are missing or not what the code says."""
    paths = {name: DOCS / name for name in GENERATED}
    return [
        name
        for name, path in paths.items()
        if not path.exists() or path.read_text(encoding="utf-8") != page(name)
    ]


def main() -> int:
    """Write the pages, or with ``--check`` name those that are out of date."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if stale")
    options = parser.parse_args()
    names = outdated()
    for name in names:
        if options.check:
            print(f"{normpath(f'docs/{name}')} is out of date: run make docs")
        else:
            (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
            (DOCS / name).write_text(page(name), encoding="utf-8")
            print(normpath(f"docs/{name}"))
    return int(options.check and bool(names))


if __name__ == "__main__":
    sys.exit(main())
