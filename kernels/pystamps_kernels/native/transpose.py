"""Lanes of columns from lanes of rows."""

from typing import Any

from llvmlite import ir
from numba import types

from .lanes import FlatType, LanesType, converted, operation, place_of


@operation
def turn_square(
    typing: Any, values: Any, at: Any, shift: Any, to: Any, first: Any, stride: Any
) -> Any:
    """Make columns of rows, as many of each as a register has lanes of the class of `to`.

    Row k is the values from ``at[k] + shift`` on, column k becomes those of `to` from
    ``first + k * stride`` on.
    """
    if not all(isinstance(kind, FlatType) for kind in (values, at, to)):
        return None
    lanes = LanesType(to.dtype)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source, places, shift, target, first, stride = args
        rows = []
        for k in range(lanes.width):
            place = builder.load(builder.gep(places, [ir.IntType(64)(k)]))
            begin = builder.gep(source, [builder.add(place, shift)])
            rows.append(converted(context, builder, lanes, values, begin))
        for k, row in enumerate(_turned(builder, rows)):
            begin = builder.add(first, builder.mul(stride, ir.IntType(64)(k)))
            place = place_of(context, builder, to, target, begin)
            builder.store(row, place, align=to.dtype.bitwidth // 8)
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
