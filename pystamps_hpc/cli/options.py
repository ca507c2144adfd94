"""The parser: commands, options, help with examples. Imports nothing heavy."""

import argparse
import os
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from textwrap import fill
from typing import Any, NamedTuple, NoReturn

DESCRIPTION = """\
Persistent-scatterer InSAR (StaMPS stages 1-8) on one core or many ranks.

A StaMPS dataset directory (PATCH_*, patch.list, parms.mat) goes in; the same
directory comes out with every artifact StaMPS would have written, velocities, a
map and a table.
"""

EXAMPLES = """\
examples:
  pystamps-hpc simulate demo --candidates 20000 --images 20
  pystamps-hpc run --dataset demo
  mpirun -n 4 pystamps-hpc run --dataset demo
  cd demo && pystamps-hpc status

On a terminal a command answers with a table, elsewhere with one JSON document.
"""

WIDTH = 80

Options = argparse.Namespace
Setup = Callable[[argparse.ArgumentParser], None]


class _Help(argparse.RawDescriptionHelpFormatter):
    """Keeps line breaks, wide option column."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=WIDTH)


class _Parser(argparse.ArgumentParser):
    """Of the processes of a job, which all get the same arguments, one speaks."""

    def error(self, message: str) -> NoReturn:
        from ..parallel.launcher import launcher_hint

        hint = launcher_hint(os.environ)
        if hint is not None and hint.rank > 0:
            self.exit(2)
        super().error(message)


def _command(name: str) -> Callable[..., Any]:
    """Return a function that imports its command only when it is called."""
    module, _, function = name.partition(":")

    def call(*arguments: Any) -> Any:
        return getattr(import_module(f".{module}", __package__), function)(*arguments)

    return call


class Command(NamedTuple):
    """One command of the program.

    Parameters
    ----------
    setup : callable
        Adds its options.
    function : str
        ``module:function`` below this package; the view of the same name is below ``views``.
    summary, examples : str
        For people.
    daily : bool
        Whether users of datasets need it; the others are the workshop's.
    tells : bool
        Whether its result is said on standard error when the document goes elsewhere.
    """

    setup: Setup
    function: str
    summary: str
    examples: str = ""
    daily: bool = True
    tells: bool = False


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``pystamps-hpc``."""
    parser = _Parser(
        "pystamps-hpc",
        usage="%(prog)s [GLOBAL OPTIONS] COMMAND [OPTIONS]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    _global_options(parser, suppress=False)
    commands = parser.add_subparsers(
        title="commands",
        description=_listed(),
        metavar="COMMAND",
        required=True,
        help=argparse.SUPPRESS,
        prog="pystamps-hpc",
    )
    for name, each in COMMANDS.items():
        command = commands.add_parser(
            name,
            description=each.summary,
            epilog=f"examples:\n{each.examples}" if each.examples else None,
            formatter_class=_Help,
            allow_abbrev=False,
        )
        _global_options(command, suppress=True)
        each.setup(command)
        command.set_defaults(command=_command(each.function), view=each.function, tells=each.tells)
    return parser


def _listed() -> str:
    """List the commands in two groups."""
    lines = []
    for title, daily in (("every day:", True), ("the workshop:", False)):
        lines.append(title)
        for name, each in COMMANDS.items():
            if each.daily == daily:
                lines.append(fill(each.summary, WIDTH - 2, initial_indent=f"  {name:19}",
                                  subsequent_indent=" " * 21))  # fmt: skip
    return "\n".join(lines)


def _version() -> str:
    return version("pystamps-hpc")


def _global_options(parser: argparse.ArgumentParser, suppress: bool) -> None:
    """Add the options that may stand before or after the command."""

    def default(value: Any) -> Any:
        return argparse.SUPPRESS if suppress else value

    group = parser.add_argument_group("global options")
    group.add_argument("--config", metavar="FILE", default=default(None), help="YAML or JSON file")
    group.add_argument("-v", "--verbose", action="count", default=default(0), help="say more")
    group.add_argument("-q", "--quiet", action="store_true", default=default(False),
                       help="errors only")  # fmt: skip
    group.add_argument("--mpi", choices=("auto", "on", "off"), default=default(None),
                       help="use of MPI (auto: when a launcher started several tasks)")  # fmt: skip
    group.add_argument("--progress", choices=("auto", "bar", "plain", "json", "none"),
                       default=default("auto"),
                       help="how progress is shown on stderr")  # fmt: skip
    group.add_argument("--json", action="store_true", default=default(False),
                       help="answer with the JSON document on a terminal too")  # fmt: skip
    group.add_argument("--report", metavar="FILE", default=default(None),
                       help="also write the JSON document there")  # fmt: skip


def _dataset(parser: argparse.ArgumentParser, here: bool = True) -> None:
    parser.add_argument("--dataset", metavar="DIR", default="." if here else None,
                        help=f"dataset directory{' (.)' * here}")  # fmt: skip


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return number


def _kernel_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--backend", metavar="B",
                        help="auto, threads, processes, gpu or native")  # fmt: skip
    parser.add_argument("--stage2-kernel-backend", metavar="B",
                        help="kernels of stage 2: auto, python, native or cuda")  # fmt: skip
    parser.add_argument("--kernel-backend", metavar="KERNEL=B", action="append", default=[],
                        help="backend of one kernel; may be repeated")  # fmt: skip
    parser.add_argument("--native-only", action="store_true",
                        help="refuse any kernel or program outside the native ones")  # fmt: skip
    parser.add_argument("--cpu-workers", type=_count, metavar="N",
                        help="threads of a rank, or width of the pool (0: all)")  # fmt: skip
    parser.add_argument("--io-workers", type=_count, metavar="N", help="threads that read files")
    parser.add_argument("--stage2-native-threads", type=_count, metavar="N",
                        help="threads of the native kernels (0: all)")  # fmt: skip
    parser.add_argument("--log", metavar="FILE",
                        help="all that is said (.pystamps-hpc/runs/RUN/log)")  # fmt: skip
    parser.add_argument("--break-lock", action="store_true", help="remove a foreign lock")


