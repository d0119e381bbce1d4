"""Which records of a split are read: all, or those that a predicate keeps, a bit for each."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pack(kept: NDArray[np.bool_]) -> bytes:
    """Write which records are kept, in order; few bytes where many alike stand together.

    Examples
    --------
    >>> unpack(pack(np.array([True, False, True])), 3).tolist()
    [True, False, True]
    """
    return zlib.compress(np.packbits(kept).tobytes(), 1)


def unpack(keep: bytes, records: int) -> NDArray[np.bool_]:
    """Read which of this many records are kept."""
    bits = np.unpackbits(np.frombuffer(zlib.decompress(keep), dtype=np.uint8), count=records)
    return bits.astype(bool)


def only(values: Any, kept: NDArray[np.bool_] | None) -> Any:
    """Keep some of an Arrow array's values; None: all."""
    return values if kept is None else values.filter(kept)
