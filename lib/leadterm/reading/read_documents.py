"""What a task reads of a corpus: the documents of its splits, in batches, each with its file and its place there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, repeat
from typing import Any

import numpy as np
import pyarrow as pa

from leadterm.errors import InputError
from leadterm.reading.column_format import OtherRule, read_other
from leadterm.reading.document_column import check_documents
from leadterm.reading.format_checks import JsonRule, Rule
from leadterm.reading.json_documents import JsonReader
from leadterm.reading.line_blocks import numbered_lines
from leadterm.reading.parquet_documents import read_groups
from leadterm.reading.record_selection import only
from leadterm.reading.splits import Split
from leadterm.storage.location import Location

DocumentsFunction = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
"""What is done with batches (document, source, row, replaced); travels to the executors."""
LINE_REMEDY = "Correct the line or leave the file out."


@dataclass(frozen=True)
class Reading:
    """Reads splits and works on their documents; travels to the executors.

    Attributes
    ----------
    rule
        What the files hold.
    work
        What is done with the documents.
    vocabulary_size
        Where they are ids: these are 0 to V-1.
    has_rows
        Whether a row of the product ``sources`` is one file, in which rows have numbers; not so of a table.
    """

    rule: Rule
    work: DocumentsFunction
    vocabulary_size: int | None = None
    has_rows: bool = True

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Read the splits named in the batches."""
        splits = (Split(**row) for batch in batches for row in batch.to_pylist())
        documents = read_documents(splits, self.rule, self.vocabulary_size)
        return self.work(documents if self.has_rows else map(_without_rows, documents))


def _without_rows(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Leave out at which rows documents stand."""
    return batch.set_column(2, "row", pa.nulls(len(batch), pa.int64()))


def read_documents(
    splits: Iterator[Split] | Sequence[Split], rule: Rule, vocabulary_size: int | None = None
) -> Iterator[pa.RecordBatch]:
    """Read splits in order, in batches (document, source, row, replaced).

    Parameters
    ----------
    splits
        What is read; those of a file stand in parallel.
    rule
        What the files hold.
    vocabulary_size
        Where documents are ids: refuses others than 0 to V-1. None: any.

    Yields
    ------
    pyarrow.RecordBatch
        document large_string or list<int64>; source int32, the file's row in the product ``sources``; row int64, the
        number of its row from 0, or of its line from 1; replaced int64, in the first row of a batch how many of its
        texts had half a surrogate pair, which U+FFFD replaces.

    Raises
    ------
    InputError
        Names the file, and the line or row, that is no document.
    """
    for place, some in groupby(splits, key=lambda split: split.place):
        for documents, split, rows, replaced in _read(Location.of(place), list(some), rule):
            check_documents(documents, rows, f"{Location.of(place)}, {rule.row_name}", vocabulary_size)
            yield batch_of(documents, split.source, rows, replaced)


def _read(place: Location, splits: list[Split], rule: Rule) -> Iterator[tuple[Any, Split, Any, int]]:
    """Read splits of a file: documents, their split, the number of each, and how many texts had surrogates."""
    if isinstance(rule, JsonRule):
        yield from _read_json(place, splits, rule)
    else:
        masks: dict[int, Any] = {split.start: split.kept for split in splits}
        read = read_other(place, splits, rule) if isinstance(rule, OtherRule) else read_groups(place, splits, rule)
        for documents, split, first in read:
            rows, kept = pa.array(np.arange(first, first + len(documents))), masks[split.start]
            if kept is not None:
                kept = pa.array(kept[first - split.first_row :][: len(documents)])
            yield only(documents, kept), split, only(rows, kept), 0


def batch_of(documents: Any, source: int, rows: Any, replaced: int = 0) -> pa.RecordBatch:
    """Lay documents of one file out as a batch."""
    noted = np.zeros(len(documents), dtype=np.int64)
    noted[:1] = replaced
    columns = [documents, pa.array(np.full(len(documents), source, dtype=np.int32)), rows, pa.array(noted)]
    return pa.RecordBatch.from_arrays(columns, names=["document", "source", "row", "replaced"])


def _read_json(place: Location, splits: list[Split], rule: JsonRule) -> Iterator[tuple[Any, Split, Any, int]]:
    """Read blocks of lines."""
    for split in splits:
        kept = repeat(True, split.most) if split.kept is None else iter(split.kept.tolist())
        for first, block in rule.blocks(place, split):
            values, numbers, replaced, is_whole = _documents_of(place, block, first, rule, kept)
            yield pa.array(values, rule.documents_type), split, pa.array(numbers, pa.int64()), replaced
            if not is_whole:
                break


def _documents_of(
    place: Location, block: bytes, first: int, rule: JsonRule, kept: Iterator[bool]
) -> tuple[list[Any], list[int], int, bool]:
    """Take documents out of a block of lines: they, the number of each, how many had surrogates, if it was all of it.

    ``kept`` says of each further line whether it is read, and ends with the last one that may be.
    """
    reader = JsonReader(rule, rule.replaces_surrogates)
    values: list[Any] = []
    numbers: list[int] = []
    for number, line in numbered_lines(block, first):
        is_kept = next(kept, None)
        if is_kept is None:
            return values, numbers, reader.replaced, False
        if not is_kept:
            continue
        try:
            values.append(reader.document(line, rule.path))
        except InputError as error:
            raise InputError(f"{place}, line {number:,}: {error}. {LINE_REMEDY}") from error
        numbers.append(number)
    return values, numbers, reader.replaced, True


def with_path(rule: Rule, path: tuple[str, ...]) -> Rule:
    """Say how the column is reached in all files."""
    return replace(rule, path=path)
