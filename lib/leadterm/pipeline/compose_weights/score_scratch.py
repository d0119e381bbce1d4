"""Scores while they are composed: a file that is mapped into memory, and how far it is filled."""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leadterm.storage.location import Location
from leadterm.storage.staged.hashing_sink import part_output

SCORES, COLUMNS = "scores", "columns"
SAVE_SECONDS = 30.0
"""How often scores are saved: what is lost at most. Each time, what changed is written to the disk."""


class Unfinished:
    """Scores that are put together in a folder on a local disk, and can be gone on with.

    Parameters
    ----------
    folder
        Where the scores lie.
    state
        Where it is written how far they are.
    """

    def __init__(self, folder: Path, state: Location) -> None:
        self._place, self._state = folder / SCORES, state / COLUMNS
        self._scores: np.memmap[tuple[int], np.dtype[np.float64]] | None = None
        self._saved = time.monotonic()

    def open(self, n_pairs: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Map the scores, float64 (pairs,), and give what was saved with them: float64 (columns that are done,)."""
        if not n_pairs:
            return np.zeros(0), np.zeros(0)
        found = self._place.exists() and self._place.stat().st_size == 8 * n_pairs
        done = np.zeros(0)
        if found and self._state.exists():
            done = np.frombuffer(self._state.read_bytes(), dtype=np.float64)
        self._scores = np.memmap(self._place, np.float64, "r+" if len(done) else "w+", shape=(n_pairs,))
        return self._scores, done

    def save(self, done: NDArray[np.float64]) -> None:
        """Save the scores and the columns that are done; not each time."""
        if self._scores is not None and time.monotonic() - self._saved >= SAVE_SECONDS:
            self._scores.flush()
            with part_output(self._state) as stream:
                stream.write(done.tobytes())
            self._saved = time.monotonic()
