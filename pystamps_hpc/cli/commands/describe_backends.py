"""``describe-backends``: kernels, their backends, and external programs found here."""

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from ...config import load_config
from ...errors import Exit
from ..command import Answer, Command, on_root
from ..shapes import Shape, heading, pairs, table, verdict


@on_root
def run(options: Namespace) -> Answer:
    """Say which kernels run on which backend here."""
    from ...tools.backends import describe_backend_matrix

    return describe_backend_matrix(load_config(options.config)), Exit.OK


def view(document: dict[str, Any]) -> Iterator[Shape]:
    """Show which backends and programs are here, and which kernels they run."""
    yield table(
        ("backend", "here", "what it is"),
        (
            (name, verdict(row["available"], "yes", "no"),
             _described(row))
            for name, row in document["providers"].items()
        ),
    )  # fmt: skip
    yield heading("Programs")
    yield pairs({name: path or "not found" for name, path in document["external_tools"].items()})
    yield heading("Kernels")
    yield table(
        ("kernel", "arithmetic", "runs here on"),
        (
            (name, row["forms"], row["available_backends"])
            for name, row in document["kernels"].items()
        ),
    )


def _described(backend: dict[str, Any]) -> str:
    reason = backend["unavailable_reason"]
    return f"{backend['description']} ({reason})" if reason else str(backend["description"])


COMMAND = Command(
    "describe-backends",
    "Kernels, their backends, and external programs found here.",
    run,
    view,
    group="for developers",
)
