"""What the job does after its shuffle: the sorted shares of a block of pairs become one file."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.catalog.products import Product
from leadterm.pipeline.attribute_pairs.task import TOTAL
from leadterm.storage.formats.parquet_io import EvenGroupsWriter, arrow_fields, parquet_writer
from leadterm.storage.location import Location
from leadterm.storage.read_products import PARTS
from leadterm.storage.staged.hashing_sink import HashingSink, part_output
from leadterm.storage.stored_run import StoredRun

SCHEMA = pa.schema(arrow_fields(Product.PAIR_SOURCES))
ROW_GROUP = 2**17
REPORT = pa.schema(
    [
        *((name, pa.string()) for name in ("name", "place")),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        *((name, pa.int64()) for name in ("pairs", "rows")),
    ]
)
"""What a task says of a file that it wrote: of how many pairs, and how many shares."""


@dataclass(frozen=True)
class SharesWriter:
    """Writes the shares of a block of pairs; travels to the executors.

    Attributes
    ----------
    run, folder
        URLs of the run and of the staging folder.
    pairs
        int64 (pairs, 2): token ids.
    k
        How many documents of each pair are kept; None for all.
    """

    run: str
    folder: str
    pairs: NDArray[np.int64]
    k: int | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write one file from sorted rows, of which none is of another block; give its report."""
        place = Location.of(self.folder) / PARTS / uuid.uuid4().hex
        run, block, n_pairs = StoredRun(Location.of(self.run)), -1, 0
        tokens, paths = run.vocabulary["token"].combine_chunks(), run.source_files["path"].combine_chunks()
        with part_output(place) as stream, parquet_writer(sink := HashingSink(stream), SCHEMA) as writer:
            file = EvenGroupsWriter(writer, SCHEMA, ROW_GROUP)
            for rows in _whole_pairs(batches):
                block = rows["block"][0].as_py()
                n_pairs += len(np.unique(rows["pair"].to_numpy()))
                file.append(self._laid_out(rows, tokens, paths))
            file.close()
        if block < 0:
            place.remove()
            return
        row = {"name": f"pairs-{block:05d}.parquet", "place": place.uri, "bytes": sink.n_bytes, "sha256": sink.sha256}
        yield pa.RecordBatch.from_pylist([row | {"pairs": n_pairs, "rows": file.n_rows}], schema=REPORT)

    def _laid_out(self, rows: pa.Table, tokens: pa.Array, paths: pa.Array) -> pa.Table:
        """Lay the shares of some pairs out as rows of the product."""
        pair, is_total = rows["pair"].to_numpy(), rows["rank"].to_numpy() == TOTAL
        _, number = np.unique(pair, return_inverse=True)
        totals = np.zeros(number.max() + 1, dtype=np.int64)
        np.add.at(totals, number[is_total], rows["units"].to_numpy()[is_total])
        starts = np.flatnonzero(np.diff(number[~is_total], prepend=-1))
        rank = np.arange((~is_total).sum()) - starts[number[~is_total]]
        kept = np.flatnonzero(~is_total)[rank < (len(rank) if self.k is None else self.k)]
        some = rows.take(pa.array(kept))
        units, ids = some["units"].to_numpy(), self.pairs[pair[kept]]
        columns = [
            tokens.take(pa.array(ids[:, 0])),
            tokens.take(pa.array(ids[:, 1])),
            some["document"],
            paths.take(some["source"].combine_chunks()),
            some["row"],
            some["units"],
            pa.array(units / totals[number[kept]]),
            some["copies"],
        ]
        return pa.table(columns, schema=SCHEMA)


def _whole_pairs(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Give the rows again, those of a pair never apart."""
    held: pa.Table | None = None
    for batch in batches:
        table = pa.Table.from_batches([batch])
        held = table if held is None else pa.concat_tables([held, table]).combine_chunks()
        pair = held["pair"].to_numpy()
        end = int(np.searchsorted(pair, pair[-1])) if len(pair) else 0
        if end:
            yield held[:end].combine_chunks()
            held = held[end:]
    if held is not None and len(held):
        yield held.combine_chunks()
