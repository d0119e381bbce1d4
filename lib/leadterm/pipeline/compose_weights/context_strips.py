"""Strips of context tokens, which are composed one by one, each in one thread."""

from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from leadterm.pipeline.compose_weights.add_rows import LANES
from leadterm.pipeline.compose_weights.cpu_kernels import (
    add_up,
    begin_rows,
    first_entries,
    lay_out,
    multiply_dense,
    multiply_packed,
    pack,
    take_out,
)
from leadterm.pipeline.compose_weights.pair_statistics import PairStatistics
from leadterm.pipeline.compose_weights.ranked_bigram import BLOCK, Block, RankedBigram
from leadterm.pipeline.compose_weights.room import Room

ENTRY_BYTES = 20
"""Of an entry of the context map that is packed: its place, its value and its sum. A column of a row that is laid out
takes 16."""
DENSE = 10
"""As many rows of the context map are laid out as have one entry for this many columns of a strip, or more."""
Floats = NDArray[np.float64]
Csr = tuple[NDArray[np.int64], NDArray[np.int32], Floats]
"""Offsets (rows + 1,), columns and values of a sparse matrix."""


def bytes_per_column(size: int) -> int:
    """Say what a column of a strip takes at most: an entry of each row, and of K as much as is there at a time."""
    return ENTRY_BYTES * size + np.dtype(np.float64).itemsize * min(BLOCK, size)


class Strips:
    """Composes strips of context tokens.

    Parameters
    ----------
    statistics
        Of the corpus.
    scores
        Float64 (pairs,), to be filled.
    width
        The most context tokens of a strip.
    at_once
        How many strips there are at the same time. Their memory is kept for the next ones: new memory costs as much as
        the products.
    """

    def __init__(self, statistics: PairStatistics, scores: Floats, width: int, at_once: int) -> None:
        self._statistics, self._scores, self._width = statistics, scores, width
        self._bigram, self._context = RankedBigram(statistics.bigram), _csr(statistics.context)
        self._rooms: SimpleQueue[Room] = SimpleQueue()
        for _ in range(at_once):
            self._rooms.put(Room(_parts(width) * LANES * bytes_per_column(statistics.size)))

    def compose(self, origin: int) -> Floats:
        """Fill in the scores of the context tokens from ``origin`` on; give the mean u of each, float64 (tokens,)."""
        room = self._rooms.get()
        try:
            room.clear()
            return self._compose(origin, min(self._statistics.size, origin + self._width), room)
        finally:
            self._rooms.put(room)

    def _compose(self, origin: int, end: int, room: Room) -> Floats:
        """Multiply forward and back, block of current tokens by block, then centre."""
        statistics, bigram = self._statistics, self._bigram
        strip = _Strip(bigram, self._context, origin, end, room)
        plus, minus = statistics.current_frequency, statistics.row_sums
        plus_columns, minus_columns = (_in_parts(columns) for columns in _rank_one_columns(statistics, origin, end))
        sums = np.zeros((2, *plus_columns.shape))
        for block in bigram.blocks:
            rows = plus[block.first : block.last], minus[block.first : block.last]
            begin_rows(rows[0], plus_columns, rows[1], minus_columns, strip.block)
            strip.multiply_forward(block)
            add_up(*rows, strip.block, sums)
            strip.multiply_back(block)
        flat = sums.reshape(2, -1)[:, : end - origin]
        mean: Floats = (flat[1] - statistics.n_kept / statistics.size * flat[0]) / statistics.size
        strip.take_out(flat[0] / statistics.size + mean, self._scores)
        return mean


class _Strip:
    """The part of the context map in a strip, rows of the first ranks dense and the others packed; and their sums."""

    def __init__(self, bigram: RankedBigram, context: Csr, origin: int, end: int, room: Room) -> None:
        offsets, columns, values = context
        firsts, lasts = (first_entries(offsets, columns, column) for column in (origin, end))
        lengths, parts = lasts - firsts, _parts(end - origin)
        n_dense = int(np.count_nonzero(lengths * DENSE >= end - origin))
        n_packed = int(lengths[bigram.by_rank[n_dense:]].sum())
        height = min(BLOCK, len(lengths))
        self.block = room.take(np.float64, parts, height, LANES)
        self._bigram, self._entries = bigram, (bigram.by_rank, columns, firsts, lasts, origin)
        self._dense, self._dense_sums = room.take(np.float64, 2, parts, n_dense, LANES)
        self._starts = np.empty(len(lengths) + 1, dtype=np.int64)
        self._places, self._packed = room.take(np.int32, n_packed), room.take(np.float64, n_packed)
        self._sums = room.take(np.float64, n_packed)
        lay_out(*self._entries, values, self._dense)
        pack(*self._entries, values, n_dense, height, self._starts, self._places, self._packed)
        self._dense_sums[:], self._sums[:] = 0.0, 0.0
        self._ends = first_entries(bigram.offsets, bigram.ranks, n_dense)

    def multiply_forward(self, block: Block) -> None:
        """Finish the rows of K of a block, and add the packed products back to their sums, which their rows allow."""
        bigram, currents = self._bigram, slice(block.first, block.last)
        begins, ends, lasts = bigram.offsets[currents], self._ends[currents], bigram.offsets[1:][currents]
        rows = np.arange(len(ends), dtype=np.int32)
        multiply_dense(rows, begins, ends, bigram.ranks, bigram.values, self._dense, self.block)
        packed = self._starts, self._places, self._packed, self._sums
        multiply_packed(ends, lasts, bigram.ranks, bigram.values, *packed, self.block.reshape(-1))

    def multiply_back(self, block: Block) -> None:
        """Add the products of a block's rows of K to the sums of the dense rows."""
        n_rows = int(np.searchsorted(block.ranks, self._dense.shape[1]))
        begins, ends = block.offsets[:n_rows], block.offsets[1 : n_rows + 1]
        pairs = block.ranks[:n_rows], begins, ends, block.currents, block.values
        multiply_dense(*pairs, self.block, self._dense_sums)

    def take_out(self, shift: Floats, scores: Floats) -> None:
        """Write the sums, less a number for each context token, where the scores of the strip's pairs stand."""
        take_out(*self._entries, self._dense_sums, self._starts, self._sums, np.ascontiguousarray(shift), scores)


def _parts(width: int) -> int:
    """Say how many times LANES columns a strip has."""
    return -(-width // LANES)


def _in_parts(columns: Floats) -> Floats:
    """Cut a number for each column into parts, float64 (parts, LANES), the last of which is filled up with zeros."""
    found = np.zeros((_parts(len(columns)), LANES))
    found.reshape(-1)[: len(columns)] = columns
    return found


def _rank_one_columns(statistics: PairStatistics, origin: int, end: int) -> tuple[Floats, Floats]:
    """Give the columns in K - P W = plus - minus of two outer products; their rows are alpha and r."""
    size = statistics.size
    rho, sums = statistics.context_frequency[origin:end] / size, statistics.column_sums[origin:end] / size
    return statistics.n_kept / size * rho - sums, rho


def _csr(matrix: csr_array) -> Csr:
    """Give the arrays of a matrix as the kernels take them."""
    return (
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.int32, copy=False),
        np.ascontiguousarray(matrix.data),
    )
