"""``slurm init``: a SLURM job script with the ranks, memory and time that a dataset needs."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from ...errors import Exit
from ..command import HERE, Answer, Command, dataset_option, on_root, positive
from ..shapes import CAREFUL, Shape, pairs, paragraph

Document = dict[str, Any]

INIT = """\
Write a job script: single-node (ranks and threads of one node), multi-node (MPI between nodes),
patch-array (no MPI: an array job over the patches, then the merge), gpu (a rank for each device;
their kernels have not run on one yet). With a dataset its ranks, memory and time are estimated.
"""
TEMPLATES = ("single-node", "multi-node", "gpu", "patch-array")


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    init = actions.add_parser(
        "init", help="write a job script", allow_abbrev=False, description=INIT
    )
    init.add_argument("--template", choices=TEMPLATES, default=TEMPLATES[0],
                      help=f"kind of job ({TEMPLATES[0]})")  # fmt: skip
    dataset_option(init, help=f"dataset that the numbers are estimated for {HERE}", default=None)
    init.add_argument("--nodes", type=positive, metavar="N", help="nodes of the job")
    init.add_argument("--cpus", type=positive, metavar="N", help="processors of a node (16)")
    init.add_argument("--gpus", type=positive, metavar="N", help="GPUs of a node (1)")
    init.add_argument("--image", metavar="FILE", help="Apptainer image to run in")
    init.add_argument("--out", metavar="FILE", help="file to write (name of the template)")


@on_root
def run(options: Namespace) -> Answer:
    """Write a job script."""
    from ...dataset.tree import dataset_here
    from ...tools.slurm import write_job

    document = write_job(
        options.template,
        options.out,
        options.dataset or dataset_here(),
        options.nodes,
        options.cpus,
        options.gpus,
        options.image,
    )
    return document, Exit.OK


def view(document: Document) -> Iterator[Shape]:
    """Show the job that was written, what it asks for, and how to submit it."""
    size, needs = document["size"], document["estimate"]
    values: Document = {"script": document["file"], "template": document["template"]}
    if size is not None and needs is not None:
        candidates = sum(size["candidates"])
        values |= {
            "dataset": f"{candidates:,} candidates in {size['patches']} patches, "
            f"{size['n_ifg']} interferograms",
            "job": f"{needs['nodes']} x {needs['ranks_per_node']} ranks of {needs['threads']} "
            f"threads, {needs['mib_per_cpu']:,} MiB a thread",
            "expected": document["expected"],
            "time limit": f"{needs['limit_minutes']:,} minutes",
        }
    yield pairs(values)
    for warning in document["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)
    yield paragraph()
    missing = not document["dataset"]
    first = f"write the dataset into DATASET= of {document['file']}, then " if missing else ""
    yield paragraph(f"Next: {first}{document['submit']}")


COMMAND = Command(
    "slurm",
    "Write a SLURM job script with the ranks, memory and time that a dataset needs.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc slurm init --dataset DIR",
        "pystamps-hpc slurm init --template multi-node --nodes 4 --cpus 48 --dataset DIR",
        "pystamps-hpc slurm init --template patch-array --image pystamps-hpc.sif --out job.sh",
    ),
)
