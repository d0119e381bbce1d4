"""Where documents come from: ``document int64, source int32, row int64, tokens int64, windows int32``, in some files.

A document lies in the file of the same number as its windows do, sorted by its content hash, file and row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leadterm.errors import RunError
from leadterm.storage.formats.parquet_io import EvenGroupsWriter, parquet_writer
from leadterm.storage.location import Location
from leadterm.storage.manifest import Manifest
from leadterm.storage.read_products import read_verified
from leadterm.storage.staged.hashing_sink import HashingSink, part_output

SCHEMA = pa.schema(
    [
        pa.field("document", pa.int64(), nullable=False),
        pa.field("source", pa.int32(), nullable=False),
        pa.field("row", pa.int64()),
        pa.field("tokens", pa.int64(), nullable=False),
        pa.field("windows", pa.int32(), nullable=False),
    ]
)
"""``document``: content hash; ``source``: row of ``sources``; ``row``: in that file, from 0, of JSON lines the line's
number from 1, null where it is not known; ``tokens``: of the document; ``windows``: that it gave."""
PACKED = np.dtype([("source", ">i4"), ("row", ">i8"), ("tokens", ">i8"), ("windows", ">i4")])
"""The same beside the hash on its way to its file: big-endian, so that bytes are sorted as numbers are."""
UNKNOWN_ROW, NO_ROW = -1, 2**63
"""How a row that is not known is packed, and how it is sorted."""
ROW_GROUP = 2**17
"""Documents of a row group: 4 MB, which a merge holds of each file."""


def pack(source: Any, row: Any, tokens: NDArray[np.int64], windows: NDArray[np.int64]) -> pa.Array:
    """Lay documents out as bytes, one after the other.

    Parameters
    ----------
    source, row
        Arrow arrays of int32 and int64; a row may be null.
    tokens, windows
        Of each document.
    """
    packed = np.empty(len(tokens), dtype=PACKED)
    packed["source"], packed["row"] = source.to_numpy(), row.fill_null(UNKNOWN_ROW).to_numpy()
    packed["tokens"], packed["windows"] = tokens, windows
    ends = np.arange(len(packed) + 1, dtype=np.int32) * PACKED.itemsize
    return pa.Array.from_buffers(pa.binary(), len(packed), [None, pa.py_buffer(ends), pa.py_buffer(packed.tobytes())])


def unpack(hashes: Any, packed: Any) -> pa.Table:
    """Lay packed documents out as rows of `SCHEMA`."""
    found = np.frombuffer(b"".join(packed.to_pylist()), dtype=PACKED)
    row = found["row"].astype(np.int64)
    columns = [
        hashes,
        pa.array(found["source"].astype(np.int32)),
        pa.array(row, mask=row == UNKNOWN_ROW),
        pa.array(found["tokens"].astype(np.int64)),
        pa.array(found["windows"].astype(np.int32)),
    ]
    return pa.table(columns, schema=SCHEMA)


class DocumentsWriter(EvenGroupsWriter):
    """Writes a file of documents a row group at a time."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        super().__init__(writer, SCHEMA, ROW_GROUP)

    @property
    def n_documents(self) -> int:
        """How many were written."""
        return self.n_rows


@contextmanager
def documents_file(place: Location) -> Iterator[tuple[DocumentsWriter, HashingSink]]:
    """Open a file of documents for writing; it is whole after the block, and gone if the block raises."""
    with part_output(place) as stream:
        sink = HashingSink(stream)
        with parquet_writer(sink, SCHEMA) as writer:
            file = DocumentsWriter(writer)
            yield file, sink
            file.close()


def read_documents(run: Location, manifest: Manifest) -> Iterator[pa.Table]:
    """Give the documents of a run, a file's at a time.

    Raises
    ------
    RunError
        If a file is missing or damaged, or holds no documents; names it.
    """
    for entry in manifest.files:
        data = pa.BufferReader(read_verified(run, manifest.product, entry))
        try:
            table = pq.read_table(data).cast(SCHEMA)
        except (pa.ArrowException, ValueError, OSError) as error:
            raise RunError(
                f"{run / manifest.product / entry.name} is not a table of documents ({error}). Encode the corpus again."
            ) from error
        yield table
