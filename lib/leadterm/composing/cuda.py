"""The same composition by torch, on a GPU: dense blocks throughout, of which the pairs that occur are taken."""

import numpy as np
import torch
from numpy.typing import NDArray

from leadterm.composing.kernels import first_entries
from leadterm.composing.statistics import PairStatistics
from leadterm.composing.types import Composed, OnProgress
from leadterm.errors import MachineError
from leadterm.operators.csr import csr_tensor

BLOCKS = 4
"""Dense blocks of V rows that are held at once: W, K, G, and one that a product may need."""
SHARE = 0.8
"""Of the free memory that is used."""


def compose_scores_on(
    device: torch.device, statistics: PairStatistics, scores: NDArray[np.float64], on_progress: OnProgress | None = None
) -> Composed:
    """Compute the scores on a torch device, in float64; see :func:`leadterm.composing.compose_scores`.

    The sums are ordered otherwise than on the CPU, so the last digits differ. Blocks fit the device's free memory;
    where one does not, it is halved.

    Raises
    ------
    MachineError
        If not even one column fits.
    """
    size, context = statistics.size, statistics.context
    blocks = _Blocks(device, statistics)
    centring = np.zeros(size)
    width, origin = _width(device, size), 0
    while origin < size:
        end = min(size, origin + width)
        try:
            places, values, centring[origin:end] = blocks.compose(origin, end)
        except torch.OutOfMemoryError as error:
            if width == 1:
                raise MachineError(
                    f"{device} has too little free memory for one column of {size:,} numbers. Close other programs, "
                    "or set attention.device to cpu."
                ) from error
            width = -(-width // 2)
            torch.cuda.empty_cache()
            continue
        scores[places] = values
        origin = end
        if on_progress is not None:
            on_progress(end)
    return Composed(context, scores, np.where(statistics.kept, -centring, 0.0), statistics.kept)


class _Blocks:
    """The statistics on a device."""

    def __init__(self, device: torch.device, statistics: PairStatistics) -> None:
        self.device, self.statistics = device, statistics
        self.forward = csr_tensor(statistics.bigram, torch.float64, device)
        self.backward = csr_tensor(statistics.bigram.T.tocsr(), torch.float64, device)
        self.offsets = statistics.context.indptr.astype(np.int64)
        self.columns = statistics.context.indices.astype(np.int32, copy=False)
        names = ("current_frequency", "row_sums", "context_frequency", "column_sums")
        self.alpha, self.rows, self.rho, self.sums = (self._tensor(getattr(statistics, name)) for name in names)

    def _tensor(self, array: NDArray[np.generic]) -> torch.Tensor:
        return torch.as_tensor(array, device=self.device)

    def compose(self, origin: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Give the pairs of some context tokens by their place, their scores, and u of the tokens."""
        places = self._places(origin, end)
        rows = np.searchsorted(self.offsets, places, side="right") - 1
        at = self._tensor(rows), self._tensor(self.columns[places].astype(np.int64) - origin)
        size, share = self.statistics.size, self.statistics.n_kept / self.statistics.size
        context = torch.zeros(size, end - origin, dtype=torch.float64, device=self.device)
        context[at] = self._tensor(self.statistics.context.data[places])
        block = self.forward @ context
        del context
        rho, sums = self.rho[origin:end] / size, self.sums[origin:end] / size
        block += torch.outer(self.alpha, share * rho - sums)
        block -= torch.outer(self.rows, rho)
        column_sums = self.alpha @ block
        mean = torch.zeros_like(column_sums) if share == 1 else (self.rows @ block - share * column_sums) / size
        scores = (self.backward @ block)[at] - (column_sums / size + mean)[at[1]]
        return places, scores.cpu().numpy(), mean.cpu().numpy()

    def _places(self, origin: int, end: int) -> NDArray[np.int64]:
        """List the pairs whose context token lies in a block, in the order in which they are stored."""
        firsts, lasts = (first_entries(self.offsets, self.columns, column) for column in (origin, end))
        lengths = lasts - firsts
        skipped = firsts - np.concatenate([[0], np.cumsum(lengths)[:-1]])
        return np.repeat(skipped, lengths) + np.arange(int(lengths.sum()))


def _width(device: torch.device, size: int) -> int:
    """Say how many context tokens are composed at once."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 2**30
    return max(1, min(size, int(SHARE * free) // (8 * size * BLOCKS)))
