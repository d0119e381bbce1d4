"""Draws a sample, encodes it, counts it and measures the jobs' own code on it: all that predictions are made of."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leadterm.config import Config
from leadterm.counting import reciprocal_weights
from leadterm.frequent_tokens import top_tokens
from leadterm.planner.bytes_per_entry import measure_matrices, measure_windows
from leadterm.planner.corpus_size import size_corpus
from leadterm.planner.cost_model import Observed
from leadterm.planner.distinct_pairs import take_census
from leadterm.planner.encode_sample import encode_sample
from leadterm.planner.kernel_speeds import count_matrices, measure_attending, measure_composing
from leadterm.planner.sampling import Drawn, draw


@dataclass(frozen=True, eq=False)
class Observation:
    """What was seen of a sample.

    Attributes
    ----------
    drawn
        The sample.
    observed
        What was measured on it.
    tokens
        Of the tokenizer: the one that was given, or the one that the sample gave.
    seconds
        That all this took.
    vocabulary
        These tokens, by id.
    matrices
        Of the sample: bigram [CURRENT, NEXT] and context matrix [NEXT, CONTEXT], float64 (V, V).
    """

    drawn: Drawn
    observed: Observed
    tokens: int
    seconds: float
    vocabulary: Sequence[str] = ()
    matrices: tuple[Any, Any] = (None, None)


def observe(config: Config, sample_bytes: int, seed: int, *, composes_here: bool) -> Observation:
    """Draw a sample of this many bytes of text and measure it.

    Parameters
    ----------
    config
        Of the run.
    sample_bytes
        Of text.
    seed
        Of the choice of documents.
    composes_here
        Whether the cores of this machine compose; otherwise that is not measured.

    Raises
    ------
    LeadtermError
        If the corpus or the tokenizer is missing or broken, or no document that was drawn gives a window.
    """
    started = time.perf_counter()
    drawn = draw(config.corpus, config.windows, sample_bytes, seed)
    encoded = encode_sample(config, drawn)
    tokens, offsets = encoded.flat
    size, length = encoded.tokenizer.vocabulary_size, config.windows.length
    counts, top, scale_bits = encoded.token_counts, config.attention.top_tokens, config.counting.scale_bits
    kept, weights = None if top is None else top_tokens(counts, top), reciprocal_weights(length, scale_bits)
    census, shuffled = take_census(tokens, offsets, size, weights, kept), None
    if config.alignment is not None and config.alignment.shuffled:
        mixed = np.random.default_rng(seed).permutation(tokens)
        shuffled = take_census(mixed, offsets, size, weights, kept)
    matrices = measure_matrices(tokens, offsets, size, length, config.counting)
    bigram, context = count_matrices(tokens, offsets, size, length)
    composing = measure_composing(bigram, context, counts, int(census.whole.positions)) if composes_here else None
    attending = measure_attending(tokens, offsets, bigram, context, length, census)
    sizes, windows = size_corpus(config, drawn, encoded), measure_windows(encoded.windows)
    observed = Observed(sizes, census, windows, matrices, composing, attending, shuffled)
    seconds = time.perf_counter() - started
    return Observation(drawn, observed, size, seconds, encoded.tokenizer.tokens, (bigram, context))
