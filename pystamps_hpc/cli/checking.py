"""The commands that judge: ``coverage``, ``gate``, ``warmup``, ``doctor``, ``list-legacy``."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import load_config
from ..errors import ConfigError

if TYPE_CHECKING:
    from ..parallel.team import Team

Answer = tuple[Any, int]


def add_coverage_options(parser: ArgumentParser) -> None:
    """Add the options of ``coverage``."""
    parser.add_argument("--start-step", type=int, default=1, metavar="N", help="first stage (1)")
    parser.add_argument("--end-step", type=int, default=8, metavar="N", help="last stage (8)")


def coverage(options: Namespace, team: "Team", words: tuple[str, ...]) -> Answer:
    """Say which stages run natively and which are certified by an audit."""
    del words

    def act() -> dict[str, Any]:
        from ..tools.coverage import native_coverage

        return native_coverage(options.start_step, options.end_step)

    return team.on_root(act), 0


def add_warmup_options(parser: ArgumentParser) -> None:
    """Add the options of ``warmup``."""
    parser.add_argument("--kernels", metavar="K,...", default="", help="report only these")
    parser.add_argument("--threads", type=_count, default=0, metavar="N",
                        help="threads of the kernels (0: all)")  # fmt: skip


def warmup(options: Namespace, team: "Team", words: tuple[str, ...]) -> Answer:
    """Compile every native kernel into the cache."""
    del words

    def act() -> Answer:
        from ..tools.warmup import warm_up

        names = tuple(name for name in options.kernels.split(",") if name)
        found = warm_up(names, load_config(options.config), options.threads)
        return found, 1 if found["problems"] else 0

    return team.on_root(act)


def add_gate_options(parser: ArgumentParser) -> None:
    """Add the options of ``gate``."""
    parser.add_argument("--dataset", metavar="DIR",
                        help="inputs (the manifest's target with gate_default)")  # fmt: skip
    parser.add_argument("--golden", metavar="DIR", help="expected tree, together with --dataset")
    parser.add_argument("--run", metavar="DIR", default="build/native_gate/run",
                        help="where the copy is made (build/native_gate/run)")  # fmt: skip
    parser.add_argument("--threads", type=_count, default=0, metavar="N",
                        help="threads of the kernels (0: all)")  # fmt: skip
    parser.add_argument("--ranks", type=_positive, default=1, metavar="N",
                        help="MPI ranks (1); more are started with mpirun")  # fmt: skip
    parser.add_argument("--profile", choices=("strict", "scientific"),
                        help="profile of the verification (the target's, else strict)")  # fmt: skip


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


def add_doctor_options(parser: ArgumentParser) -> None:
    """Add the options of ``doctor``."""
    parser.add_argument("part", nargs="?", choices=("mpi", "gpu", "dataset"),
                        help="only this part (all)")  # fmt: skip
    parser.add_argument("--dataset", metavar="DIR", help="dataset to examine")


def doctor(options: Namespace, team: "Team", words: tuple[str, ...]) -> Answer:
    """Examine machine, launcher, tools and dataset; collective."""
    del words
    from ..tools.doctor import examine

    if options.part == "dataset" and options.dataset is None:
        raise ConfigError("doctor dataset needs --dataset")
    config = team.on_root(lambda: load_config(options.config))
    return examine(team, config, options.part, options.dataset)


def add_legacy_options(parser: ArgumentParser) -> None:
    """Add the options of ``list-legacy``."""
    parser.add_argument("--stamps-root", metavar="DIR", default=os.environ.get("STAMPS_ROOT"),
                        help="StaMPS checkout ($STAMPS_ROOT)")  # fmt: skip


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


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ArgumentTypeError(f"{text} is negative")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{text} is less than 1")
    return number
