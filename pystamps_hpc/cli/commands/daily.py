"""The commands that users of datasets need."""

import re
from argparse import ArgumentParser, ArgumentTypeError

from ...config import VALUE_TYPES
from .command import Command, count, dataset_option, positive, stage_options

NEGATIVE = re.compile(r"-\.?\d|-inf", re.IGNORECASE)
"""A value that begins with a minus sign and is no option."""

HERE = "(. if it is one)"
INIT = """\
Write a job script: single-node (ranks and threads of one node), multi-node (MPI between nodes),
patch-array (no MPI: an array job over the patches, then the merge), gpu (a rank for each device;
there are no GPU kernels yet). With a dataset its ranks, memory and time are estimated.
"""
TEMPLATES = ("single-node", "multi-node", "gpu", "patch-array")

NUMBERS = {
    "candidates": (int, "distinct candidate pixels (20000)"),
    "images": (int, "acquisitions, master included (20)"),
    "seed": (int, "same seed and options, same bytes (1)"),
    "overlap": (int, "pixels a patch reaches beyond its own part (20)"),
    "density": (float, "candidates per square kilometre (200)"),
    "ps-fraction": (float, "share of candidates that are PS (0.7)"),
    "baseline": (float, "deviation of the perpendicular baselines [m] (150)"),
    "span-days": (int, "time span [days] (732)"),
    "velocity": (float, "largest subsidence rate [mm/yr] (15)"),
    "seasonal": (float, "largest yearly amplitude [mm] (4)"),
    "dem-error": (float, "deviation of the DEM error [m] (4)"),
    "atmosphere": (float, "deviation of the delay [mm] (3)"),
    "orbit": (float, "deviation of the orbital ramp, edge to edge [mm] (4)"),
}
"""Numbers of the simulator: option -> type and meaning."""


def _kernel_options(parser: ArgumentParser) -> None:
    parser.add_argument("--backend", metavar="B",
                        help="auto, threads, processes, gpu or native")  # fmt: skip
    parser.add_argument("--stage2-kernel-backend", metavar="B",
                        help="kernels of stage 2: auto, python, native or cuda")  # fmt: skip
    parser.add_argument("--kernel-backend", metavar="KERNEL=B", action="append", default=[],
                        help="backend of one kernel; may be repeated")  # fmt: skip
    parser.add_argument("--native-only", action="store_true",
                        help="refuse any kernel or program outside the native ones")  # fmt: skip
    parser.add_argument("--cpu-workers", type=count, metavar="N",
                        help="threads of a rank, or width of the pool (0: all)")  # fmt: skip
    parser.add_argument("--io-workers", type=count, metavar="N", help="threads that read files")
    parser.add_argument("--stage2-native-threads", type=count, metavar="N",
                        help="threads of the native kernels (0: all)")  # fmt: skip
    parser.add_argument("--log", metavar="FILE",
                        help="all that is said (.pystamps-hpc/runs/RUN/log)")  # fmt: skip
    parser.add_argument("--break-lock", action="store_true", help="remove a foreign lock")


def _run(parser: ArgumentParser) -> None:
    parser.set_defaults(stops_in_good_order=True)
    dataset_option(parser)
    stage_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--force", action="store_true", help="redo finished stages of the window")
    parser.add_argument("--stale", choices=("rerun", "keep", "fail"),
                        help="what to do with work that is out of date (rerun)")  # fmt: skip
    parser.add_argument("--mean-v-type", choices=VALUE_TYPES,
                        help="what is taken off before velocities are fitted: d DEM error, "
                        "o ramps (v-do)")  # fmt: skip
    parser.add_argument("--part", choices=("all", "patches", "merged"), default="all",
                        help="patch stages only, or the merge and later only")  # fmt: skip
    parser.add_argument("--patches", metavar="A,B", help="only these patches")
    parser.add_argument("--keep-going", action="store_true",
                        help="a failed patch does not stop the others")  # fmt: skip
    _kernel_options(parser)


def _stage(parser: ArgumentParser) -> None:
    parser.set_defaults(stops_in_good_order=True)
    parser.add_argument("number", type=int, choices=range(1, 9), metavar="N", help="stage, 1 to 8")
    parser.add_argument("--patch", metavar="DIR",
                        help="patch directory, stages 1-5 (. inside a patch)")  # fmt: skip
    dataset_option(parser, help="dataset directory, stages 5-8 (. inside a dataset)", default=None)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--force", action="store_true",
                        help="replace and remove results of other programs too")  # fmt: skip
    _kernel_options(parser)


def _status(parser: ArgumentParser) -> None:
    dataset_option(parser)
    parser.add_argument("--detail", action="store_true", help="points and file sizes per stage")


def _patches(text: str) -> tuple[int, int]:
    azimuth, cross, sample = text.lower().partition("x")
    if not cross or not azimuth.isdecimal() or not sample.isdecimal():
        raise ArgumentTypeError(f"{text}: expected AxR, patches in azimuth and range, e.g. 2x1")
    return int(azimuth), int(sample)


