"""The commands that only look: ``status``, ``describe-inputs``, ``describe-backends``."""

import sys
from argparse import Namespace
from typing import Any

from ..config import configured_by, load_config
from ..dataset.tree import dataset_here
from ..errors import ConfigError, DatasetError
from ..parallel.team import Team

Answer = tuple[dict[str, Any] | None, int]


def status(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Say how far a dataset is."""
    del words

    def act() -> dict[str, Any]:
        from ..tools.status import collect_status

        config = load_config(options.config)
        return collect_status(
            options.dataset, config, options.detail, configured_by(options.config)
        )

    return team.on_root(act), 0


def inputs(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Say what each stage reads, and check the candidate files of a dataset."""
    del words

    def act() -> dict[str, Any]:
        from ..tools.inputs import describe_inputs

        return describe_inputs(
            _stages(options.stage), options.dataset or dataset_here(), options.patch
        )

    document = team.on_root(act)
    found = document.get("stage1_dataset_check")
    if found is None or found["sound"]:
        return document, 0
    if team.rank == 0:
        print("\n".join(found["problems"]), file=sys.stderr)
    return document, DatasetError.exit_code


def _stages(text: str) -> tuple[int, ...]:
    if text == "all":
        return tuple(range(1, 9))
    words = text.split(",")
    bad = [word for word in words if word.strip() not in "12345678" or not word.strip()]
    if bad:
        raise ConfigError(f"unsupported stage: {', '.join(bad)}")
    return tuple(int(word) for word in words)


def backends(options: Namespace, team: Team, words: tuple[str, ...]) -> Answer:
    """Say which kernels run on which backend here."""
    del words

    def act() -> dict[str, Any]:
        from ..tools.backends import describe_backend_matrix

        return describe_backend_matrix(load_config(options.config))

    return team.on_root(act), 0
