"""Encrypted columns behind a plaintext footer: PyArrow ends the process when it is asked about one without its key."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa

from leadterm.errors import InputError
from leadterm.reading.thrift import read_struct
from leadterm.storage.location import Location

ENCRYPTED_FOOTER = b"PARE"
REMEDY = "and leadterm has no keys. Write it again without encryption, or leave it out."
TAIL = 8
"""Bytes at a file's end: the footer's length, and the magic bytes."""
SIGNATURE = 28
"""Bytes behind a footer that is signed, because the file has encrypted columns: a nonce and a tag."""
ROW_GROUPS, COLUMNS, ENCRYPTED = 4, 1, 8
"""Numbers of fields in the footer: FileMetaData.row_groups, RowGroup.columns, ColumnChunk.crypto_metadata."""


def refuse_encrypted_footer(place: Location) -> None:
    """Refuse a file whose footer is encrypted, which its first bytes say.

    Raises
    ------
    InputError
        Says so.
    """
    with suppress(OSError), place.open_input() as file:
        if file.read(len(ENCRYPTED_FOOTER)) == ENCRYPTED_FOOTER:
            raise InputError(f"its footer is encrypted, {REMEDY}")


def refuse_encrypted(file: pa.NativeFile, metadata: Any, leaves: Sequence[int], column: str) -> None:
    """Refuse a file in which the column of documents is encrypted.

    Raises
    ------
    InputError
        Names the column.
    """
    size = file.size()
    length = int.from_bytes(file.read_at(4, size - TAIL), "little")
    if length - metadata.serialized_size != SIGNATURE:
        return
    footer, _ = read_struct(file.read_at(length, size - TAIL - length), 0)
    chunks = [group[COLUMNS][leaf] for group in footer.get(ROW_GROUPS, []) for leaf in leaves]
    if any(ENCRYPTED in chunk for chunk in chunks):
        raise InputError(f"its column '{column}' is encrypted, {REMEDY}")
