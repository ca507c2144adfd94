"""``prep``: candidates from the images and interferograms that a processor left."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from ...errors import ConfigError, Exit
from ..command import Answer, Command, config_option, count, dataset_option, positive
from ..shapes import CAREFUL, STRONG, Shape, heading, marked, pairs, paragraph, table
from .run import configuration

if TYPE_CHECKING:
    from ...parallel.team import Team
    from ...tools.preparation import Prepared

PROCESSORS = ("auto", "snap", "gamma", "isce", "doris")


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("processor", choices=PROCESSORS, nargs="?", default="auto",
                        help="program that made the stack; auto finds out (auto)")  # fmt: skip
    dataset_option(parser, help="directory that the processor left, and the dataset to be (.)")
    parser.add_argument("--master-date", metavar="YYYYMMDD",
                        help="date of the master, where names do not tell it")  # fmt: skip
    parser.add_argument("--amp-dispersion", metavar="D",
                        help="amplitude dispersion that a candidate stays below "
                        "(0.4, small baselines 0.6)")  # fmt: skip
    parser.add_argument("--patches", choices=("auto",),
                        help="patches and overlap for scene, ranks and memory")  # fmt: skip
    for side, word in (("range", "across"), ("azimuth", "along")):
        parser.add_argument(f"--{side}-patches", type=positive, metavar="N",
                            help=f"patches {word} the track (1)")  # fmt: skip
        parser.add_argument(f"--{side}-overlap", type=count, metavar="N",
                            help=f"pixels that a patch reaches beyond its own part {word} it (50)"
                            )  # fmt: skip
    parser.add_argument("--mask", metavar="FILE", type=Path,
                        help="a byte per pixel; what is not 0 is left out")  # fmt: skip
    parser.add_argument("--force", action="store_true", help="make patches that are there anew")
    config_option(parser, "--cpu-workers", "runtime.cpu_workers")
    parser.add_argument("--log", metavar="FILE",
                        help="all that is said (.pystamps-hpc/runs/RUN/log)")  # fmt: skip
    parser.add_argument("--break-lock", action="store_true", help="remove a foreign lock")
    parser.set_defaults(kernel_backend=[])


def run(options: Namespace, team: "Team") -> Answer:
    """Prepare a dataset."""
    from ...tools.preparation import Options
    from ...tools.preparation.running import run_preparation
    from ..display import Display

    config = team.on_root(lambda: configuration(options))
    counts = (options.azimuth_patches, options.range_patches)
    if options.patches and counts != (None, None):
        raise ConfigError("--patches auto chooses the numbers: leave --azimuth-patches and "
                          "--range-patches out")  # fmt: skip
    chosen = Options(
        processor=options.processor,
        master=options.master_date,
        dispersion=options.amp_dispersion,
        patches=None if options.patches else (counts[0] or 1, counts[1] or 1),
        overlap=(options.azimuth_overlap, options.range_overlap),
        mask=_mask(options),
        force=options.force,
    )
    display = Display(options.progress, options.verbose, options.quiet, team, options.log)
    with display:
        prepared = run_preparation(
            Path(options.dataset), chosen, config, team, display, options.arguments,
            options.break_lock,
        )  # fmt: skip
    return _document(prepared), Exit.OK


def _mask(options: Namespace) -> Path | None:
    """Return the mask: of the dataset, else of the directory that one is in."""
    mask: Path | None = options.mask
    if mask is None or Path(options.dataset, mask).exists() or not mask.exists():
        return mask
    return mask.resolve()


def _document(prepared: "Prepared") -> dict[str, Any]:
    stack = prepared.stack
    return {
        "schema": "pystamps-hpc/prep-report/1",
        "dataset_root": str(stack.root),
        "processor": stack.processor,
        "small_baselines": stack.small_baselines,
        "master": stack.master,
        "width": stack.width,
        "length": stack.length,
        "images": len(set(stack.dates)),
        "interferograms": len(stack.ifgs),
        "amp_dispersion": prepared.threshold,
        "patch_count": len(prepared.patches),
        "candidate_count": sum(prepared.candidates.values()),
        "patch_rows": [
            {
                "patch": patch.name,
                "candidates": prepared.candidates[patch.name],
                "bounds": patch.full.lines,
                "noover": patch.own.lines,
                "kept": patch.name in prepared.kept,
            }
            for patch in prepared.patches
        ],
        "calibration": prepared.constants,
        "picture": prepared.picture and str(prepared.picture),
        "peak_rss_mib": prepared.peak_rss_mib,
        "warnings": prepared.warnings,
    }


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show the stack, its patches, and how to go on."""
    kind = "small baselines" if document["small_baselines"] else "single master"
    yield pairs(
        {
            "stack": f"{document['processor']}, {kind}, master {document['master']}",
            "scene": f"{document['length']:,} lines x {document['width']:,} samples",
            "images": document["images"],
            "interferograms": document["interferograms"],
            "candidates": f"{document['candidate_count']:,} below an amplitude dispersion of "
            f"{document['amp_dispersion']}",
        }
    )
    yield heading("Patches")
    yield table(
        ("patch", "candidates", "range", "azimuth", ""),
        (
            (row["patch"], f"{row['candidates']:,}", _span(row["bounds"][:2]),
             _span(row["bounds"][2:]), "was there" if row["kept"] else "")
            for row in document["patch_rows"]
        ),
    )  # fmt: skip
    yield paragraph()
    for warning in document["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)
    if document["picture"]:
        yield marked(document["picture"], STRONG)
    yield paragraph(f"Next: pystamps-hpc run --dataset {quote(document['dataset_root'])}")


def _span(ends: list[int]) -> str:
    return f"{ends[0]}-{ends[1]}"


COMMAND = Command(
    "prep",
    "Choose candidates in a stack of images; makes what stage 1 reads.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc prep snap --dataset INSAR_20160607 --azimuth-patches 2 --range-patches 2",
        "pystamps-hpc prep isce --dataset INSAR_20160607/SMALL_BASELINES --amp-dispersion 0.6",
        "srun --mpi=pmix pystamps-hpc prep --dataset INSAR_20160607",
    ),
    table_on_stderr=True,
    stops_in_good_order=True,
)
