"""From a sample that was encoded to the size of the corpus."""

from dataclasses import dataclass

import numpy as np

from leadterm.config import BpeTokenizerSection, Config, WordTokenizerSection
from leadterm.planning.drawing import SIGMAS, Drawn, ratio_estimate
from leadterm.planning.encoding import Encoded
from leadterm.planning.estimate import Estimate
from leadterm.planning.growth import predict_growth
from leadterm.spark.encoding import Tally

CURVE = 5
"""Points of the curve by which distinct words grow."""


@dataclass(frozen=True)
class CorpusSize:
    """What a corpus holds.

    Attributes
    ----------
    documents, kept
        Documents, and those that give a window.
    windows, positions
        Of them.
    vocabulary
        V.
    largest_count
        How often the most frequent token stands in the windows; a token that two of them share counts once.
    encode_seconds
        Of one core: to make the tokenizer, and to encode.
    """

    documents: Estimate
    kept: Estimate
    windows: Estimate
    positions: Estimate
    vocabulary: Estimate
    largest_count: Estimate
    encode_seconds: Estimate


def size_corpus(config: Config, drawn: Drawn, encoded: Encoded) -> CorpusSize:
    """Scale a sample up: documents by their number, positions by bytes of text."""
    n_kept, n_read = int(encoded.tally[Tally.KEPT]), int(encoded.tally[Tally.DOCUMENTS])
    kept = _share(n_kept, n_read, drawn.share) * drawn.documents
    found, length = float(encoded.positions_of_batches.sum()), config.windows.length
    if config.windows.policy == "first":
        windows, positions = kept, kept * length
    else:
        ratio = ratio_estimate(encoded.positions_of_batches, encoded.bytes_of_batches, drawn.text_bytes.value)
        positions = ratio * (drawn.text_bytes * (1 / drawn.text_bytes.value))
        more = (int(encoded.tally[Tally.WINDOWS]) - found / length) / n_kept
        windows = positions * (1 / length) + kept * more
    counts = encoded.token_counts
    return CorpusSize(
        documents=drawn.documents,
        kept=kept,
        windows=windows,
        positions=positions,
        vocabulary=_vocabulary(config, drawn, encoded),
        largest_count=_share(int(counts.max()), int(counts.sum()), drawn.share) * (positions + kept),
        encode_seconds=drawn.text_bytes * (encoded.tokenizer_seconds + encoded.seconds),
    )


def _share(part: int, whole: int, seen: float) -> Estimate:
    """Estimate a share from some draws; exact where all were seen."""
    share = part / whole
    left = 0.0 if seen >= 1 else 1 - seen
    return Estimate.within(share, SIGMAS * float(np.sqrt(left * (1 - share) / max(part, 1))))


def _vocabulary(config: Config, drawn: Drawn, encoded: Encoded) -> Estimate:
    """Estimate V: known where the tokenizer is given, or the sample has enough words already."""
    settings, found = config.tokenizer, encoded.tokenizer.vocabulary_size
    if isinstance(settings, BpeTokenizerSection):
        return Estimate(found, settings.vocabulary_size, settings.vocabulary_size)
    if not isinstance(settings, WordTokenizerSection) or found >= settings.vocabulary_size or drawn.share >= 1:
        return Estimate.exact(found)
    places = [len(encoded.parts) // 2**k - 1 for k in range(CURVE) if len(encoded.parts) >= 2**k]
    sizes, distinct = zip(*(encoded.parts[place] for place in reversed(places)), strict=True)
    top, unknown = settings.vocabulary_size, int(settings.unknown == "replace")
    words = predict_growth(sizes, distinct, drawn.text_bytes.value)
    return words.through(lambda number: min(top, round(number)) + unknown)
