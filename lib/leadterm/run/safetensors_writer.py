"""Safetensors files, written block by block, so that no tensor has to be in memory as a whole.

A file is 8 bytes with the length of a JSON header, the header, and the tensors' bytes one after the other. The library
``safetensors`` can only write tensors that are all in memory, and orders its metadata differently each time; here equal
tensors give equal bytes. The library reads these files like its own.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadterm.storage.location import Location
from leadterm.storage.staged.hashing_sink import HashingSink, whole_output

NUMBERS: dict[str, tuple[str, np.dtype[Any]]] = {
    "float64": ("F64", np.dtype("<f8")),
    "float32": ("F32", np.dtype("<f4")),
}
"""The format's name for each number type, and its byte layout in a file."""

ALIGNMENT = 8
"""Bytes. The header is padded with spaces, as the library does, so that tensors of 8-byte numbers are aligned."""


class TensorFile:
    """A safetensors file while it is being written."""

    def __init__(self, sink: HashingSink, number: np.dtype[Any]) -> None:
        self._sink, self._number = sink, number

    def append(self, block: NDArray[Any]) -> None:
        """Add the next rows of the tensor that is being written, converted to the number type of the file."""
        laid_out = np.ascontiguousarray(block, dtype=self._number)
        self._sink.write(laid_out.reshape(-1).view(np.uint8))


@contextmanager
def tensor_file(
    place: Location, shapes: Mapping[str, tuple[int, ...]], dtype: str, metadata: Mapping[str, str]
) -> Iterator[TensorFile]:
    """Open a safetensors file for writing; it appears when it is complete, and not at all if the block raises.

    Parameters
    ----------
    place
        The file; an existing one is replaced.
    shapes
        Of each tensor, by name, in the order in which their rows will be appended.
    dtype
        Of all tensors: ``float64`` or ``float32``.
    metadata
        For the header.

    Raises
    ------
    MachineError
        If it cannot be written.
    ValueError
        If more or fewer numbers were appended than the shapes say.
    """
    code, number = NUMBERS[dtype]
    header, n_bytes = _header(shapes, code, number.itemsize, metadata)
    with whole_output(place) as sink:
        sink.write(header)
        yield TensorFile(sink, number)
        if sink.n_bytes != len(header) + n_bytes:
            raise ValueError(f"{place}: {sink.n_bytes - len(header)} bytes of tensors, its header says {n_bytes}")


def _header(
    shapes: Mapping[str, tuple[int, ...]], code: str, itemsize: int, metadata: Mapping[str, str]
) -> tuple[bytes, int]:
    """Return the bytes before the tensors, and the size of the tensors in bytes."""
    fields: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, shape in shapes.items():
        end = offset + math.prod(shape) * itemsize
        fields[name] = {"dtype": code, "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    text = text.ljust(-(-len(text) // ALIGNMENT) * ALIGNMENT)
    return len(text).to_bytes(8, "little") + text, offset
