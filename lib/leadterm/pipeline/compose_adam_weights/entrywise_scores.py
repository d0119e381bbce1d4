"""Scores of attention with a function of each entry between the two products, strip of context tokens by strip.

With phi and f functions of one entry, r the row means of phi(B) over the whole vocabulary:

    F = f(phi(B) Phi)               a strip of it, [CURRENT x CONTEXT]
    G = phi(B)' F - r' F            at the pairs that occur, [NEXT x CONTEXT]

phi(B) is sparse plus rank one, so that both products cost what those of the paper's scores cost. There is no
function that would let the second one skip pairs that do not occur without laying rows out; it is computed for all
next tokens of a strip.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from leadterm.errors import ConfigError
from leadterm.operators import Operator
from leadterm.pipeline.compose_weights import Composed, PairStatistics
from leadterm.pipeline.compose_weights.composed_scores import OnBlock, OnProgress
from leadterm.theory import Basis, ScoreFunctions, saturated_bigram

WIDTH = 256
"""Context tokens of a strip, on every machine: what a function makes of an entry near 0 may depend on its last digits,
and these on how products are divided."""
BYTES_PER_CELL = 40
"""Of a strip: five float64 arrays of it at most, in a product and in the function."""


def compose_entrywise(
    statistics: PairStatistics,
    functions: ScoreFunctions,
    scores: NDArray[np.float64],
    memory_bytes: int,
    *,
    device: torch.device,
    done: NDArray[np.float64],
    on_block: OnBlock,
    on_progress: OnProgress,
) -> Composed:
    """Compute the scores.

    Parameters
    ----------
    statistics
        Of the corpus.
    functions
        phi and f.
    scores
        Room for them, float64 (pairs,).
    memory_bytes
        What a strip may take; scores and statistics come on top.
    device
        Where products are computed.
    done
        To go on from: what ``on_block`` was told last, and ``scores`` as they were then, or later.
    on_block
        Told after each strip the mean scores r'F of all context tokens so far.
    on_progress
        Called after each strip.

    Raises
    ------
    ConfigError
        If a strip does not fit the memory.
    """
    kept = np.flatnonzero(statistics.kept)
    require_room(len(kept), BYTES_PER_CELL * WIDTH * len(kept), memory_bytes)
    basis = compact_basis(statistics, kept, device)
    bigram, pattern = saturated_bigram(basis, functions.phi), places_of(statistics, kept)
    means = _row_means(bigram, statistics.size)
    centring = np.zeros(len(kept))
    centring[: len(done)] = done
    for origin in range(len(done), len(kept), WIDTH):
        end = min(origin + WIDTH, len(kept))
        inner = functions.shape(bigram @ basis.context.columns(range(origin, end)))
        mean = means @ inner
        strip = (bigram.T @ inner - mean).cpu().numpy()
        places = slice(pattern.indptr[origin], pattern.indptr[end])
        columns = np.repeat(np.arange(end - origin), np.diff(pattern.indptr[origin : end + 1]))
        scores[pattern.data[places]] = strip[pattern.indices[places], columns]
        centring[origin:end] = mean.cpu().numpy()
        on_block(centring[:end])
        on_progress(end)
    without_row = np.zeros(statistics.size)
    without_row[kept] = -centring
    return Composed(statistics.context, scores, without_row, statistics.kept)


def compact_basis(statistics: PairStatistics, kept: NDArray[np.int64], device: torch.device) -> Basis:
    """Build the basis functions of the tokens that are kept, numbered from 0; the statistics are per position."""
    return Basis.from_counts(
        _compact(statistics.bigram, kept),
        _compact(statistics.context, kept),
        1,
        current_frequency=statistics.current_frequency[kept],
        context_frequency=statistics.context_frequency[kept],
        device=device,
        vocabulary_size=statistics.size,
    )


def _compact(matrix: csr_array, kept: NDArray[np.int64]) -> csr_array:
    """Take the rows and columns that are kept; entries keep their order."""
    return matrix if len(kept) == matrix.shape[0] else matrix[kept][:, kept]


def places_of(statistics: PairStatistics, kept: NDArray[np.int64]) -> csc_array:
    """Say, column by column of the pairs that occur, where in the row-wise order each one is."""
    pairs = _compact(statistics.context, kept)
    numbers = csr_array((np.arange(pairs.nnz), pairs.indices, pairs.indptr), shape=pairs.shape)
    return numbers.tocsc()


def _row_means(bigram: Operator, size: int) -> torch.Tensor:
    """Return the mean of each row over the whole vocabulary, (k,); tokens that are not kept count as 0."""
    ones = torch.ones(bigram.shape[1], dtype=bigram.dtype, device=bigram.device)
    means: torch.Tensor = (bigram @ ones) / size
    return means


def require_room(size: int, needed: int, memory_bytes: int) -> None:
    """Refuse memory that does not hold what so many tokens take."""
    if memory_bytes < needed:
        raise ConfigError(
            f"attention.memory is {memory_bytes:,} bytes; composing another optimizer's scores over {size:,} tokens "
            f"takes {needed:,}. Raise attention.memory, or lower attention.top_tokens."
        )
