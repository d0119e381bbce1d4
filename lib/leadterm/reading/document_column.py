"""The column of documents in an Arrow schema: where it lies, whether its type is one that is read, what it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from leadterm.errors import InputError

JOIN = 'To join a list of texts into one document, set the separator: corpus.join, such as join: "\\n".'

SHOWN = 80
"""Letters of a list of ids that a message shows."""


@dataclass(frozen=True)
class ColumnRule:
    """What all formats ask: a column of documents.

    Attributes
    ----------
    column
        Its name, or its dotted path down to a nested one.
    is_ids
        Whether it holds lists of integers, not strings.
    join
        What stands between the texts of a list that make one document; None: lists of texts are refused.
    path
        How the column is reached, once files were looked at: see `path_in`.
    """

    column: str
    is_ids: bool
    join: str | None = None
    path: tuple[str, ...] = ()
    row_name: ClassVar = "row"

    @property
    def documents_type(self) -> Any:
        """The Arrow type of documents."""
        return pa.list_(pa.int64()) if self.is_ids else pa.large_string()

    @property
    def wanted(self) -> str:
        """Say in words what the column must hold."""
        if self.is_ids:
            return "lists of integers"
        return "strings" if self.join is None else "strings, or lists of strings"

    def path_in(self, names: Sequence[str]) -> tuple[str, ...]:
        """Say how the column is reached: by its whole name where there is such a column, else part by part."""
        return (self.column,) if self.column in names else tuple(self.column.split("."))

    def remedy(self) -> str:
        """Say what to do about a column."""
        return f"Correct corpus.{'ids' if self.is_ids else 'text'}_column, or leave the file out."

    def find(self, schema: pa.Schema) -> tuple[str, ...]:
        """Find the column in a schema, and check its type.

        Raises
        ------
        InputError
            Lists the columns there are, or names the type.
        """
        path = self.path_in(schema.names)
        kind: Any = pa.struct(list(schema))
        for name in path:
            kind = self._inside(kind, name, schema)
        is_listed = _passes_list(schema, path)
        if not self._accepts(kind, is_listed=is_listed):
            kind = pa.list_(kind) if is_listed else kind
            raise InputError(
                f"its column '{self.column}' holds {kind}; expected {self.wanted}"
                f"{' (not uint64)' if self.is_ids else ''}. {self._type_remedy(kind)}"
            )
        return path

    def _inside(self, kind: Any, name: str, schema: pa.Schema) -> Any:
        """Give the type of a field of a struct, or of the structs of a list where their texts are joined."""
        if is_list(kind) and not self.is_ids:
            kind = kind.value_type
        fields = [kind.field(i) for i in range(kind.num_fields)] if pa.types.is_struct(kind) else []
        found = [field for field in fields if field.name == name]
        if len(found) > 1:
            raise InputError(f"it has {len(found)} columns named '{name}'. Give them different names, or leave it out.")
        if not found:
            there = ", ".join(f"{field.name} ({field.type})" for field in schema)
            raise InputError(f"it has no column '{self.column}', only {there}. {self.remedy()}")
        return found[0].type

    def _type_remedy(self, kind: Any) -> str:
        """Say what to do about a column of another type."""
        return JOIN if not self.is_ids and is_list(kind) and is_text(kind.value_type) else self.remedy()

    def _accepts(self, kind: Any, *, is_listed: bool) -> bool:
        """Say whether a column of this type can be read as documents."""
        if self.is_ids:
            return is_list(kind) and _fits_int64(kind.value_type)
        if is_list(kind) and not is_listed:
            return self.join is not None and is_text(kind.value_type)
        return is_text(kind) and (not is_listed or self.join is not None)

    def documents(self, batch: pa.RecordBatch, path: Sequence[str]) -> Any:
        """Take the documents out of a batch: large_string, or list<int64>; null where one is null on the way.

        Raises
        ------
        InputError
            If a text of a list that is joined is null; says in which row of the batch.
        """
        found = batch.column(path[0])
        for name in path[1:]:
            found = _inside_array(found, name)
        if self.is_ids:
            return found.cast(pa.list_(pa.int64()))
        if is_list(found.type):
            return _joined(found, self.join or "")
        return as_text(found)


def check_documents(documents: Any, rows: Any, where: str, vocabulary_size: int | None) -> None:
    """Refuse texts that are not UTF-8, and lists that hold null or ids out of the vocabulary.

    Parameters
    ----------
    documents
        large_string or list<int64>.
    rows
        The number of each in its file.
    where
        The file, and what its rows are called: ``a.parquet, row``.
    vocabulary_size
        V of ids; None: any integer is one.

    Raises
    ------
    InputError
        Names the row.
    """
    if pa.types.is_large_string(documents.type):
        _check_bytes(documents, rows, where)
    elif vocabulary_size is not None:
        _check_ids(documents, rows, where, vocabulary_size)


def _check_bytes(documents: Any, rows: Any, where: str) -> None:
    """Refuse texts that are not UTF-8."""
    try:
        documents.validate(full=True)
    except pa.ArrowInvalid:
        for document, row in zip(documents, rows.to_pylist(), strict=True):
            try:
                document.as_py()
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{where} {row}: this text is not UTF-8 ({error}). Convert it or leave the file out."
                ) from error
        raise


def _check_ids(documents: Any, rows: Any, where: str, size: int) -> None:
    """Refuse lists that hold null, or ids out of the vocabulary."""
    ids = documents.flatten()
    limits = pc.min_max(ids).as_py() if len(ids) > ids.null_count else {"min": 0, "max": 0}
    if not ids.null_count and limits["min"] >= 0 and limits["max"] < size:
        return
    for document, row in zip(documents.to_pylist(), rows.to_pylist(), strict=True):
        if document and not all(one is not None and 0 <= one < size for one in document):
            shown = str(document)
            raise InputError(
                f"{where} {row}: an invalid list of ids, {shown[:SHOWN]}{'…' * (len(shown) > SHOWN)}. Token ids must "
                "be 0 "
                f"to {size - 1} (tokenizer.vocabulary_size - 1). Set tokenizer.vocabulary_size to the tokenizer's, or "
                "correct the ids."
            )


def is_text(kind: Any) -> bool:
    """Say whether a type is one of text: also of dictionaries of texts, and of JSON kept as text."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def as_text(array: Any) -> Any:
    """See an array of texts as large_string."""
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.large_string())


