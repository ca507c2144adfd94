"""Documents as JSON text: finite numbers only, whatever they were put together from."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PLAIN = (str, int, bool)


def json_text(document: Any) -> str:
    """Return a document as indented JSON with a newline at the end.

    NaN and infinite numbers become null; NumPy scalars and arrays, tuples, sets and paths become
    what JSON has for them.
    """
    return json.dumps(json_ready(document), indent=2, allow_nan=False) + "\n"


def json_ready(value: Any) -> Any:
    """Return a value made of what JSON knows, with null for numbers that are not finite."""
    if value is None or type(value) in _PLAIN:  # nearly all
        return value
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_ready(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # NumPy's own types; NumPy itself need not be imported for them
        return json_ready(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