def _simulate(parser: ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", help="directory to create")
    parser.add_argument("--patches", type=_patches, metavar="AxR",
                        help="patches in azimuth and range (2x1)")  # fmt: skip
    for name, (kind, text) in NUMBERS.items():
        parser.add_argument(f"--{name}", type=kind, metavar="N", help=text)
    parser.add_argument("--noise-free", action="store_true", help="exact model phase, no clutter")


def _slurm(parser: ArgumentParser) -> None:
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


def _parms(parser: ArgumentParser) -> None:
    dataset_option(parser)
    parser.add_argument("--patch", metavar="NAME", help="the parameters that hold in this patch")
    parser.add_argument("--local", action="store_true", help="localparms.mat instead of parms.mat")
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION")
    parser.set_defaults(action="show", name=None)
    show = actions.add_parser("show", help="all parameters, or one", allow_abbrev=False)
    show.add_argument("name", nargs="?")
    change = actions.add_parser("set", help="change a parameter", allow_abbrev=False)
    change.add_argument("name")
    change._negative_number_matcher = NEGATIVE  # -Inf is a value too
    change.add_argument("value", nargs="+", help="number, text, list of numbers or []")
    back = actions.add_parser("reset", help="back to the default", allow_abbrev=False)
    back.add_argument("name")
    for action in (show, change, back):
        dataset_option(action)


def _reset_scla(parser: ArgumentParser) -> None:
    dataset_option(parser)
    parser.add_argument("--no-patches", action="store_true", help="the root only")
    parser.add_argument("--force", action="store_true",
                        help="remove those of other programs too")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="list, remove nothing")


def _doctor(parser: ArgumentParser) -> None:
    parser.add_argument("part", nargs="?", choices=("mpi", "gpu", "dataset"),
                        help="only this part (all)")  # fmt: skip
    dataset_option(parser, help=f"dataset to examine {HERE}", default=None)


def _inputs(parser: ArgumentParser) -> None:
    parser.add_argument("--stage", default="all", metavar="N,M", help="stages, or all")
    dataset_option(parser, help=f"dataset to check {HERE}", default=None)
    parser.add_argument("--patch", metavar="NAME", help="patch to check (all)")


def _verify(parser: ArgumentParser) -> None:
    dataset_option(parser, "--run", help="dataset to check (.)")
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


DAILY: dict[str, Command] = {
    "run": Command(
        "Run stages 1-8 of a dataset; finished work is skipped.",
        "running:run",
        _run,
        examples=(
            "pystamps-hpc run --dataset DIR",
            "pystamps-hpc run --dataset DIR --end-step 4 --dry-run",
            "pystamps-hpc run --dataset DIR --start-step 6 --force    # second pass with SCLA",
            "srun --mpi=pmix --kill-on-bad-exit=1 pystamps-hpc run --dataset DIR",
        ),
        tells=True,
    ),
    "stage": Command(
        "Run one stage of one patch, or one merged stage, whether it is finished or not.",
        "running:stage",
        _stage,
        examples=(
            "pystamps-hpc stage 2 --patch DIR/PATCH_1",
            "pystamps-hpc stage 6 --dataset DIR",
            "cd DIR/PATCH_1 && pystamps-hpc stage 2",
        ),
        tells=True,
    ),
    "status": Command(
        "How far a dataset is, what is missing or out of date.",
        "describing:status",
        _status,
        examples=("pystamps-hpc status --dataset DIR",),
    ),
    "simulate": Command(
        "Write a dataset of candidates with known truth.",
        "simulating:simulate",
        _simulate,
        examples=("pystamps-hpc simulate OUT --candidates 20000 --images 20 --patches 1x2",),
    ),
    "slurm": Command(
        "Write a SLURM job script with the ranks, memory and time that a dataset needs.",
        "clusters:slurm",
        _slurm,
        examples=(
            "pystamps-hpc slurm init --dataset DIR",
            "pystamps-hpc slurm init --template multi-node --nodes 4 --cpus 48 --dataset DIR",
            "pystamps-hpc slurm init --template patch-array --image pystamps-hpc.sif --out job.sh",
        ),
    ),
    "parms": Command(
        "Show, set or reset processing parameters.",
        "parameters:parms",
        _parms,
        examples=(
            "pystamps-hpc parms --dataset DIR show",
            "pystamps-hpc parms --dataset DIR set unwrap_grid_size 100",
            "pystamps-hpc parms --dataset DIR set drop_ifg_index 3 12",
            "pystamps-hpc parms --dataset DIR reset unwrap_grid_size",
        ),
    ),
    "reset-scla": Command(
        "Remove the SCLA estimates, so that the next stage 6 starts without feedback.",
        "parameters:reset_scla",
        _reset_scla,
    ),
    "doctor": Command(
        "Examine machine, MPI, programs and a dataset; each problem with its remedy.",
        "checking:doctor",
        _doctor,
        examples=(
            "pystamps-hpc doctor",
            "pystamps-hpc doctor --dataset DIR",
            "srun --mpi=pmix pystamps-hpc doctor mpi",
        ),
        tells=True,
    ),
    "describe-inputs": Command(
        "What each stage reads, and a check of the candidate files of a dataset.",
        "describing:inputs",
        _inputs,
        examples=("pystamps-hpc describe-inputs --stage 1 --dataset DIR",),
    ),
    "verify": Command(
        "Compare a run with a golden tree key by key, or check it in itself.",
        "verifying:verify",
        _verify,
        examples=(
            "pystamps-hpc verify --run DIR --golden GOLDEN",
            "pystamps-hpc verify --run DIR --golden GOLDEN --profile scientific --through-stage 5",
            "pystamps-hpc verify --run DIR",
        ),
        tells=True,
    ),
}
