"""What a config asks of the vocabulary: tokens by their names, and so many of the most frequent ones."""

from collections.abc import Iterator, Sequence

from leadterm.config import Config, HuggingFaceTokenizerSection, IdsTokenizerSection, WordTokenizerSection
from leadterm.corpus.names import TokenNames, texts_meant, unmarked
from leadterm.corpus.sources import load_tokenizer
from leadterm.corpus.word_tokenizer import UNK
from leadterm.corpus.words import split_words
from leadterm.errors import ConfigError, InputError

_CORRECT = "Correct it, or leave it out."


def names_of(config: Config, tokens: Sequence[str]) -> TokenNames:
    """Give the names of a run's vocabulary, by id, for what people type."""
    return TokenNames(tokens, word_rule=isinstance(config.tokenizer, WordTokenizerSection))


def check_asked(config: Config, tokens: Sequence[str]) -> None:
    """Check that a vocabulary has what the config asks of it.

    Parameters
    ----------
    config
        Its keys ``associations.tokens``, ``attention.top_tokens`` and ``alignment.tokens``.
    tokens
        The vocabulary, by id.

    Raises
    ------
    ConfigError
        If a token is not there, or there are fewer tokens; names the key, and tokens that are alike.
    """
    _refuse([*missing(config, tokens)])


def check_asked_first(config: Config) -> Sequence[str] | None:
    """Check what can be known before the corpus is read: all where the tokenizer is given, else what no corpus gives.

    Returns
    -------
    sequence of str or None
        The vocabulary, if anything is asked of it and it is given.

    Raises
    ------
    ConfigError
        As `check_asked`.
    InputError
        If a tokenizer that is given cannot be loaded.
    """
    given = config.tokenizer
    notes: Sequence[str] = ()
    tokens: Sequence[str] | None = None
    if config.associations.tokens or [*_numbers(config)] or config.alignment:
        if isinstance(given, HuggingFaceTokenizerSection):
            loaded = load_tokenizer(given.source, given.revision)
            tokens, notes = loaded.tokens, loaded.notes
        elif isinstance(given, IdsTokenizerSection):
            tokens = [str(index) for index in range(given.vocabulary_size)]
    _refuse([*(impossible(config) if tokens is None else missing(config, tokens))], notes)
    return tokens


def missing(config: Config, tokens: Sequence[str]) -> Iterator[str]:
    """Say what the config asks of a vocabulary and it does not have, a sentence for each."""
    names = names_of(config, tokens)
    for token in config.associations.tokens:
        try:
            names.find(token)
        except InputError as error:
            yield f"associations.tokens: {error}{'' if str(error).endswith('?') else '.'} {_CORRECT}"
    yield from _too_many(config, len(tokens), f"the vocabulary has only {len(tokens):,}")


def impossible(config: Config) -> Iterator[str]:
    """Say what the config asks of a vocabulary that no corpus gives it, a sentence for each."""
    section = config.tokenizer
    size = getattr(section, "vocabulary_size", None)
    if isinstance(section, WordTokenizerSection):
        size = section.vocabulary_size + (section.unknown == "replace")
        for token in config.associations.tokens:
            if not any(split_words(text) == [text] for text in texts_meant(token, escapes=True)) and token != UNK:
                pieces = split_words(unmarked(token))
                yield (
                    f"associations.tokens: {token!r} can be no token where tokenizer.kind is words: the word rule "
                    f"makes {', '.join(map(repr, pieces)) or 'nothing'} of it. "
                    + (f"Did you mean {pieces[0]!r}?" if len(pieces) == 1 else "Name one word, or leave it out.")
                )
    if size is not None:
        yield from _too_many(config, size, f"tokenizer.vocabulary_size lets the vocabulary have at most {size:,}")


def _too_many(config: Config, size: int, there_are: str) -> Iterator[str]:
    """Look for numbers of tokens beyond those that there are."""
    for key, number, every in _numbers(config):
        if number > size:
            yield f"{key}: it asks for {number:,} tokens, and {there_are}. Ask for fewer, or for all ({every})."


def _numbers(config: Config) -> Iterator[tuple[str, int, str]]:
    """Give the keys that ask for a number of tokens, that number, and what asks for all."""
    if config.attention.top_tokens is not None:
        yield "attention.top_tokens", config.attention.top_tokens, "null"
    if config.alignment is not None and isinstance(config.alignment.tokens, int):
        yield "alignment.tokens", config.alignment.tokens, "all"


def _refuse(problems: Sequence[str], notes: Sequence[str] = ()) -> None:
    """Refuse a config for all its problems together, with what is odd about the tokenizer."""
    if problems:
        raise ConfigError("\n".join([*problems, *notes]))
