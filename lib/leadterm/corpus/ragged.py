"""Lists of different lengths, laid end to end as in Arrow: no Python object per list."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.errors import InputError

INT32_MAX = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Ragged:
    """Lists of token ids of different lengths; list i is ``values[offsets[i]:offsets[i + 1]]``.

    Parameters
    ----------
    values
        int32, shape (n,): the elements of all lists, end to end.
    offsets
        int64, shape (k + 1,): starts at 0, never falls, ends at n.

    Raises
    ------
    InputError
        The arrays have another type or shape, or the offsets do not fit the values.

    Examples
    --------
    >>> rows = Ragged.from_lists([[3, 1], [], [2]])
    >>> len(rows), rows.lengths.tolist(), rows[0].tolist()
    (3, [2, 0, 1], [3, 1])
    """

    values: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        _check_array("values", self.values, np.dtype(np.int32))
        _check_array("offsets", self.offsets, np.dtype(np.int64))
        if self.offsets.size == 0 or self.offsets[0] != 0 or self.offsets[-1] != self.values.size:
            ends = self.offsets[[0, -1]].tolist() if self.offsets.size else "none"
            raise InputError(
                f"Offsets of lists must start at 0 and end at the number of values, {self.values.size}; found {ends}. "
                "Build the lists with Ragged.from_lists or Ragged.from_arrow."
            )
        if np.any(self.offsets[1:] < self.offsets[:-1]):
            where = int(np.argmax(self.offsets[1:] < self.offsets[:-1]))
            raise InputError(
                f"Offsets of lists must never decrease; found {self.offsets[where]} before {self.offsets[where + 1]} "
                f"at list {where}. Build the lists with Ragged.from_lists or Ragged.from_arrow."
            )

    def __len__(self) -> int:
        return self.offsets.size - 1

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        for start, stop in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            yield self.values[start:stop]

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        """The list at `index`, as a view; a negative index counts from the end."""
        row = range(len(self))[index]
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def __repr__(self) -> str:
        return f"Ragged({len(self)} lists, {self.values.size} values)"

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64, shape (k,): the number of values in each list."""
        return np.diff(self.offsets)

    @classmethod
    def from_lists(cls, lists: Iterable[Sequence[int] | NDArray[np.integer]]) -> "Ragged":
        """Lay Python lists, or arrays, of ids end to end.

        Raises
        ------
        InputError
            An id is not an integer or does not fit int32.
        """
        parts = [_as_int32(row) for row in lists]
        offsets = np.zeros(len(parts) + 1, dtype=np.int64)
        np.cumsum([part.size for part in parts], out=offsets[1:])
        values = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
        return cls(values, offsets)

    @classmethod
    def from_arrow(cls, lists: "pa.Array[Any] | pa.ChunkedArray[Any]") -> "Ragged":
        """Take a ``list`` or ``large_list`` array of integers; int32 values are not copied.

        Slices keep their place. Other integer types are converted to int32, with a check.

        Raises
        ------
        InputError
            The array is not a list of integers, holds nulls, or an id does not fit int32.
        """
        array: Any = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
        kind = array.type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_integer(kind.value_type):
            raise InputError(
                f"Lists of token ids must have the Arrow type list<integer>; found {kind}. "
                "Name another column, or convert this one."
            )
        if array.null_count:
            raise InputError(
                f"Lists of token ids must not be null; found {array.null_count} null of {len(array)} lists. "
                "Drop the null rows or fill them with empty lists."
            )
        raw = array.offsets.to_numpy().astype(np.int64)
        ids = array.values.slice(raw[0], raw[-1] - raw[0])
        if ids.null_count:
            raise InputError(
                f"Token ids must not be null; found {ids.null_count} null of {len(ids)} ids. Drop them from the lists."
            )
        return cls(_arrow_to_int32(ids), raw - raw[0])

    @classmethod
    def joined(cls, parts: Sequence["Ragged"]) -> "Ragged":
        """Lay the lists of several end to end; of one, nothing is copied."""
        if len(parts) == 1:
            return parts[0]
        values = np.concatenate([part.values for part in parts] or [np.empty(0, dtype=np.int32)])
        starts = np.cumsum([0, *(part.values.size for part in parts)])
        offsets = [part.offsets[1:] + start for part, start in zip(parts, starts[:-1], strict=True)]
        return cls(values, np.concatenate([np.zeros(1, dtype=np.int64), *offsets]))

    def to_arrow(self) -> "pa.ListArray[Any]":
        """The same lists as an Arrow ``list<int32>``; the values are not copied.

        Raises
        ------
        InputError
            There are more than 2,147,483,647 values, the most that one ``list`` array holds.
        """
        if self.values.size > INT32_MAX:
            raise InputError(
                f"One Arrow list array holds at most {INT32_MAX} values; found {self.values.size}. "
                "Convert fewer lists at a time."
            )
        offsets: pa.Int32Array = pa.array(self.offsets.astype(np.int32), pa.int32())
        return pa.ListArray.from_arrays(offsets, pa.array(self.values, pa.int32()))


def _check_array(name: str, array: object, dtype: np.dtype[np.generic]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != 1:
        found = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise InputError(
            f"The {name} of lists must be a one-dimensional NumPy array of {dtype}; found {found}. "
            "Build the lists with Ragged.from_lists or Ragged.from_arrow."
        )


def _as_int32(row: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int32]:
    ids = np.asarray(row) if len(row) else np.zeros(0, dtype=np.int32)
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise InputError(
            f"Token ids must be integers in flat lists; found an array of {ids.dtype} with {ids.ndim} dimensions. "
            "Pass one list of integers per document."
        )
    if ids.size and (ids.min() < -INT32_MAX - 1 or ids.max() > INT32_MAX):
        raise InputError(
            f"Token ids must fit int32 (at most {INT32_MAX}); found {ids.min()} to {ids.max()}. "
            "Renumber the vocabulary from 0."
        )
    return ids.astype(np.int32, copy=False)


def _arrow_to_int32(ids: "pa.Array[Any]") -> NDArray[np.int32]:
    try:
        converted: NDArray[np.int32] = ids.cast(pa.int32()).to_numpy()
    except pa.ArrowInvalid as error:
        raise InputError(
            f"Token ids must fit int32 (at most {INT32_MAX}); found larger ones ({error}). "
            "Renumber the vocabulary from 0."
        ) from error
    return converted