def _run(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(stops_in_good_order=True)
    _dataset(parser)
    parser.add_argument("--start-step", type=int, default=1, metavar="N", help="first stage (1)")
    parser.add_argument("--end-step", type=int, default=8, metavar="N", help="last stage (8)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--force", action="store_true", help="redo finished stages of the window")
    parser.add_argument("--stale", choices=("rerun", "keep", "fail"),
                        help="what to do with work that is out of date (rerun)")  # fmt: skip
    parser.add_argument("--part", choices=("all", "patches", "merged"), default="all",
                        help="patch stages only, or the merge and later only")  # fmt: skip
    parser.add_argument("--patches", metavar="A,B", help="only these patches")
    parser.add_argument("--keep-going", action="store_true",
                        help="a failed patch does not stop the others")  # fmt: skip
    _kernel_options(parser)


def _stage(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(stops_in_good_order=True)
    parser.add_argument("number", type=int, choices=range(1, 9), metavar="N", help="stage, 1 to 8")
    parser.add_argument("--patch", metavar="DIR", help="patch directory (stages 1-5)")
    _dataset(parser, here=False)
    _kernel_options(parser)


def _status(parser: argparse.ArgumentParser) -> None:
    _dataset(parser)
    parser.add_argument("--detail", action="store_true", help="points and file sizes per stage")


def _parms(parser: argparse.ArgumentParser) -> None:
    _dataset(parser)
    parser.add_argument("--patch", metavar="NAME", help="the parameters that hold in this patch")
    parser.add_argument("--local", action="store_true", help="localparms.mat instead of parms.mat")
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="all parameters, or one", allow_abbrev=False)
    show.add_argument("name", nargs="?")
    change = actions.add_parser("set", help="change a parameter", allow_abbrev=False)
    change.add_argument("name")
    change.add_argument("value", nargs="+", help="number, text, list of numbers or []")
    back = actions.add_parser("reset", help="back to the default", allow_abbrev=False)
    back.add_argument("name")


def _reset_scla(parser: argparse.ArgumentParser) -> None:
    _dataset(parser)
    parser.add_argument("--no-patches", action="store_true", help="the root only")
    parser.add_argument("--dry-run", action="store_true", help="list, remove nothing")


def _inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", default="all", metavar="N,M", help="stages, or all")
    _dataset(parser, here=False)
    parser.add_argument("--patch", metavar="NAME", help="patch to check (the first)")


def _backends(parser: argparse.ArgumentParser) -> None:
    del parser


def _simulate(parser: argparse.ArgumentParser) -> None:
    import_module(".simulating", __package__).add_options(parser)


def _verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", metavar="DIR", required=True, help="dataset to check")
    parser.add_argument("--golden", metavar="DIR",
                        help="dataset to compare with (none: consistency alone)")  # fmt: skip
    parser.add_argument("--profile", choices=("strict", "scientific"),
                        help="strict: measured agreement with StaMPS (default); scientific: bounded"
                        " outliers, points matched by position")  # fmt: skip
    parser.add_argument("--from-stage", type=int, default=1, metavar="N", help="first stage (1)")
    parser.add_argument("--through-stage", type=int, default=8, metavar="N", help="last stage (8)")
    parser.add_argument("--final-products-only", action="store_true",
                        help="leave out intermediate artifacts and diagnostic keys")  # fmt: skip
    parser.add_argument("--isolated", action="store_true",
                        help="stages ran on golden inputs, nothing accumulated")  # fmt: skip
    parser.add_argument("--detail", action="store_true", help="list every key")


def _audit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--targets", nargs="+", metavar="ID", help="only these targets")
    parser.add_argument("--manifest", metavar="FILE", help="another manifest than the package's")
    parser.add_argument("--work", metavar="DIR", default="build/audit",
                        help="where run copies go (build/audit)")  # fmt: skip
    parser.add_argument("--output", metavar="FILE", help="report (WORK/latest.json)")
    parser.add_argument("--keep-run-copies", action="store_true", help="do not remove run copies")
    parser.add_argument("--record", action="store_true",
                        help="keep the report as evidence of parity")  # fmt: skip


def _coverage(parser: argparse.ArgumentParser) -> None:
    import_module(".checking", __package__).add_coverage_options(parser)


def _gate(parser: argparse.ArgumentParser) -> None:
    import_module(".checking", __package__).add_gate_options(parser)


def _warmup(parser: argparse.ArgumentParser) -> None:
    import_module(".checking", __package__).add_warmup_options(parser)


def _doctor(parser: argparse.ArgumentParser) -> None:
    import_module(".checking", __package__).add_doctor_options(parser)


def _legacy(parser: argparse.ArgumentParser) -> None:
    import_module(".checking", __package__).add_legacy_options(parser)


def _slurm(parser: argparse.ArgumentParser) -> None:
    import_module(".clusters", __package__).add_options(parser)


COMMANDS: dict[str, Command] = {
    "run": Command(
        _run,
        "running:run",
        "Run stages 1-8 of a dataset; finished work is skipped.",
        "  pystamps-hpc run --dataset DIR\n"
        "  pystamps-hpc run --dataset DIR --end-step 4 --dry-run\n"
        "  pystamps-hpc run --dataset DIR --start-step 6 --force    # second pass with SCLA\n"
        "  srun --mpi=pmix --kill-on-bad-exit=1 pystamps-hpc run --dataset DIR\n",
        tells=True,
    ),
    "stage": Command(
        _stage,
        "running:stage",
        "Run one stage of one patch, or one merged stage, whether it is finished or not.",
        "  pystamps-hpc stage 2 --patch DIR/PATCH_1\n  pystamps-hpc stage 6 --dataset DIR\n",
        tells=True,
    ),
    "status": Command(
        _status,
        "describing:status",
        "How far a dataset is, what is missing or out of date.",
        "  pystamps-hpc status --dataset DIR\n",
    ),
    "simulate": Command(
        _simulate,
        "simulating:simulate",
        "Write a dataset of candidates with known truth.",
        "  pystamps-hpc simulate OUT --candidates 20000 --images 20 --patches 1x2\n",
    ),
    "slurm": Command(
        _slurm,
        "clusters:slurm",
        "Write a SLURM job script with the ranks, memory and time that a dataset needs.",
        "  pystamps-hpc slurm init --template multi-node --nodes 4 --dataset DIR\n",
    ),
    "parms": Command(
        _parms,
        "parameters:parms",
        "Show, set or reset processing parameters.",
        "  pystamps-hpc parms --dataset DIR show\n"
        "  pystamps-hpc parms --dataset DIR set unwrap_grid_size 100\n"
        "  pystamps-hpc parms --dataset DIR set drop_ifg_index 3 12\n"
        "  pystamps-hpc parms --dataset DIR reset unwrap_grid_size\n",
    ),
    "reset-scla": Command(
        _reset_scla,
        "parameters:reset_scla",
        "Remove the SCLA estimates, so that the next stage 6 starts without feedback.",
    ),
    "coverage": Command(
        _coverage,
        "checking:coverage",
        "Which stages run natively, and which are certified to equal StaMPS.",
        "  pystamps-hpc coverage --start-step 6\n",
        daily=False,
    ),
    "gate": Command(
        _gate,
        "checking:gate",
        "Run the chain natively on a clean copy and verify it, with reports beside the result.",
        "  pystamps-hpc gate --dataset DIR --golden GOLDEN --run COPY --ranks 2\n",
        daily=False,
        tells=True,
    ),
    "warmup": Command(
        _warmup,
        "checking:warmup",
        "Compile every native kernel into the cache.",
        daily=False,
    ),
    "doctor": Command(
        _doctor,
        "checking:doctor",
        "Examine machine, MPI, programs and a dataset; each problem with its remedy.",
        "  pystamps-hpc doctor --dataset DIR\n  srun --mpi=pmix pystamps-hpc doctor mpi\n",
        tells=True,
    ),
    "list-legacy": Command(
        _legacy,
        "checking:legacy",
        "List the programs of a StaMPS installation.",
        "  pystamps-hpc list-legacy --stamps-root /opt/StaMPS\n",
        daily=False,
        tells=True,
    ),
    "describe-inputs": Command(
        _inputs,
        "describing:inputs",
        "What each stage reads, and a check of the candidate files of a dataset.",
        "  pystamps-hpc describe-inputs --stage 1 --dataset DIR\n",
    ),
    "describe-backends": Command(
        _backends,
        "describing:backends",
        "Kernels, their backends, and external programs found here.",
        daily=False,
    ),
    "verify": Command(
        _verify,
        "verifying:verify",
        "Compare a run with a golden tree key by key, or check it in itself.",
        "  pystamps-hpc verify --run DIR --golden GOLDEN\n"
        "  pystamps-hpc verify --run DIR --golden GOLDEN --profile scientific --through-stage 5\n"
        "  pystamps-hpc verify --run DIR\n",
        tells=True,
    ),
    "audit": Command(
        _audit,
        "verifying:audit",
        "Run the audited workflows on fresh copies of golden data and verify every key.",
        "  PYSTAMPS_HPC_DATA_ROOT=GOLDEN_SETS pystamps-hpc audit\n"
        "  pystamps-hpc audit --targets mini\n",
        daily=False,
        tells=True,
    ),
}