def is_list(kind: Any) -> bool:
    """Say whether a type is one of lists."""
    return any(is_kind(kind) for is_kind in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))


def _fits_int64(kind: pa.DataType) -> bool:
    """Say whether all values of an integer type are int64 values."""
    return bool(pa.types.is_integer(kind) and not pa.types.is_uint64(kind))


def _passes_list(schema: pa.Schema, path: Sequence[str]) -> bool:
    """Say whether a list stands on the way down to a column."""
    kind: Any = pa.struct(list(schema))
    passed = 0
    for name in path:
        if is_list(kind):
            kind, passed = kind.value_type, passed + 1
        kind = kind.field(name).type
    if passed > 1:
        raise InputError(f"its column '{'.'.join(path)}' is nested in lists of lists. Write one document per row.")
    return passed == 1


def _inside_array(array: Any, name: str) -> Any:
    """Take a field of structs, or of the structs of lists."""
    if not is_list(array.type):
        return pc.struct_field(array, [name])
    array = _plain_list(array)
    return pa.LargeListArray.from_arrays(array.offsets, pc.struct_field(array.values, [name]), mask=pc.is_null(array))


def _plain_list(array: Any) -> Any:
    """See lists of any kind as large_list, beginning at the first value."""
    lists = array.cast(pa.large_list(array.type.value_type))
    return pa.concat_arrays([lists]) if lists.offset == 0 else pa.concat_arrays([lists.slice(0, 0), lists])


def _joined(lists: Any, separator: str) -> Any:
    """Join the texts of each list; a list that is null is a document that is null."""
    lists = _plain_list(lists)
    texts = pa.LargeListArray.from_arrays(lists.offsets, as_text(lists.values), mask=pc.is_null(lists))
    joined = pc.binary_join(texts, pa.scalar(separator, pa.large_string()))
    broken = pc.and_(pc.is_null(joined), pc.is_valid(lists)).to_numpy(zero_copy_only=False)
    if broken.any():
        raise NullTextError(int(broken.argmax()))
    return joined


class NullTextError(InputError):
    """A text of a list that is joined is null; `row` says in which row of the batch."""

    def __init__(self, row: int) -> None:
        super().__init__("a text in a list to be joined is null")
        self.row = row
