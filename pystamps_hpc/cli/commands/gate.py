"""``gate``: the chain natively on a clean copy, verified."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...config import load_config
from ...config.sections import PROFILES
from ...errors import ConfigError, Exit
from ..command import Answer, Command, count, dataset_option, on_root, positive, progress_printer
from ..shapes import BAD, GOOD, Shape, marked, paragraph, table, verdict


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser, help="inputs (the manifest's target with gate_default)", default=None)
    parser.add_argument("--golden", metavar="DIR", help="expected tree, together with --dataset")
    parser.add_argument("--run", metavar="DIR", default="build/native_gate/run",
                        help="where the copy is made (build/native_gate/run)")  # fmt: skip
    parser.add_argument("--threads", type=count, default=0, metavar="N",
                        help="threads of the kernels (0: all)")  # fmt: skip
    parser.add_argument("--ranks", type=positive, default=1, metavar="N",
                        help="MPI ranks (1); more are started with mpirun")  # fmt: skip
    parser.add_argument("--profile", choices=PROFILES,
                        help="profile of the verification (the target's, else strict)")  # fmt: skip


@on_root
def run(options: Namespace) -> Answer:
    """Run the chain natively on a clean copy and verify it."""
    from ...tools.verification.gate import GateOptions, run_gate, target_options
    from ...tools.verification.manifest import load_manifest

    if (options.dataset is None) != (options.golden is None):
        raise ConfigError("gate needs both --dataset and --golden, or neither")
    run = Path(options.run)
    more = {"threads": options.threads, "ranks": options.ranks}
    if options.profile:
        more["profile"] = options.profile
    if options.config:
        more["config"] = load_config(options.config)
    if options.dataset is None:
        chosen = target_options(load_manifest(), run, **more)
    else:
        more.setdefault("config", load_config())
        chosen = GateOptions((Path(options.dataset),), Path(options.golden), run, **more)
    document = run_gate(chosen, progress_printer(options))
    bad = next((step for step in document["steps"] if not step["ok"]), None)
    return document, Exit.OK if bad is None else bad["exit_code"]


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show the steps of a passage."""
    yield table(
        ("step", "seconds", "", ""),
        (
            (row["name"], row["sec"], verdict(row["ok"]), row.get("message", ""))
            for row in document["steps"]
        ),
    )
    yield paragraph()
    yield marked(f"gate {'passed' if document['ok'] else 'FAILED'}: {document['run']}",
                 GOOD if document["ok"] else BAD)  # fmt: skip


COMMAND = Command(
    "gate",
    "Run the chain natively on a clean copy and verify it, with reports beside the result.",
    run,
    view,
    add_options,
    examples=("pystamps-hpc gate --dataset DIR --golden GOLDEN --run COPY --ranks 2",),
    group="for developers",
    table_on_stderr=True,
)
