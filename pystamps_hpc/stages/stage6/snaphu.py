"""Where the SNAPHU executable is."""

import importlib.util
import os
import shutil
from pathlib import Path

from ...errors import ToolMissingError


def find_snaphu(name: str) -> str | None:
    """Look for SNAPHU: `name` as a path or on PATH, then inside the installed package ``snaphu``.

    Parameters
    ----------
    name : str
        Executable name or path, ``tools.snaphu`` of the configuration.

    Returns
    -------
    str or None
        Absolute path, None when there is none.
    """
    found = shutil.which(name)
    if found is not None:
        return str(Path(found).resolve())
    package = importlib.util.find_spec("snaphu") if name == "snaphu" else None
    for folder in (package.submodule_search_locations or []) if package else []:
        candidate = Path(folder) / "snaphu"
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return str(candidate)
    return None


def require_snaphu(name: str) -> str:
    """Return the path of SNAPHU.

    Raises
    ------
    ToolMissingError
        When it is not found.
    """
    path = find_snaphu(name)
    if path is None:
        raise ToolMissingError(
            f"external tool '{name}' not found (needed by stage 6); install it with "
            "pip install 'pystamps-hpc[unwrap]' or set tools.snaphu to its path"
        )
    return path
