"""The commands that measure agreement: ``verify`` and ``audit``."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..config import load_config
from ..dataset.publish import write_text
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
            conditions_of,
            unlike,
            velocity_agreement,
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
            report = verify_run_alone(options.dataset, window)
            if not report.checked:
                raise DatasetError(
                    f"{options.dataset}: holds no artifacts of these stages to verify"
                )
        else:
            conditions = [] if options.isolated else ["chain"]
            conditions += conditions_of(options.dataset, config, options.through_stage)
            policy = Policy(
                options.profile or config.tolerance.profile,  # type: ignore[arg-type]
                conditions,  # type: ignore[arg-type]
                config.tolerance,
            )
            report = verify_run_against_golden(options.dataset, options.golden, policy, window)
            report.velocities = velocity_agreement(options.dataset, options.golden)
            differing = {Path(row["path"]).stem for row in report.failed}
            alike = not differing.intersection(("select1", "weed1"))
            report.unlike = unlike(options.dataset, options.golden, alike)
        return json_ready(report.to_json(options.detail)), 0 if report.ok else 1

    return team.on_root(act)


def audit(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Run the targets of the manifest on fresh copies and verify them."""
    del words

    def act() -> Answer:
        from ..tools.audit import audit_targets, load_manifest, record_evidence

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
        if options.record:
            _tell(f"recorded {record_evidence(document)}")
        return document, 0 if report.ok else 1

    return team.on_root(act)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
