"""The accuracy gate of composition and attention."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

import leadterm
from benchmarks.gate import GateError, sample_tokens
from benchmarks.peer_onehot_attention import attend_onehot, dense_scores
from benchmarks.samples import Sample
from leadterm.counting import Scores
from leadterm.storage import require_manifest
from leadterm.storage.formats.score_file import SCORES, map_scores
from leadterm.storage.formats.small_tables import MARGINS, read_table

TOLERANCE = 1e-10
"""Relative, of the norm of a matrix, row or vector. Entries are summed in units of 2^-61 of the largest possible sum; a
sum of n terms in float64 errs by n 2^-53 of the sum of absolute values at worst, 5e-12 for the longest one, over a
vocabulary of 49,152 tokens; the rest is for what cancels where means are subtracted."""


def compare_attention(sample: Sample) -> str:
    """Compare query-key matrix and position bias with those of one-hot products in float64."""
    run = leadterm.open_run(sample.folder)
    query_key, position = attend_onehot(sample, dense_scores(sample, torch.float64))
    errors = (
        require_close(run.query_key().toarray(), query_key.numpy(), "Q"),
        require_close(run.position(), position.numpy(), "Delta"),
    )
    return f"Q within {errors[0]:.1e} of its norm, Delta within {errors[1]:.1e}, in float64"


def check_scores(sample: Sample, n_rows: int = 16, most: int = 5_000) -> str:
    """Compose some rows of G = B'(B Phi) again, as vectors times sparse matrices; compare them where pairs occur."""
    run, scores = leadterm.open_run(sample.folder), read_scores(sample)
    size, total = run.vocabulary_size, run.n_positions
    bigram, context = run.bigram_counts() / total, run.context_weights() / total
    alpha, rho = run.current_frequency, run.context_frequency
    rows = sample_tokens(np.diff(scores.indptr), n_rows, most)
    errors = []
    for row in rows:
        column = bigram[:, [row]].toarray()[:, 0] - alpha / size
        interchange = bigram.T @ column - (alpha @ column) / size
        expected = context.T @ interchange - rho * interchange.sum() / size
        places = slice(scores.indptr[row], scores.indptr[row + 1])
        errors.append(require_close(scores.data[places], expected[scores.indices[places]], f"G, row {row}"))
    return f"{len(rows)} rows of G composed again: each within {max(errors):.1e} of its norm"


def check_query_key(sample: Sample, n_rows: int = 16, most: int = 1_000) -> str:
    """Sum some rows of Q up again from the scores, position by position in numpy."""
    run, scores = leadterm.open_run(sample.folder), read_scores(sample)
    query_key, size = run.query_key(), run.vocabulary_size
    tokens, offsets = sample.flat_windows()
    starts, lasts = np.repeat(offsets[:-1], np.diff(offsets)), np.repeat(offsets[1:] - 1, np.diff(offsets))
    places = np.arange(len(tokens))
    rows = sample_tokens(np.bincount(tokens[places < lasts], minlength=size), n_rows, most)
    errors = []
    for row in rows:
        expected, terms = np.zeros((2, size))
        for place in np.flatnonzero((tokens == row) & (places < lasts)):
            context = tokens[starts[place] : place + 1]
            wanted = scores[[tokens[place + 1]]].toarray()[0, context]
            np.add.at(expected, context, (wanted - wanted.mean()) / len(context))
            np.add.at(terms, context, np.abs(wanted) / len(context))
        ours = query_key[[row]].toarray()[0] * run.n_positions
        errors.append(require_close(ours, expected, f"Q, row {row}", float(np.linalg.norm(terms))))
    return f"{len(rows)} rows of Q summed again: each within {max(errors):.1e} of the norm of its terms"


def read_scores(sample: Sample) -> csr_array:
    """Read the composed scores: float64 (V, V) [NEXT, CONTEXT], entries where pairs occur."""
    manifest = require_manifest(sample.location, "composed")
    sha256 = next(entry.sha256 for entry in manifest.files if entry.name == SCORES)
    size = manifest.counts["vocabulary_size"]
    matrix = map_scores(str(sample.folder / "composed" / SCORES), sha256, size)
    columns, values = zip(*map(matrix.row, range(size)), strict=True)
    bounds = np.concatenate([[0], np.cumsum(matrix.lengths)])
    return csr_array((np.concatenate(values), np.concatenate(columns), bounds), shape=(size, size))


def job_scores(sample: Sample) -> Scores:
    """Give the scores as the job's kernels take them."""
    from leadterm.pipeline.count_attention.precision import TermUnits  # noqa: PLC0415  # brings numba

    manifest = require_manifest(sample.location, "composed")
    sha256 = next(entry.sha256 for entry in manifest.files if entry.name == SCORES)
    margins = read_table(sample.location, manifest, MARGINS)
    kept, without_row, spread = (margins[name].to_numpy() for name in ("kept", "without_row", "spread"))
    units = TermUnits.from_counts(leadterm.open_run(sample.folder).bigram_counts(), spread)
    matrix = map_scores(str(sample.folder / "composed" / SCORES), sha256, len(kept))
    return Scores(matrix, kept, without_row, units.row_bits, units.position_bits)


def require_close(
    ours: NDArray[np.float64], expected: NDArray[np.float64], name: str, scale: float | None = None
) -> float:
    """Give the error relative to a scale, by default the norm; refuse one that is larger than rounding."""
    error = float(np.linalg.norm(ours - expected) / (scale or np.linalg.norm(expected)))
    if not error <= TOLERANCE:
        raise GateError(f"{name} is off by {error:.1e} of its size; at most {TOLERANCE:.0e} is rounding")
    return error
