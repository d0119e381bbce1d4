"""From a sample that was encoded to the size of the corpus."""

from dataclasses import dataclass

from leadterm.config import BpeTokenizerSection, Config, WordTokenizerSection
from leadterm.pipeline.encode_corpus.task import Tally
from leadterm.planner.encode_sample import EncodedSample
from leadterm.planner.interval import Estimate
from leadterm.planner.pair_growth import predict_growth
from leadterm.planner.ratio_estimator import SIGMAS, ratio_estimate, share_estimate
from leadterm.planner.sampling import Drawn

SPREAD = 12**-0.5
"""Standard deviation of what a document's last window lacks, in windows, if it may lack anything."""
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


def size_corpus(config: Config, drawn: Drawn, encoded: EncodedSample) -> CorpusSize:
    """Scale a sample up: documents by their number, positions by bytes of text."""
    n_kept, n_read = int(encoded.tally[Tally.KEPT]), int(encoded.tally[Tally.DOCUMENTS])
    kept, length = share_estimate(n_kept, n_read, drawn.share) * drawn.eligible, config.windows.length
    if config.windows.policy == "first":
        windows, positions = kept, kept * length
    else:
        text = drawn.eligible_bytes
        ratio = ratio_estimate(encoded.positions_of_batches, encoded.bytes_of_batches, text.value)
        positions = ratio * (text * (1 / max(text.value, 1.0)))
        more = int(encoded.tally[Tally.WINDOWS]) - int(encoded.tally[Tally.POSITIONS]) / length
        error = SIGMAS * SPREAD * (n_kept * (1 - drawn.share)) ** 0.5
        ends = Estimate(max(0.0, more - error), more, more + error)
        windows = positions * (1 / length) + kept * (ends * (1 / max(1, n_kept)))
    counts = encoded.token_counts
    return CorpusSize(
        documents=drawn.documents,
        kept=kept,
        windows=windows,
        positions=positions,
        vocabulary=_vocabulary(config, drawn, encoded),
        largest_count=share_estimate(int(counts.max()), int(counts.sum()), drawn.share) * (positions + kept),
        encode_seconds=drawn.text_bytes * (encoded.tokenizer_seconds + encoded.seconds),
    )


def _vocabulary(config: Config, drawn: Drawn, encoded: EncodedSample) -> Estimate:
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
