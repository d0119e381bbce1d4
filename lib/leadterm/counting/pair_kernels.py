"""The kernels behind `leadterm.counting.pair_units`: one pass over windows, with sums for each wanted pair.

Wanted pairs are sorted by one of their tokens, the *key*; ``bounds[a]`` says where those with the key a begin.
``units`` holds the sums of the current document, ``seen`` and ``touched`` which pairs it has, and ``state`` how many
these are, whether the document ends with the input, and its hash.
"""

import numpy as np

from leadterm.jit import inlined, kernel

NO_DOCUMENT = -(2**63)
"""Stands for the hash of no document before the first one; a document of this hash, whose sums begin empty, is like
any other."""
TALLY = "int64[::1], int64[::1], boolean[::1], int64[::1], int64[::1], int64[::1], int64[::1]"
"""units, touched, seen (pairs,), state (3,); then what is handed out: documents, pairs and units."""


@inlined
def find(others, first, last, token):  # type: ignore[no-untyped-def]  # numba infers the types
    """Find a token among sorted ones; ``last`` if it is not there."""
    end = last
    while first < last:
        middle = (first + last) >> 1
        if others[middle] < token:
            first = middle + 1
        else:
            last = middle
    return first if first < end and others[first] == token else end


@inlined
def note(touched, seen, state, k):  # type: ignore[no-untyped-def]
    """Note that the current document has something of a pair."""
    if not seen[k]:
        seen[k] = True
        touched[state[0]] = k
        state[0] += 1


@inlined
def hand_out(numbers, units, touched, seen, state, documents, pairs, given, filled):  # type: ignore[no-untyped-def]
    """Write what the current document has, and begin anew; returns how much of the output is filled."""
    for i in range(state[0]):
        k = touched[i]
        if units[k] != 0:
            documents[filled], pairs[filled], given[filled] = state[2], numbers[k], units[k]
            filled += 1
        units[k], seen[k] = 0, False
    state[0] = 0
    return filled


@kernel(
    f"Tuple((int64, int64))(int32[::1], int64[::1], int64[::1], int64, int64[::1], int32[::1], int64[::1], {TALLY})"
)
def scan_bigrams(  # type: ignore[no-untyped-def]  # types stand in the signature
    tokens, offsets, hashes, window, bounds, others, numbers,
    units, touched, seen, state, documents, pairs, given,
):  # fmt: skip
    """Count the positions (x_t, y_t) of the wanted pairs, whose key is x_t, from ``window`` on.

    Returns the window to go on with, and how much was handed out.
    """
    filled = 0
    while window < hashes.size:
        if hashes[window] != state[2] or state[1]:
            if filled + state[0] > documents.size:
                return window, filled
            filled = hand_out(numbers, units, touched, seen, state, documents, pairs, given, filled)
            state[2] = hashes[window]
        for i in range(offsets[window], offsets[window + 1] - 1):
            first, last = bounds[np.uint32(tokens[i])], bounds[np.uint32(tokens[i] + 1)]
            if first < last:
                k = find(others, first, last, tokens[i + 1])
                if k < last:
                    note(touched, seen, state, k)
                    units[k] += 1
        window += 1
    return window, filled


@kernel(
    "Tuple((int64, int64))(int32[::1], int64[::1], int64[::1], int64, int64[::1], int64[::1], int32[::1], int64[::1], "
    f"int64[::1], int32[::1], int64[::1], {TALLY})"
)
def scan_contexts(  # type: ignore[no-untyped-def]
    tokens, offsets, hashes, window, by_earlier, by_later, others, numbers, weights, counts, heard,
    units, touched, seen, state, documents, pairs, given,
):  # fmt: skip
    """Sum the weights of (x_j, y_t), j <= t, of the wanted pairs, from ``window`` on.

    With w_t the weight of position t, n the count of b so far and W that of the weights at which c came next so far,
    a pair (b, c) has the sum over t with y_t = c of n w_t; and, as every occurrence of b counts at each later c, the
    sum over j with x_j = b of W at the end less W before j. The first visits the pair where c comes, the second where b
    comes: each pair has its rarer token as its key. ``counts`` and ``heard``, of V, hold n and W and are 0 outside.
    Returns the window to go on with, and how much was handed out.
    """
    filled = 0
    while window < hashes.size:
        if hashes[window] != state[2] or state[1]:
            if filled + state[0] > documents.size:
                return window, filled
            filled = hand_out(numbers, units, touched, seen, state, documents, pairs, given, filled)
            state[2] = hashes[window]
        start, stop = offsets[window], offsets[window + 1] - 1
        for i in range(start, stop):
            earlier, later, weight = np.uint32(tokens[i]), np.uint32(tokens[i + 1]), weights[i - start]
            for k in range(by_earlier[earlier], by_earlier[earlier + 1]):
                units[k] -= heard[np.uint32(others[k])]
            counts[earlier] += 1
            for k in range(by_later[later], by_later[later + 1]):
                n = counts[np.uint32(others[k])]
                if n:
                    note(touched, seen, state, k)
                    units[k] += n * weight
            heard[later] += weight
        for i in range(start, stop):
            earlier = np.uint32(tokens[i])
            if counts[earlier]:
                for k in range(by_earlier[earlier], by_earlier[earlier + 1]):
                    if heard[np.uint32(others[k])]:
                        note(touched, seen, state, k)
                        units[k] += counts[earlier] * heard[np.uint32(others[k])]
                counts[earlier] = 0
        for i in range(start, stop):
            heard[np.uint32(tokens[i + 1])] = 0
        window += 1
    return window, filled
