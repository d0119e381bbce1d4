"""Finds the first N eligible documents: executors count them, split by split."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadterm.config import CorpusSection
from leadterm.pipeline.encode_corpus.task import are_eligible


@dataclass(frozen=True)
class EligibleCounter:
    """Counts eligible documents; travels to the executors.

    Attributes
    ----------
    smallest, largest
        Characters of an eligible text; None where documents are ids, which must only be there.
    """

    smallest: int | None
    largest: int | None
    SCHEMA: ClassVar[pa.Schema] = pa.schema([("eligible", pa.int64())])

    @classmethod
    def of(cls, corpus: CorpusSection) -> "EligibleCounter":
        """Take the limits of a config."""
        limits = (max(1, corpus.min_characters), corpus.max_characters)
        return cls(*(limits if corpus.ids_column is None else (None, None)))

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count in batches of documents."""
        found = sum(int(self.are_eligible(batch.column(0)).sum()) for batch in batches)
        yield pa.RecordBatch.from_pylist([{"eligible": found}], schema=self.SCHEMA)

    def are_eligible(self, documents: Any) -> NDArray[np.bool_]:
        """Say of each document whether it is there and within the limits."""
        of_ids = self.smallest is None or self.largest is None
        lengths = pc.list_value_length(documents) if of_ids else pc.utf8_length(documents)
        counted = pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False)
        return are_eligible(counted, self.smallest or 0, self.largest or 2**63 - 1)


@dataclass(frozen=True)
class LastEligible:
    """Counts the records up to the ``wanted``-th eligible document; travels to the executors."""

    counter: EligibleCounter
    wanted: int
    SCHEMA: ClassVar[pa.Schema] = pa.schema([("records", pa.int64())])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count in batches of documents."""
        records, left = 0, self.wanted
        for batch in batches:
            places = np.flatnonzero(self.counter.are_eligible(batch.column(0)))
            if len(places) >= left:
                records += int(places[left - 1]) + 1
                break
            records, left = records + len(batch), left - len(places)
        yield pa.RecordBatch.from_pylist([{"records": records}], schema=self.SCHEMA)
