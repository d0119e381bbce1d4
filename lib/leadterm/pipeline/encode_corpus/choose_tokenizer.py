"""The tokenizer that a config names, or the settings of the one that its corpus decides; no Spark."""

from dataclasses import dataclass

from leadterm.config import (
    BpeTokenizerSection,
    HuggingFaceTokenizerSection,
    TokenizerSection,
    WordTokenizerSection,
)
from leadterm.corpus import HuggingFaceTokenizer, WordTokenizer, load_tokenizer
from leadterm.corpus.engines.choose_engine import ChosenEngine, choose_engine


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


def chosen_engine(tokenizer: AnyTokenizer, settings: TokenizerSection) -> ChosenEngine | None:
    """Choose what encodes with a tokenizer.json; None for other kinds of tokenizers.

    Raises
    ------
    InputError, MachineError
        If the engine that the config names cannot encode with this tokenizer.
    """
    if not isinstance(tokenizer, HuggingFaceTokenizer):
        return None
    if isinstance(settings, BpeTokenizerSection | HuggingFaceTokenizerSection):
        return choose_engine(tokenizer, settings.engine)
    return choose_engine(tokenizer)
