"""Makes the tokenizer that the corpus decides: counts its words, or its pieces, first."""

import logging
from itertools import accumulate

import pyarrow as pa

from leadterm.config import BpeTokenizerSection, WordTokenizerSection
from leadterm.corpus import HuggingFaceTokenizer, WordTokenizer, count_pieces, count_words, train_bpe
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus.choose_tokenizer import AnyTokenizer, FromCorpus, IdsVocabulary
from leadterm.pipeline.encode_corpus.corpus_chunks import Chunks
from leadterm.pipeline.encode_corpus.token_frequencies import count_parts, most_frequent_parts
from leadterm.storage.staged.part_reports import drop_others, finish, finished
from leadterm.telemetry.progress import progress, titled

MOST_PIECES, MOST_BYTES = 2**20, 10_000_000
"""What a BPE tokenizer is trained on: the most frequent distinct pieces, of this many bytes together. The library
takes some 100 bytes of the driver's memory for each byte."""
KEPT = "tokenizer"
"""The name under which a tokenizer is kept."""

logger = logging.getLogger("leadterm")


def made_tokenizer(corpus: Chunks, given: HuggingFaceTokenizer | IdsVocabulary | FromCorpus) -> AnyTokenizer:
    """Make the tokenizer of the corpus, unless it was given, or made before and kept.

    It is kept in the folder of the chunks, in place of what was counted for it.

    Raises
    ------
    InputError
        If no document holds a word, there is more text than a tokenizer can be trained on, or a file changes while it
        is read.
    """
    if not isinstance(given, FromCorpus):
        for note in given.notes if isinstance(given, HuggingFaceTokenizer) else ():
            logger.warning(note)
        return given
    kept = finished(corpus.folder, KEPT)
    if kept is None:
        made = _make(corpus, given)
        kept = _as_table(made)
        finish(corpus.folder, KEPT, kept)
    else:
        made = _from_table(kept, given)
        logger.info("%s: reusing the tokenizer that was already made", titled("encode documents"))
    drop_others(corpus.folder, {KEPT: kept})
    return made


def _make(corpus: Chunks, settings: FromCorpus) -> WordTokenizer | HuggingFaceTokenizer:
    """Make a tokenizer, of files that do not change meanwhile."""
    (corpus.folder / KEPT).make_parent()
    with corpus.documents.unchanged():
        if isinstance(settings, WordTokenizerSection):
            return word_tokenizer(corpus, settings)
        return bpe_tokenizer(corpus, settings)


def _as_table(tokenizer: WordTokenizer | HuggingFaceTokenizer) -> pa.Table:
    """Lay out what makes a tokenizer again: its words, or its tokenizer.json."""
    texts = tokenizer.words if isinstance(tokenizer, WordTokenizer) else [tokenizer.to_json()]
    return pa.table({"text": pa.array(texts, pa.string())})


def _from_table(kept: pa.Table, settings: FromCorpus) -> WordTokenizer | HuggingFaceTokenizer:
    """Make a tokenizer again."""
    texts = kept["text"].to_pylist()
    if isinstance(settings, WordTokenizerSection):
        return WordTokenizer(texts, settings.unknown)
    return HuggingFaceTokenizer(*texts)


def word_tokenizer(corpus: Chunks, settings: WordTokenizerSection) -> WordTokenizer:
    """Count the words of the corpus, and make the tokenizer of the most frequent ones."""
    counts = count_parts(corpus, count_words, "words")
    words = most_frequent_parts(counts, settings.vocabulary_size, "count words")
    if not words:
        limits = corpus.documents.corpus
        raise InputError(
            f"the corpus is empty: none of its documents has a word and {limits.min_characters:,} to "
            f"{limits.max_characters:,} characters. Check corpus.text_column ({limits.text_column}) and these limits."
        )
    return WordTokenizer(list(words), settings.unknown)


def bpe_tokenizer(corpus: Chunks, settings: BpeTokenizerSection) -> HuggingFaceTokenizer:
    """Count the pieces of the first documents, and train a tokenizer on the counts.

    Only the counts come to the driver, not the text. Where ``training_documents`` leaves some documents out, they are
    not counted chunk by chunk, and a job that is interrupted counts them again.
    """
    counts = count_parts(corpus, count_pieces, "pieces of text", settings.training_documents)
    ranked = most_frequent_parts(counts, MOST_PIECES, "count pieces of text")
    totals = accumulate(map(len, ranked))
    pieces = {piece: n for (piece, n), total in zip(ranked.items(), totals, strict=True) if total <= MOST_BYTES}
    with progress("train tokenizer", sum(pieces.values()), "pieces") as report:
        tokenizer = train_bpe(pieces, settings.vocabulary_size, report)
    if tokenizer.vocabulary_size < settings.vocabulary_size:
        logger.info(
            "the text yields only %s tokens; tokenizer.vocabulary_size is %s",
            f"{tokenizer.vocabulary_size:,}",
            f"{settings.vocabulary_size:,}",
        )
    return tokenizer


def tokenizer_file(tokenizer: AnyTokenizer) -> str | None:
    """Write a Hugging Face tokenizer as its tokenizer.json; None for the kinds that the vocabulary's table defines."""
    return tokenizer.to_json() if isinstance(tokenizer, HuggingFaceTokenizer) else None
