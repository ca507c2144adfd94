"""The errors a user can meet; each carries the exit code of the command line.

A message is one line: it names the object first (file, key, parameter, patch), then what is wrong,
then what to do.
"""

import errno
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of the command line; ``meaning`` is what the documentation says of each."""

    meaning: str

    OK = 0, "success, also when everything was finished before"
    FAILED = (
        1,
        (
            "a stage failed, or a map or table could not be written; the message names file or "
            "patch, cause and remedy"
        ),
    )
    USAGE = 2, "what was typed: command line, configuration file, name or value of a parameter"
    DATASET = (
        3,
        (
            "dataset: missing, unreadable or contradictory files or values, files that are not "
            "ours to replace, a patch too large for the memory of a rank, or another run holds it"
        ),
    )
    MISSING = 4, "a kernel backend or an external program is missing"
    LAUNCHER = 5, "launcher and MPI library do not fit together"
    KEPT = 6, "success, but finished work that is out of date was kept (`--stale keep`)"
    INTERNAL = 70, "internal error; the message asks for a report"
    STOPPED = 75, "stopped in good order by SIGUSR1 (time limit near); the same command goes on"
    INTERRUPTED = 130, "stopped in good order by SIGINT"
    TERMINATED = 143, "stopped in good order by SIGTERM"

    def __new__(cls, code: int, meaning: str) -> "Exit":
        """Make a code that carries its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


EXIT_OF_SIGNAL = {
    "SIGUSR1": Exit.STOPPED,
    "SIGTERM": Exit.TERMINATED,
    "SIGINT": Exit.INTERRUPTED,
}
"""Signals that stop a run in good order -> its exit code."""


class PystampsError(Exception):
    """Base of all expected errors."""

    exit_code: int = Exit.FAILED


class ConfigError(PystampsError):
    """What the user typed is unusable: an option, a setting, a parameter's name or value."""

    exit_code = Exit.USAGE


class DatasetError(PystampsError):
    """The dataset directory or its input files are missing, unsafe or contradictory."""

    exit_code = Exit.DATASET


class LockError(DatasetError):
    """Another run holds the dataset."""


class StaleError(DatasetError):
    """Finished work is out of date and the stale policy forbids using it."""


class BackendUnavailableError(PystampsError):
    """A requested kernel backend cannot run here."""

    exit_code = Exit.MISSING


class ToolMissingError(PystampsError):
    """A requested external program was not found."""

    exit_code = Exit.MISSING


class MpiEnvironmentError(PystampsError):
    """Launcher and MPI library do not fit together.

    All processes raise it, one prints it: ``quiet`` is true in the others.
    """

    exit_code = Exit.LAUNCHER
    quiet = False


class StageError(PystampsError):
    """A stage cannot be computed from its inputs and parameters."""


class MatError(PystampsError):
    """A MAT file cannot be read or written, or its content has the wrong shape or class."""

    exit_code = Exit.DATASET


class PublishError(PystampsError):
    """Finished results could not be moved to their place."""


def explained(error: BaseException, where: str) -> str | None:
    """Say in one line what went wrong and what to do, of an error that a user can meet.

    Errors of this family say it themselves. Where the machine did not give memory, threads or
    files, any library can fail in its own way; this is the one place that knows which.

    Parameters
    ----------
    error : BaseException
        Any error.
    where : str
        What could not be done, for errors that name no file.

    Returns
    -------
    str or None
        None of an error that nobody expects.
    """
    if isinstance(error, PystampsError):
        return str(error)
    text = str(error).partition("\n")[0]
    if isinstance(error, OSError) and error.strerror:
        text = ": ".join(filter(None, [str(error.filename or ""), error.strerror]))
    if isinstance(error, MemoryError) or _is_about_memory(error, text):
        cause = f": {text}" if text else ""
        return f"{where} is out of memory{cause}; use fewer ranks per node or smaller patches"
    if _is_about_threads(error, text):
        return (
            f"{where}: no further thread or process can be started ({text}); raise the limit "
            "(ulimit -u, or that of the job), or use fewer ranks per node"
        )
    if isinstance(error, OSError):
        remedy = "check the file system"
        if error.errno in (errno.EMFILE, errno.ENFILE):
            remedy = "raise the limit of open files (ulimit -n)"
        cause = error.strerror or text
        return f"{error.filename or where}: {cause}; {remedy} and run the same command again"
    return None


def is_damage(error: BaseException | None) -> bool:
    """Whether an error of reading speaks of the content of the file, not of how it was reached."""
    if isinstance(error, MemoryError):
        return False
    return not isinstance(error, OSError) or error.errno in (None, errno.ENOENT)


def _is_about_memory(error: BaseException, text: str) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    signs = ("failed to map segment", "cannot allocate memory", "Cannot allocate memory")
    return isinstance(error, ImportError | RuntimeError | SystemError) and any(
        sign in text for sign in signs
    )


def _is_about_threads(error: BaseException, text: str) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.EAGAIN
    return isinstance(error, RuntimeError) and text.startswith("can't start new thread")
