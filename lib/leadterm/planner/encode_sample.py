"""Encodes a sample as the job would: the same tokenizer, the same windows, the same accounts; without Spark."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadterm.config import BpeTokenizerSection, Config, WordTokenizerSection
from leadterm.corpus import WordTokenizer, count_pieces, count_words, most_frequent, train_bpe
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus.choose_tokenizer import (
    AnyTokenizer,
    FromCorpus,
    IdsVocabulary,
    chosen_engine,
    given_tokenizer,
)
from leadterm.pipeline.encode_corpus.task import Encoding, Tally, eligible_texts
from leadterm.pipeline.encode_corpus.windows_writer import count_tokens, token_lists
from leadterm.planner.document_pieces import byte_lengths
from leadterm.planner.sampling import Drawn
from leadterm.reading.read_documents import batch_of


@dataclass(frozen=True, eq=False)
class EncodedSample:
    """A sample as windows.

    Attributes
    ----------
    tokenizer
        The run's own, or one that was made of the sample where the corpus decides it.
    windows
        A table (document, window, tokens) of all windows, in the order of the documents.
    tally
        int64, by :class:`Tally`: of documents, for each of which its last piece stands.
    bytes_of_batches, positions_of_batches
        Of each batch of documents and pieces of some: their bytes, and the positions that came of them.
    parts
        What a tokenizer was made of: bytes of text so far, and distinct words or pieces in them, batch after batch;
        empty where it was given.
    tokenizer_seconds, seconds
        Of one core, for a byte: to make the tokenizer, and to encode.
    """

    tokenizer: AnyTokenizer
    windows: pa.Table
    tally: NDArray[np.int64]
    bytes_of_batches: NDArray[np.float64]
    positions_of_batches: NDArray[np.float64]
    parts: tuple[tuple[int, int], ...]
    tokenizer_seconds: float
    seconds: float

    @property
    def token_counts(self) -> NDArray[np.int64]:
        """Say how often each token stands in the windows, int64 (V,): one that two windows share counts once."""
        counts, lists = np.zeros(self.tokenizer.vocabulary_size, dtype=np.int64), self.windows["tokens"]
        count_tokens(counts, lists.combine_chunks(), self.windows["window"].to_numpy())
        return counts

    @property
    def flat(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The windows end to end: tokens, and where each begins and the last one ends."""
        lists = self.windows["tokens"].combine_chunks()
        lengths = pc.list_value_length(lists).to_numpy().astype(np.int64)
        return lists.flatten().to_numpy().copy(), np.concatenate([[0], np.cumsum(lengths)])


def encode_sample(config: Config, drawn: Drawn) -> EncodedSample:
    """Encode a sample.

    Raises
    ------
    InputError
        If the tokenizer cannot be loaded, a document cannot be read, or none gave a window.
    """
    started = time.process_time()
    given = given_tokenizer(config.tokenizer)
    tokenizer, distinct = _made(config, drawn, given) if isinstance(given, FromCorpus) else (given, ())
    engine = chosen_engine(tokenizer, config.tokenizer)
    encoder = tokenizer if engine is None else engine.tokenizer
    made = time.process_time()
    encoding = Encoding(  # Without limits of characters, which the documents that were drawn all meet.
        tokenizer=None if isinstance(encoder, IdsVocabulary) else encoder,
        vocabulary_size=tokenizer.vocabulary_size,
        length=config.windows.length,
        policy=config.windows.policy,
        files=1,
    )
    random = np.random.default_rng(0)
    found = [_encode(encoding, batch, random) for batch in drawn.batches]
    tables, tallies, positions = zip(*found, strict=True)
    tally, sizes = np.sum(tallies, axis=0), [byte_lengths(batch.column(0)).sum() for batch in drawn.batches]
    if not sum(map(len, tables)):
        raise InputError(
            f"none of the {drawn.sample_documents:,} sampled documents gave a window. Check corpus.text_column, "
            "the limits of corpus and windows.policy in the config."
        )
    making = (made - started) / distinct[-1][0] if distinct else 0.0  # To load one takes no time for each byte.
    seconds = making, (time.process_time() - made) / max(1, drawn.sample_bytes)
    by_batch = np.array(sizes, dtype=float), np.array(positions)
    return EncodedSample(tokenizer, pa.concat_tables(tables), tally, *by_batch, distinct, *seconds)


def _encode(
    encoding: Encoding, batch: pa.RecordBatch, random: np.random.Generator
) -> tuple[pa.Table, NDArray[np.int64], float]:
    """Encode a batch: windows, the tally of documents that end in it, and positions."""
    goes_on = batch.column(1)
    parts = [batch.column(0).filter(mask) for mask in (pc.invert(goes_on), goes_on)]
    found = [encoding(iter([batch_of(part, 0, pa.array(np.arange(len(part))))])) for part in parts]
    # Between windows and tally come the documents themselves, of which a plan needs nothing.
    (ending, tally), (going, pieces) = ((_table(windows), _tally(row)) for windows, *_, row in found)
    # The window in which a piece ends is whole in the corpus. The next piece begins with a position that has no place
    # here: that from the last token of this one.
    going = going.filter(pc.greater(pc.list_value_length(going["tokens"]), encoding.length))
    positions = float(tally[Tally.POSITIONS] + pieces[Tally.POSITIONS] + pieces[Tally.KEPT])
    return (_mixed(pa.concat_tables([ending, going]), random) if len(going) else ending), tally, positions


def _tally(row: pa.RecordBatch) -> NDArray[np.int64]:
    """Read a tally."""
    return np.frombuffer(row.column(3)[0].as_py(), dtype="<i8")


def _mixed(windows: pa.Table, random: np.random.Generator) -> pa.Table:
    """Put documents into random order, their windows together."""
    begins = np.cumsum(windows["window"].to_numpy() == 0)
    return windows.take(pa.array(np.argsort(random.permutation(begins[-1] + 1)[begins], kind="stable")))


def _table(batch: pa.RecordBatch) -> pa.Table:
    """Take windows from a batch (bucket, document, window, tokens)."""
    columns = [batch.column(1), batch.column(2), token_lists(batch.column(3))]
    return pa.table(columns, names=["document", "window", "tokens"])


def _made(config: Config, drawn: Drawn, settings: FromCorpus) -> tuple[AnyTokenizer, tuple[tuple[int, int], ...]]:
    """Make of what was drawn the tokenizer that the job makes of the corpus."""
    count: Callable[[Iterable[str]], Counter[str]] = count_pieces
    if isinstance(settings, WordTokenizerSection):
        count = count_words
    parts: Counter[str] = Counter()
    seen, distinct = 0, []
    for batch in [*drawn.batches, *drawn.others]:
        parts.update(count(eligible_texts(batch.column(0), 1, 2**63 - 1)))
        seen += int(byte_lengths(batch.column(0)).sum())
        distinct.append((seen, len(parts)))
    if not parts:
        raise InputError("no sampled document has a word. Check corpus.text_column and the limits of corpus.")
    if isinstance(settings, BpeTokenizerSection):
        return train_bpe(parts, settings.vocabulary_size), tuple(distinct)
    words = most_frequent(parts, settings.vocabulary_size)
    return WordTokenizer(words, settings.unknown), tuple(distinct)
