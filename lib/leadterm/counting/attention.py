"""Counts the attention terms of one unit of windows: rows of the query-key matrix, and the position bias.

At a position t with next token y, the gradient of attention's scores is q_j = (s_j - mean of s) / t over the context
j <= t, where s_j is the score of the pair (y, x_j). The query-key matrix sums q_j over (x_t, x_j), the
position bias over the distance t - j [16, 17].
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.compiling import kernel
from leadterm.counting.accumulator import add, drain, empty_scratch
from leadterm.counting.gathering import EMPTY, gather_scores, group_by
from leadterm.counting.kernels import OUTPUT
from leadterm.counting.merging import NO_ROW
from leadterm.counting.positions import CURRENT, group_positions, window_starts
from leadterm.counting.rows import SparseRows
from leadterm.counting.units import Statistic, dense_row
from leadterm.errors import RunError

NO_SCORE = -1
"""What the kernel returns for a pair that has no score."""
PAIRS_PER_POSITION = 4
"""A block has no more positions than this share of its pairs, so that what is kept for each of them is bounded too."""
NO_COLUMNS, NO_VALUES = np.zeros(0, dtype=np.int32), np.zeros(0)
ScorePiece = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]
"""Some rows of the score matrix: row numbers, offsets, columns, values."""


@dataclass(frozen=True)
class Scores:
    """The score of a context token before a next token, G [NEXT x CONTEXT], and in what units to add it up.

    Attributes
    ----------
    pieces
        Gives the matrix, some rows at a time, rows ascending. Every pair of a kept next and a kept context token that
        occurs must be there.
    kept
        bool (V,): tokens that have a row and a column. The score of a context token that is not kept is 0.
    without_row
        float64 (V,): the scores of the context tokens before a next token that is not kept.
    row_bits
        int32 (V,): row a of the query-key matrix is summed in units of 2^-row_bits[a].
    position_bits
        The position bias is summed in units of 2^-position_bits.
    """

    pieces: Callable[[], Iterator[ScorePiece]]
    kept: NDArray[np.bool_]
    without_row: NDArray[np.float64]
    row_bits: NDArray[np.int32]
    position_bits: int


def attention_unit(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    length: int,
    scores: Scores,
    capacity: int,
    block_pairs: int,
) -> Iterator[tuple[Statistic, SparseRows]]:
    """Count the attention terms of some windows.

    Parameters
    ----------
    tokens
        int32 (tokens,): the windows end to end, each id in [0, V). Fewer than 2^31.
    offsets
        int64 (windows + 1,): where each window begins and the last one ends.
    length
        T, the largest number of positions in a window.
    scores
        The score matrix.
    capacity
        Entries of one output batch; at least V are used.
    block_pairs
        How many pairs of a position and a token of its context are looked up together; at least T are.

    Yields
    ------
    (Statistic, SparseRows)
        Rows of the query-key matrix, keys ascending, each once; then the position bias as one row: its columns
        0 ... T-1 are distances, column T is the number of positions.

    Raises
    ------
    RunError
        If a pair that occurs has no score.
    """
    size = len(scores.kept)
    _, order = group_positions(tokens, offsets, size, CURRENT)
    starts = window_starts(offsets, len(tokens))
    scratch, touched = empty_scratch(size)
    distances = np.zeros(length + 1, dtype=np.int64)
    distances[length] = len(order)
    scales = np.where(scores.kept, np.ldexp(1.0, scores.row_bits), 0.0)
    position_scale = float(np.ldexp(1.0, scores.position_bits))
    open_row = NO_ROW
    for positions, places in _blocks(order, starts, max(block_pairs, length)):
        gathered, means = _gather(tokens, starts, positions, places, scores)
        done = 0
        while done < len(positions):
            out = SparseRows.empty(min(len(positions) - done, size) + 1, max(capacity, size))
            done, open_row, n_rows = attention_rows(
                tokens, starts, positions, places, gathered, means, scales, position_scale,
                distances, scratch, touched, done, open_row, *out.arrays,
            )  # fmt: skip
            if done == NO_SCORE:
                raise RunError(
                    "a pair of tokens that occurs in the windows has no score: the scores are of other windows. "
                    "Run the job compose_weights again."
                )
            yield Statistic.QUERY_KEY, _keys_kept(out[:n_rows], scores.kept)
    yield Statistic.QUERY_KEY, _keys_kept(_last_row(open_row, scratch, touched, size), scores.kept)
    yield Statistic.POSITION, dense_row(distances)


def _blocks(
    order: NDArray[np.int32], starts: NDArray[np.int32], block_pairs: int
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """Cut the grouped positions into blocks of at most so many pairs; with each, where its positions' scores go."""
    first = 0
    while first < len(order):
        chunk = order[first : first + max(1, block_pairs // PAIRS_PER_POSITION)]
        ends = np.cumsum(chunk - starts[chunk] + 1, dtype=np.int64)
        n_positions = int(np.searchsorted(ends, block_pairs, side="right"))
        yield chunk[:n_positions], np.concatenate([[0], ends[:n_positions]])
        first += n_positions


def _gather(
    tokens: NDArray[np.int32],
    starts: NDArray[np.int32],
    positions: NDArray[np.int32],
    places: NDArray[np.int64],
    scores: Scores,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Look up all scores of a block of positions; their means are NaN where a score is missing."""
    size = len(scores.kept)
    bounds, order = group_by(tokens[positions + 1], size)
    gathered, means = np.empty(int(places[-1])), np.full(len(positions), EMPTY)
    dense = np.where(scores.kept, EMPTY, 0.0)
    block = (tokens, starts, positions, places, bounds, order)
    rest = scores.kept.copy()
    for rows, offsets, columns, values in scores.pieces():
        gather_scores(*block, rows, offsets, columns, values, dense, dense, gathered, means)
        rest[rows] = False
    for others, source in ((rest, dense), (~scores.kept, scores.without_row)):
        numbers = np.flatnonzero(others).astype(np.int32)
        no_entry = (np.zeros(len(numbers) + 1, dtype=np.int64), NO_COLUMNS, NO_VALUES)
        gather_scores(*block, numbers, *no_entry, dense, source, gathered, means)
    return gathered, means


def _last_row(open_row: int, scratch: NDArray[np.int64], touched: NDArray[np.uint8], size: int) -> SparseRows:
    """Read out the row that is open when all positions are done, if there is one."""
    out = SparseRows.empty(1, size)
    out.keys[0] = open_row
    out.offsets[1] = drain(scratch, touched, out.columns, out.values, 0)
    return out[: int(out.offsets[1] > 0)]


def _keys_kept(rows: SparseRows, kept: NDArray[np.bool_]) -> SparseRows:
    """Leave out the columns of tokens that are not kept: they count in the means of scores alone."""
    if kept.all():
        return rows
    stays = kept[rows.columns]
    lengths = np.diff(np.concatenate([[0], np.cumsum(stays)])[rows.offsets])
    filled = lengths > 0
    offsets = np.concatenate([[0], np.cumsum(lengths[filled])])
    return SparseRows(rows.keys[filled], offsets, rows.columns[stays], rows.values[stays])


@kernel(
    "Tuple((int64, int64, int64))(int32[::1], int32[::1], int32[::1], int64[::1], float64[::1], float64[::1], "
    f"float64[::1], float64, int64[::1], int64[::1], uint8[::1], int64, int64, {OUTPUT})"
)
def attention_rows(  # type: ignore[no-untyped-def]  # types stand in the signature
    tokens, starts, positions, places, gathered, means, scales, position_scale,
    distances, scratch, touched, done, open_row, keys, offsets, columns, values,
):  # fmt: skip
    """Add q_j = (s_j - mean) / t of positions from ``done`` on to the open row and to ``distances``, rounded.

    The positions are grouped by current token, which names the row. Returns the position to go on with, the row then
    open, and the number of rows written; stops early where the output has no room for a full row.
    """
    n_rows, filled, n_columns = 0, 0, scales.size
    while done < positions.size:
        row = tokens[positions[done]]
        if row != open_row:
            before = filled
            if open_row != NO_ROW:
                filled = drain(scratch, touched, columns, values, filled)
            if filled > before:
                keys[n_rows] = open_row
                n_rows += 1
                offsets[n_rows] = filled
            open_row = NO_ROW
            if filled + n_columns > columns.size:
                return done, open_row, n_rows
            open_row = row
        mean = means[done]
        if np.isnan(mean):
            return NO_SCORE, open_row, n_rows
        start, place = starts[positions[done]], places[done]
        length = places[done + 1] - place
        row_scale, distance_scale = scales[row] / length, position_scale / length
        for j in range(length):
            score = gathered[place + j] - mean
            add(scratch, touched, tokens[start + j], np.int64(np.rint(score * row_scale)))
            distances[length - 1 - j] += np.int64(np.rint(score * distance_scale))
        done += 1
    return done, open_row, n_rows
