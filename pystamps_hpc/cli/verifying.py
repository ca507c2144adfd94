"""The commands that measure agreement: ``verify`` and ``audit``."""

import json
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..config import RunConfig, load_config
from ..dataset.publish import write_text
from ..dataset.tree import STATE_DIRECTORY
from ..errors import ConfigError, DatasetError
from ..parallel.team import Team
from ..pipeline.documents import json_ready, json_text

Answer = tuple[dict[str, Any] | None, int]


def verify(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Compare a run with a golden tree, or check it in itself."""
    del words

    def act() -> Answer:
        from ..tools.verify import (
            Policy,
            Window,
            table,
            verify_run_against_golden,
            verify_run_alone,
        )

        if options.from_stage > options.through_stage:
            raise ConfigError(
                f"--from-stage {options.from_stage} is after --through-stage"
                f" {options.through_stage}"
            )
        config = load_config(options.config)
        window = Window(options.from_stage, options.through_stage, options.final_products_only)
        if options.golden is None:
            report = verify_run_alone(options.run, window)
            if not report.checked:
                raise DatasetError(f"{options.run}: holds no artifacts of these stages to verify")
        else:
            conditions = [] if options.isolated else ["chain"]
            conditions += _conditions(config, Path(options.run))
            policy = Policy(
                options.profile or config.tolerance.profile,  # type: ignore[arg-type]
                conditions,  # type: ignore[arg-type]
                config.tolerance,
            )
            report = verify_run_against_golden(options.run, options.golden, policy, window)
        if not options.quiet:
            print(table(report), file=sys.stderr)
        document = json_ready(report.to_json(options.detail))
        if options.report:
            write_text(Path(options.report), json_text(document))
        return document, 0 if report.ok else 1

    return team.on_root(act)


def _conditions(config: RunConfig, run: Path) -> list[str]:
    """Return what strict rules allow for: as configured, else as the last report of the run says.

    A run without a report is taken to be single, with the network of Triangle.
    """
    reports = sorted((run / STATE_DIRECTORY / "runs").glob("*/report.json"))
    recorded: Any = {}
    if reports:
        with suppress(OSError, ValueError):
            recorded = json.loads(reports[-1].read_text(encoding="utf-8"))
    choices = {
        "double": ("compat", "arithmetic", "double"),
        "qhull": ("runtime", "triangulator", "native"),
    }
    found = []
    for condition, (section, key, value) in choices.items():
        chosen = config.value(f"{section}.{key}")
        if chosen == "auto":
            with suppress(KeyError, TypeError):
                chosen = recorded["config"][section][key]
        if chosen == value:
            found.append(condition)
    return found


def audit(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Run the targets of the manifest on fresh copies and verify them."""
    del words

    def act() -> Answer:
        from ..tools.audit import audit_table, audit_targets, load_manifest, record_evidence

        manifest = load_manifest(options.manifest)
        work = Path(options.work)
        report = audit_targets(
            manifest,
            work,
            ids=options.targets,
            keep=options.keep_run_copies,
            tell=(lambda line: None) if options.quiet else _tell,
        )
        document = json_ready(report.to_json())
        write_text(Path(options.output or work / "latest.json"), json_text(document))
        if not options.quiet:
            print(audit_table(report), file=sys.stderr)
        if options.record:
            _tell(f"recorded {record_evidence(document)}")
        return document, 0 if report.ok else 1

    return team.on_root(act)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
