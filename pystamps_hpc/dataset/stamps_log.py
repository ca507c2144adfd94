"""``STAMPS.log``: one line for each thing that was done to a directory, in the form of StaMPS."""

import time
from pathlib import Path

from .inside import append_line, within


def log_line(directory: Path, step: int | str, text: str) -> None:
    """Append a line to the log of a patch or of the root.

    Parameters
    ----------
    directory : Path
        Patch or root.
    step : int or str
        Stage, or name of what was done.
    text : str
        What StaMPS would call the message.

    Raises
    ------
    OSError
        The log cannot be written.
    """
    stamp = time.strftime("%d-%b-%Y %H:%M:%S")
    name = f"PYSTAMPS_HPC_{step}"
    append_line(within(directory, "STAMPS.log").resolve(), f"{stamp} {name:<16} {text}\n")
