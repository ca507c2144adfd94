"""The errors a user can meet; each carries the exit code of the command line.

A message is one line: it names the object first (file, key, parameter, patch), then what is wrong,
then what to do.
"""


class PystampsError(Exception):
    """Base of all expected errors."""

    exit_code = 1


class ConfigError(PystampsError):
    """The configuration file, an environment variable or an option is unusable."""

    exit_code = 2


class DatasetError(PystampsError):
    """The dataset directory or its input files are missing, unsafe or contradictory."""

    exit_code = 3


class LockError(DatasetError):
    """Another run holds the dataset."""


class StaleError(DatasetError):
    """Finished work is out of date and the stale policy forbids using it."""


class BackendUnavailableError(PystampsError):
    """A requested kernel backend cannot run here."""

    exit_code = 4


class ToolMissingError(PystampsError):
    """A requested external program was not found."""

    exit_code = 4


class MpiEnvironmentError(PystampsError):
    """Launcher and MPI library do not fit together.

    Every process meets it, one of them says so: ``quiet`` is true in the others.
    """

    exit_code = 5
    quiet = False


class StageError(PystampsError):
    """A stage cannot be computed from its inputs and parameters."""


class MatError(PystampsError):
    """A MAT file cannot be read or written, or its content has the wrong shape or class."""


class PublishError(PystampsError):
    """Finished results could not be moved to their place."""
