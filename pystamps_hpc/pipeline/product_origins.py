"""What each product was made from: ``.pystamps-hpc/products.json`` of the root.

Products are made without the lock of the dataset, so what is known of them stands beside the state
that the lock guards. A file that is lost or damaged loses this alone: what is there then counts as
another program's.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..dataset.files import read_json
from ..dataset.publish import write_text
from ..dataset.tree import state_path
from ..errors import DatasetError

Origin = dict[str, Any]
"""Digests of ``inputs``, values of ``parameters``, and the ``value_type`` that was asked for."""

UNFINISHED: Origin = {"inputs": {}, "parameters": {}, "value_type": None}
"""Origin of a product that is to be made for the first time, or in the place of another's."""


def read_origins(root: Path) -> dict[str, Origin]:
    """Return the origin of every product that was made here, by its name.

    Raises
    ------
    DatasetError
        The system does not hand the file out.
    """
    path = state_path(root, "products.json")
    try:
        known = read_json(path)
        return {name: origin for name, origin in known.items() if _is_origin(origin)}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from None


def write_origin(root: Path, name: str, origin: Origin | None) -> None:
    """Keep what a product was made from; None forgets it."""
    known = read_origins(root)
    known.pop(name, None)
    _write(root, known if origin is None else {**known, name: origin})


def claim(root: Path, names: Iterable[str]) -> None:
    """Let products count as made here that were not known; what is known of others stays."""
    known = read_origins(root)
    claimed = dict.fromkeys(names, UNFINISHED) | known
    if claimed.keys() != known.keys():
        _write(root, claimed)


def _write(root: Path, origins: dict[str, Origin]) -> None:
    write_text(state_path(root, "products.json"), json.dumps(origins, indent=1) + "\n")


def _is_origin(origin: Any) -> bool:
    return (
        isinstance(origin, dict)
        and origin.keys() == UNFINISHED.keys()
        and isinstance(origin["parameters"], dict)
        and isinstance(origin["inputs"], dict)
        and all(isinstance(entry, dict) for entry in origin["inputs"].values())
    )
