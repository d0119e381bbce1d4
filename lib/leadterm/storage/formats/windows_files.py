"""Windows on disk: ``document int64, window int32, tokens list<int32>`` in a fixed number of files.

A window lies in the file that its document's content hash names, sorted by that hash: the files do not depend on how
the corpus was divided into files or partitions. Documents of equal tokens share a hash and are all kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leadterm.counting import check_windows
from leadterm.errors import InputError, RunError
from leadterm.storage.formats.parquet_io import GroupedWriter, grouped_parquet
from leadterm.storage.integrity.verified_reader import DamagedError, VerifiedFile, Written
from leadterm.storage.location import Location
from leadterm.storage.manifest import Manifest
from leadterm.storage.read_products import read_verified
from leadterm.storage.store_errors import require_reached

SCHEMA = pa.schema(
    [
        pa.field("document", pa.int64(), nullable=False),
        pa.field("window", pa.int32(), nullable=False),
        pa.field("tokens", pa.list_(pa.int32()), nullable=False),
    ]
)
"""``document``: content hash of the window's document; ``window``: its place in the document, from 0."""


ROW_GROUP_TOKENS = 2**18
"""Tokens of a row group: 1 MB, the least that a counting task reads at once."""


@contextmanager
def windows_file(place: Location) -> Iterator[tuple[GroupedWriter, "pa.NativeFile"]]:
    """Open a windows file for writing; it is whole after the block, and gone if the block raises."""
    with grouped_parquet(place, SCHEMA, "tokens", ROW_GROUP_TOKENS) as opened:
        yield opened


def read_windows(run: Location, manifest: Manifest) -> Iterator[NDArray[np.int32]]:
    """Give every window as an int32 array of 2 ... T+1 ids, a row group in memory at a time.

    Raises
    ------
    RunError
        If a file is missing or damaged, or holds what cannot be windows of these settings; names it.
    """
    files = WindowsFiles.of(run, manifest)
    for entry in manifest.files:
        file = pq.ParquetFile(pa.BufferReader(read_verified(run, manifest.product, entry)))
        for group in range(file.num_row_groups):
            with _naming_damage(run / manifest.product / entry.name):
                tokens, lengths = files.laid_out(file.read_row_group(group, columns=["tokens"]))
            yield from np.split(tokens, np.cumsum(lengths)[:-1])


@dataclass(frozen=True, eq=False)
class DocumentWindows:
    """The windows of a row group, and their documents.

    Attributes
    ----------
    group
        Number of the row group in its file.
    tokens, offsets
        int32 (tokens,) and int64 (windows + 1,): the windows end to end.
    documents
        int64 (windows,): content hashes, not falling.
    """

    group: int
    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]
    documents: NDArray[np.int64]


