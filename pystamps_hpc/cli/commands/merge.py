"""``merge``: the points of a PS dataset and of one of small baselines in one."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict
from shlex import quote
from typing import Any

from ...config import load_config
from ...errors import Exit
from ..command import Answer, Command, config_option, given, on_root
from ..shapes import CAREFUL, Shape, pairs, paragraph


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    for name, text in (
        ("ps", "dataset with a single master, after stage 5"),
        ("sb", "dataset of small baselines of the same images, after stage 5"),
        ("out", "directory to create, for stages 6 to 8"),
    ):
        parser.add_argument(f"--{name}", required=True, metavar="DIR", help=text)
    config_option(parser, "--stale", "runtime.stale_policy", metavar="POLICY")


@on_root
def run(options: Namespace) -> Answer:
    """Combine two datasets."""
    from ...tools.combine import combine_datasets

    config = load_config(options.config).with_values(given(options))
    combined = combine_datasets(options.ps, options.sb, options.out, config)
    document = {"schema": "pystamps-hpc/merge-report/1", **asdict(combined)}
    return {**document, "root": str(combined.root)}, Exit.KEPT if combined.kept else Exit.OK


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show where the points come from, and how to go on."""
    names = {"n_ps": "points", "ps_only": "of the PS only", "sb_only": "of small baselines only",
             "in_both": "of both"}  # fmt: skip
    yield pairs({text: f"{document[name]:,}" for name, text in names.items()})
    yield paragraph()
    for warning in (*document["warnings"], *document["kept"]):
        yield paragraph(f"warning: {warning}", style=CAREFUL)
    yield paragraph(f"Next: pystamps-hpc run --dataset {quote(document['root'])}")


COMMAND = Command(
    "merge",
    "Combine the points of a PS dataset and of one of small baselines.",
    run,
    view,
    add_options,
    examples=("pystamps-hpc merge --ps INSAR_20160911 --sb INSAR_20160911/SMALL_BASELINES "
              "--out INSAR_20160911/MERGED",),
)  # fmt: skip
