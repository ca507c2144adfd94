"""Every fault, one run each: ``make test-faults``.

Writes ``build/faults/latest.json`` and the table of ``docs/reliability.md``. With ``--sample N``
at most N faults of each kind; with ``--page`` only the table, from the last results.
"""

import argparse
import json
import random
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from . import trials
from .trials import Fault, Outcome

RESULTS = trials.ROOT / "build" / "faults" / "latest.json"
PAGE = trials.ROOT / "docs" / "reliability.md"


def name_of(fault: Fault) -> str:
    """Return the row of the table in which a fault counts."""
    return "write, and all later ones (disk full)" if fault.stays else fault.kind


def chosen(faults: Iterable[Fault], sample: int) -> list[Fault]:
    """Return at most `sample` faults of each row, all with 0."""
    rows: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        rows[name_of(fault)].append(fault)
    chance = random.Random(0)
    return [
        fault
        for row in rows.values()
        for fault in (chance.sample(row, min(sample, len(row))) if sample else row)
    ]


def tried(faults: list[Fault], lab: trials.Laboratory) -> dict[str, list[Outcome]]:
    """Try faults and say on stderr what is wrong."""
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for number, fault in enumerate(faults, 1):
        outcome = lab.tried(fault)
        outcomes[name_of(fault)].append(outcome)
        for wrong in outcome.wrong:
            print(f"{outcome.fault} (code {outcome.code}): {wrong}", file=sys.stderr)
        if number % 100 == 0:
            print(f"{number} of {len(faults)}", file=sys.stderr)
    return outcomes


def table(results: dict) -> str:
    """Return the results as a table."""
    lines = [
        "| Call that fails | In a run | Tried | Ended well all the same | One line, code 1 or 3 | "
        "Anything wrong |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in results["rows"].items():
        lines.append(f"| {name} | {row['calls']} | {ends(row['outcomes'])} |")
    return (
        "\n".join(lines) + f"\n\n{longest(row['outcomes'] for row in results['rows'].values())}\n"
    )


def ends(outcomes: list[dict]) -> str:
    """Return how many runs there were, ended well all the same, told why not, and were wrong."""
    tolerated = sum(outcome["code"] == 0 for outcome in outcomes)
    wrong = sum(bool(outcome["wrong"]) for outcome in outcomes)
    told = len(outcomes) - tolerated - wrong
    return f"{len(outcomes)} | {tolerated} | {told} | {wrong}"


def longest(rows: Iterable[list[dict]]) -> str:
    """Say how long the longest run took."""
    seconds = max((outcome["seconds"] for row in rows for outcome in row), default=0)
    return f"The longest of these runs took {seconds:.0f} s."


def renew(table: str, text: str, page: Path = PAGE) -> None:
    """Replace a table of the documentation."""
    marks = re.compile(rf"(<!-- {table} -->\n).*?(<!-- end -->)", re.DOTALL)
    page.write_text(marks.sub(lambda found: f"{found[1]}{text}{found[2]}", page.read_text()))


def main() -> int:
    """Run the campaign; the exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    if not options.page:
        with tempfile.TemporaryDirectory() as folder, trials.laboratory(Path(folder)) as lab:
            outcomes = tried(chosen(lab.faults(), options.sample), lab)
            calls = {name: lab.counts[name.partition(",")[0]] for name in outcomes}
        rows = {
            name: {"calls": calls[name], "outcomes": [asdict(each) for each in row]}
            for name, row in outcomes.items()
        }
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    results = json.loads(RESULTS.read_text())
    renew("faults", table(results))
    return int(any(o["wrong"] for row in results["rows"].values() for o in row["outcomes"]))


if __name__ == "__main__":
    sys.exit(main())
