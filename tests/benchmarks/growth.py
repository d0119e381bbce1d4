"""How counting grows with the tokens, with T and with V: leadterm's kernels by themselves, on one core.

One of them is doubled again and again, the others stay. Tokens are numbered by frequency, and those beyond a smaller
vocabulary's are the last of it. Windows are cut anew, T + 1 tokens each, from windows that lie one after the other.
"""

import time
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench import Bench
from benchmarks.gate import GateError, plain_row, sample_tokens
from benchmarks.samples import Sample
from leadterm.counting import Statistic, count_unit, reciprocal_weights

SAMPLES = ("large",)
MOST_TOKENS = 12_800_000
"""Less than a task's memory takes at once by default."""
HALVED, LENGTHENED = 3, 4
"""How often tokens and V are halved, and T is doubled."""
CAPACITY, SCALE_BITS = 2**19, 32
"""Of a batch of rows, and of a weight, as jobs have them by default."""
CHECKED_ROWS, MOST_PLACES = 4, 500
"""How many rows of Phi are counted again, of tokens that occur so often at most."""


class Case(NamedTuple):
    """What is counted: so many tokens, in windows of this length, of this vocabulary."""

    tokens: int
    length: int
    vocabulary_size: int


def run_part(bench: Bench) -> dict[str, Any]:
    """Count ever more, and require rows that a plain count gives."""
    accuracy, growth = bench.call(measure_growth, bench.samples["large"], bench.repeats)
    return {"accuracy": {"each case": accuracy}, "growth": growth}


def cases_of(whole: Case) -> dict[str, list[Case]]:
    """List the cases by what grows in them."""
    sizes = range(HALVED, -1, -1)
    return {
        "tokens": [whole._replace(tokens=whole.tokens >> halved) for halved in sizes],
        "length": [whole._replace(length=whole.length << doubled >> 1) for doubled in range(LENGTHENED + 2)],
        "vocabulary_size": [whole._replace(vocabulary_size=whole.vocabulary_size >> halved) for halved in sizes],
    }


def measure_growth(sample: Sample, repeats: int) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    """Check, then time all cases, one after the other, so many times."""
    tokens = _ranked(sample.flat_windows()[0], sample.sizes["vocabulary_size"])
    whole = Case(min(MOST_TOKENS, len(tokens)), sample.sizes["length"], sample.sizes["vocabulary_size"])
    cases = cases_of(whole)
    found = {case: _check(tokens, case) for group in cases.values() for case in group}
    seconds: dict[Case, list[float]] = {case: [] for case in found}
    for _ in range(repeats):
        for case, times in seconds.items():
            started = time.perf_counter()
            for _rows in _count(tokens, case):
                pass
            times.append(time.perf_counter() - started)
    growth = {
        name: [case._asdict() | {"seconds": median(seconds[case]), "nonzeros": found[case]} for case in group]
        for name, group in cases.items()
    }
    return f"{CHECKED_ROWS} rows of Phi: equal to a plain count, every integer", growth


def _ranked(tokens: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """Number tokens by frequency, the most frequent first."""
    counts = np.bincount(tokens, minlength=size)
    ranks = np.empty(size, dtype=np.int32)
    ranks[np.argsort(-counts, kind="stable")] = np.arange(size, dtype=np.int32)
    return ranks[tokens]


def _windows(tokens: NDArray[np.int32], case: Case) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Cut the first tokens to windows."""
    chosen = np.minimum(tokens[: case.tokens], np.int32(case.vocabulary_size - 1))
    return chosen, np.append(np.arange(0, case.tokens, case.length + 1), case.tokens)


def _count(tokens: NDArray[np.int32], case: Case) -> Any:
    """Count a case with leadterm's kernels."""
    weights = reciprocal_weights(case.length, SCALE_BITS)
    return count_unit(*_windows(tokens, case), case.vocabulary_size, weights, CAPACITY)


def _check(tokens: NDArray[np.int32], case: Case) -> int:
    """Require of some rows of Phi what a plain count gives; returns the nonzeros of Phi."""
    windows, offsets = _windows(tokens, case)
    starts = np.repeat(offsets[:-1], np.diff(offsets))
    weights = reciprocal_weights(case.length, SCALE_BITS)
    counts = np.bincount(windows, minlength=case.vocabulary_size)
    expected = {
        int(row): plain_row(windows, starts, weights, case.vocabulary_size, row)
        for row in sample_tokens(counts, CHECKED_ROWS, MOST_PLACES)
    }
    nonzeros = 0
    for statistic, rows in _count(tokens, case):
        if statistic == Statistic.CONTEXT:
            nonzeros += len(rows.columns)
            _subtract(rows, expected)
    if other := [row for row, left in expected.items() if left.any()]:
        raise GateError(f"Phi: row {other[0]} is not what a plain count gives")
    return nonzeros


def _subtract(rows: Any, expected: dict[int, NDArray[np.int64]]) -> None:
    """Take rows from those that are expected."""
    for number, row in enumerate(rows.keys):
        if int(row) in expected:
            entries = slice(rows.offsets[number], rows.offsets[number + 1])
            expected[int(row)][rows.columns[entries]] -= rows.values[entries]
