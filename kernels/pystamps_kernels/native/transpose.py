"""Lanes of columns from lanes of rows."""

from typing import Any

from llvmlite import ir
from numba import types

from .lanes import FlatType, LanesType, operation, place_of


@operation
def turn_square(
    typing: Any, values: Any, at: Any, shift: Any, to: Any, first: Any, stride: Any
) -> Any:
    """Make columns of rows, as many of each as a register has lanes.

    Row k is the lanes of `values` from ``at[k] + shift`` on, column k becomes those of `to` from
    ``first + k * stride`` on.
    """
    if not (isinstance(values, FlatType) and isinstance(at, FlatType) and to == values):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source, places, shift, target, first, stride = args
        width, align = LanesType(values.dtype).width, values.dtype.bitwidth // 8
        rows = []
        for k in range(width):
            place = builder.load(builder.gep(places, [ir.IntType(64)(k)]))
            begin = place_of(context, builder, values, source, builder.add(place, shift))
            rows.append(builder.load(begin, align=align))
        for k, row in enumerate(_turned(builder, rows)):
            begin = builder.add(first, builder.mul(stride, ir.IntType(64)(k)))
            builder.store(row, place_of(context, builder, to, target, begin), align=align)
        return context.get_dummy_value()

    whole = types.intp
    return types.none(values, at, whole, to, whole, whole), lower


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Exchange, bit by bit of row and lane, what lies off the diagonal."""
    width, step = len(rows), len(rows) // 2
    vector = ir.VectorType(ir.IntType(32), width)
    while step:
        low = [k if not k & step else width + k - step for k in range(width)]
        high = [k + step if not k & step else width + k for k in range(width)]
        for i in (i for i in range(width) if not i & step):
            pair = rows[i], rows[i + step]
            rows[i] = builder.shuffle_vector(*pair, ir.Constant(vector, low))
            rows[i + step] = builder.shuffle_vector(*pair, ir.Constant(vector, high))
        step //= 2
    return rows
