"""Which scores are looked up beforehand, a block of positions at a time, and how.

The query-key matrix is summed row by row, in the order of current tokens, and each position needs a row of scores,
that of its next token. Where a pair of tokens is frequent, its row is written out for the positions of this pair alone.
That would cost too much for the others: of them many are taken together, grouped by next token, so that each row is
noted once a block, and the scores that were found wait in memory.
"""

import numpy as np

from leadterm.counting.positions import fetch_ahead, fetch_token
from leadterm.counting.score_rows import MATRIX, look_up, note_row, noted_row, noted_score
from leadterm.jit import kernel

DIRECT, GATHERED = -1, 0
"""Instead of a place: the position's scores are looked up when they are wanted, or beforehand."""
ENTRIES_PER_SCORE = 1.0
"""What it costs more to have a score wait in memory, in entries that could be written and wiped instead (2 ns each)."""


def worthwhile_entries(n_entries: int, most_places: int) -> float:
    """Say how many entries a row may have, for each score that is wanted, to be written out for one pair of tokens.

    A block that has this many places notes up to all entries of the matrix, and has its scores wait.

    Examples
    --------
    >>> round(worthwhile_entries(136_000_000, 53_000_000), 2)
    3.57
    """
    return ENTRIES_PER_SCORE + n_entries / most_places


@kernel("int64(int32[::1], int32[::1], int32[::1], int64, int64, float64, int64[::1], int64[::1])")
def plan_block(tokens, order, starts, first, most_places, entries_per_score, lengths, places):  # type: ignore[no-untyped-def]  # types stand above
    """Say where the block of positions ends that begins with the ``first``, and mark in ``places`` how each is served.

    The positions are grouped by current and then by next token. One that is GATHERED takes a place for the score of
    each token in its context, and one for their mean; the block ends before the one that has no room. Rows of scores
    have ``lengths`` entries; those of no entry are never gathered.
    """
    taken, k, last = 0, first, min(order.size, first + places.size)
    while k < last:
        current, after, end, wanted = tokens[order[k]], tokens[order[k] + 1], k, 0
        while end < last and tokens[order[end] + 1] == after and tokens[order[end]] == current:
            fetch_token(tokens, order, end)
            wanted += order[end] - starts[end] + 1
            end += 1
        is_direct = lengths[after] <= entries_per_score * wanted
        while k < end:
            taken += 0 if is_direct else order[k] - starts[k] + 2
            if taken > most_places:
                return k
            places[k - first] = DIRECT if is_direct else GATHERED
            k += 1
    return last


@kernel(
    "Tuple((int64[::1], int64[::1], int32[::1], int32[::1]))(int32[::1], int32[::1], int32[::1], int64[::1], int64)",
    allocates=True,
)
def group_by_next(tokens, starts, positions, places, size):  # type: ignore[no-untyped-def]
    """Sort the positions that are GATHERED, whose windows begin at ``starts``, by next token: a stable counting sort.

    Returns ``bounds`` and ``begins``, int64 (V + 1,): the positions before next token y, and the places of their means
    and scores, begin there; and ``starts`` and ``positions`` in this order, int32 (gathered,). In ``places`` it is
    entered where those of each position begin.
    """
    bounds, begins = np.zeros(size + 1, dtype=np.int64), np.zeros(size + 1, dtype=np.int64)
    for i in range(positions.size):
        fetch_token(tokens, positions, i)
        if places[i] != DIRECT:
            after = tokens[positions[i] + 1] + 1
            bounds[after] += 1
            begins[after] += positions[i] - starts[i] + 2
    for y in range(size):
        bounds[y + 1] += bounds[y]
        begins[y + 1] += begins[y]
    rank, place = bounds[:-1].copy(), begins[:-1].copy()
    in_order = np.empty((2, bounds[size]), dtype=np.int32)
    for i in range(positions.size):
        fetch_token(tokens, positions, i)
        if places[i] != DIRECT:
            y = tokens[positions[i] + 1]
            in_order[0, rank[y]], in_order[1, rank[y]] = starts[i], positions[i]
            places[i] = place[y]
            rank[y] += 1
            place[y] += positions[i] - starts[i] + 2
    return bounds, begins, in_order[0], in_order[1]


@kernel(
    f"void(int32[::1], int64[::1], int64[::1], int32[::1], int32[::1], {MATRIX}, float64[::1], uint32[::1], "
    "float64[::1])"
)
def gather_scores(tokens, bounds, begins, starts, positions, matrix, dense, slots, gathered):  # type: ignore[no-untyped-def]
    """Look up the scores of the context tokens of some positions.

    ``positions``, whose windows begin at ``starts``, are grouped by next token: those of row r are
    ``positions[bounds[r]:bounds[r + 1]]``. From ``gathered[begins[r]]`` on stand, for each of them, the mean and the
    scores; the mean is NaN where a score is missing. ``dense`` is a row of no entry, and ``slots`` are for this alone.
    """
    slots[:] = 0
    last = 0
    for row in range(bounds.size - 1):
        if bounds[row] == bounds[row + 1]:
            continue
        place = begins[row]
        last = note_row(slots, matrix, row, last)
        noted = noted_row(slots, matrix, dense, row, last)
        for k in range(bounds[row], bounds[row + 1]):
            fetch_ahead(tokens, starts, positions, k)
            context = tokens[starts[k] : positions[k] + 1]
            gathered[place] = look_up(noted_score, noted, context, gathered[place + 1 : place + 1 + context.size])
            place += context.size + 1
