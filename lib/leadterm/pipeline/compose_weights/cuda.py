"""The same composition by torch, on a GPU: dense blocks throughout, of which the pairs that occur are taken.

The device is given its work without waiting for it. While it computes a block, this machine finds the pairs of the next
one and stores the scores of the one before; copies go both ways meanwhile.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from numpy.typing import NDArray

from leadterm.errors import MachineError
from leadterm.operators.csr_matmul import csr_tensor
from leadterm.pipeline.compose_weights.composed_scores import Composed, OnBlock, OnProgress
from leadterm.pipeline.compose_weights.cpu_kernels import first_entries
from leadterm.pipeline.compose_weights.cuda_transfers import Fetched, Transfers
from leadterm.pipeline.compose_weights.pair_statistics import PairStatistics

WIDTH = 256
"""Context tokens of a block, where memory suffices: each entry of the bigram, 12 bytes, goes with rows of 2 KiB."""
IN_FLIGHT = 2
"""Blocks that are begun and not yet stored: one that the device computes, and one beside it."""
BLOCKS = 4
"""Dense blocks of V rows that are held at once: W, K, G, and one that a product may need."""
ENTRY_BYTES, PAIR_BYTES = 24, 28
"""Of the bigram's nonzeros, in both directions; of a pair: its place in 4 and in 8 bytes, its share and its score."""
SHARE = 0.8
"""Of the free memory that is used."""


def compose_scores_on(
    device: torch.device,
    statistics: PairStatistics,
    scores: NDArray[np.float64],
    *,
    width: int | None = None,
    in_flight: int = IN_FLIGHT,
    on_progress: OnProgress | None = None,
    done: NDArray[np.float64] | None = None,
    on_block: OnBlock | None = None,
) -> Composed:
    """Compute the scores on a torch device, in float64; see :func:`leadterm.pipeline.compose_weights.compose_scores`.

    The sums are ordered otherwise than on the CPU, so the last digits differ. Libraries choose how they sum by the
    shape of a matrix, so they may differ between widths too. What goes on from a multiple of the width multiplies
    matrices of the same shapes as what was not stopped; it gives the same bytes as far as the device does when it
    computes the same twice. cuBLAS promises that on one model of GPU, cuSPARSE does not for the product that torch asks
    it for.

    Parameters
    ----------
    device, statistics, scores
        Where, of what, and room for the result.
    width
        Context tokens of a block; by default as many as :func:`device_width` says. A block for which memory does not
        suffice is tried again when those before it are stored, then halved, and so are those after it.
    in_flight
        Blocks that are begun and not yet stored, at most.
    on_progress, done, on_block
        As on the CPU.

    Raises
    ------
    MachineError
        If not even one column fits.
    """
    size, before = statistics.size, np.zeros(0) if done is None else done
    width = device_width(device, size, statistics.bigram.nnz) if width is None else width
    blocks = _Blocks(device, statistics)
    centring = np.concatenate([before, np.zeros(size - len(before))])
    for block in _in_order(blocks, len(before), width, in_flight):
        scores[block.places], centring[block.origin : block.end] = block.scores.wait(), block.mean.wait()
        if on_block is not None:
            on_block(centring[: block.end])
        if on_progress is not None:
            on_progress(block.end)
    return Composed(statistics.context, scores, np.where(statistics.kept, -centring, 0.0), statistics.kept)


