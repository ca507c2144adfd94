"""What a contract is made of, and the check of a call against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]

DTYPES = {
    "bool": np.bool_,
    "i16": np.int16,
    "u16": np.uint16,
    "u32": np.uint32,
    "i32": np.int32,
    "i64": np.int64,
    "f32": np.float32,
    "f64": np.float64,
    "c64": np.complex64,
    "c128": np.complex128,
}


@dataclass(frozen=True)
class Array:
    """An array argument or result.

    Parameters
    ----------
    name : str
        Argument name.
    shape : str
        Blank separated dimensions: a symbol (equal symbols must have equal lengths) or a number.
        ``""`` is a scalar array.
    dtypes : str
        Blank separated accepted types, e.g. ``"c64 c128"``.
    meaning : str
        What it holds, with the unit.
    """

    name: str
    shape: str
    dtypes: str
    meaning: str

    @cached_property
    def _wanted(self) -> tuple[frozenset[np.dtype[Any]], tuple[str | int, ...]]:
        """Types and dimensions, a number as a number; a call is to take microseconds."""
        types = frozenset(np.dtype(DTYPES[name]) for name in self.dtypes.split())
        return types, tuple(int(dim) if dim.isdigit() else dim for dim in self.shape.split())

    def check(self, kernel: str, value: Any, lengths: dict[str, int]) -> None:
        """Raise ``ValueError`` unless `value` has this dtype and shape and is C-contiguous."""
        types, dims = self._wanted
        if not isinstance(value, np.ndarray):
            raise ValueError(
                f"{kernel}: argument '{self.name}' must be an array, {self._expected()}"
            )
        if value.dtype not in types or value.ndim != len(dims):
            raise ValueError(f"{self._found(kernel, value)}, expected {self._expected()}")
        for dim, length in zip(dims, value.shape, strict=True):
            wanted = dim if isinstance(dim, int) else lengths.setdefault(dim, length)
            if wanted != length:
                raise ValueError(
                    f"{self._found(kernel, value)}, expected {self._expected()} with {dim} = "
                    f"{wanted}"
                )
        if not value.flags.c_contiguous:
            raise ValueError(f"{kernel}: argument '{self.name}' is not C-contiguous")

    def _expected(self) -> str:
        return f"{self.dtypes.replace(' ', ' or ')} ({', '.join(self.shape.split())})"

    def _found(self, kernel: str, value: AnyArray) -> str:
        return f"{kernel}: argument '{self.name}' is {value.dtype} {value.shape}"


@dataclass(frozen=True)
class Scalar:
    """A number argument or result; nothing but its presence is checked.

    Parameters
    ----------
    name : str
        Argument name.
    meaning : str
        What it is, with the unit.
    kind : type
        Its Python type.
    """

    name: str
    meaning: str
    kind: type[int] | type[float] = float

    def check(self, kernel: str, value: Any, lengths: dict[str, int]) -> None:
        """Raise ``ValueError`` for anything that is not a plain number or flag."""
        if isinstance(value, np.ndarray) and value.ndim:
            raise ValueError(f"{kernel}: argument '{self.name}' must be a number")


@dataclass(frozen=True)
class Kernel:
    """One kernel: what goes in, what comes out, how far backends may differ.

    Parameters
    ----------
    name : str
        ``<stage>_<function>``.
    summary : str
        One line for ``describe-backends`` and the docs.
    arguments, returns : tuple of Array or Scalar
        In call order. A single return value is the value itself, several are a tuple.
    tolerance : mapping
        Result name -> largest absolute difference between a backend and the reference; a missing
        name means bit-identical.
    single : bool
        True when the kernel has a ``_single`` form for ``arithmetic: single``.
    native_single : bool
        True when the native module alone has a ``_single`` form: that with the functions of the C
        library, as in StaMPS, where the other has polynomials of its own, which are vectorised.
    native_double : mapping
        Result name -> the same of the native form for ``arithmetic: double`` alone, where it
        computes in single precision; a bound that holds for unit phasors.
    module : str
        Module that holds the kernel in every backend package, that of its contract here.
    """

    name: str
    summary: str
    arguments: tuple[Array | Scalar, ...]
    returns: tuple[Array | Scalar, ...]
    tolerance: Mapping[str, float] = field(default_factory=dict)
    single: bool = False
    native_single: bool = False
    native_double: Mapping[str, float] = field(default_factory=dict)
    module: str = ""

    @property
    def stage(self) -> str:
        """Stage whose name the kernel carries, the first that called it."""
        return self.name.partition("_")[0]

    @property
    def function(self) -> str:
        """Function name inside the module."""
        return self.name.partition("_")[2]

    @property
    def forms(self) -> tuple[Literal["double", "single"], ...]:
        """Arithmetics that any backend has a form of its own for."""
        return ("double", "single") if self.single or self.native_single else ("double",)

    def check(self, values: tuple[Any, ...]) -> None:
        """Raise ``ValueError`` naming kernel and argument unless `values` fit the contract."""
        if len(values) != len(self.arguments):
            names = ", ".join(argument.name for argument in self.arguments)
            raise ValueError(f"{self.name}: {len(values)} arguments given, expected {names}")
        lengths: dict[str, int] = {}
        for argument, value in zip(self.arguments, values, strict=True):
            argument.check(self.name, value, lengths)
