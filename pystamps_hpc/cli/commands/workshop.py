"""The commands of the workshop: what is for those who build and judge the program."""

import os
from argparse import ArgumentParser

from .command import Command, count, dataset_option, positive, stage_options


def _gate(parser: ArgumentParser) -> None:
    dataset_option(parser, help="inputs (the manifest's target with gate_default)", default=None)
    parser.add_argument("--golden", metavar="DIR", help="expected tree, together with --dataset")
    parser.add_argument("--run", metavar="DIR", default="build/native_gate/run",
                        help="where the copy is made (build/native_gate/run)")  # fmt: skip
    parser.add_argument("--threads", type=count, default=0, metavar="N",
                        help="threads of the kernels (0: all)")  # fmt: skip
    parser.add_argument("--ranks", type=positive, default=1, metavar="N",
                        help="MPI ranks (1); more are started with mpirun")  # fmt: skip
    parser.add_argument("--profile", choices=("strict", "scientific"),
                        help="profile of the verification (the target's, else strict)")  # fmt: skip


def _warmup(parser: ArgumentParser) -> None:
    parser.add_argument("--kernels", metavar="K,...", default="", help="report only these")
    parser.add_argument("--threads", type=count, default=0, metavar="N",
                        help="threads of the kernels (0: all)")  # fmt: skip


def _legacy(parser: ArgumentParser) -> None:
    parser.add_argument("--stamps-root", metavar="DIR", default=os.environ.get("STAMPS_ROOT"),
                        help="StaMPS checkout ($STAMPS_ROOT)")  # fmt: skip


def _audit(parser: ArgumentParser) -> None:
    parser.add_argument("--targets", nargs="+", metavar="ID", help="only these targets")
    parser.add_argument("--manifest", metavar="FILE", help="another manifest than the package's")
    parser.add_argument("--work", metavar="DIR", default="build/audit",
                        help="where run copies go (build/audit)")  # fmt: skip
    parser.add_argument("--output", metavar="FILE", help="report (WORK/latest.json)")
    parser.add_argument("--keep-run-copies", action="store_true", help="do not remove run copies")
    parser.add_argument("--record", action="store_true",
                        help="keep the report as evidence of parity")  # fmt: skip


WORKSHOP: dict[str, Command] = {
    "coverage": Command(
        "Which stages run natively, and which are certified to equal StaMPS.",
        "checking:coverage",
        stage_options,
        examples=("pystamps-hpc coverage --start-step 6",),
    ),
    "gate": Command(
        "Run the chain natively on a clean copy and verify it, with reports beside the result.",
        "checking:gate",
        _gate,
        examples=("pystamps-hpc gate --dataset DIR --golden GOLDEN --run COPY --ranks 2",),
        tells=True,
    ),
    "warmup": Command(
        "Compile every native kernel into the cache.",
        "checking:warmup",
        _warmup,
    ),
    "list-legacy": Command(
        "List the programs of a StaMPS installation.",
        "checking:legacy",
        _legacy,
        examples=("pystamps-hpc list-legacy --stamps-root /opt/StaMPS",),
        tells=True,
    ),
    "describe-backends": Command(
        "Kernels, their backends, and external programs found here.",
        "describing:backends",
    ),
    "audit": Command(
        "Run the audited workflows on fresh copies of golden data and verify every key.",
        "verifying:audit",
        _audit,
        examples=(
            "PYSTAMPS_HPC_DATA_ROOT=GOLDEN_SETS pystamps-hpc audit",
            "pystamps-hpc audit --targets mini",
        ),
        tells=True,
    ),
}
