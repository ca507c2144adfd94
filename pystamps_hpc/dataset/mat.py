"""MAT files: one door to the two containers, level 5 (``mat5``) and 7.3 (``mat73``).

Values follow MATLAB: a matrix has at least two dimensions and the type of its MATLAB class,
however the file stores it; nothing is squeezed.
"""

import io
import os
import re
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from ..errors import MatError
from .contents import content
from .files import open_regular
from .matvalues import REAL_DTYPES, Stream, Variable, matlab_class, readable, text_of_units
from .places import Place
from .publish import flush
from .rows import Rows

if TYPE_CHECKING:
    from .mat5 import Mat5File
    from .mat73 import Mat73File

__all__ = [
    "MatFile",
    "MatFormat",
    "Stream",
    "Variable",
    "is_name",
    "read_mat",
    "rewrite_mat",
    "write_mat",
]

MatFormat = Literal["auto", "v5", "v7.3"]

V5_LIMIT = 2**31
"""A variable of this many bytes in memory needs version 7.3."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def is_name(name: str) -> bool:
    """Whether MATLAB takes a text as the name of a variable."""
    return _NAME.fullmatch(name) is not None


class MatFile:
    """A MAT file opened for reading.

    Parameters
    ----------
    path : path-like
        A level-5 or version-7.3 file.

    Attributes
    ----------
    path : Path
        The file.
    variables : dict of str to Variable
        What the file holds, from the headers alone; of a name that occurs twice the last.

    Raises
    ------
    MatError
        The file does not exist, is of another kind, or is truncated.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        with readable(self.path):
            self._source = _open(self.path)
        self.variables: dict[str, Variable] = self._source.variables

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with readable(self.path):
            self._source.close()

    def read(self, name: str) -> Any:
        """Read a variable whole.

        Returns
        -------
        ndarray, str or scipy.sparse.csc_array
            Matrices row-major, with MATLAB's shape and class; text of one line as ``str`` without
            trailing NULs and blanks, of more lines as a matrix of characters; a string object of
            one string as ``str``; a cell as an array of objects, a struct as a structured array
            of objects.

        Raises
        ------
        MatError
            The variable is missing, damaged, or of a class that is not read.
        """
        variable = self._variable(name)
        if not variable.known:
            raise MatError(f"{self.path}: '{name}' is a {variable.matlab_class}, which is not read")
        with readable(self.path, f"'{name}'"):
            value = self._source.read(name)
        if variable.matlab_class == "char" and (value.shape[0] == 1 or value.size == 0):
            return text_of_units(value.ravel())
        return value

    def count(self, name: str) -> int:
        """Read a number of things, such as ``n_ps``.

        Raises
        ------
        MatError
            As :meth:`read`; or it is not one whole number from 0.
        """
        value = np.asarray(self.read(name))
        if value.dtype.kind in "biuf" and value.size == 1 and value.item() >= 0 == value.item() % 1:
            return int(value.item())
        raise MatError(f"{self.path}: '{name}' is not one whole number")

    def rows(self, name: str) -> Rows:
        """Return a numeric matrix as rows that are read when asked for.

        Uncompressed matrices are read in place, by rows as well as by columns; a compressed one
        is inflated whole at the first access. The rows outlive this object and can be pickled.

        Raises
        ------
        MatError
            The variable is missing or not a numeric matrix.
        """
        variable = self._variable(name)
        if variable.matlab_class not in REAL_DTYPES or len(variable.shape) != 2:
            size = " x ".join(map(str, variable.shape))
            raise MatError(
                f"{self.path}: '{name}' is {size} {variable.matlab_class},"
                " expected a numeric matrix of two dimensions"
            )
        return self._source.rows(name)

    def in_place(self, name: str) -> bool:
        """Whether parts of a matrix can be read without inflating it as a whole."""
        self._variable(name)
        return self._source.in_place(name)

    def _variable(self, name: str) -> Variable:
        if name not in self.variables:
            held = ", ".join(self.variables) or "no variables"
            raise MatError(f"{self.path}: no variable '{name}' (the file has {held})")
        return self.variables[name]