@dataclass(frozen=True)
class WindowsFiles:
    """The files of a windows product, as tasks read them: every byte is verified. Travels to the executors.

    Attributes
    ----------
    folder
        URL of the product.
    vocabulary_size, length
        V and T: an id outside of the one, or a window longer than the other, would make kernels write to memory that is
        not theirs, so no such window is given out.
    files
        What the manifest says of each file, by name.
    """

    folder: str
    vocabulary_size: int
    length: int
    files: Mapping[str, Written]

    @classmethod
    def of(cls, run: Location, manifest: Manifest) -> "WindowsFiles":
        """Take it from the manifest of a run's windows."""
        files = {entry.name: Written.of(entry) for entry in manifest.files}
        size, length = manifest.counts["vocabulary_size"], manifest.settings["windows"]["length"]
        return cls((run / manifest.product).uri, size, length, files)

    def read_row_groups(self, groups: Sequence[tuple[str, int, int]]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Read some row groups end to end.

        Parameters
        ----------
        groups
            File name, row group and number of tokens of each.

        Returns
        -------
        tokens, offsets
            int32 (tokens,) and int64 (windows + 1,).

        Raises
        ------
        RunError
            Names the file that is missing or damaged, or holds what cannot be windows of these settings.
        """
        tokens = np.empty(sum(n_tokens for _, _, n_tokens in groups), dtype=np.int32)
        lengths, filled = [np.zeros(1, dtype=np.int64)], 0
        for name, some in groupby(groups, key=itemgetter(0)):
            with self.opened(name) as file:
                for _, group, n_tokens in some:
                    part, sizes = self.laid_out(file.read_row_group(group, columns=["tokens"]))
                    if len(part) != n_tokens:
                        raise DamagedError(f"row group {group} holds {len(part):,} tokens, not {n_tokens:,}")
                    tokens[filled : filled + n_tokens] = part
                    lengths.append(sizes)
                    filled += n_tokens
        return tokens, np.cumsum(np.concatenate(lengths))

    def tables(
        self, name: str, columns: Sequence[str] | None = None, groups: Sequence[int] | None = None
    ) -> Iterator[Any]:
        """Give the row groups of a file, or some of them, as tables, one at a time.

        Raises
        ------
        RunError
            As :meth:`read_row_groups`.
        """
        with self.opened(name) as file:
            for group in range(file.metadata.num_row_groups) if groups is None else groups:
                table = file.read_row_group(group, columns=columns)
                if "tokens" in table.column_names:
                    self.laid_out(table)
                yield table

    def with_documents(self, name: str, groups: Sequence[int] | None = None) -> Iterator[DocumentWindows]:
        """Give the windows of a file with the documents that they are of, a row group at a time.

        Parameters
        ----------
        name
            Of the file.
        groups
            Some of its row groups; by default all.

        Raises
        ------
        RunError
            As :meth:`read_row_groups`.
        """
        with self.opened(name) as file:
            for group in range(file.metadata.num_row_groups) if groups is None else groups:
                table = file.read_row_group(group, columns=["document", "tokens"])
                tokens, lengths = self.laid_out(table)
                offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
                # Kernels take arrays that could be written to, and those of Arrow could not.
                yield DocumentWindows(group, tokens.copy(), offsets, table["document"].to_numpy().copy())

    def groups_with(self, name: str, documents: NDArray[np.int64]) -> list[int]:
        """List the row groups of a file that may hold one of some documents, by what its footer says of them.

        Parameters
        ----------
        name
            Of the file.
        documents
            int64 (n,): content hashes, ascending.
        """
        with self.opened(name) as file:
            groups = range(file.metadata.num_row_groups)
            return [group for group in groups if _may_hold(file.metadata.row_group(group), documents)]

    @contextmanager
    def opened(self, name: str) -> Iterator[VerifiedFile]:
        """Open a file; what goes wrong with it in the block is told with its name."""
        place = Location.of(self.folder) / name
        with _naming_damage(place), closing(VerifiedFile(place, self.files[name])) as file:
            yield file

    def laid_out(self, table: Any) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Lay the windows of a table end to end: int32 (tokens,), and int64 (windows,), their lengths.

        Raises
        ------
        DamagedError
            If there is an id that is none, or a window that is none.
        """
        if table.schema.field("tokens").type != SCHEMA.field("tokens").type:
            raise DamagedError(f"its tokens are {table.schema.field('tokens').type}, not {SCHEMA.field('tokens').type}")
        lists = table["tokens"].combine_chunks()
        flat = lists.flatten()
        if lists.null_count or flat.null_count:
            raise DamagedError("its tokens contain nulls")
        tokens, lengths = flat.to_numpy(), pa.compute.list_value_length(lists).to_numpy().astype(np.int64)
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        check_windows(tokens, offsets, self.vocabulary_size, self.length)
        return tokens, lengths


def _may_hold(group: Any, documents: NDArray[np.int64]) -> bool:
    """Say whether a row group may hold one of some documents, ascending."""
    known = group.column(0).statistics
    if known is None or not known.has_min_max:
        return True
    at = int(np.searchsorted(documents, known.min))
    return at < len(documents) and bool(documents[at] <= known.max)


@contextmanager
def _naming_damage(place: Location) -> Iterator[None]:
    """Say which file of windows could not be read.

    Raises
    ------
    RunError
        Names it.
    """
    try:
        yield
    except (OSError, ValueError, IndexError, KeyError, pa.ArrowException, InputError) as error:
        require_reached(place, error)
        reason = str(error).rstrip(".")
        raise RunError(f"{place} is damaged or missing: {reason}; encode again") from error
