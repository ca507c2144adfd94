"""``doctor``: machine, MPI, programs and a dataset; each problem with its remedy."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...config import load_config
from ..command import HERE, Answer, Command, dataset_option
from ..shapes import BAD, CAREFUL, Shape, pairs, paragraph, table

if TYPE_CHECKING:
    from ...parallel.team import Team

KERNEL = {True: "runs", False: "is wrong", None: "does not run"}


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("part", nargs="?", choices=("mpi", "gpu", "dataset"),
                        help="only this part (all)")  # fmt: skip
    dataset_option(parser, help=f"dataset to examine {HERE}", default=None)


def run(options: Namespace, team: "Team") -> Answer:
    """Examine machine, launcher, tools and dataset on all ranks."""
    from ...dataset.tree import dataset_here
    from ...tools.doctor import examine

    config = team.on_root(lambda: load_config(options.config))
    root = options.dataset or ("." if options.part == "dataset" else team.on_root(dataset_here))
    return examine(team, config, options.part, root)


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show the ranks, then every problem with its remedy, the ones that stop a run first."""
    mpi = document["mpi"]
    yield table(
        ("rank", "host", "CPUs", "threads", "devices"),
        (
            (row["rank"], row["host"], row["visible_cpus"], row["budget"], len(row["devices"]))
            for row in document["ranks"]
        ),
    )
    if devices := document.get("devices"):
        yield paragraph()
        yield table(
            ("rank", "device", "free MiB", "a kernel"),
            (
                (row["rank"], row["device"], row["free_mib"], KERNEL[row["kernel"]])
                for row in devices
            ),
        )
    if document.get("tools"):
        yield paragraph()
        yield pairs({name: _one_line(value) for name, value in document["tools"].items()})
    if dataset := document.get("dataset"):
        free = dataset["free_mib"]
        yield paragraph()
        yield pairs(
            {
                "dataset": dataset["root"],
                "patches": dataset["patches"],
                "file system": dataset["file_system"],
                "free space": None if free is None else f"{free:,} MiB",
            }
        )
    yield paragraph()
    for row in document["problems"]:
        stops = row["stops_run"]
        yield paragraph(f"{'STOPS RUN' if stops else 'note'}: {row['problem']}",
                        style=BAD if stops else CAREFUL)  # fmt: skip
        yield paragraph(f"    -> {row['remedy']}")
    stopping = sum(row["stops_run"] for row in document["problems"])
    counts = {"problem": stopping, "note": len(document["problems"]) - stopping}
    found = [f"{n or 'no'} {word}{'s' * (n != 1)}" for word, n in counts.items()]
    ranks = f"{mpi['size']} ranks" if mpi["enabled"] else "MPI not started (one process)"
    yield paragraph(f"{ranks}; {', '.join(found)}")


def _one_line(value: Any) -> Any:
    """Write the state of a tool in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_one_line(item)}" for name, item in value.items() if item)
    return value


COMMAND = Command(
    "doctor",
    "Examine machine, MPI, programs and a dataset; each problem with its remedy.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc doctor",
        "pystamps-hpc doctor --dataset DIR",
        "srun --mpi=pmix pystamps-hpc doctor mpi",
    ),
    table_on_stderr=True,
)
