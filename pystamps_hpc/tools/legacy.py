"""Inventory of a StaMPS installation: which programs it has; nothing of it is ever executed."""

from pathlib import Path

COUNTERPARTS = {
    "snaphu": "stage 6, still called (tools.snaphu)",
    "triangle": "stages 4 and 7, native or through its Python binding",
    "stamps": "run",
    "getparm": "parms show",
    "setparm": "parms set",
}
"""StaMPS program -> what does its work here; programs that prepare candidates have none yet."""


def list_legacy(stamps_root: str | Path) -> list[str]:
    """Return the regular files directly in ``bin`` of a StaMPS directory, sorted.

    Returns
    -------
    list of str
        Paths; empty where there is no ``bin``.
    """
    folder = Path(stamps_root) / "bin"
    if not folder.is_dir():
        return []
    return sorted(str(path) for path in folder.iterdir() if path.is_file())
