"""Which tokens are the most frequent."""

import numpy as np
from numpy.typing import NDArray


def top_tokens(counts: NDArray[np.int64], number: int) -> NDArray[np.bool_]:
    """Mark the most frequent tokens, bool (V,); of equally frequent ones those with smaller ids."""
    kept = np.zeros(len(counts), dtype=np.bool_)
    kept[np.argsort(-counts, kind="stable")[:number]] = True
    return kept
