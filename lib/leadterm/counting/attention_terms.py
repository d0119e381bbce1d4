"""Counts the attention terms of one unit of windows: rows of the query-key matrix, and the position bias.

At a position t with next token y, the gradient of attention's scores is q_j = (s_j - mean of s) / t over the context
j <= t, where s_j is the score of the pair (y, x_j). The query-key matrix sums q_j over (x_t, x_j), the
position bias over the distance t - j [16, 17].
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from leadterm.catalog.products import Statistic
from leadterm.counting.accumulator import add, close_row, empty_scratch, fills, last_row
from leadterm.counting.cooccurrence import dense_row
from leadterm.counting.cooccurrence_kernels import OUTPUT, PAIRS_PER_POSITION
from leadterm.counting.memory_budget import PLACES_PER_POSITION, TaskMemory
from leadterm.counting.positions import AHEAD, NEXT, fetch_ahead, group_positions, regroup_by_current
from leadterm.counting.score_gather import DIRECT, gather_scores, group_by_next, plan_block, worthwhile_entries
from leadterm.counting.score_rows import MATRIX, NO_ROW, ScoreRows, Scores, look_up, rewrite_row, written_score
from leadterm.counting.sparse_rows import SparseRows
from leadterm.counting.validation import check_windows
from leadterm.errors import RunError
from leadterm.jit import FLOATS_PER_LINE, inlined, kernel, prefetch

NO_SCORE = -1
"""What the kernel returns for a pair that has no score."""
TO_INTEGER = 1.5 * 2.0**52
"""Added to a number below 2^51, it leaves the nearest integer in the last bits of the sum, half to even ..."""
INTEGER_ZERO = int(np.float64(TO_INTEGER).view(np.int64))
"""... from which its own bits are subtracted: rounding that the compiler can do for several numbers at once."""
TERM_BITS = 50
"""Terms must be below 2^50 units: half of what can be rounded so, and they are rounded themselves."""


def attention_unit(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    length: int,
    scores: Scores,
    memory: TaskMemory,
    entries_per_score: float | None = None,
) -> Iterator[tuple[Statistic, SparseRows]]:
    """Count the attention terms of some windows.

    Parameters
    ----------
    tokens, offsets
        Windows, as :func:`leadterm.counting.count_unit` takes them.
    length
        T, the largest number of positions in a window.
    scores
        The score matrix.
    memory
        Entries of one output batch (at least V are used), and scores that are looked up together (at least T). The sums
        of the rows do not depend on it.
    entries_per_score
        How many entries a row of scores may have, for each score that is wanted, to be written out for one pair of
        tokens; by default what is quickest. The sums do not depend on it.

    Yields
    ------
    (Statistic, SparseRows)
        Rows of the query-key matrix, keys ascending, each once; then the position bias as one row: its columns
        0 ... T-1 are distances, column T is the number of positions. They are to be used or copied before the next ones
        are asked for, as those of :func:`leadterm.counting.count_unit`.

    Raises
    ------
    RunError
        If a pair that occurs has no score.
    InputError
        If an id, a window's length or a row of scores is out of range.
    """
    size = len(scores.kept)
    check_windows(tokens, offsets, size, length)
    _, order, starts = group_positions(tokens, offsets, size, NEXT)
    bounds, order, starts = regroup_by_current(tokens, offsets, order, starts, size)
    scratch, touched = empty_scratch(size)
    full = fills.py_func(PAIRS_PER_POSITION * np.diff(bounds), size)
    distances, rounded = np.zeros(length, dtype=np.int64), np.empty((3, length))
    gathered = np.empty(max(memory.block_places, length + 1))
    dense, slots = scores.empty_row, np.empty(size, dtype=np.uint32)
    served = (scores.matrix.arrays, scores.kept, dense, np.array(scores.without_row), gathered)
    if entries_per_score is None:
        entries_per_score = worthwhile_entries(int(scores.matrix.lengths.sum()), len(gathered))
    units = _scales(scores)
    out = SparseRows.empty(min(len(order), size) + 1, max(memory.batch_entries, size))
    open_row = NO_ROW
    for block, places in _blocks(tokens, order, starts, scores.matrix, len(gathered), entries_per_score):
        positions, begins, done = order[block], starts[block], 0
        grouped = group_by_next(tokens, begins, positions, places, size)
        gather_scores(tokens, *grouped, scores.matrix.arrays, dense, slots, gathered)
        while done < len(positions):
            done, open_row, n_rows = attention_rows(
                tokens, begins, positions, places, *served, *units, distances, rounded, scratch, touched, full,
                done, open_row, *out.arrays,
            )  # fmt: skip
            if done == NO_SCORE:
                raise RunError(
                    "a pair of tokens that occurs in the windows has no score: the scores belong "
                    "to other windows. Run the job compose_weights again."
                )
            yield Statistic.QUERY_KEY, _keys_kept(out[:n_rows], scores.kept)
    yield Statistic.QUERY_KEY, _keys_kept(last_row(open_row, scratch, touched, full[open_row]), scores.kept)
    yield Statistic.POSITION, dense_row(np.append(distances[::-1], len(order)))


def _scales(scores: Scores) -> tuple[NDArray[np.float64], float]:
    """Give by what to multiply a term before it is rounded: float64 (V,) for each row, and for the position bias."""
    rows = np.where(scores.kept, np.ldexp(1.0, scores.row_bits), 0.0)
    return rows, float(np.ldexp(1.0, scores.position_bits))


def _blocks(
    tokens: NDArray[np.int32],
    order: NDArray[np.int32],
    starts: NDArray[np.int32],
    matrix: ScoreRows,
    most_places: int,
    entries_per_score: float,
) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Cut the grouped positions into blocks that have room in this many places; say how each position is served."""
    places = np.empty(max(1, most_places // PLACES_PER_POSITION), dtype=np.int64)
    last = 0
    while last < len(order):
        first = last
        last = plan_block(tokens, order, starts, first, most_places, entries_per_score, matrix.lengths, places)
        yield slice(first, last), places[: last - first]


def _keys_kept(rows: SparseRows, kept: NDArray[np.bool_]) -> SparseRows:
    """Leave out the columns of tokens that are not kept: they count in the means of scores alone."""
    if kept.all():
        return rows
    stays = kept[rows.columns]
    lengths = np.diff(np.concatenate([[0], np.cumsum(stays)])[rows.offsets])
    filled = lengths > 0
    offsets = np.concatenate([[0], np.cumsum(lengths[filled])])
    return SparseRows(rows.keys[filled], offsets, rows.columns[stays], rows.values[stays])


@inlined
def fetch_scores(gathered, starts, positions, places, k):  # type: ignore[no-untyped-def]  # numba infers the types
    """Ask for the scores of a position soon to come, if they wait in memory."""
    ahead = k + AHEAD
    if ahead < positions.size and places[ahead] != DIRECT:
        for place in range(places[ahead], places[ahead] + positions[ahead] - starts[ahead] + 2, FLOATS_PER_LINE):
            prefetch(gathered, place)


@kernel(
    f"Tuple((int64, int64, int64))(int32[::1], int32[::1], int32[::1], int64[::1], {MATRIX}, "
    "Array(bool_, 1, 'C', readonly=True), float64[::1], float64[::1], float64[::1], float64[::1], float64, "
    f"int64[::1], float64[:, ::1], int64[::1], uint64[::1], boolean[::1], int64, int64, {OUTPUT})"
)
def attention_rows(  # type: ignore[no-untyped-def]  # types stand in the signature
    tokens, starts, positions, places, matrix, kept, dense, without_row, gathered, row_scales, position_scale,
    distances, rounded, scratch, touched, full, done, open_row, keys, offsets, columns, values,
):  # fmt: skip
    """Add q_j = (s_j - mean) / t of positions from ``done`` on to the open row and to ``distances``, rounded.

    The positions are grouped by current token, which names the row; their windows begin at ``starts``, the mean of
    their scores stands at ``gathered[places]``, and after it the scores. Those of positions that are DIRECT are looked
    up here, in ``dense``, a row of no entry before and after. ``distances`` ends with distance 0. Returns the position
    to go on with, the row then open, and the number of rows written; stops early where the output has no room for a
    full row.
    """
    n_rows, filled, n_columns, written = 0, 0, row_scales.size, NO_ROW
    in_row, in_distances, found = rounded[0], rounded[1], rounded[2]
    row_terms, distance_terms = in_row.view(np.int64), in_distances.view(np.int64)
    while done < positions.size:
        row = tokens[positions[done]]
        if row != open_row:
            if open_row != NO_ROW:
                n_rows, filled = close_row(
                    open_row, scratch, touched, full[open_row], keys, offsets, columns, values, n_rows, filled
                )
            open_row = NO_ROW
            if filled + n_columns > columns.size:
                break
            open_row = row
        fetch_ahead(tokens, starts, positions, done)
        fetch_scores(gathered, starts, positions, places, done)
        context = tokens[starts[done] : positions[done] + 1]
        if places[done] == DIRECT:
            written = rewrite_row(dense, matrix, written, tokens[positions[done] + 1])
            scores = found[: context.size]
            mean = look_up(written_score, dense if kept[written] else without_row, context, scores)
        else:
            first = places[done] + 1
            mean, scores = gathered[first - 1], gathered[first : first + context.size]
        if np.isnan(mean):
            return NO_SCORE, open_row, n_rows
        row_scale, distance_scale = row_scales[row] / scores.size, position_scale / scores.size
        for j in range(scores.size):
            in_row[j] = (scores[j] - mean) * row_scale + TO_INTEGER
        for j in range(scores.size):
            in_distances[j] = (scores[j] - mean) * distance_scale + TO_INTEGER
        nearest = distances[distances.size - scores.size :]
        for j in range(scores.size):
            nearest[j] += distance_terms[j] - INTEGER_ZERO
        is_full = full[row]
        for j in range(context.size):
            add(scratch, touched, is_full, context[j], row_terms[j] - INTEGER_ZERO)
        done += 1
    rewrite_row(dense, matrix, written, NO_ROW)
    return done, open_row, n_rows
