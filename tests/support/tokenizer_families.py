"""Small tokenizers that cut texts as real families do, trained offline: all that the fast engine was compared for."""

import json
from typing import Any

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors, trainers

from leadterm.corpus.engines.supported_features import PATTERNS

TRAINED_ON = [
    "It'll rain, they said; we've 12,345 reasons (or 3.14) to doubt it's so -- don't you?\n\n  def f(x):\n\treturn x",
    "Ünïcödé Straße 中文字的文字 日本語の文 한국어 Привет, мир! שלום مرحبا नमस्ते ไทย 👍🏽 e\u0301e\u0301",
    "a b c the the the of of and and    spaces\r\n\r\nand\u00a0more\u2003spaces ½ ² ٣٣ １２",
] * 3
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "pretokenizers": list(steps)}


BYTE_LEVEL = {
    "gpt2": {**BYTES, "use_regex": True},
    "digits": sequence({"type": "Digits", "individual_digits": True}, {**BYTES, "use_regex": True}),
    **{f"pattern {n}": sequence(split(one), {**BYTES, "use_regex": False}) for n, one in enumerate(sorted(PATTERNS))},
    "all patterns": sequence(*(split(one) for one in sorted(PATTERNS)), {**BYTES, "use_regex": False}),
}
WITH_METASPACE = {
    "llama2": ({"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    ]}, None),
    "gemma": (
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
    ),
}  # fmt: skip
NAMES = (*BYTE_LEVEL, "nfc", "ignore_merges", "template", *WITH_METASPACE)


def byte_level(cut: dict[str, Any], **changes: Any) -> str:
    """Train a byte-level BPE, then let it cut texts in another way."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "<|end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=500, initial_alphabet=alphabet, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(TRAINED_ON, trainer)
    tokenizer.add_tokens([AddedToken("<tool>", normalized=True), AddedToken("\t\t\t", normalized=False)])
    fields = json.loads(tokenizer.to_str())
    fields["pre_tokenizer"] = cut
    for key, value in changes.items():
        if key == "ignore_merges":
            fields["model"][key] = value
        else:
            fields[key] = value
    return json.dumps(fields)


def of_characters(normalizer: dict[str, Any], cut: dict[str, Any] | None) -> str:
    """Train a BPE of characters that falls back to bytes, as SentencePiece's are."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    special = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    visible = [chr(code) for code in range(ord("!"), 127)]
    trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=visible, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(TRAINED_ON, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    fields = json.loads(tokenizer.to_str())
    fields["added_tokens"] = [one for one in fields["added_tokens"] if not one["content"].startswith("<0x")]
    return json.dumps(fields | {"normalizer": normalizer, "pre_tokenizer": cut})


def made(name: str) -> str:
    if name == "nfc":
        return byte_level(BYTE_LEVEL["gpt2"], normalizer={"type": "NFC"})
    if name == "ignore_merges":
        return byte_level(BYTE_LEVEL["gpt2"], ignore_merges=True)
    if name == "template":
        special = {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}
        single = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
        template = {"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": special}
        return byte_level(BYTE_LEVEL["gpt2"], post_processor=template)
    return byte_level(BYTE_LEVEL[name]) if name in BYTE_LEVEL else of_characters(*WITH_METASPACE[name])
