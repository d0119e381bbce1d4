"""The accuracy gate of counting: no speed is shown of a result that is not right."""

from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
from numpy.typing import NDArray
from scipy.sparse import csr_array

import leadterm
from benchmarks.samples import Sample, tokenizer_of
from leadterm.counting import reciprocal_weights

TOLERANCE = 1e-6
"""Relative, of one context weight or (float32) of the norm. A weight 1/t in units of 2^-32 is off by T / 2^33 at most,
3e-8 for T = 200; float32 sums of one-hot products are off by some 1e-7."""


class GateError(Exception):
    """Two contenders count differently; nothing is measured then."""


def compare_sql(sample: Sample, output: Path) -> str:
    """Compare leadterm's products with the SQL job's: counts equal, every weight within the tolerance."""
    run = leadterm.open_run(sample.folder)
    size = run.vocabulary_size
    bigram = _read_triples(output / "result" / "bigram", ("current", "next", "count"), size)
    context = _read_triples(output / "result" / "context", ("next", "context", "weight"), size)
    _require_equal(run.bigram_counts(), bigram, "Spark SQL")
    ours = run.context_weights()
    if not (np.array_equal(ours.indptr, context.indptr) and np.array_equal(ours.indices, context.indices)):
        raise GateError("Phi: leadterm and Spark SQL have weights at different places")
    error = float(np.max(np.abs(ours.data - context.data) / context.data))
    _require_small(error, "Spark SQL's weights")
    return f"B equal in {bigram.nnz:,} places; Phi in {context.nnz:,} places within {error:.1e} of each weight"


def compare_onehot(sample: Sample, output: Path) -> str:
    """Compare leadterm's products with the dense ones: counts equal, the matrix of weights within the tolerance."""
    run = leadterm.open_run(sample.folder)
    bigram, context = (np.load(output / "result" / f"{name}.npy") for name in ("bigram", "context"))
    _require_equal(run.bigram_counts(), csr_array(bigram.astype(np.int64)), "one-hot products")
    difference = run.context_weights().toarray() - context
    error = float(np.linalg.norm(difference) / np.linalg.norm(context.astype(np.float64)))
    _require_small(error, "the one-hot products' weights")
    return f"B equal in {np.count_nonzero(bigram):,} places; Phi within {error:.1e} of its norm"


def check_rows(sample: Sample, n_rows: int = 16, most: int = 5_000) -> str:
    """Count some rows of Phi again, position by position in numpy, and require the very same integers."""
    run = leadterm.open_run(sample.folder)
    context, scale_bits = run.context_fixed_point()
    weights = reciprocal_weights(run.context_length, scale_bits)
    tokens, offsets = sample.flat_windows()
    starts = np.repeat(offsets[:-1], np.diff(offsets))
    counts = np.bincount(tokens, minlength=run.vocabulary_size)
    rows = sample_tokens(counts, n_rows, most)
    for row in rows:
        expected = plain_row(tokens, starts, weights, run.vocabulary_size, row)
        if not np.array_equal(context[[row]].toarray()[0], expected):
            raise GateError(f"Phi: row {row} is not what a plain count gives")
    return f"{n_rows} rows of Phi, {counts[rows].sum():,} positions: equal to a plain count, every integer"


def plain_row(
    tokens: NDArray[np.int32], starts: NDArray[np.int64], weights: NDArray[np.int64], size: int, row: int
) -> NDArray[np.int64]:
    """Count a row of Phi, position by position: int64 (V,); ``starts`` is where the window of each token begins."""
    counted = np.zeros(size, dtype=np.int64)
    for place in np.flatnonzero(tokens == row):
        start = starts[place]
        if place > start:
            np.add.at(counted, tokens[start:place], weights[place - start - 1])
    return counted


def check_windows(sample: Sample, n_tokens: int, n_documents: int = 200) -> str:
    """Cut the windows of some documents from the tokenizer library's ids; require all of them, and as many tokens."""
    texts, length = sample.texts(), sample.sizes["length"]
    chosen = [texts[place] for place in np.unique(np.linspace(0, len(texts) - 1, n_documents).astype(int))]
    wanted: set[bytes] = set()
    for encoded in tokenizer_of(sample).encode_batch(chosen, add_special_tokens=False):
        ids = np.array(encoded.ids, dtype=np.int32)
        wanted |= {ids[place : place + length + 1].tobytes() for place in range(0, len(ids) - 1, length)}
    missing = wanted.difference(window.tobytes() for window in leadterm.open_run(sample.folder).windows())
    if missing or n_tokens != sample.sizes["tokens"]:
        raise GateError(
            f"windows: {len(missing)} of {len(wanted)} that the library's ids give are not there; it gives "
            f"{n_tokens:,} tokens, leadterm {sample.sizes['tokens']:,}"
        )
    return f"all {len(wanted):,} windows of {len(chosen)} documents are there, and as many tokens in all"


def sample_tokens(counts: NDArray[np.int64], n_tokens: int, most: int) -> NDArray[np.int64]:
    """Choose some tokens, from the rarest to those with the largest count up to ``most``."""
    candidates = np.flatnonzero((counts > 0) & (counts <= most))
    ranked = candidates[np.argsort(counts[candidates], kind="stable")]
    return ranked[np.linspace(0, len(ranked) - 1, n_tokens).astype(int)]


def _read_triples(folder: Path, names: tuple[str, str, str], size: int) -> csr_array:
    """Read row, column and value from Parquet."""
    table = ds.dataset(folder, format="parquet").to_table(columns=list(names))
    row, column, value = (table[name].to_numpy() for name in names)
    matrix = csr_array((value, (row, column)), shape=(size, size))
    matrix.sort_indices()
    return matrix


def _require_equal(ours: csr_array, theirs: csr_array, name: str) -> None:
    """Refuse counts that differ anywhere."""
    if ours.shape != theirs.shape or (ours != theirs).nnz:
        raise GateError(f"B: leadterm and {name} count differently")


def _require_small(error: float, name: str) -> None:
    """Refuse weights that differ by more than rounding."""
    if not error <= TOLERANCE:
        raise GateError(f"Phi: leadterm's weights are {error:.1e} from {name}; at most {TOLERANCE:.0e} is rounding")
