"""Lanes: as many neighbouring values as one register holds, for loops that are not left to chance.

``flat(array, 0)`` is where the values of an array lie, without anything else that an array knows:
it costs nothing to hand on, and it keeps nothing alive, so it is taken of arguments only.
``load(values, first)`` takes the lanes from `first` on, ``store`` puts them back; ``+``, ``-``,
``*`` and ``/`` work on all of them. What a loop over lanes does is then the same on every
processor, and takes a compiler no search for it. ``fused`` and ``fused_less`` are the exception:
product and sum are rounded once where the processor can do that, and twice where it cannot.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import templates
from numba.extending import intrinsic, lower_builtin, models, register_model

# Numba's own functions have no types.
create_struct_proxy: Any = cgutils.create_struct_proxy
declared: Any = cgutils.get_or_insert_function
infer_global: Any = templates.infer_global
lowers: Any = lower_builtin
of_model: Any = register_model
signature: Any = templates.signature

BYTES = 32  # of a register


def operation(function: Callable[..., Any]) -> Any:
    """Make a function that says what types it takes, and how it is lowered, callable in kernels."""
    return intrinsic(function)


class LanesType(types.Type):
    """Values of one class side by side."""

    def __init__(self, scalar: Any) -> None:
        self.scalar = scalar
        self.width = BYTES * 8 // scalar.bitwidth
        super().__init__(f"lanes({scalar})")


@of_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: LanesType) -> None:
        vector = ir.VectorType(manager.lookup(kind.scalar).get_value_type(), kind.width)
        super().__init__(manager, kind, vector)  # type: ignore[no-untyped-call]


class FlatType(types.Type):
    """Where values of one class lie."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"flat({dtype})")


@of_model(FlatType)
class _FlatModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: FlatType) -> None:
        pointer = manager.lookup(kind.dtype).get_data_type().as_pointer()
        super().__init__(manager, kind, pointer)  # type: ignore[no-untyped-call]


@operation
def flat(typing: Any, array: Any, first: Any) -> Any:
    """Return where the values of a contiguous array lie, from `first` on."""
    if not (isinstance(array, types.Array) and array.layout in "CF"):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        start = create_struct_proxy(array)(context, builder, args[0]).data
        return builder.gep(start, [args[1]])

    return FlatType(array.dtype)(array, types.intp), lower


@operation
def after(typing: Any, values: Any, first: Any) -> Any:
    """Return where flat values lie, from `first` on."""
    if not isinstance(values, FlatType):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return values(values, types.intp), lower


@infer_global(operator.getitem)
class _GetValue(templates.AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], FlatType):
            return signature(args[0].dtype, args[0], types.intp)
        return None


@infer_global(operator.setitem)
class _SetValue(templates.AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], FlatType):
            return signature(types.none, args[0], types.intp, args[0].dtype)
        return None


