"""``coverage``: which stages run natively, and which are certified to equal StaMPS."""

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from ...errors import Exit
from ..command import Answer, Command, on_root, stage_options
from ..shapes import Shape, paragraph, table, verdict


@on_root
def run(options: Namespace) -> Answer:
    """Say which stages run natively and which are certified by an audit."""
    from ...tools.verification.coverage import native_coverage

    return native_coverage(options.start_step, options.end_step), Exit.OK


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show which stages run natively, and which are certified."""
    yield table(
        ("mode", "stage", "scope", "native", "MPI", "certified", "what stands in the way"),
        (
            (row["mode"], row["stage"], row["scope"],
             verdict(row["native_executable"], "yes", "no"),
             row["mpi_parallel"], verdict(row["parity_certified"], "yes", "no"),
             "; ".join(row["blockers"]))
            for row in document["scopes"]
        ),
    )  # fmt: skip
    sums = document["summary"]
    yield paragraph()
    yield paragraph(
        f"Of {sums['scopes']} stages of both modes {sums['native_executable']} run natively by "
        f"themselves and {sums['parity_certified']} are certified to equal StaMPS."
    )


COMMAND = Command(
    "coverage",
    "Which stages run natively, and which are certified to equal StaMPS.",
    run,
    view,
    stage_options,
    examples=("pystamps-hpc coverage --start-step 6",),
    group="for developers",
)
