"""Compilation of kernels, and the machine instructions they use that Python has no word for.

Kernels are machine code made by numba, with explicit signatures so that a wrong dtype is refused and not
silently recompiled, and cached on disk so that an executor's worker loads them in milliseconds.

numba takes a kernel from its cache as long as the kernel's own file is the same. But kernels are made of functions and
constants of other modules too; so the name that a kernel is cached by tells what all of these are.
"""

import hashlib
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

Function = Callable[..., Any]


def kernel(*signatures: str, contract: bool = False, allocates: bool = False) -> Callable[[Function], Function]:
    """Compile a function for the given numba signatures, cached on disk where a folder can be written.

    A package that travels inside a zip, or lies in a read-only folder without a home directory, has nowhere to
    cache: it is compiled in each process instead. With ``contract`` a multiplication and an addition may become one
    instruction, which rounds once. References are counted, an atomic instruction wherever an array is passed on or
    sliced, only in a kernel that ``allocates``: any other that makes an array is refused.
    """
    options: dict[str, Any] = {"nogil": True, "fastmath": {"contract"} if contract else False, "_nrt": allocates}

    def compile_function(function: Function) -> Function:
        function.__qualname__ += f"-{_fingerprint(function, options)}"
        try:
            compiled: Function = numba.njit(list(signatures), cache=True, **options)(function)
        except RuntimeError:  # numba's "no locator available": nowhere to keep the cache
            compiled = numba.njit(list(signatures), **options)(function)
        return compiled

    return compile_function


def _fingerprint(function: Function, options: dict[str, Any]) -> str:
    """Hash what a function takes from elsewhere: options, numbers, and the code of functions compiled into it."""
    digest = hashlib.sha256(repr((options, INLINED)).encode())
    for name, value in sorted(_taken(function).items()):
        digest.update(repr((name, _code(value.__code__) if isinstance(value, FunctionType) else value)).encode())
    return digest.hexdigest()[:16]


def _taken(function: Function) -> dict[str, Any]:
    """Find the numbers and the Python functions that a function refers to, and those that these refer to."""
    found: dict[str, Any] = {}
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, bool | int | float):
            found[f"{function.__module__}.{name}"] = value
        else:
            inner = getattr(value, "py_func", None) or getattr(value, "_defn", None)
            if inner is not None:
                found |= {f"{inner.__module__}.{inner.__qualname__}": inner} | _taken(inner)
    return found


def _code(code: CodeType) -> tuple[Any, ...]:
    """Take what matters of a function's code: not where it stands."""
    constants = [_code(constant) if isinstance(constant, CodeType) else constant for constant in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, constants


INLINED: dict[str, Any] = {"forceinline": True}
"""LLVM inlines, which then sees through the arrays. Where numba did it, kernels were 1.5 times as slow."""
inlined = numba.njit(**INLINED)
"""Decorator of the small functions that kernels call: a call that passes arrays costs more than their work."""


def _address(context, builder, array, data, index):  # type: ignore[no-untyped-def]  # numba's values
    """Point to an element of an array."""
    return builder.gep(context.make_array(array)(context, builder, data).data, [index])


def _prefetch(typing_context, array, index):  # type: ignore[no-untyped-def]  # numba's types of the arguments
    """Give the type of a prefetch, and write LLVM's instruction for it, which changes nothing but the time."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        address = _address(context, builder, signature.args[0], *arguments)  # type: ignore[no-untyped-call]
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")  # type: ignore[no-untyped-call]
        for_reading, keep, data = number(0), number(3), number(1)
        builder.call(function, [builder.bitcast(address, pointer), for_reading, keep, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


prefetch: Function = intrinsic(_prefetch)
"""``prefetch(array, index)`` asks for the memory of ``array[index]``, which is wanted soon: a kernel may call it."""
INTS_PER_LINE, FLOATS_PER_LINE = 16, 8
"""Of int32 and of float64 in a cache line of 64 bytes: what one prefetch brings."""


def _trailing_zeros(typing_context, word):  # type: ignore[no-untyped-def]  # numba's type of the argument
    """Give the type of a count of zeros, and write LLVM's instruction for it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.uint64(types.uint64), generate


trailing_zeros: Function = intrinsic(_trailing_zeros)
"""``trailing_zeros(word)`` counts the zeros below the lowest bit that is set in a uint64 other than 0."""


def _leading_zeros(typing_context, word):  # type: ignore[no-untyped-def]  # numba's type of the argument
    """Give the type of a count of zeros, and write LLVM's instruction for it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctlz(arguments[0], ir.IntType(1)(1))

    return types.uint64(types.uint64), generate


leading_zeros: Function = intrinsic(_leading_zeros)
"""``leading_zeros(word)`` counts the zeros above the highest bit that is set in a uint64 other than 0."""


def _word_at(context, builder, array, data, index):  # type: ignore[no-untyped-def]  # numba's values
    """Point to the eight bytes of an array of bytes that begin at an index, wherever that lies."""
    address = _address(context, builder, array, data, index)  # type: ignore[no-untyped-call]
    return builder.bitcast(address, ir.IntType(64).as_pointer())


def _load_word(typing_context, array, index):  # type: ignore[no-untyped-def]  # numba's types of the arguments
    """Give the type of reading eight bytes, and write LLVM's instruction for it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        place = _word_at(context, builder, signature.args[0], *arguments)  # type: ignore[no-untyped-call]
        return builder.load(place, align=1)

    return types.uint64(array, types.intp), generate


load_word: Function = intrinsic(_load_word)
"""``load_word(array, index)`` reads eight bytes of a uint8 array from ``index`` on as one uint64, the lowest first."""


def _store_word(typing_context, array, index, word):  # type: ignore[no-untyped-def]  # numba's types of the arguments
    """Give the type of writing eight bytes, and write LLVM's instruction for it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        place = _word_at(context, builder, signature.args[0], *arguments[:2])  # type: ignore[no-untyped-call]
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.uint64), generate


store_word: Function = intrinsic(_store_word)
"""``store_word(array, index, word)`` writes a uint64 as :func:`load_word` reads it."""


def _nonzero_bits(typing_context, array, index):  # type: ignore[no-untyped-def]  # numba's types of the arguments
    """Give the type of comparing 64 numbers with 0, and write it for one vector, that is cut as the machine needs."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        address = _address(context, builder, signature.args[0], *arguments)  # type: ignore[no-untyped-call]
        numbers = ir.VectorType(ir.IntType(64), 64)
        found = builder.load(builder.bitcast(address, numbers.as_pointer()), align=8)
        return builder.bitcast(builder.icmp_unsigned("!=", found, ir.Constant(numbers, None)), ir.IntType(64))

    return types.uint64(array, types.intp), generate


nonzero_bits: Function = intrinsic(_nonzero_bits)
"""``nonzero_bits(array, index)`` says which of 64 int64 from ``index`` on are not 0, the first in the lowest bit."""
