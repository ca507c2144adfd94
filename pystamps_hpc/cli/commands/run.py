"""``run``: stages 1-8 of a dataset, and what every command that runs stages shares."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from ...config import RunConfig, configured_by, load_config
from ...errors import ConfigError
from ...pipeline import LAST_STAGE
from .. import collecting
from ..command import Answer, Command, config_option, dataset_option, given, stage_options
from ..shapes import BAD, CAREFUL, STRONG, Shape, heading, marked, paragraph, table, text_of
from .status import cells, points

if TYPE_CHECKING:
    from ...parallel.team import Team
    from ...pipeline.events import Watcher
    from ...pipeline.types import PipelineContext

Document = dict[str, Any]

REASONS = {
    "incoherent": "not coherent enough",
    "adjacent": "beside a better one",
    "zero_height": "at height zero",
    "same_position": "at the position of another",
    "noisy": "too noisy",
    "in_overlaps": "counted by the neighbouring patch",
}
MOST_NAMES = 8
LEAST_SHARE = 0.01
OUTSTANDING = 1.5
"""An interferogram this many times as noisy as the median is worth a look."""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    dataset_option(parser)
    stage_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--force", action="store_true", help="redo finished stages of the window")
    config_option(parser, "--stale", "runtime.stale_policy", metavar="POLICY")
    config_option(parser, "--mean-v-type", "output.mean_v_type", metavar="TYPE")
    parser.add_argument("--part", choices=("all", "patches", "merged"), default="all",
                        help="patch stages only, or the merge and later only")  # fmt: skip
    parser.add_argument("--patches", metavar="A,B", help="only these patches")
    parser.add_argument("--keep-going", action="store_true",
                        help="a failed patch does not stop the others")  # fmt: skip
    kernel_options(parser)


def kernel_options(parser: ArgumentParser) -> None:
    """Add how stages are computed, logged and locked."""
    config_option(parser, "--backend", "runtime.backend", metavar="B")
    config_option(parser, "--stage2-kernel-backend", "runtime.stage2_kernel_backend", metavar="B")
    parser.add_argument("--kernel-backend", metavar="KERNEL=B", action="append", default=[],
                        help="backend of one kernel; may be repeated")  # fmt: skip
    parser.add_argument("--native-only", action="store_true",
                        help="refuse any kernel or program outside the native ones")  # fmt: skip
    config_option(parser, "--cpu-workers", "runtime.cpu_workers")
    config_option(parser, "--io-workers", "runtime.io_workers")
    config_option(parser, "--stage2-native-threads", "runtime.stage2_native_threads")
    parser.add_argument("--log", metavar="FILE",
                        help="all that is said (.pystamps-hpc/runs/RUN/log)")  # fmt: skip
    parser.add_argument("--break-lock", action="store_true", help="remove a foreign lock")


def run(options: Namespace, team: "Team") -> Answer:
    """Run a window of stages."""
    from ...pipeline.forced import already_forced
    from ...pipeline.types import PipelineContext

    config = team.on_root(lambda: configuration(options))
    patches = tuple(name for name in (options.patches or "").split(",") if name) or None
    root = Path(options.dataset)
    context = PipelineContext(
        root,
        config,
        start_step=options.start_step,
        end_step=options.end_step,
        dry_run=options.dry_run,
        force=options.force and not team.on_root(lambda: already_forced(root, options.arguments)),
        part=options.part,
        patches=patches,
        keep_going=options.keep_going,
    )
    return run_stages(context, options, team)


def configuration(options: Namespace) -> RunConfig:
    """Return the configuration file with the options of the command line laid over it.

    Raises
    ------
    ConfigError
        Unknown value, or ``KERNEL=B`` without an equals sign.
    """
    config = load_config(options.config)
    values = given(options)
    if mode := os.environ.get("PYSTAMPS_HPC_MPI"):
        values.setdefault("mpi.enabled", mode)
    if options.kernel_backend:
        overrides = dict(config.runtime.kernel_backend_overrides)
        for word in options.kernel_backend:
            kernel, equals, backend = word.partition("=")
            if not equals:
                raise ConfigError(f"--kernel-backend {word}: expected KERNEL=BACKEND")
            overrides[kernel] = backend
        values["runtime.kernel_backend_overrides"] = overrides
    return config.with_values(values)


def run_stages(context: "PipelineContext", options: Namespace, team: "Team") -> Answer:
    """Run what a context describes, with progress on standard error."""
    from ...pipeline.documents import json_text
    from ...pipeline.events import ignore
    from ...pipeline.stages import run_pipeline
    from ...tools.run_products import loading_beside, make_products, require_products
    from ..display import Display

    team.on_root(lambda: require_products(context.run_config))
    context = replace(
        context,
        native_only=options.native_only,
        break_lock=options.break_lock,
        command=options.arguments,
        config_file=configured_by(options.config),
    )
    display = Display(options.progress, options.verbose, options.quiet, team, options.log)
    with display:
        watcher: Watcher = ignore if context.dry_run else _collecting(display)
        if team.rank == 0 and context.end_step == LAST_STAGE:
            watcher = loading_beside(watcher, context.run_config)
        report = run_pipeline(context, watcher, team, make_products)
        document = report.to_json()
        if display.log is not None:
            display.keep(text_of(view(document), display.log))
    if team.rank == 0 and options.quiet:  # else its view tells it
        for name, reason in report.not_made.items():
            print(f"FAILED {name}: {reason}", file=sys.stderr)
    if team.rank == 0 and options.verbose > 1 and not options.quiet:
        print(json_text({key: document[key] for key in ("backends", "config")}), file=sys.stderr)
    return document, report.exit_code


def _collecting(watcher: "Watcher") -> "Watcher":
    """Return a watcher that lets the collector of cycles work as soon as the run does."""
    from ...pipeline.events import Event, RunStarted

    def watch(event: Event) -> None:
        if isinstance(event, RunStarted):
            collecting.resume()
        watcher(event)

    return watch


def view(document: Document) -> Iterator[Shape]:
    """Show the plan of a dry run, else what became of the run."""
    from ...pipeline.table import stage_numbers

    rows = document["results"]
    if document["dry_run"]:
        yield from _plan(rows)
        if would_make := document["would_make"]:
            yield paragraph(f"Would make {', '.join(would_make)}.")
    worked = {row["stage"] for row in rows if row["status"] == "completed"}
    merge = stage_numbers("merged")[0]
    if worked & {merge, LAST_STAGE} and document["funnel"]:
        yield heading("Points")
        yield points(document["funnel"], document["findings"]["points"])
        yield paragraph()
    for name, reason in document["not_made"].items():
        yield paragraph(f"FAILED {name}: {reason}; the results themselves stand", style=BAD)
    for warning in document["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)
    if document["interrupted"]:
        signal = next(row["signal"] for row in rows if row["signal"])
        yield paragraph(
            f"stopped by {signal} in good order; the same command, without --force, "
            "goes on from here"
        )
    if worked & {merge, *stage_numbers(tool="unwrapper"), LAST_STAGE}:
        yield paragraph(*summary(document))
    for path in document["products"].values():
        yield marked(path, STRONG)
    if LAST_STAGE in worked and document["ok"]:
        for sentence in _next(document):
            yield paragraph(sentence)
    yield from _conclusion(document)


def _conclusion(document: Document) -> Iterator[Shape]:
    """Say last what a batch job must not overlook: results that were kept, and why nothing ran."""
    idle = {row["status"] for row in document["results"]} <= {"skipped_existing", "skipped"}
    if elsewhere := document["made_elsewhere"]:
        yield paragraph(_made_elsewhere(elsewhere, document))
    if document["stale"]:
        yield paragraph(_out_of_date(document["stale"]), style=CAREFUL)
    elif idle and document["ok"] and document["made"]:
        yield paragraph(
            f"made {', '.join(document['made'])}; all selected stages were complete (use "
            "--force to recompute)"
        )
    elif idle and document["ok"] and not document["would_make"]:
        yield paragraph(
            "nothing to do: all selected stages are complete (use --force to recompute)"
        )


def summary(document: Document) -> Iterator[str]:
    """Yield the sentences of what was kept, what was dropped and why, and how it unwrapped."""
    found = document["findings"]
    yield from _points(found, len(document["funnel"]))
    if gone := document["dropped_patches"]:
        names = ", ".join(gone[:MOST_NAMES]) + ", ..." * (len(gone) > MOST_NAMES)
        yield f"Without PS and left out: {names}."
    if left_out := found["drop_ifg_index"]:
        numbers = ", ".join(f"{number:g}" for number in left_out)
        yield f"Left out by drop_ifg_index: interferograms {numbers}."
    unwrapping = found["unwrapping"]
    if unwrapping["interferograms"] and unwrapping["residues"] is not None:
        yield (
            f"Unwrapping {unwrapping['interferograms']} interferograms met "
            f"{unwrapping['residues']:,} residues; the cost of the solution is "
            f"{unwrapping['cost']:.4g}."
        )
    if unwrapping["with_feedback"]:
        yield "It was a pass with feedback: the look-angle error of the pass before was taken off."
    if (share := unwrapping["arcs_without_statistics"]) and share >= LEAST_SHARE:
        yield f"{share:.0%} of the arcs had no statistics."
    if noise := found["noise"]:
        worst = noise["noisiest"][0]
        yield (
            f"The noise of the interferograms is {noise['median_deg']:.0f} deg in the median, the "
            f"largest {worst['deg']:.0f} deg of {_named(worst)}."
        )
    if (velocity := found["velocity"]) is not None:
        low, middle, high = velocity
        yield (
            f"98 % of the velocities lie between {low:.1f} and {high:.1f} mm/yr, the median is "
            f"{middle:.1f}."
        )


def _points(found: Document, n_patches: int) -> Iterator[str]:
    counts = found["points"]
    left = next((counts[name] for name in ("merged", "weeded", "selected")
                 if counts[name] is not None), None)  # fmt: skip
    if left is None or counts["candidates"] is None:
        return
    patches = f"{n_patches:,} patches" if n_patches != 1 else "one patch"
    yield f"Of {counts['candidates']:,} candidates in {patches} {left:,} points are left."
    if found["cell_m"] and counts["merged"] is not None:
        yield cells(found["cell_m"])
    if found["dropped"]:
        reasons = (f"{count:,} {REASONS[name]}" for name, count in found["dropped"].items())
        yield f"Dropped: {', '.join(reasons)}."


def _next(document: Document) -> Iterator[str]:
    """Say what to look at after a finished run."""
    from ...pipeline.outlook import configured

    noise = document["findings"]["noise"]
    where = document["dataset"]
    if noise and noise["noisiest"][0]["deg"] > OUTSTANDING * noise["median_deg"]:
        yield (
            f"Next: look at {_named(noise['noisiest'][0])}, which is far noisier than the others; "
            "drop_ifg_index can leave it out."
        )
    else:
        yield "Next: look at the map."
    if document["findings"]["small_baselines"]:
        yield f"Which pairs are worth dropping: pystamps-hpc network --dataset {quote(where)}"
    if not document["findings"]["unwrapping"]["with_feedback"]:
        yield (
            "To unwrap again with the look-angle error taken off first (pass with feedback): "
            f"pystamps-hpc run --dataset {quote(where)}{configured(document['config_file'])} "
            "--start-step 6 --force"
        )


def _named(noise: Document) -> str:
    """Name an interferogram by its number, which counts from 1, and its dates."""
    return f"interferogram {noise['number']} ({noise['date']})"


def _plan(rows: list[Document]) -> Iterator[Shape]:
    """Say what a run would do: how many targets of each stage would run or stay, and what goes."""
    from ...pipeline.outlook import shortened

    counts = Counter((row["stage"], row["scope"], row["status"], row["details"]) for row in rows)
    yield table(
        ("stage", "scope", "tasks", "plan", ""),
        (
            (stage, scope, count, status.replace("_", " "), details)
            for (stage, scope, status, details), count in counts.items()
        ),
    )
    if removed := _removed(rows):
        yield paragraph()
        yield table(
            ("stage", "scope", "removes"),
            ((*stage, shortened(names)) for stage, names in removed.items()),
        )
        yield paragraph()


def _removed(rows: list[Document]) -> dict[tuple[int, str], list[str]]:
    """Return what each stage removes; a file that several would remove goes with the first."""
    removed: dict[tuple[int, str], list[str]] = {}
    seen: set[str] = set()
    for row in rows:
        new = [name for name in row["invalidates"] if name not in seen]
        if row["status"] == "planned" and new:
            removed.setdefault((row["stage"], row["scope"]), []).extend(new)
            seen.update(new)
    return removed


def _made_elsewhere(stages: list[int], document: Document) -> str:
    """Say which finished stages are another program's, and how they are made again."""
    from ...pipeline.outlook import configured, named

    return (
        f"Made by another program: {named(stages)}; whether with today's parameters is not known. "
        f"They are made again by: pystamps-hpc run --dataset {quote(document['dataset'])}"
        f"{configured(document['config_file'])} --start-step {stages[0]} --force"
    )


def _out_of_date(stale: list[Document]) -> str:
    """Say which finished results were kept although they are out of date."""
    first = stale[0]
    more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
    return (
        f"out of date and kept: {first['path']}{more} ({first['reason']}), and with it "
        f"{first['again']}; "
        f"redo with --start-step {first['stage']} --stale rerun"
    )


COMMAND = Command(
    "run",
    "Run stages 1-8 of a dataset; finished work is skipped.",
    run,
    view,
    add_options,
    examples=(
        "pystamps-hpc run --dataset DIR",
        "pystamps-hpc run --dataset DIR --end-step 4 --dry-run",
        "pystamps-hpc run --dataset DIR --start-step 6 --force    # second pass with SCLA",
        "srun --mpi=pmix --kill-on-bad-exit=1 pystamps-hpc run --dataset DIR",
    ),
    table_on_stderr=True,
    stops_in_good_order=True,
    plans=True,
)
