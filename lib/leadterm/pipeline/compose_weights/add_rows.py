"""An instruction of kernels: multiples of rows are added to a row that is held in registers meanwhile.

LLVM keeps no array in registers over a loop of unknown length, so a loop in Python would read and write the sum for
each row. Here it is one vector, which LLVM cuts into as many registers as the machine needs.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LANES = 32
"""Columns of a row, float64: four registers of 512 bits, eight of 256."""


def _add_rows(typing_context, target, row, ids, factors, first, last, source):  # type: ignore[no-untyped-def]
    """Give the type of the sum, and write its loop. Products are rounded before they are added, on every machine."""
    line = ir.VectorType(ir.DoubleType(), LANES)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        arrays = [
            context.make_array(kind)(context, builder, argument).data if isinstance(kind, types.Array) else None
            for kind, argument in zip(signature.args, arguments, strict=True)
        ]
        place, total = _line_at(builder, arrays[0], arguments[1], line), cgutils.alloca_once(builder, line)  # type: ignore[no-untyped-call]
        builder.store(builder.load(place, align=8), total)
        step = ir.Constant(arguments[4].type, 1)
        with cgutils.for_range_slice(builder, arguments[4], arguments[5], step) as (e, _):
            chosen = builder.zext(builder.load(builder.gep(arrays[2], [e])), ir.IntType(64))
            added = builder.load(_line_at(builder, arrays[6], chosen, line), align=8)
            factor = _spread(builder, builder.load(builder.gep(arrays[3], [e])), line)
            builder.store(builder.fadd(builder.load(total), builder.fmul(factor, added)), total)
        builder.store(builder.load(total), place, align=8)
        return context.get_dummy_value()

    return types.void(target, types.intp, ids, factors, types.intp, types.intp, source), generate


def _line_at(builder: Any, data: Any, row: Any, line: ir.VectorType) -> Any:
    """Point to a row."""
    cell = builder.mul(row, ir.Constant(row.type, line.count))
    return builder.bitcast(builder.gep(data, [cell]), line.as_pointer())


def _spread(builder: Any, number: Any, line: ir.VectorType) -> Any:
    """Put a number into all lanes."""
    undefined, places = ir.Constant(line, ir.Undefined), ir.VectorType(ir.IntType(32), line.count)
    alone = builder.insert_element(undefined, number, ir.IntType(32)(0))
    return builder.shuffle_vector(alone, undefined, ir.Constant(places, [0] * line.count))


add_rows: Callable[..., None] = intrinsic(_add_rows)
"""``add_rows(target, row, ids, factors, first, last, source)`` adds the rows ``ids[e]`` of ``source``, each times
``factors[e]``, to a row of ``target`` in the order of e = first ... last - 1. Both are float64 (rows, LANES); the ids
are int32 and not compared with the number of rows."""
