"""Classes of tokens that are about as frequent: what a token is compared with, so that frequency is no association."""

import numpy as np
from numpy.typing import NDArray


def classes_of(frequency: NDArray[np.float64], n_classes: int) -> list[NDArray[np.int64]]:
    """Divide tokens into classes of equal size by their frequency, the rarest first.

    Parameters
    ----------
    frequency
        (n,): of each token; equally frequent ones stand in the order of their numbers.
    n_classes
        How many; fewer where there are not two tokens for each.

    Returns
    -------
    list of int64 arrays
        Numbers of tokens, ascending within a class.

    Examples
    --------
    >>> [one.tolist() for one in classes_of(np.array([3.0, 1.0, 2.0, 9.0]), 2)]
    [[1, 2], [0, 3]]
    """
    order = np.argsort(frequency, kind="stable")
    return [np.sort(one) for one in np.array_split(order, max(1, min(n_classes, len(order) // 2)))]


def permutation_within(classes: list[NDArray[np.int64]], draw: np.random.Generator) -> NDArray[np.int64]:
    """Draw a permutation that leaves every token in its class: int64 (n,)."""
    permutation = np.empty(sum(map(len, classes)), dtype=np.int64)
    for members in classes:
        permutation[members] = draw.permutation(members)
    return permutation
