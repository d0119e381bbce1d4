"""What a config asks of the vocabulary: tokens by their names, and a number of the most frequent ones."""

from collections.abc import Iterator, Sequence

from leadterm.config import Config, HuggingFaceTokenizerSection, IdsTokenizerSection, WordTokenizerSection
from leadterm.corpus.token_names import TokenNames, texts_meant, unmarked
from leadterm.corpus.tokenizer_source import load_tokenizer
from leadterm.corpus.word_rule import split_words
from leadterm.corpus.word_tokenizer import UNK
from leadterm.errors import ConfigError, InputError


def names_of(config: Config, tokens: Sequence[str]) -> TokenNames:
    """Give the names of a run's vocabulary, by id, for what people type."""
    return TokenNames(tokens, word_rule=isinstance(config.tokenizer, WordTokenizerSection))


def check_asked(config: Config, tokens: Sequence[str]) -> None:
    """Check that a vocabulary has what the config asks of it.

    Parameters
    ----------
    config
        Its key ``associations.tokens``.
    tokens
        The vocabulary, by id.

    Raises
    ------
    ConfigError
        If a token is not there, or may be one or another; names the key, and tokens that are alike.
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
    if config.associations.tokens or config.alignment:
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
            yield f"associations.tokens: {error}{'' if str(error).endswith('?') else '.'} Correct it, or leave it out."


def impossible(config: Config) -> Iterator[str]:
    """Say what the config asks of a vocabulary that no corpus gives it, a sentence for each."""
    if not isinstance(config.tokenizer, WordTokenizerSection):
        return
    for token in config.associations.tokens:
        if not any(split_words(text) == [text] for text in texts_meant(token, escapes=True)) and token != UNK:
            pieces = split_words(unmarked(token))
            yield (
                f"associations.tokens: {token!r} cannot be a token where tokenizer.kind is words: the word rule makes "
                f"{', '.join(map(repr, pieces)) or 'nothing'} of it. "
                + (f"Did you mean {pieces[0]!r}?" if len(pieces) == 1 else "Name one word, or leave it out.")
            )


def beyond(config: Config, size: int) -> Iterator[str]:
    """Say which numbers of most frequent tokens are beyond a vocabulary: all of it is taken then, which is no harm."""
    numbers: dict[str, object] = {"attention.top_tokens": config.attention.top_tokens}
    if config.alignment is not None:
        numbers["alignment.tokens"] = config.alignment.tokens
    for key, number in numbers.items():
        if isinstance(number, int) and number > size:
            yield f"{key} asks for the {number:,} most frequent tokens, and the vocabulary has {size:,}: all are taken"


def _refuse(problems: Sequence[str], notes: Sequence[str] = ()) -> None:
    """Refuse a config for all its problems together, with what is odd about the tokenizer."""
    if problems:
        raise ConfigError("\n".join([*problems, *notes]))
