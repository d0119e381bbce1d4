"""Gives the encoding job its tokenizer; where the corpus decides it, counts words or pieces of the corpus first."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from leadterm.config import (
    BpeTokenizerSection,
    CorpusSection,
    HuggingFaceTokenizerSection,
    TokenizerSection,
    WordTokenizerSection,
)
from leadterm.corpus import (
    HuggingFaceTokenizer,
    WordTokenizer,
    count_pieces,
    count_words,
    load_tokenizer,
    train_bpe,
)
from leadterm.errors import InputError
from leadterm.progress import progress
from leadterm.spark.documents import Documents
from leadterm.spark.encoding import is_eligible, refuse_corrupt, texts_of
from leadterm.spark.failures import readable_errors
from leadterm.spark.progress import progress as spark_progress

LARGEST_COUNTER = 500_000
"""Distinct words that a task holds before it hands its counts on: about 100 MB."""
MOST_PIECES, MOST_BYTES = 2**20, 10_000_000
"""What a BPE tokenizer is trained on: the most frequent distinct pieces, so many of so many bytes together. The library
takes some 100 bytes of the driver's memory for each byte."""

logger = logging.getLogger("leadterm")


@dataclass(frozen=True)
class IdsVocabulary:
    """The vocabulary of a corpus that holds ids already: their names are the ids themselves."""

    vocabulary_size: int

    @property
    def tokens(self) -> list[str]:
        """Name every id by its number."""
        return [str(index) for index in range(self.vocabulary_size)]


AnyTokenizer = WordTokenizer | HuggingFaceTokenizer | IdsVocabulary
FromCorpus = WordTokenizerSection | BpeTokenizerSection
"""Kinds of tokenizers that the corpus decides."""


def given_tokenizer(settings: TokenizerSection) -> HuggingFaceTokenizer | IdsVocabulary | FromCorpus:
    """Load the tokenizer that the config names; settings stay as they are where the corpus decides the vocabulary.

    Raises
    ------
    InputError
        If it cannot be loaded.
    """
    if isinstance(settings, HuggingFaceTokenizerSection):
        return load_tokenizer(settings.source, settings.revision, add_special_tokens=settings.add_special_tokens)
    return settings if isinstance(settings, FromCorpus) else IdsVocabulary(settings.vocabulary_size)


def made_tokenizer(documents: Documents, given: HuggingFaceTokenizer | IdsVocabulary | FromCorpus) -> AnyTokenizer:
    """Make the tokenizer of the corpus, unless it was given.

    Raises
    ------
    InputError
        If no document holds a word, or there is more text than a tokenizer can be trained on.
    """
    if isinstance(given, WordTokenizerSection):
        return word_tokenizer(documents, given)
    return bpe_tokenizer(documents, given) if isinstance(given, BpeTokenizerSection) else given


def word_tokenizer(documents: Documents, settings: WordTokenizerSection) -> WordTokenizer:
    """Count the words of the corpus, and make the tokenizer of the most frequent ones."""
    corpus = documents.reader.corpus
    words = most_frequent_parts(documents.frame, corpus, count_words, settings.vocabulary_size, "count words")
    if not words:
        raise InputError(
            f"the corpus is empty: none of its documents has a word and {corpus.min_characters:,} to "
            f"{corpus.max_characters:,} characters. Check corpus.text_column ({corpus.text_column}) and these limits."
        )
    return WordTokenizer(list(words), settings.unknown)


def bpe_tokenizer(documents: Documents, settings: BpeTokenizerSection) -> HuggingFaceTokenizer:
    """Count the pieces of the first documents, and train a tokenizer on the counts.

    Only the counts come to the driver, not the text.
    """
    frame = documents.first(settings.training_documents)
    ranked = most_frequent_parts(frame, documents.reader.corpus, count_pieces, MOST_PIECES, "count pieces of text")
    totals = accumulate(map(len, ranked))
    pieces = {piece: n for (piece, n), total in zip(ranked.items(), totals, strict=True) if total <= MOST_BYTES}
    with progress("train tokenizer", sum(pieces.values()), "pieces") as report:
        tokenizer = train_bpe(pieces, settings.vocabulary_size, report)
    if tokenizer.vocabulary_size < settings.vocabulary_size:
        logger.info(
            "the text gives %s tokens; tokenizer.vocabulary_size is %s",
            f"{tokenizer.vocabulary_size:,}",
            f"{settings.vocabulary_size:,}",
        )
    return tokenizer


def tokenizer_file(tokenizer: AnyTokenizer) -> str | None:
    """Write a Hugging Face tokenizer as its tokenizer.json; None for the kinds that the vocabulary's table defines."""
    return tokenizer.to_json() if isinstance(tokenizer, HuggingFaceTokenizer) else None


def most_frequent_parts(
    frame: DataFrame,
    corpus: CorpusSection,
    count: Callable[[Iterable[str]], Counter[str]],
    size: int,
    description: str,
) -> dict[str, int]:
    """Find the most frequent parts (words, pieces) of the eligible documents, and how often each occurs.

    Parameters
    ----------
    frame
        Of documents.
    corpus
        The limits of an eligible document.
    count
        Counts the parts of texts; runs on the executors.
    size
        So many at most.
    description
        What progress shows.

    Returns
    -------
    dict
        In descending order of counts; equal counts in the order of the parts' UTF-8 bytes.
    """
    smallest, largest = corpus.min_characters, corpus.max_characters

    def count_parts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        counter: Counter[str] = Counter()
        for batch in batches:
            refuse_corrupt(batch)
            counter.update(count(text for text in texts_of(batch) if is_eligible(text, smallest, largest)))
            if len(counter) > LARGEST_COUNTER:
                yield _counts_batch(counter)
                counter.clear()
        yield _counts_batch(counter)

    counted = frame.mapInArrow(count_parts, "part string, n long")
    ranked = counted.groupBy("part").agg(F.sum("n").alias("n")).orderBy(F.desc("n"), "part").limit(size)
    with spark_progress(frame.sparkSession, description), readable_errors():
        found = ranked.toArrow()
    return dict(zip(found["part"].to_pylist(), found["n"].to_pylist(), strict=True))


def _counts_batch(counter: Counter[str]) -> pa.RecordBatch:
    """Lay counts out as Arrow columns."""
    columns = [pa.array(list(counter), pa.string()), pa.array(list(counter.values()), pa.int64())]
    return pa.RecordBatch.from_arrays(columns, names=["part", "n"])
