"""Windows of token ids as tensors: packed end to end, assigned to steps, padded only where nothing counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from leadterm.errors import InputError
from leadterm.operators import to_device

IGNORED = -100
"""The target of a place behind a window's end: ``torch.nn.functional.cross_entropy`` leaves it out by default."""

Window = Sequence[int] | NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Batch:
    """Some windows, as wide as the longest of them.

    Attributes
    ----------
    inputs : torch.Tensor, shape (windows, n), int64
        Current tokens; 0 behind a window's end. A causal model's places before the end do not see what follows.
    targets : torch.Tensor, shape (windows, n), int64
        Next tokens; ``IGNORED`` behind a window's end.
    counted : torch.Tensor, shape (positions,), int64
        The places that have a target, in the flattened rectangle: a device that had to find them would be waited for.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    counted: torch.Tensor


class PackedWindows:
    """Windows of one corpus, checked and laid end to end.

    Parameters
    ----------
    windows : iterable of sequences of int
        Each of 2 to T + 1 token ids, which give 1 to T positions.
    vocabulary_size : int
        V: ids are 0 to V - 1.
    context_length : int
        T.

    Raises
    ------
    InputError
        If there is no window, or one is too short or too long, or an id is not in the vocabulary; names the window.

    Examples
    --------
    >>> windows = PackedWindows([[0, 1, 2], [2, 1]], vocabulary_size=3, context_length=2)
    >>> len(windows), windows.n_positions([0, 1])
    (2, 3)
    >>> windows.batch([0, 1]).targets
    tensor([[   1,    2],
            [   1, -100]])
    """

    def __init__(self, windows: Iterable[Window], vocabulary_size: int, context_length: int) -> None:
        rows = [np.asarray(window) for window in windows]
        if not rows:
            raise InputError("there is no window to train on: give at least one window of two tokens.")
        for number, row in enumerate(rows):
            _check(number, row, vocabulary_size, context_length)
        self.vocabulary_size = vocabulary_size
        self.context_length = context_length
        self._lengths = np.array([row.size for row in rows], dtype=np.int64)
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._values = np.concatenate(rows).astype(np.int64)

    def __len__(self) -> int:
        return self._lengths.size

    @property
    def fingerprint(self) -> str:
        """SHA-256 of tokens, lengths and V, in hexadecimal: equal for equal windows in the same order."""
        digest = hashlib.sha256(np.array([self.vocabulary_size, self.context_length]).tobytes())
        digest.update(self._lengths.tobytes())
        digest.update(self._values.tobytes())
        return digest.hexdigest()

    def n_positions(self, numbers: Sequence[int] | NDArray[np.int64] | None = None) -> int:
        """Return how many positions some windows have, or all."""
        lengths = self._lengths if numbers is None else self._lengths[numbers]
        return int(lengths.sum()) - lengths.size

    def next_counts(self) -> NDArray[np.int64]:
        """Count how often each token is the next one of a position, (V,): everywhere but where a window starts."""
        everywhere, at_starts = (
            np.bincount(tokens, minlength=self.vocabulary_size) for tokens in (self._values, self._values[self._starts])
        )
        return everywhere - at_starts

    def by_length(self, numbers: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return window numbers (k,), longest first, so that windows of a micro-batch are about as long as another."""
        chosen = np.arange(len(self)) if numbers is None else numbers
        return chosen[np.argsort(-self._lengths[chosen], kind="stable")]

    def batch(self, numbers: Sequence[int] | NDArray[np.int64], device: str | torch.device = "cpu") -> Batch:
        """Lay some windows out as a rectangle on a device, which is not waited for."""
        width = int(self._lengths[numbers].max()) - 1
        inputs = np.zeros((len(numbers), width), dtype=np.int64)
        targets = np.full((len(numbers), width), IGNORED, dtype=np.int64)
        for row, number in enumerate(numbers):
            start, length = self._starts[number], self._lengths[number]
            window = self._values[start : start + length]
            inputs[row, : length - 1], targets[row, : length - 1] = window[:-1], window[1:]
        counted = np.flatnonzero(targets != IGNORED)
        return Batch(*(to_device(part, torch.device(device)) for part in (inputs, targets, counted)))

    def micro_batches(
        self, numbers: NDArray[np.int64], size: int, device: str | torch.device = "cpu"
    ) -> Iterator[Batch]:
        """Yield windows in batches of at most `size`."""
        for start in range(0, len(numbers), size):
            yield self.batch(numbers[start : start + size], device)


def drawn(n_windows: int, batch: int | None, step: int, seed: int) -> NDArray[np.int64]:
    """Return the numbers of the windows that a step trains on: all, or the next so many of a shuffled stream.

    The stream goes through all windows, in an order drawn anew for each pass; the order of a pass depends on the seed
    and the number of the pass alone. So the step's number is all that a resumed training needs to go on with it.

    Parameters
    ----------
    n_windows : int
        Windows of the corpus.
    batch : int or None
        Windows a step; None means all.
    step : int
        Steps done before, from 0.
    seed : int
        Of the shuffling.

    Examples
    --------
    >>> sorted(int(n) for step in range(3) for n in drawn(6, 2, step, seed=1))
    [0, 1, 2, 3, 4, 5]
    """
    if batch is None:
        return np.arange(n_windows)
    first, last = step * batch, (step + 1) * batch
    passes = range(first // n_windows, (last - 1) // n_windows + 1)
    stream = np.concatenate([np.random.default_rng([seed, number]).permutation(n_windows) for number in passes])
    return stream[first - passes[0] * n_windows :][:batch]


def _check(number: int, window: NDArray[np.integer], size: int, context_length: int) -> None:
    """Refuse a window that is no list of 2 to T + 1 ids below V."""
    if window.ndim != 1 or window.dtype.kind not in "iu":
        raise InputError(
            f"window {number} is not a flat list of token ids: found {window.dtype} of shape {window.shape}. "
            "Give each window as a sequence of integers."
        )
    if not 2 <= window.size <= context_length + 1:
        raise InputError(
            f"window {number} has {window.size} tokens; a window has 2 to {context_length + 1} "
            f"(T = {context_length} positions and the last one's next token). Cut the windows again, or change T."
        )
    if window.min() < 0 or window.max() >= size:
        wrong = int(window[(window < 0) | (window >= size)][0])
        raise InputError(
            f"window {number} holds token id {wrong}, but the vocabulary has {size:,} tokens (0 to {size - 1:,}). "
            "Give the vocabulary that the windows were encoded with."
        )
