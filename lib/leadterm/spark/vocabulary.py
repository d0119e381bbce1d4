"""Gives the encoding job its tokenizer; for the word rule, counts the words of the corpus first."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from leadterm.config import CorpusSection, HuggingFaceTokenizerSection, TokenizerSection, WordTokenizerSection
from leadterm.corpus import HuggingFaceTokenizer, WordTokenizer, count_words, load_tokenizer
from leadterm.errors import InputError
from leadterm.spark.encoding import is_eligible, refuse_corrupt, texts_of
from leadterm.spark.failures import readable_errors
from leadterm.spark.progress import progress

LARGEST_COUNTER = 500_000
"""Distinct words that a task holds before it hands its counts on: about 100 MB."""


@dataclass(frozen=True)
class IdsVocabulary:
    """The vocabulary of a corpus that holds ids already: their names are the ids themselves."""

    vocabulary_size: int

    @property
    def tokens(self) -> list[str]:
        """Name every id by its number."""
        return [str(index) for index in range(self.vocabulary_size)]


AnyTokenizer = WordTokenizer | HuggingFaceTokenizer | IdsVocabulary


def given_tokenizer(settings: TokenizerSection) -> HuggingFaceTokenizer | IdsVocabulary | WordTokenizerSection:
    """Load the tokenizer that the config names; the word rule stays as it is, as the corpus decides its vocabulary.

    Raises
    ------
    InputError
        If it cannot be loaded.
    """
    if isinstance(settings, HuggingFaceTokenizerSection):
        return load_tokenizer(settings.source, settings.revision, add_special_tokens=settings.add_special_tokens)
    return settings if isinstance(settings, WordTokenizerSection) else IdsVocabulary(settings.vocabulary_size)


def word_tokenizer(frame: DataFrame, corpus: CorpusSection, settings: WordTokenizerSection) -> WordTokenizer:
    """Count the words of the corpus, and make the tokenizer of the most frequent ones.

    Raises
    ------
    InputError
        If no document holds a word.
    """
    words = frequent_words(frame, corpus, settings.vocabulary_size)
    if not words:
        raise InputError(
            f"the corpus is empty: none of its documents has a word and {corpus.min_characters:,} to "
            f"{corpus.max_characters:,} characters. Check corpus.text_column ({corpus.text_column}) and these limits."
        )
    return WordTokenizer(words, settings.unknown)


def tokenizer_file(tokenizer: AnyTokenizer) -> str | None:
    """Write a Hugging Face tokenizer as its tokenizer.json; None for the kinds that the vocabulary's table defines."""
    return tokenizer.to_json() if isinstance(tokenizer, HuggingFaceTokenizer) else None


def frequent_words(frame: DataFrame, corpus: CorpusSection, size: int) -> list[str]:
    """Find the most frequent words of the eligible documents; equal counts in the order of their UTF-8 bytes."""
    smallest, largest = corpus.min_characters, corpus.max_characters

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        counter: Counter[str] = Counter()
        for batch in batches:
            refuse_corrupt(batch)
            counter.update(count_words(text for text in texts_of(batch) if is_eligible(text, smallest, largest)))
            if len(counter) > LARGEST_COUNTER:
                yield _counts_batch(counter)
                counter.clear()
        yield _counts_batch(counter)

    counted = frame.mapInArrow(count, "word string, n long")
    ranked = counted.groupBy("word").agg(F.sum("n").alias("n")).orderBy(F.desc("n"), "word").limit(size)
    with progress(frame.sparkSession, "count words"), readable_errors():
        words: list[str] = ranked.toArrow()["word"].to_pylist()
    return words


def _counts_batch(counter: Counter[str]) -> pa.RecordBatch:
    """Lay counts out as Arrow columns."""
    columns = [pa.array(list(counter), pa.string()), pa.array(list(counter.values()), pa.int64())]
    return pa.RecordBatch.from_arrays(columns, names=["word", "n"])