@lowers(operator.getitem, FlatType, types.Integer)  # type: ignore[untyped-decorator]
def _get_value(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.load(builder.gep(args[0], [args[1]]))


@lowers(operator.setitem, FlatType, types.Integer, types.Any)  # type: ignore[untyped-decorator]
def _set_value(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    builder.store(args[2], builder.gep(args[0], [args[1]]))
    return context.get_dummy_value()


class _SameLanes(templates.AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 2 and isinstance(args[0], LanesType) and args[0] == args[1]:
            return signature(args[0], *args)
        return None


def _operator(symbol: Callable[..., Any], name: str) -> None:
    """Make an operator of Python work on lanes by an instruction, that of floats with an f."""
    infer_global(symbol)(type(f"Lanes_{name}", (_SameLanes,), {"key": symbol}))

    @lowers(symbol, LanesType, LanesType)  # type: ignore[untyped-decorator]
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = isinstance(sig.return_type.scalar, types.Integer)
        return getattr(builder, name if whole else f"f{name}")(*args)


_OPERATORS = (
    (operator.add, "add"),
    (operator.sub, "sub"),
    (operator.mul, "mul"),
    (operator.truediv, "div"),
)
for _symbol, _name in _OPERATORS:
    _operator(_symbol, _name)


def place_of(context: Any, builder: Any, kind: Any, start: Any, index: Any) -> Any:
    """Return where the lanes from `index` on lie, as a pointer to a vector."""
    vector = context.get_value_type(LanesType(kind.dtype))
    return builder.bitcast(builder.gep(start, [index]), vector.as_pointer())


@operation
def load(typing: Any, values: Any, first: Any) -> Any:
    """Return the lanes of flat values from `first` on; nothing checks that they are there."""
    if not isinstance(values, FlatType):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = place_of(context, builder, sig.args[0], *args)
        return builder.load(place, align=values.dtype.bitwidth // 8)

    return LanesType(values.dtype)(values, types.intp), lower


@operation
def load_as(typing: Any, like: Any, values: Any, first: Any) -> Any:
    """Return as many flat values as `like` has lanes, from `first` on, in its class."""
    if not (isinstance(values, FlatType) and isinstance(like, LanesType)):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = context.get_value_type(sig.return_type)
        own = ir.VectorType(context.get_value_type(values.dtype), like.width)
        place = builder.bitcast(builder.gep(args[1], [args[2]]), own.as_pointer())
        lanes = builder.load(place, align=values.dtype.bitwidth // 8)
        if values.dtype.bitwidth > like.scalar.bitwidth:
            return builder.fptrunc(lanes, kind)
        return builder.fpext(lanes, kind) if values.dtype != like.scalar else lanes

    return like(like, values, types.intp), lower


@operation
def store(typing: Any, values: Any, first: Any, lanes: Any) -> Any:
    """Put lanes into flat values from `first` on."""
    if not isinstance(values, FlatType) or lanes != LanesType(values.dtype):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = place_of(context, builder, sig.args[0], args[0], args[1])
        builder.store(args[2], place, align=values.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(values, types.intp, lanes), lower


@operation
def fetch(typing: Any, values: Any, place: Any) -> Any:
    """Bring the line of memory with a flat value near; it need not be there."""
    if not isinstance(values, FlatType):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = declared(builder.module, kind, "llvm.prefetch.p0")
        line = builder.bitcast(builder.gep(args[0], [args[1]]), pointer)
        builder.call(function, [line, number(0), number(2), number(1)])  # read; second cache; data
        return context.get_dummy_value()

    return types.none(values, types.intp), lower


@operation
def filled(typing: Any, values: Any, value: Any) -> Any:
    """Return lanes of the class of flat values that all hold one value."""
    if not isinstance(values, FlatType):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = context.get_value_type(sig.return_type)
        scalar = context.cast(builder, args[1], value, values.dtype)
        nothing = ir.Constant(vector, ir.Undefined)
        one = builder.insert_element(nothing, scalar, ir.IntType(32)(0))
        first = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
        return builder.shuffle_vector(one, nothing, first)

    return LanesType(values.dtype)(values, value), lower


@operation
def lanes_in(typing: Any, values: Any) -> Any:
    """Return how many flat values are lanes of one register."""
    if not isinstance(values, FlatType):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.intp, LanesType(values.dtype).width)

    return types.intp(values), lower


@operation
def bits_of(typing: Any, values: Any, value: Any) -> Any:
    """Return the bits of a value in the class of flat values, as an integer.

    Those of values that are not negative are in the same order as the values.
    """
    if not isinstance(values, FlatType):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        scalar = context.cast(builder, args[1], value, values.dtype)
        bits = builder.bitcast(scalar, ir.IntType(values.dtype.bitwidth))
        return bits if values.dtype.bitwidth == 64 else builder.zext(bits, ir.IntType(64))

    return types.int64(values, value), lower


@operation
def of_bits(typing: Any, values: Any, bits: Any) -> Any:
    """Return the value, of the class of flat values, that has these bits."""
    if not isinstance(values, FlatType):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        width = values.dtype.bitwidth
        short = args[1] if width == 64 else builder.trunc(args[1], ir.IntType(width))
        return builder.bitcast(short, context.get_value_type(values.dtype))

    return values.dtype(values, types.int64), lower


def _of_three(a: Any, b: Any, c: Any, third: Callable[..., Any]) -> Any:
    """Return type and lowering of the product of `a` and `b` plus what `third` makes of `c`."""
    if not (isinstance(a, LanesType) and a == b == c):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = args[0].type
        name = f"llvm.fmuladd.v{vector.count}f{sig.return_type.scalar.bitwidth}"
        call = args[0], args[1], third(builder, args[2])
        kind = ir.FunctionType(vector, [vector] * 3)
        return builder.call(declared(builder.module, kind, name), call)

    return a(a, b, c), lower


@operation
def fused(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c."""
    return _of_three(a, b, c, lambda builder, value: value)


@operation
def fused_less(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b - c."""
    return _of_three(a, b, c, lambda builder, value: builder.fneg(value))


@operation
def root(typing: Any, a: Any) -> Any:
    """Return square roots."""
    if not isinstance(a, LanesType):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = args[0].type
        name = f"llvm.sqrt.v{vector.count}f{sig.return_type.scalar.bitwidth}"
        return builder.call(declared(builder.module, ir.FunctionType(vector, [vector]), name), args)

    return a(a), lower


def _chooser(comparison: str) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(comparison, *args), *args)

    return lower


@operation
def larger(typing: Any, a: Any, b: Any) -> Any:
    """Return the larger of two lanes; the second where one is NaN."""
    return (a(a, b), _chooser(">")) if isinstance(a, LanesType) and a == b else None


@operation
def smaller(typing: Any, a: Any, b: Any) -> Any:
    """Return the smaller of two lanes; the second where one is NaN."""
    return (a(a, b), _chooser("<")) if isinstance(a, LanesType) and a == b else None


@operation
def where_below(typing: Any, a: Any, limit: Any, b: Any, c: Any) -> Any:
    """Return the lanes of `b` where those of `a` lie below the limit, those of `c` elsewhere."""
    if not (isinstance(a, LanesType) and a == limit == b == c):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[2], args[3])

    return a(a, limit, b, c), lower


def _counts(a: LanesType) -> LanesType:
    """Return the type of the integers that count where lanes are below others."""
    return LanesType(types.Integer.from_bitwidth(a.scalar.bitwidth))


@operation
def no_counts(typing: Any, a: Any) -> Any:
    """Return counts of zero, one for each lane of `a`."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(sig.return_type), None)

    return _counts(a)(a), lower


@operation
def count_below(typing: Any, counts: Any, a: Any, limit: Any) -> Any:
    """Add one to the counts of those lanes that lie below the limit."""
    if not (isinstance(a, LanesType) and a == limit and counts == _counts(a)):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        below = builder.fcmp_ordered("<", args[1], args[2])
        return builder.sub(args[0], builder.sext(below, args[0].type))

    return counts(counts, a, limit), lower


@operation
def total(typing: Any, a: Any) -> Any:
    """Add all lanes, those half a register apart first."""
    if not isinstance(a, LanesType):
        return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        add = builder.add if isinstance(a.scalar, types.Integer) else builder.fadd
        order = ir.VectorType(ir.IntType(32), a.width)
        sums, step = args[0], a.width // 2
        while step:
            other = ir.Constant(order, [(k + step) % a.width for k in range(a.width)])
            sums = add(sums, builder.shuffle_vector(sums, sums, other))
            step //= 2
        return builder.extract_element(sums, ir.IntType(32)(0))

    return a.scalar(a), lower