def device_width(device: torch.device, size: int, n_bigrams: int) -> int:
    """Say how many context tokens are composed at once: ``WIDTH``, halved until blocks fit the free memory.

    A column counts as if all its pairs occurred.

    Parameters
    ----------
    device
        Its memory; of a CPU 1 GiB is taken.
    size
        V.
    n_bigrams
        Nonzeros of the bigram, which lies there in both directions.
    """
    free, width = 2**30, min(WIDTH, size)
    if device.type == "cuda":
        torch.cuda.empty_cache()
        free = torch.cuda.mem_get_info(device)[0]
    column = size * (8 * BLOCKS + PAIR_BYTES * IN_FLIGHT)
    while width > 1 and (width * column > SHARE * free - ENTRY_BYTES * n_bigrams or width * size > 2**31):
        width = -(-width // 2)
    return width


@dataclass(frozen=True, eq=False)
class _Begun:
    """A block that the device was given: its tokens, where its scores belong, and what will be fetched."""

    origin: int
    end: int
    places: NDArray[np.int64]
    scores: Fetched
    mean: Fetched


class _Blocks:
    """The statistics on a device, and the work that is queued there."""

    def __init__(self, device: torch.device, statistics: PairStatistics) -> None:
        self.device, self.size, context = device, statistics.size, statistics.context
        self._transfers, self._share = Transfers(device), statistics.n_kept / statistics.size
        self._forward = csr_tensor(statistics.bigram, torch.float64, device)
        self._backward = csr_tensor(statistics.bigram.T.tocsr(), torch.float64, device)
        self._columns, self._values = context.indices.astype(np.int32, copy=False), context.data
        # The last entries of a block are the first of the next one.
        self._entries = lru_cache(2)(partial(first_entries, context.indptr.astype(np.int64), self._columns))
        names = ("current_frequency", "row_sums", "context_frequency", "column_sums")
        self._alpha, self._rows, self._rho, self._sums = (
            torch.as_tensor(getattr(statistics, name), device=device) for name in names
        )

    def begin(self, origin: int, end: int) -> _Begun:
        """Queue the work for some context tokens."""
        places, in_block = self._pairs(origin, end)
        at, values = self._transfers.send(in_block).long(), self._transfers.send(self._values[places])
        context = torch.zeros(self.size, end - origin, dtype=torch.float64, device=self.device)
        context.view(-1)[at] = values
        block = self._forward @ context
        del context
        rho, sums = self._rho[origin:end] / self.size, self._sums[origin:end] / self.size
        block.addr_(self._alpha, self._share * rho - sums).addr_(self._rows, rho, alpha=-1)
        column_sums = self._alpha @ block
        mean = torch.zeros_like(sums)
        if self._share != 1:
            mean += (self._rows @ block - self._share * column_sums) / self.size
        scores = (self._backward @ block).sub_(column_sums / self.size + mean).take(at)
        return _Begun(origin, end, places, self._transfers.fetch(scores), self._transfers.fetch(mean))

    def _pairs(self, origin: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """List the pairs whose context token lies in a block, in the order in which they are stored.

        Returns
        -------
        places : numpy.ndarray, int64
            Where each is stored.
        in_block : numpy.ndarray, int32
            Where it is in the dense block of V rows, row after row.
        """
        firsts = self._entries(origin)
        lengths = self._entries(end) - firsts
        starts = np.cumsum(lengths) - lengths
        places = np.repeat(firsts - starts, lengths) + np.arange(lengths.sum())
        rows = np.arange(self.size, dtype=np.int32) * np.int32(end - origin) - np.int32(origin)
        return places, np.repeat(rows, lengths) + self._columns[places]


def _in_order(blocks: _Blocks, origin: int, width: int, in_flight: int) -> Iterator[_Begun]:
    """Yield all blocks from a token on, the first of those in flight when no other may be begun, or memory is short."""
    begun = deque[_Begun]()
    while begun or origin < blocks.size:
        if origin < blocks.size and len(begun) < in_flight:
            block = _begin(blocks, origin, min(blocks.size, origin + width), hopeless=width == 1 and not begun)
            if block is not None:
                begun.append(block)
                origin = block.end
                continue
            if not begun:
                width = -(-width // 2)
                continue
        yield begun.popleft()


def _begin(blocks: _Blocks, origin: int, end: int, *, hopeless: bool) -> _Begun | None:
    """Begin a block; None if memory does not suffice. What was allocated for it is let go of when this returns."""
    try:
        return blocks.begin(origin, end)
    except torch.OutOfMemoryError as error:
        if hopeless:
            raise MachineError(
                f"{blocks.device} has too little free memory for one column of {blocks.size:,} numbers. Close other "
                "programs, or set attention.device to cpu."
            ) from error
    torch.cuda.empty_cache()
    return None
