"""Which names the code of a stage can reach: its kernels, and the verbs by which it is spread.

Coverage must not be declared by hand, or it would go on claiming what the code no longer does. So
the compiled code of ``solve`` is followed through every function and class of the stages that it
names. What is found is what *can* be called, whatever the parameters.
"""

import inspect
from collections.abc import Callable, Iterator
from types import CodeType, ModuleType
from typing import Any

from pystamps_kernels.contracts import all_kernels

from .base import StageSpec

SPREADING = frozenset({"map_tasks", "map_columns", "map_rows", "sum_rows"})
"""Verbs of the context that give every rank its share."""

_INSIDE = "pystamps_hpc.stages"


def names_reached(function: Callable[..., Any]) -> frozenset[str]:
    """Return every global and attribute name in the code that `function` can reach.

    Functions and classes outside the stages are not followed.
    """
    names: set[str] = set()
    seen: set[Any] = set()
    todo: list[Any] = [function]
    while todo:
        item = inspect.unwrap(todo.pop())
        if item in seen:
            continue
        seen.add(item)
        if isinstance(item, type):
            todo += _methods(item)
        else:
            found = {name for code in _codes(item.__code__) for name in code.co_names}
            names |= found
            todo += _named(found, item.__globals__)
    return frozenset(names)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a function and of all functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _methods(cls: type) -> Iterator[Any]:
    for member in vars(cls).values():
        for wrapped in ("fget", "func", "__func__"):
            member = getattr(member, wrapped, member)
        if inspect.isfunction(member) and member.__module__.startswith(_INSIDE):
            yield member


def _named(names: set[str], scope: dict[str, Any]) -> Iterator[Any]:
    """Yield what the names stand for, as far as it belongs to the stages."""
    for name in names:
        item = scope.get(name)
        if isinstance(item, ModuleType) and item.__name__.startswith(_INSIDE):
            yield from (part for part in map(vars(item).get, names) if _ours(part))
        elif _ours(item):
            yield item


def _ours(item: Any) -> bool:
    return (inspect.isroutine(item) or isinstance(item, type)) and str(
        getattr(item, "__module__", "")
    ).startswith(_INSIDE)


def kernels_reached(spec: StageSpec) -> tuple[str, ...]:
    """Return the kernels that a stage can call, in the order of the contracts."""
    names = names_reached(spec.solve)
    return tuple(name for name in all_kernels() if name in names)


def spreads_over_ranks(spec: StageSpec) -> bool:
    """Whether several ranks share the work of a stage: its patches, or parts of the one task."""
    return spec.scope == "patch" or not SPREADING.isdisjoint(names_reached(spec.solve))
