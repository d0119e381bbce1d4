"""The rows of a run's matrices, read in order a group at a time, as partial sums are: so that runs can be added up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from leadterm.counting import RowGroups, SparseRows, Statistic, check_rows
from leadterm.errors import InputError, RunError
from leadterm.pipeline.aggregation.layout import Layout
from leadterm.storage.integrity.verified_reader import VerifiedFile, Written
from leadterm.storage.location import Location
from leadterm.storage.require_products import require_manifest
from leadterm.storage.store_errors import require_reached


class StoredRows:
    """The rows of a run's matrices; a row group of one file is in memory at a time.

    Parameters
    ----------
    run
        The run directory.
    groups
        How rows are divided; files of the run hold as many rows.
    layout
        Which file a block of rows is.
    sign
        -1: the values are given as negative ones, to be taken away.
    """

    def __init__(self, run: Location, groups: RowGroups, layout: Layout, *, sign: int = 1) -> None:
        self._run, self._groups, self._layout, self._sign = run, groups, layout, sign
        self._files: dict[str, dict[str, Written]] = {}
        self._size = 0
        self._opened: _OpenFile | None = None

    def read(self, statistic: Statistic, group: int) -> Iterator[SparseRows]:
        """Give the rows of a group; groups of a file are to be asked for in ascending order.

        Raises
        ------
        RunError
            Names the file that is damaged or missing.
        """
        product, (block, rows) = statistic.name.lower(), self._groups.rows_of(group)
        name, first_row = self._layout.file(block)
        if product not in self._files:
            manifest = require_manifest(self._run, product)
            self._files[product] = {entry.name: Written.of(entry) for entry in manifest.files}
            self._size = manifest.counts["vocabulary_size"]
        if name not in self._files[product]:
            return
        place = self._run / product / name
        try:
            if self._opened is None or self._opened.place != place:
                self._opened = _OpenFile(place, VerifiedFile(place, self._files[product][name]), self._size)
            for found in self._opened.read(range(rows.start - first_row, rows.stop - first_row)):
                placed = replace(found, keys=found.keys + first_row) if first_row else found
                yield placed if self._sign == 1 else replace(placed, values=-placed.values)
        except (OSError, pa.ArrowException, InputError) as error:
            require_reached(place, error)
            raise RunError(f"{place} is damaged or missing: {error}; count again") from error


@dataclass
class _OpenFile:
    """A matrix file, and how far it was read."""

    place: Location
    file: VerifiedFile
    size: int
    row_groups: int = 0
    held: SparseRows | None = None

    def read(self, rows: range) -> Iterator[SparseRows]:
        """Give some of its rows, those after which nothing was given yet."""
        while True:
            if self.held is None or self.held.keys[-1] < rows.start:
                if self.row_groups == self.file.metadata.num_row_groups:
                    return
                self.held = _sparse_rows(self.file.read_row_group(self.row_groups), self.size)
                self.row_groups += 1
            first, last = np.searchsorted(self.held.keys, [rows.start, rows.stop])
            if first < last:
                yield self.held[first:last]
            if self.held.keys[-1] >= rows.stop - 1:
                return
            self.held = None


def _sparse_rows(table: pa.Table, size: int) -> SparseRows:
    """See a row group of a file of a matrix (size, size) as sparse rows."""
    rows, columns, values = (column.combine_chunks() for column in table.columns)
    offsets = columns.offsets.to_numpy().astype(np.int64)
    offsets, columns, values = offsets - offsets[0], columns.flatten().to_numpy(), values.flatten().to_numpy()
    check_rows(rows.to_numpy(), offsets, columns, len(values), size)
    return SparseRows(rows.to_numpy().astype(np.int64), offsets, columns, values)
