"""What documents add to entries of the matrices: equal to a plain loop over each document, whatever the pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadterm.counting import pair_units as module
from leadterm.counting.pair_kernels import NO_DOCUMENT
from leadterm.counting.pair_units import PairMap, PairScan
from leadterm.errors import InputError
from support.naive_counts import count_windows, fixed_point
from support.random_windows import random_windows


def flat(windows):
    """Lay windows end to end."""
    tokens = np.array([token for window in windows for token in window], dtype=np.int32)
    return tokens, np.cumsum([0, *map(len, windows)], dtype=np.int64)


def naive_units(windows, documents, kind, scale_bits, pairs):
    """{(document, pair): units} by the loop over positions of each document's windows."""
    found = {}
    for document in set(documents):
        own = [window for window, its in zip(windows, documents, strict=True) if its == document]
        counts = count_windows(own, fixed_point(scale_bits))
        table = counts.bigram if kind is PairMap.BIGRAM else {(b, c): n for (c, b), n in counts.context.items()}
        found |= {(document, k): table[pair] for k, pair in enumerate(pairs) if table.get(pair)}
    return found


def scanned(case, documents, kind, pairs, *, cut=None, occurrences=None):
    """{(document, pair): units} by the kernels, in one call or in two."""
    occurrences = np.ones(case.size, dtype=np.int64) if occurrences is None else occurrences
    scan = PairScan(np.array(pairs, dtype=np.int64).reshape(-1, 2), kind, occurrences, case.weights)
    hashes, parts = np.array(documents, dtype=np.int64), []
    for some in (slice(0, cut), slice(cut, None)) if cut else (slice(None),):
        parts += list(scan.add(*flat(case.windows[some]), hashes[some]))
    parts.append(scan.finish())
    rows = [row for part in parts for row in zip(*(column.tolist() for column in vars(part).values()), strict=True)]
    assert len({row[:2] for row in rows}) == len(rows), "a document has a pair once"
    return {(document, pair): units for document, pair, units in rows}


@st.composite
def cases(draw):
    """Windows of some documents, equal hashes together, and some of all pairs of tokens, in any order."""
    case = draw(random_windows())
    hashes = draw(st.lists(st.sampled_from([NO_DOCUMENT, -5, 0, 7, 2**63 - 1]), min_size=len(case.windows),
                           max_size=len(case.windows)).map(sorted))  # fmt: skip
    used = sorted({token for window in case.windows for token in window} | {0})
    pair = st.tuples(st.sampled_from(used), st.sampled_from(used))
    pairs = draw(st.lists(pair, max_size=20, unique=True))
    occurrences = draw(st.lists(st.integers(0, 3), min_size=case.size, max_size=case.size)) if case.size < 70 else None
    return case, hashes, pairs, draw(st.integers(0, 12)), occurrences and np.array(occurrences, dtype=np.int64)


@pytest.mark.parametrize("kind", PairMap)
@given(drawn=cases())
def test_equal_to_the_loop_however_it_is_divided(kind, drawn):
    """Which token of a pair counts as the rarer one changes nothing, so the draw need not tell the truth."""
    case, documents, pairs, cut, occurrences = drawn
    expected = naive_units(case.windows, documents, kind, case.scale_bits, pairs)
    assert scanned(case, documents, kind, pairs, cut=cut, occurrences=occurrences) == expected


def test_a_full_output_goes_on(monkeypatch):
    """With room for one document at a time nothing is lost."""
    monkeypatch.setattr(module, "LEAST_OUTPUT", 1)
    windows, documents = [[0, 1, 0, 1], [0, 1], [1, 0]], [3, 4, 5]
    offsets = np.array([0, 4, 6, 8])
    scan = PairScan(np.array([[0, 1], [1, 0]]), PairMap.BIGRAM, np.ones(2, dtype=np.int64), np.array([4, 2, 1]))
    parts = [*scan.add(flat(windows)[0], offsets, np.array(documents)), scan.finish()]
    assert len(parts) == 3
    found = [(part.document.tolist(), part.pair.tolist(), part.units.tolist()) for part in parts]
    assert found == [([3, 3], [0, 1], [2, 1]), ([4], [0], [1]), ([5], [1], [1])]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([[0, 5]], "must be 0 to 4; found 0 to 5"),
        ([[-1, 0]], "found -1 to 0"),
        ([[0, 1], [0, 1]], "must come once"),
        ([0, 1], r"found an array of shape \(2,\)"),
    ],
)
def test_pairs_that_cannot_be_looked_up_are_refused(pairs, message):
    with pytest.raises(InputError, match=message):
        PairScan(np.array(pairs), PairMap.CONTEXT, np.ones(5, dtype=np.int64), np.array([1]))
