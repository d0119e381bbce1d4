"""The documents behind an entry of a count matrix: exact shares that add up to it, and the text around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.catalog.products import Product
from leadterm.counting import reciprocal_weights
from leadterm.errors import InputError, LeadtermError
from leadterm.packages import EXTRAS, require_packages
from leadterm.run.document_places import places_of_documents
from leadterm.run.passages import Passage, passage_of
from leadterm.storage.formats.matrix_files import read_matrix, rows_file
from leadterm.storage.formats.windows_files import WindowsFiles

if TYPE_CHECKING:
    from leadterm.counting.pair_units import PairMap, PairScan
    from leadterm.run.named_run import NamedRun

MapName = Literal["bigram", "context"]
"""The matrices whose entries are sums over documents."""
NOT_TO_COUNT = frozenset(EXTRAS["spark"]) - {"numba"}
"""Modules of the extra ``spark`` that are not needed to scan windows."""
SCHEMA = pa.schema(
    [
        pa.field("document", pa.int64()),
        pa.field("path", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("units", pa.int64()),
        pa.field("share", pa.float64()),
        pa.field("passage", pa.string()),
        pa.field("copies", pa.int32()),
    ]
)


@dataclass(frozen=True)
class Pair:
    """An entry of a count matrix.

    Attributes
    ----------
    earlier, later
        Token ids: the current or the context token, and the next one.
    kind
        Of which matrix.
    entry
        Its value: positions, or units of 2^-scale_bits.
    """

    earlier: int
    later: int
    kind: MapName
    entry: int


def sources_of(run: NamedRun, token: str, other: str, kind: MapName, k: int | None) -> pa.Table:
    """Find the documents behind an entry; see `leadterm.run.model_questions.ModelQuestions.sources`."""
    if kind not in get_args(MapName):
        raise InputError(f"map is 'bigram' or 'context', not {kind!r}")
    if k is not None and k < 1:
        raise InputError(f"k is the number of documents, at least 1, or None for all of them; found {k}")
    require_packages("run.sources()", "spark", without=NOT_TO_COUNT)
    pair = _find_pair(run, token, other, kind)
    files = WindowsFiles.of(run.location, run.manifest(Product.WINDOWS))
    units = _units_by_document(run, files, pair, k)
    documents = np.array([document for document, _, _ in units], dtype=np.int64)
    places = places_of_documents(run, documents, {name for _, name, _ in units})
    passages = _passages(run, files, pair, units)
    counts = [n for _, _, n in units]
    columns = [
        documents,
        *places[:2],
        counts,
        [n / pair.entry for n in counts],
        [passages[document] for document in documents.tolist()],
        places[2],
    ]
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)


def _find_pair(run: NamedRun, token: str, other: str, kind: MapName) -> Pair:
    """Look up a pair in its matrix.

    Raises
    ------
    InputError
        If a token is not in the vocabulary, or the pair never occurs.
    """
    earlier, later = run.token_id(token), run.token_id(other)
    row, column = (earlier, later) if kind == "bigram" else (later, earlier)
    manifest = run.manifest(Product(kind))
    held = manifest.files
    if per_file := manifest.settings.get("rows_per_file"):
        held = tuple(one for one in held if one.name == rows_file(row // per_file))
    entry = int(read_matrix(run.location, replace(manifest, files=held))[row, column]) if held else 0
    if entry == 0:
        shown = [run.names.shown[index] for index in (earlier, later)]
        how = "follows" if kind == "bigram" else "comes anywhere in a window after"
        raise InputError(
            f"{shown[1]!r} never {how} {shown[0]!r} in the {run.n_positions:,} positions of {run.location}: the entry "
            f"of its {kind} matrix is 0, and no document is behind it. leadterm show RUN {token!r} lists what goes "
            "with a token."
        )
    return Pair(earlier, later, kind, entry)


def _units_by_document(run: NamedRun, files: WindowsFiles, pair: Pair, k: int | None) -> list[tuple[int, str, int]]:
    """Add up the share of each document; return the k largest as (document, file, units), then ordered by hash.

    Raises
    ------
    LeadtermError
        If the shares do not sum to the entry.
    """
    scan = _scan(run, pair)
    found: list[tuple[int, str, int]] = []
    total = 0
    for name in files.files:
        documents, units = _scan_file(files, name, scan)
        total += int(units.sum())
        best = np.lexsort((documents, -units))[:k]
        found += [(int(documents[i]), name, int(units[i])) for i in best]
        found = sorted(found, key=lambda row: (-row[2], row[0]))[:k]
    if total != pair.entry:
        raise LeadtermError(
            f"consistency check failed: the documents of {run.location} give {total} units, and the entry of its "
            f"{pair.kind} matrix is {pair.entry}. Look for damage with leadterm check RUN, or report this."
        )
    return found


def _scan(run: NamedRun, pair: Pair) -> PairScan:
    """Prepare a scan for one pair."""
    from leadterm.counting.pair_units import PairMap, PairScan  # noqa: PLC0415  # brings numba

    occurrences: NDArray[np.int64] = run.vocabulary["count"].to_numpy()
    scale_bits = run.manifest(Product.CONTEXT).settings["scale_bits"]
    weights = reciprocal_weights(run.context_length, int(scale_bits))
    kind: PairMap = PairMap[pair.kind.upper()]
    return PairScan(np.array([[pair.earlier, pair.later]], dtype=np.int64), kind, occurrences, weights)


def _scan_file(files: WindowsFiles, name: str, scan: PairScan) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Scan the windows of a file: documents and units, int64 (documents with the pair,)."""
    parts = [
        part for some in files.with_documents(name) for part in scan.add(some.tokens, some.offsets, some.documents)
    ]
    parts.append(scan.finish())
    return np.concatenate([part.document for part in parts]), np.concatenate([part.units for part in parts])


def _passages(run: NamedRun, files: WindowsFiles, pair: Pair, units: Sequence[tuple[int, str, int]]) -> dict[int, str]:
    """Write the text around the pair in each document, where it weighs most, at the first of equal weights."""
    wanted: dict[str, set[int]] = {}
    for document, name, _ in units:
        wanted.setdefault(name, set()).add(document)
    found: dict[int, Passage] = {}
    for name, documents in wanted.items():
        for document, window in _windows_of(files, name, documents):
            here = passage_of(window, pair.earlier, pair.later, adjacent=pair.kind == "bigram")
            if here is not None and (document not in found or here.weight > found[document].weight):
                found[document] = here
    return {document: passage.text(run.names) for document, passage in found.items()}


def _windows_of(files: WindowsFiles, name: str, documents: set[int]) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Yield the windows of some documents of a file, from the row groups that may contain one."""
    hashes = np.array(sorted(documents), dtype=np.int64)
    for some in files.with_documents(name, files.groups_with(name, hashes)):
        for i in np.flatnonzero(np.isin(some.documents, hashes)).tolist():
            yield int(some.documents[i]), some.tokens[some.offsets[i] : some.offsets[i + 1]]
