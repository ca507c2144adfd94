"""The commands that measure agreement: ``verify`` and ``audit``."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..config import RunConfig, load_config
from ..dataset.publish import write_text
from ..dataset.tree import STATE_DIRECTORY
from ..errors import ConfigError
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
        else:
            conditions = [] if options.isolated else ["chain"]
            if _arithmetic(config, Path(options.run)) == "double":
                conditions.append("double")
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


def _arithmetic(config: RunConfig, run: Path) -> str:
    """Return the arithmetic of a run: as configured, else as its last report says, else single."""
    if config.compat.arithmetic != "auto":
        return config.compat.arithmetic
    reports = sorted((run / STATE_DIRECTORY / "runs").glob("*/report.json"))
    if not reports:
        return "single"
    try:
        recorded = json.loads(reports[-1].read_text(encoding="utf-8"))
        return str(recorded["config"]["compat"]["arithmetic"])
    except (ValueError, KeyError, TypeError):
        return "single"


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
