"""Compilation of the counting kernels.

Kernels are machine code made by numba, with explicit signatures so that a wrong dtype is refused and not
silently recompiled, and cached on disk so that an executor's worker loads them in milliseconds.
"""

from collections.abc import Callable
from typing import Any

import numba

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
