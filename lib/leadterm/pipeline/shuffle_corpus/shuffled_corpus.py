"""The tokens of a corpus in random order: what is left of its statistics is what frequency alone explains.

All tokens are numbered in the order in which they lie; a keyed permutation says which token of the sorted corpus each
place gets. So any part of the shuffled corpus is known from the counts of the tokens alone, without the corpus.
"""

import numpy as np
from numpy.typing import NDArray

from leadterm.errors import InputError
from leadterm.jit import kernel
from leadterm.pipeline.shuffle_corpus.permutation import Permutation


@kernel("void(int64[::1], int64[::1], int32[::1], int64, int32[::1])")
def find_tokens(ranks, ends, begin, shift, tokens):  # type: ignore[no-untyped-def]
    """Find the token at each rank of the sorted corpus: the first whose end lies beyond it.

    ``begin`` says where to look from for each run of 2^shift ranks. A rank is as likely as any other, so that there are
    less than V / begin.size steps to take from there on average.
    """
    for i in range(ranks.size):
        token = begin[ranks[i] >> shift]
        while ends[token] <= ranks[i]:
            token += 1
        tokens[i] = token


class ShuffledCorpus:
    """The windows of a corpus with its tokens in random order, a part at a time.

    Parameters
    ----------
    counts
        int64 (V,): how often each token occurs; the token that two windows of a document share counts once.
    seed
        Of the permutation.

    Attributes
    ----------
    vocabulary_size
        V.
    permutation
        Which token, in the order of token ids, stands at each place.

    Raises
    ------
    InputError
        A count is negative, or there is no token.
    """

    def __init__(self, counts: NDArray[np.int64], seed: int) -> None:
        if counts.size == 0 or counts.min() < 0:
            raise InputError(f"Counts of tokens are 0 or more; found {counts.min() if counts.size else 'none at all'}.")
        self.vocabulary_size = counts.size
        self._ends = np.cumsum(counts, dtype=np.int64)
        self.permutation = Permutation(int(self._ends[-1]), seed)
        n_bits = self.permutation.n.bit_length()
        self._shift = max(n_bits - counts.size.bit_length(), 0)
        runs = np.arange(((self.permutation.n - 1) >> self._shift) + 1, dtype=np.int64) << self._shift
        self._begin = np.searchsorted(self._ends, runs, side="right").astype(np.int32)

    def tokens(self, start: int, stop: int) -> NDArray[np.int32]:
        """Give the tokens at the places ``start`` … ``stop - 1`` of the shuffled corpus: int32 (stop - start,)."""
        found = np.empty(stop - start, dtype=np.int32)
        find_tokens(self.permutation.apply(start, stop), self._ends, self._begin, self._shift, found)
        return found

    def windows(self, lengths: NDArray[np.int64], shared: NDArray[np.bool_], start: int) -> NDArray[np.int32]:
        """Give the tokens of some windows that lie one after the other.

        Parameters
        ----------
        lengths
            int64 (windows,): the tokens of each.
        shared
            bool (windows,): whether it begins with the last token of the window before.
        start
            The tokens before the first of these windows, shared ones counted once.

        Returns
        -------
        NDArray
            int32 (tokens,): the windows end to end.

        Examples
        --------
        >>> corpus = ShuffledCorpus(np.array([3, 2, 4]), seed=1)
        >>> corpus.windows(np.array([4, 4, 2]), np.array([False, True, False]), 0).tolist()
        [1, 1, 2, 0, 0, 0, 2, 2, 0, 2]
        >>> corpus.windows(np.array([4, 2]), np.array([True, False]), 4).tolist()
        [0, 0, 2, 2, 0, 2]
        """
        repeats = np.repeat(np.cumsum(shared), lengths)
        places = np.arange(repeats.size) - repeats
        first = int(places[0]) if places.size else 0  # -1 where the first token is shared
        last = int(places[-1]) if places.size else -1
        found: NDArray[np.int32] = self.tokens(start + first, start + last + 1)[places - first]
        return found
