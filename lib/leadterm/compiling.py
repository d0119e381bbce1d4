"""Compilation of the counting kernels, and the one machine instruction they use that Python has no word for.

Kernels are machine code made by numba, with explicit signatures so that a wrong dtype is refused and not
silently recompiled, and cached on disk so that an executor's worker loads them in milliseconds.
"""

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

Function = Callable[..., Any]


def kernel(signature: str) -> Callable[[Function], Function]:
    """Compile a function for the given numba signature, cached on disk where a folder can be written.

    A package that travels inside a zip, or lies in a read-only folder without a home directory, has nowhere to
    cache: it is compiled in each process instead.
    """

    def compile_function(function: Function) -> Function:
        try:
            compiled: Function = numba.njit(signature, cache=True, nogil=True)(function)
        except RuntimeError:  # numba's "no locator available": nowhere to keep the cache
            compiled = numba.njit(signature, nogil=True)(function)
        return compiled

    return compile_function


inlined = numba.njit(inline="always")
"""Decorator of the small functions that kernels call: a call that passes arrays costs more than their work."""


def _prefetch(typing_context, array, index):  # type: ignore[no-untyped-def]  # numba's types of the arguments
    """Give the type of a prefetch, and write LLVM's instruction for it, which changes nothing but the time."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        address = builder.gep(
            context.make_array(signature.args[0])(context, builder, arguments[0]).data, [arguments[1]]
        )
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")  # type: ignore[no-untyped-call]
        for_reading, keep, data = number(0), number(3), number(1)
        builder.call(function, [builder.bitcast(address, pointer), for_reading, keep, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


prefetch: Function = intrinsic(_prefetch)
"""``prefetch(array, index)`` asks for the memory of ``array[index]``, which is wanted soon: a kernel may call it."""
