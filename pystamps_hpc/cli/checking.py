"""The commands that judge: ``coverage``, ``gate``, ``warmup``, ``doctor``, ``list-legacy``."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import load_config
from ..dataset.tree import dataset_here
from ..errors import ConfigError

if TYPE_CHECKING:
    from ..parallel.team import Team

Answer = tuple[Any, int]


def coverage(options: Namespace, team: "Team", words: tuple[str, ...]) -> Answer:
    """Say which stages run natively and which are certified by an audit."""
    del words

    def act() -> dict[str, Any]:
        from ..tools.coverage import native_coverage

        return native_coverage(options.start_step, options.end_step)

    return team.on_root(act), 0


def warmup(options: Namespace, team: "Team", words: tuple[str, ...]) -> Answer:
    """Compile every native kernel into the cache."""
    del words

    def act() -> Answer:
        from ..tools.warmup import warm_up

        names = tuple(name for name in options.kernels.split(",") if name)
        found = warm_up(names, load_config(options.config), options.threads)
        return found, 1 if found["problems"] else 0

    return team.on_root(act)


def gate(options: Namespace, team: "Team", words: tuple[str, ...]) -> Answer:
    """Run the chain natively on a clean copy and verify it."""
    del words

    def act() -> Answer:
        from ..tools.audit import load_manifest
        from ..tools.gate import GateOptions, run_gate, target_options

        if (options.dataset is None) != (options.golden is None):
            raise ConfigError("gate needs both --dataset and --golden, or neither")
        run = Path(options.run)
        more = {"threads": options.threads, "ranks": options.ranks}
        if options.profile:
            more["profile"] = options.profile
        if options.config:
            more["config"] = load_config(options.config)
        if options.dataset is None:
            chosen = target_options(load_manifest(), run, **more)
        else:
            more.setdefault("config", load_config())
            chosen = GateOptions((Path(options.dataset),), Path(options.golden), run, **more)
        tell = (lambda line: None) if options.quiet else _tell
        document = run_gate(chosen, tell)
        bad = next((step for step in document["steps"] if not step["ok"]), None)
        return document, 0 if bad is None else bad["exit_code"]

    return team.on_root(act)


def doctor(options: Namespace, team: "Team", words: tuple[str, ...]) -> Answer:
    """Examine machine, launcher, tools and dataset; collective."""
    del words
    from ..tools.doctor import examine

    config = team.on_root(lambda: load_config(options.config))
    root = options.dataset or ("." if options.part == "dataset" else team.on_root(dataset_here))
    return examine(team, config, options.part, root)


def legacy(options: Namespace, team: "Team", words: tuple[str, ...]) -> Answer:
    """List the programs of a StaMPS installation."""
    del words

    def act() -> list[str]:
        from ..tools.legacy import list_legacy

        if not options.stamps_root:
            raise ConfigError("list-legacy needs --stamps-root or STAMPS_ROOT")
        return list_legacy(options.stamps_root)

    return team.on_root(act), 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