def read_mat(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read every variable of a MAT file; see :meth:`MatFile.read` for the values."""
    with MatFile(path) as file:
        return {name: file.read(name) for name in file.variables}


def write_mat(
    path: str | os.PathLike[str],
    variables: Mapping[str, Any],
    *,
    mat_format: MatFormat = "auto",
    compress: bool = False,
    fsync: bool = True,
    limit: int = V5_LIMIT,
) -> dict[str, Place]:
    """Write a MAT file; equal variables give equal bytes.

    Parameters
    ----------
    path : path-like
        The file, written in place: pass a temporary name and rename.
    variables : mapping of str to value
        Arrays of at least two dimensions, text (1 x n char), numbers (1 x 1; Python's become
        double), sparse matrices, and :class:`Stream` for matrices that are not in memory.
        Class and complexity are kept.
    mat_format : {"auto", "v5", "v7.3"}
        ``auto`` is level 5 unless a variable reaches `limit`.
    compress : bool
        Deflate. Such variables are not read in place later.
    fsync : bool
        Return only when the file is on the disk.
    limit : int
        Bytes of a variable in memory that level 5 no longer takes.

    Returns
    -------
    dict of str to Place
        Where the values belong that were left out (a :class:`Stream` without blocks); not with
        `compress`.

    Raises
    ------
    MatError
        A value has no MATLAB class or fewer than two dimensions, or the file cannot be written
        (the ``OSError`` is the cause).
    """
    target = Path(path)
    values = {name: _value(target, name, value) for name, value in variables.items()}
    large = next((name for name, value in values.items() if _n_bytes(value) >= limit), None)
    if mat_format == "v5" and large is not None:
        raise MatError(
            f"cannot write {target}: '{large}' takes {_n_bytes(values[large]):,} bytes, level 5"
            f" holds less than {limit:,}; use the format auto or v7.3"
        )
    try:
        if mat_format == "v7.3" or large is not None:
            from . import mat73

            places = mat73.write(target, values, compress)
        else:
            from . import mat5writing

            places = mat5writing.write(target, values, compress)
        if fsync:
            flush(target)
    except OSError as error:
        raise MatError(f"cannot write {target}: {error.strerror or error}") from error
    return places


def rewrite_mat(
    source: Path, target: Path, variables: Mapping[str, Any], keep: Collection[str]
) -> None:
    """Write a copy of a MAT file with other variables, in the same container.

    Parameters
    ----------
    source : Path
        The file.
    target : Path
        The copy; another file.
    variables : mapping of str to value
        What it holds anew, as :func:`write_mat` takes it.
    keep : collection of str
        What it keeps of the file byte for byte, of whatever class. Nothing else is kept.

    Raises
    ------
    MatError
        The file cannot be read or the copy not be written (the ``OSError`` is the cause).
    """
    values = {name: _value(target, name, value) for name, value in variables.items()}
    with MatFile(source) as file, readable(source):
        try:
            file._source.rewrite(target, values, keep)
            flush(target)
        except OSError as error:
            raise MatError(f"cannot write {target}: {error.strerror or error}") from error


def _open(path: Path) -> "Mat5File | Mat73File":
    """Open a file by the container that its first bytes name."""
    held = content(path)
    with ExitStack() as opened:
        whole = open_regular(path) if held is None else io.BytesIO(held.data)
        file = opened.enter_context(whole)
        header = file.read(128)
        if b"MATLAB 7.3 MAT-file" in header[:116] or header[124:128] == b"\0\2IM":
            from .mat73 import Mat73File

            return Mat73File(path)
        byte_order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
        if b"MATLAB 5.0 MAT-file" in header[:116] and byte_order:
            from .mat5 import Mat5File

            opened.pop_all()
            return Mat5File(path, byte_order, file, held)
        hint = "; Octave writes one with save -v7" if b"Octave" in header[:20] else ""
        raise MatError(f"{path}: not a MAT v5/v7.3 file (it begins with {header[:20]!r}{hint})")


def _value(path: Path, name: str, value: Any) -> Any:
    """Return a value in one of the three forms that the writers know: stream, text, sparse."""
    if not is_name(name):
        raise MatError(f"cannot write {path}: '{name}' is not a MATLAB variable name")
    if isinstance(value, str):
        return value
    if hasattr(value, "tocsc"):
        return _sparse(value)
    if isinstance(value, int | float) and not isinstance(value, bool | np.generic):
        value = np.float64(value)
    if isinstance(value, bool | complex | np.generic):
        value = np.reshape(np.asarray(value), (1, 1))
    if isinstance(value, np.ndarray):
        value = Stream(
            value.shape, value.dtype, [(slice(0, len(value) if value.ndim else 0), value)]
        )
    if not isinstance(value, Stream) or matlab_class(np.dtype(value.dtype)) is None:
        kind = getattr(value, "dtype", type(value).__name__)
        raise MatError(f"cannot write {path}: '{name}' of type {kind} has no MATLAB class")
    if len(value.shape) < 2:
        raise MatError(
            f"cannot write {path}: '{name}' has the shape {value.shape}, make it a row or a column"
        )
    return value


def _sparse(value: Any) -> Any:
    """Return a sparse matrix as MATLAB holds it: by columns, sorted, double or logical."""
    columns = value.tocsc(copy=True)
    columns.sum_duplicates()
    kind = columns.dtype.kind
    return columns if kind == "b" else columns.astype(np.complex128 if kind == "c" else np.float64)


def _n_bytes(value: Any) -> int:
    """Return the bytes that a value takes in memory."""
    if isinstance(value, str):
        return 2 * len(value)
    if isinstance(value, Stream):
        return value.nbytes
    return int(value.data.nbytes) + 8 * (int(value.nnz) + int(value.shape[1]) + 1)
