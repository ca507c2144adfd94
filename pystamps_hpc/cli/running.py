"""The commands ``run`` and ``stage``."""

import os
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..config import RunConfig, load_config
from ..dataset.tree import dataset_here, patch_here
from ..errors import ConfigError
from ..parallel.team import Team
from ..pipeline.documents import json_text
from ..pipeline.events import ignore
from ..pipeline.forced import already_forced
from ..pipeline.stages import run_pipeline, stage_context
from ..pipeline.types import PipelineContext
from ..tools.products import make_products
from .answering import view_text
from .console import Console

Answer = tuple[dict[str, Any] | None, int]


def run(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Run a window of stages."""
    config = team.on_root(lambda: configuration(options))
    patches = tuple(name for name in (options.patches or "").split(",") if name) or None
    root = Path(options.dataset)
    context = PipelineContext(
        root,
        config,
        start_step=options.start_step,
        end_step=options.end_step,
        dry_run=options.dry_run,
        force=options.force and not team.on_root(lambda: already_forced(root, words)),
        part=options.part,
        patches=patches,
        keep_going=options.keep_going,
    )
    return _answer(context, options, team, words)


def stage(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Run one task."""
    config = team.on_root(lambda: configuration(options))
    patch, dataset = options.patch, options.dataset
    if patch is None and dataset is None:
        patch, dataset = team.on_root(patch_here), team.on_root(dataset_here)
    context = stage_context(options.number, patch, dataset, config)
    context = replace(context, dry_run=options.dry_run, force=options.force)
    return _answer(context, options, team, words)


def configuration(options: Namespace) -> RunConfig:
    """Return the configuration file with the options of the command line laid over it.

    Raises
    ------
    ConfigError
        Unknown value, or ``KERNEL=B`` without an equals sign.
    """
    values = {
        "runtime.backend": options.backend,
        "runtime.stage2_kernel_backend": options.stage2_kernel_backend,
        "runtime.cpu_workers": options.cpu_workers,
        "runtime.io_workers": options.io_workers,
        "runtime.stage2_native_threads": options.stage2_native_threads,
        "runtime.stale_policy": getattr(options, "stale", None),
        "output.mean_v_type": getattr(options, "mean_v_type", None),
        "mpi.enabled": options.mpi or os.environ.get("PYSTAMPS_HPC_MPI") or None,
    }
    config = load_config(options.config)
    if options.kernel_backend:
        overrides = dict(config.runtime.kernel_backend_overrides)
        for word in options.kernel_backend:
            kernel, equals, backend = word.partition("=")
            if not equals:
                raise ConfigError(f"--kernel-backend {word}: expected KERNEL=BACKEND")
            overrides[kernel] = backend
        values["runtime.kernel_backend_overrides"] = overrides
    return config.with_values({key: value for key, value in values.items() if value is not None})


def _answer(
    context: PipelineContext, options: Namespace, team: Team, words: tuple[str, ...]
) -> Answer:
    context = replace(
        context,
        native_only=options.native_only,
        break_lock=options.break_lock,
        command=words,
    )
    console = Console(options.progress, options.verbose, options.quiet, team, options.log)
    with console:
        report = run_pipeline(context, ignore if context.dry_run else console, team, make_products)
        document = report.to_json()
        if console.log is not None:
            console.keep(view_text(document, options, console.log))
    if team.rank == 0 and options.quiet:  # else its view tells it
        for name, reason in report.not_made.items():
            print(f"FAILED {name}: {reason}", file=sys.stderr)
    if team.rank == 0 and options.verbose > 1 and not options.quiet:
        print(json_text({key: document[key] for key in ("backends", "config")}), file=sys.stderr)
    return document, report.exit_code
