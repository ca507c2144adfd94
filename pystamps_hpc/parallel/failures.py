"""Errors on their way from the rank that met them to all others."""

import pickle
import traceback
from typing import Any

from ..errors import PystampsError, StageError


def annotated(error: Exception, rank: int, host: str) -> Exception:
    """Say on the error itself where it happened, unless it says so already.

    Sets the attributes ``rank`` and ``host``. An error that is not one of ours gets its traceback
    as a note too, for the ranks that raise a copy.
    """
    if not hasattr(error, "rank"):
        error.rank, error.host = rank, host  # type: ignore[attr-defined]
        if not isinstance(error, PystampsError):
            lines = traceback.format_exception(error)
            error.add_note(f"on rank {rank} ({host}):\n{''.join(lines).rstrip()}")
    return error


def portable(error: Exception) -> tuple[Exception, bytes]:
    """Return the error and its pickle; what cannot be pickled becomes a StageError of its text."""
    try:
        message = pickle.dumps(error)
        copy = pickle.loads(message)
        if type(copy) is type(error) and str(copy) == str(error):
            return error, message
    except Exception:  # a class without a way through pickle fails in any way it likes
        pass
    plain = StageError(str(error) or type(error).__name__)
    plain.__cause__ = error
    plain.__dict__.update({key: getattr(error, key) for key in ("rank", "host")})
    return plain, pickle.dumps(plain)


def unpack_error(message: Any) -> Exception:
    """Return the error of :func:`portable`."""
    error: Exception = pickle.loads(message)
    return error
