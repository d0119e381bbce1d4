"""Which engine encodes with a tokenizer: the fast one only where it is proven to give the library's ids."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from leadterm.config import TokenizerEngine
from leadterm.corpus.engines.checked_tokenizer import CheckedTokenizer, difference
from leadterm.corpus.engines.fast_engine import NAME, installed_version
from leadterm.corpus.engines.hard_texts import hard_texts
from leadterm.corpus.engines.supported_features import unsupported
from leadterm.corpus.hf_tokenizer import HuggingFaceTokenizer
from leadterm.errors import InputError, MachineError

LIBRARY = "huggingface"


@dataclass(frozen=True)
class ChosenEngine:
    """What encodes, and why.

    Attributes
    ----------
    tokenizer
        Encodes.
    name
        Of the engine: ``fastokens 0.3.5``, or ``huggingface`` for the tokenizers library itself.
    reason
        Why it is this one, for the log.
    hard_texts
        How many texts were compared before anything was encoded.
    """

    tokenizer: HuggingFaceTokenizer | CheckedTokenizer
    name: str
    reason: str
    hard_texts: int = 0


def choose_engine(tokenizer: HuggingFaceTokenizer, engine: TokenizerEngine = "auto") -> ChosenEngine:
    """Choose what encodes with a tokenizer; its ids are those of the tokenizers library in any case.

    Parameters
    ----------
    tokenizer
        By the library.
    engine
        ``"huggingface"``: the library. ``"fastokens"``: this engine, or an error where it is not proven on the hard
        texts. ``"auto"``: it, where it is installed, was compared for everything that the tokenizer uses, and gives the
        library's ids for all hard texts; otherwise the library.

    Raises
    ------
    MachineError
        The engine that was asked for is not installed.
    InputError
        The engine that was asked for does not read this tokenizer, or gives other ids than the library.
    """
    if engine == LIBRARY:
        return ChosenEngine(tokenizer, LIBRARY, "tokenizer.engine says so")
    if engine == NAME:
        return _asked_for(tokenizer)
    if installed_version() is None:
        return ChosenEngine(tokenizer, LIBRARY, f"{NAME}, which is many times faster, is not installed")
    lacks = unsupported(tokenizer.to_json())
    if lacks:
        why = f"{NAME} was not compared with the library for what the tokenizer uses: {'; '.join(lacks)}"
        return ChosenEngine(tokenizer, LIBRARY, why)
    try:
        return _proven(tokenizer)
    except InputError as error:
        return ChosenEngine(tokenizer, LIBRARY, str(error))


def _asked_for(tokenizer: HuggingFaceTokenizer) -> ChosenEngine:
    if installed_version() is None:
        raise MachineError(
            f"tokenizer.engine is {NAME}, which is not installed. Install it with: pip install 'leadterm[spark]', or "
            "set tokenizer.engine to auto or huggingface."
        )
    try:
        return _proven(tokenizer)
    except InputError as error:
        raise InputError(
            f"tokenizer.engine is {NAME}: {error}. Set tokenizer.engine to auto or huggingface."
        ) from error


def _proven(tokenizer: HuggingFaceTokenizer) -> ChosenEngine:
    """Compare the engine with the library on the hard texts, once in a process.

    Raises
    ------
    InputError
        The engine does not read this tokenizer, refuses a text, or gives other ids; says which.
    """
    return _proven_once(tokenizer.to_json(), tokenizer.add_special_tokens, installed_version())


@lru_cache(maxsize=4)
def _proven_once(json: str, add_special_tokens: bool, version: str | None) -> ChosenEngine:
    """Compare the engine with the library for a tokenizer.json."""
    library = HuggingFaceTokenizer(json, add_special_tokens)
    checked, texts = CheckedTokenizer(json, add_special_tokens, version), hard_texts(library)
    found, refused = checked.engine.encode(texts)
    expected = library.encode(texts).tokens
    for text, ids, others, is_refused in zip(texts, found, expected, refused.tolist(), strict=True):
        if is_refused or not np.array_equal(ids, others):
            raise InputError(f"it is not proven for this tokenizer: {difference(text, ids, others)}")
    return ChosenEngine(checked, f"{NAME} {version}", f"equal to the library on {len(texts):,} hard texts", len(texts))
