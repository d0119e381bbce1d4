"""The products of a run as they are stored."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_array

from leadterm.catalog.products import OF_CORPUS, Product
from leadterm.errors import InputError, RunError
from leadterm.storage.formats.alignment_table import alignment_manifests, read_alignment
from leadterm.storage.formats.documents_table import SCHEMA, read_documents
from leadterm.storage.formats.matrix_files import read_matrix
from leadterm.storage.formats.parquet_io import arrow_fields
from leadterm.storage.formats.small_tables import FREQUENCIES, POSITION, SOURCES, VOCABULARY, read_table
from leadterm.storage.formats.windows_files import read_windows
from leadterm.storage.integrity.provenance import other_inputs
from leadterm.storage.location import Location
from leadterm.storage.manifest import Manifest
from leadterm.storage.read_products import read_manifest, read_verified
from leadterm.storage.require_products import require_manifest, who_makes

Orientation = Literal["paper", "authors"]


class StoredRun:
    """The products of a run, read on request and verified against their hashes.

    Parameters
    ----------
    location
        The run directory.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        self.manifest(Product.WINDOWS)

    def __repr__(self) -> str:
        """Say where the run is and how large it is."""
        name, size = type(self).__name__, self.vocabulary_size
        return f"{name}({str(self.location)!r}): {self.n_positions:,} positions, vocabulary of {size:,} tokens"

    def manifest(self, product: str) -> Manifest:
        """Read the manifest of a product.

        Raises
        ------
        RunError
            If the run has no such product, or its product was made from other products than the run holds; the message
            names the job that makes it.
        """
        found = require_manifest(self.location, product)
        if others := other_inputs(self.location, found):
            raise RunError(
                f"{self.location} is inconsistent: its '{product}' was made from a different '{others[0]}' than it "
                f"holds. Run {who_makes(self.location, product)} again, or leadterm add once more if it was "
                "interrupted."
            )
        return found

    @property
    def products(self) -> list[str]:
        """The products of the run, in the order in which they are made; for a published run, those with files."""
        found = {product: read_manifest(self.location, product) for product in OF_CORPUS}
        return [str(product) for product, manifest in found.items() if manifest is not None and not manifest.withheld]

    @property
    def n_positions(self) -> int:
        """M, the number of positions of all windows."""
        return int(self.manifest(Product.WINDOWS).counts["positions"])

    @property
    def vocabulary_size(self) -> int:
        """V."""
        return int(self.manifest(Product.WINDOWS).counts["vocabulary_size"])

    @property
    def context_length(self) -> int:
        """T, the largest number of positions of a window."""
        return int(self.manifest(Product.WINDOWS).settings["windows"]["length"])

    @cached_property
    def vocabulary(self) -> pa.Table:
        """token_id int32, token string, count int64 (occurrences in the windows; a shared token counts once)."""
        return read_table(self.location, self.manifest(Product.VOCABULARY), VOCABULARY)

    @cached_property
    def source_files(self) -> pa.Table:
        """The files that were read: path, bytes, sha256, modified, rows, version."""
        return read_table(self.location, self.manifest(Product.SOURCES), SOURCES)

    def documents(self) -> pa.Table:
        """Read the origin of each document that gave a window, 28 bytes per document.

        Returns
        -------
        pyarrow.Table
            document int64 (content hash, as in the files of windows; equal documents share one), source int32 (row of
            :attr:`source_files`), row int64 (in that file: for Parquet from 0, for JSON lines the line number from 1;
            null if unknown), tokens int64, windows int32.
        """
        manifest = self.manifest(Product.DOCUMENTS)
        return pa.concat_tables([SCHEMA.empty_table(), *read_documents(self.location, manifest)])

    def windows(self) -> Iterator[NDArray[np.int32]]:
        """Yield every window: int32 arrays of 2 ... T+1 token ids."""
        return read_windows(self.location, self.manifest(Product.WINDOWS))

    def bigram_counts(self) -> csr_array:
        """Read the bigram counts: csr_array int64 (V, V) [CURRENT, NEXT]."""
        return read_matrix(self.location, self.manifest(Product.BIGRAM))

    def context_weights(self) -> csr_array:
        """Read the context weights, sums of 1/t: csr_array float64 (V, V) [NEXT, CONTEXT]."""
        return self._fractions(Product.CONTEXT)

    def context_fixed_point(self) -> tuple[csr_array, int]:
        """Read the exact context weights as stored: csr_array int64, in units of 2^-scale_bits."""
        manifest = self.manifest(Product.CONTEXT)
        return read_matrix(self.location, manifest), int(manifest.settings["scale_bits"])

    def two_hop_weights(self) -> csr_array:
        """Read the context weights over two hops, sums of (1/t) (1/j + ... + 1/t): float64 (V, V) [NEXT, CONTEXT]."""
        return self._fractions(Product.TWO_HOP)

    def current_context_weights(self) -> csr_array:
        """Read the weights of context tokens for each current token, sums of 1/t: float64 (V, V) [CURRENT, CONTEXT]."""
        return self._fractions(Product.CURRENT_CONTEXT)

    def _fractions(self, product: Product) -> csr_array:
        """Read a matrix of fixed-point fractions as float64."""
        manifest = self.manifest(product)
        fixed, scale_bits = read_matrix(self.location, manifest), int(manifest.settings["scale_bits"])
        return csr_array(
            (np.ldexp(fixed.data.astype(np.float64), -scale_bits), fixed.indices, fixed.indptr), fixed.shape
        )

    def distance_counts(self, distance: int) -> csr_array:
        """Read how often each token occurs exactly m places before each other one in a window.

        Parameters
        ----------
        distance
            m, in tokens; one of the distances that were counted.

        Returns
        -------
        scipy.sparse.csr_array, shape (V, V), int64, [CONTEXT, CURRENT]
            Entry (a, b): the number of pairs (x_{t-m}, x_t) that are (a, b). At distance 1 these are the bigram counts.

        Raises
        ------
        RunError
            If the run has no such product, or a file is damaged.
        InputError
            If pairs at this distance were not counted.
        """
        manifest = self.manifest(Product.DISTANCES)
        counted = manifest.settings["distances"]
        if distance not in counted:
            raise InputError(
                f"{self.location} has counted pairs at the distances {', '.join(map(str, counted))}, not {distance}. "
                "Add it to counting.distances."
            )
        folder = f"distance={distance}/"
        return read_matrix(
            self.location, replace(manifest, files=tuple(one for one in manifest.files if one.name.startswith(folder)))
        )

    def query_key(self, orientation: Orientation = "paper") -> csr_array:
        """Read the query-key matrix Q [16, 17], the gradient's part in attention's scores, per position.

        Parameters
        ----------
        orientation
            ``paper``: rows are queries, [CURRENT, CONTEXT]. ``authors``: rows are keys, [CONTEXT, CURRENT], as in the
            authors' script for language models.

        Returns
        -------
        csr_array
            float64 (V, V).
        """
        if orientation not in get_args(Orientation):
            raise InputError(f"orientation must be 'paper' or 'authors', not {orientation!r}")
        matrix = read_matrix(self.location, self.manifest(Product.QUERY_KEY))
        return matrix if orientation == "paper" else matrix.T.tocsr()

    def position(self) -> NDArray[np.float64]:
        """Read the position bias Delta: float64 (T,), by distance of query minus key, from 0."""
        table = read_table(self.location, self.manifest(Product.POSITION), POSITION)
        bias: NDArray[np.float64] = table["bias"].to_numpy()
        return bias

    def pair_sources(self) -> pa.Table:
        """Read the documents behind the pairs of a file, as found by ``leadterm sources RUN --pairs FILE``.

        Returns
        -------
        pyarrow.Table
            token, other, document, path, row, units, share, copies; pairs in the order of their file, and for each
            the largest shares first.

        Raises
        ------
        RunError
            If no pairs were looked up, or a file is damaged.
        """
        manifest = self.manifest(Product.PAIR_SOURCES)
        schema = pa.schema(arrow_fields(Product.PAIR_SOURCES))
        files = [pa.BufferReader(read_verified(self.location, manifest.product, one)) for one in manifest.files]
        return pa.concat_tables([schema.empty_table(), *(pq.read_table(file).cast(schema) for file in files)])

    def adam_query_key(self) -> csr_array:
        """Read the query-key matrix under another optimizer, whose settings are in its manifest: float64 (V, V)."""
        return read_matrix(self.location, self.manifest(Product.ADAM_QUERY_KEY))

    def adam_position(self) -> NDArray[np.float64]:
        """Read the position bias under another optimizer: float64 (T,), by distance of query minus key, from 0."""
        table = read_table(self.location, self.manifest(Product.ADAM_POSITION), POSITION)
        bias: NDArray[np.float64] = table["bias"].to_numpy()
        return bias

    def alignment(self) -> pa.Table:
        """Read how far checkpoints agree with the corpus: one row per score, for all revisions, by model and step.

        Returns
        -------
        pyarrow.Table
            model, revision, step, layer (from 0), head (null: mean over heads, or a stream), component (qk, mid, post,
            pre), predictor, metric (raw, centred), score, null_mean, null_sd, z, n_tokens, corpus. A corpus whose
            name ends in ", shuffled" had its tokens shuffled: a second null.

        Raises
        ------
        RunError
            If no checkpoint was scored.
        """
        return read_alignment(self.location)

    def alignment_manifests(self) -> list[Manifest]:
        """Read the settings with which each revision was scored, and remarks about it, by model and step."""
        return alignment_manifests(self.location)

    @cached_property
    def current_frequency(self) -> NDArray[np.float64]:
        """Alpha: float64 (V,), the share of positions at which a token is the current one."""
        return self._frequency("current", 0)

    @cached_property
    def context_frequency(self) -> NDArray[np.float64]:
        """Rho: float64 (V,), a token's mean share of the context of a position."""
        return self._frequency("context", int(self.manifest(Product.FREQUENCIES).settings["scale_bits"]))

    def _frequency(self, column: str, scale_bits: int) -> NDArray[np.float64]:
        """Read a frequency vector, per position."""
        table = read_table(self.location, self.manifest(Product.FREQUENCIES), FREQUENCIES)
        counts: NDArray[np.float64] = table[column].to_numpy().astype(np.float64)
        return np.ldexp(counts, -scale_bits) / self.n_positions
