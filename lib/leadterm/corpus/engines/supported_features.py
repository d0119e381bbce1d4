"""What a tokenizer.json uses, and which of it the fast engine was compared for.

The list holds what occurs in tokenizers for which 200,000 generated hard texts and a corpus of real text gave the ids
of the library; see ``docs/decisions/tokenizer-engines.md``. Patterns are listed as they are written, since two
libraries of regular expressions may read one pattern in two ways.
"""

import json
from collections.abc import Iterator
from typing import Any

_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_WORDS = rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_DEEPSEEK = (
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"""
    "|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+".replace(r"[\r\n]", "[\r\n]")
)
_TEKKEN_WORDS = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
)
PATTERNS = frozenset(
    (
        rf"{_WORDS}|\p{{N}}{{1,3}}|{_REST}",  # Llama 3
        rf"{_WORDS}|\p{{N}}|{_REST}",  # Qwen 2 to 3
        r"\p{N}{1,3}",  # DeepSeek V3, three of them
        "[一-龥\u3040-ゟ゠-ヿ]+",
        _DEEPSEEK,
        rf"{_TEKKEN_WORDS}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",  # Mistral's Tekken
    )
)
"""Regular expressions that cut a text into pieces."""
PARTS = frozenset(
    (
        "normalizer NFC",
        "normalizer Prepend",
        "normalizer Replace string",
        "pre-tokenizer ByteLevel",
        "pre-tokenizer Digits individual",
        "pre-tokenizer Split pattern isolated",
        "pre-tokenizer Split string mergedwithprevious",
        "model BPE",
        "model byte_fallback",
        "model fuse_unk",
        "model ignore_merges",
        "model unk_token",
        "post-processor ByteLevel",
        "post-processor TemplateProcessing",
        "added token normalized",
        "added token special",
    )
)
"""Everything else, as `features` names it."""
_FLAGS = ("byte_fallback", "fuse_unk", "ignore_merges", "dropout", "unk_token")
_AFFIXES = ("continuing_subword_prefix", "end_of_word_suffix")
_NESTED = ("normalizers", "pretokenizers", "processors")


def unsupported(text: str) -> list[str]:
    """Name what a tokenizer.json uses for which the fast engine was not compared with the library.

    Examples
    --------
    >>> unsupported('{"normalizer": {"type": "NFKC"}, "model": {"type": "BPE", "unk_token": "?"}}')
    ['normalizer NFKC']
    """
    return sorted(feature for feature in set(features(json.loads(text))) if feature not in PARTS)


def features(fields: dict[str, Any]) -> Iterator[str]:
    """Name what a tokenizer.json uses."""
    for step in _steps(fields.get("normalizer")):
        yield _named("normalizer", step)
    for step in _steps(fields.get("pre_tokenizer")):
        yield from _pre_tokenizer(step)
    for step in _steps(fields.get("post_processor")):
        yield _named("post-processor", step)
    model = fields.get("model") or {}
    yield f"model {model.get('type')}"
    yield from (f"model {flag}" for flag in _FLAGS if model.get(flag) not in (None, False))
    yield from (f"model {affix}" for affix in _AFFIXES if model.get(affix))
    for token in fields.get("added_tokens") or ():
        flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
        yield from (f"added token {flag}" for flag in flags if token.get(flag))


def _steps(step: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Take the steps of a sequence, one after the other."""
    if step is None:
        return
    nested = next((step[key] for key in _NESTED if key in step), None)
    if step.get("type") == "Sequence" and nested is not None:
        for one in nested:
            yield from _steps(one)
    else:
        yield step


def _named(kind: str, step: dict[str, Any]) -> str:
    if "pattern" not in step:
        return f"{kind} {step.get('type')}"
    return f"{kind} {step.get('type')} {'string' if 'String' in step['pattern'] else 'pattern'}"


def _pre_tokenizer(step: dict[str, Any]) -> Iterator[str]:
    name = _named("pre-tokenizer", step)
    if step.get("type") == "Split":
        pattern = step["pattern"].get("Regex")
        if pattern is not None and pattern not in PATTERNS:
            yield f"pre-tokenizer Split by {pattern!r}"
        yield f"{name} {str(step.get('behavior')).lower()}{' inverted' if step.get('invert') else ''}"
    elif step.get("type") == "Digits":
        yield f"{name} {'individual' if step.get('individual_digits') else 'together'}"
    elif step.get("add_prefix_space"):
        yield f"{name} add_prefix_space"
    else:
        yield name
