"""Kernels come from the cache, but never with the code of a helper that has changed since."""

import importlib
import sys

import numpy as np
import pytest
from numba.core.errors import NumbaError

from leadterm.jit import kernel, nonzero_bits

HELPER = """
from leadterm.jit import inlined
STEP = {step}

@inlined
def advance(number):
    return number {operation} STEP
"""
MIDDLE = """
from leadterm.jit import inlined
from a_helper import advance

@inlined
def advance_twice(number):
    return advance(advance(number))
"""
KERNEL = """
from leadterm.jit import kernel
from a_middle import advance_twice

@kernel("int64(int64)")
def go(number):
    return advance_twice(number)
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load the kernel of modules that are written anew; those of before are forgotten."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def loaded(step, operation="+"):
        for name, text in (("helper", HELPER), ("middle", MIDDLE), ("kernel", KERNEL)):
            (tmp_path / f"a_{name}.py").write_text(text.format(step=step, operation=operation))
            sys.modules.pop(f"a_{name}", None)
        importlib.invalidate_caches()
        return importlib.import_module("a_kernel").go

    yield loaded
    for name in ("helper", "middle", "kernel"):
        sys.modules.pop(f"a_{name}", None)


def test_a_kernel_follows_its_helpers(load):
    first = load(1)
    assert (first(5), sum(first.stats.cache_hits.values())) == (7, 0)
    again = load(1)
    assert (again(5), sum(again.stats.cache_hits.values())) == (7, 1)
    assert load(2)(5) == 9  # a constant of a helper's helper
    assert load(2, "*")(5) == 20  # its code
    assert sum(load(1).stats.cache_hits.values()) == 1


def test_a_kernel_that_does_not_say_that_it_allocates_may_not():
    def doubled(values):
        return np.concatenate((values, values))

    with pytest.raises(NumbaError):
        kernel("int64[::1](int64[::1])")(doubled)
    assert kernel("int64[::1](int64[::1])", allocates=True)(doubled)(np.ones(2, dtype=np.int64)).size == 4


def test_bits_of_what_is_not_zero():
    @kernel("uint64(int64[::1], int64)")
    def bits(values, first):
        return nonzero_bits(values, first)

    draw = np.random.default_rng(0)
    for chance in (0.0, 0.1, 0.9, 1.0):
        values = np.where(draw.random(100) < chance, draw.integers(-(2**63), 2**63 - 1, 100), 0)
        for first in (0, 7, 36):
            expected = sum(1 << place for place in range(64) if values[first + place] != 0)
            assert bits(values, first) == expected
