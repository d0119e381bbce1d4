"""Where documents come from: the files and rows behind content hashes, from the product `documents`."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.catalog.products import Product
from leadterm.storage.formats.documents_table import read_documents

if TYPE_CHECKING:
    from leadterm.run.named_run import NamedRun

Places = tuple[list[str | None], list[int | None], list[int | None]]


def places_of_documents(run: NamedRun, documents: NDArray[np.int64], windows_files: Set[str]) -> Places:
    """Find the file and the row of documents.

    Parameters
    ----------
    run
        The run that contains them.
    documents
        int64 (n,): content hashes.
    windows_files
        Names of the windows files that contain them; their places are in a documents file of the same number.

    Returns
    -------
    paths, rows, copies
        For each: the file and the row of the first document with this hash, and how many documents have it. None if the
        run does not say, because it has no product `documents` or was published without it.
    """
    nothing: list[None] = [None] * len(documents)
    if Product.DOCUMENTS not in run.products:
        return list(nothing), list(nothing), list(nothing)
    numbers = {name.removeprefix(Product.WINDOWS) for name in windows_files}
    manifest = run.manifest(Product.DOCUMENTS)
    files = tuple(one for one in manifest.files if one.name.removeprefix(Product.DOCUMENTS) in numbers)
    found = pa.concat_tables(
        [_only(table, documents) for table in read_documents(run.location, replace(manifest, files=files))]
    )
    hashes, first, copies = np.unique(found["document"].to_numpy(), return_index=True, return_counts=True)
    at = np.searchsorted(hashes, documents)
    kept = found.take(pa.array(first[at]))
    paths = run.source_files["path"].take(kept["source"])
    return paths.to_pylist(), kept["row"].to_pylist(), copies[at].tolist()


def _only(table: pa.Table, documents: NDArray[np.int64]) -> pa.Table:
    """Keep the rows of some documents."""
    return table.filter(pa.array(np.isin(table["document"].to_numpy(), documents)))
