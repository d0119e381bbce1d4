"""What formats have in common that are read column by column, and have no code of their own elsewhere."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from leadterm.errors import InputError
from leadterm.reading.document_column import ColumnRule, NullTextError
from leadterm.reading.format_checks import Found
from leadterm.reading.splits import Split
from leadterm.storage.location import Location


@dataclass(frozen=True)
class OtherRule(ColumnRule):
    """A format owes two methods beside `inspect`: the columns of a file, and batches of some of them."""

    @abstractmethod
    def inspect(self, place: Location, on_bytes: Callable[[bytes], object]) -> Found:
        """Look at a file: see `leadterm.reading.format_checks.ParquetRule.inspect`."""

    @abstractmethod
    def schema(self, place: Location) -> pa.Schema:
        """List the columns of a file."""

    @abstractmethod
    def batches(self, place: Location, split: Split, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read some columns of all records of a split, in order."""


def read_other(place: Location, splits: Sequence[Split], rule: OtherRule) -> Iterator[tuple[Any, Split, int]]:
    """Read splits: arrays of documents, their split, and the number of the first record.

    Raises
    ------
    InputError
        Names the file that is damaged, or the record with a null among the texts to be joined.
    """
    for split in splits:
        done = 0
        for batch in rule.batches(place, split, [rule.path[0]]):
            some = batch.slice(0, split.most - done)
            try:
                documents = rule.documents(some, rule.path)
            except NullTextError as error:
                where = f"{place}, {rule.row_name} {split.first_row + done + error.row:,}"
                raise InputError(f"{where}: {error}. Correct it or leave the file out.") from error
            yield documents, split, split.first_row + done
            done += len(some)
            if done >= split.most:
                break
