"""The tokenizer inside a GGUF file."""

from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer as RustTokenizer
from tokenizers import pre_tokenizers

from leadterm.corpus.gguf_header import read_gguf_texts
from leadterm.errors import InputError

# How llama.cpp (src/llama-vocab.cpp, regex_exprs) splits text before merging, by tokenizer.ggml.pre. transformers
# 5.23 knows neither group and falls back to GPT-2's rule, which is right for the second group alone: with the
# first, "a  12" would become a, Ġ, Ġ, 1, 2 where the model was trained on a, ĠĠ, 1, 2.
_SINGLE_DIGITS = frozenset({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"})
_AS_GPT2 = frozenset({"gpt-2", "phi-2", "mpt", "olmo", "jais"})


def read_gguf_tokenizer(path: Path) -> str:
    """The text of a ``tokenizer.json`` that equals the tokenizer of a GGUF file.

    Raises
    ------
    InputError
        The extra ``leadterm[gguf]`` is not installed, the file is broken, or its rule for splitting text is unknown.
    """
    missing = [name for name in ("transformers", "gguf") if find_spec(name) is None]
    if missing:
        raise InputError(
            f"{path}: reading the tokenizer of a GGUF file needs the packages transformers and gguf; not found: "
            f"{', '.join(missing)}. Install them with: pip install 'leadterm[gguf]'"
        )
    model, rule = _read_rule(path)
    tokenizer = _convert(path)
    if model == "gpt2":
        _set_splitting(tokenizer, rule, path)
    return tokenizer.to_str()


def _convert(path: Path) -> RustTokenizer:
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - an optional extra, seconds to import

    try:
        loaded = PreTrainedTokenizerFast.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)
    except Exception as error:  # whatever the conversion meets in a broken or new kind of file
        raise InputError(
            f"{path}: transformers cannot convert the tokenizer of this GGUF file ({error}). "
            "Use the tokenizer.json of the same model instead."
        ) from error
    tokenizer: RustTokenizer = loaded.backend_tokenizer
    return tokenizer


def _set_splitting(tokenizer: RustTokenizer, rule: str | None, path: Path) -> None:
    """Split text as the file's `rule` says, where the conversion fell back to GPT-2's."""
    fell_back = isinstance(tokenizer.pre_tokenizer, pre_tokenizers.ByteLevel)
    if rule in _SINGLE_DIGITS:
        digits = pre_tokenizers.Digits(individual_digits=True)
        gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, gpt2])
    elif fell_back and rule not in _AS_GPT2:
        raise InputError(
            f"{path}: this GGUF file splits text by the rule {rule!r} (tokenizer.ggml.pre), which neither transformers "
            f"nor leadterm can rebuild; leadterm adds {', '.join(sorted(_SINGLE_DIGITS | _AS_GPT2))}. "
            "Use the tokenizer.json of the same model instead."
        )


def _read_rule(path: Path) -> tuple[str | None, str | None]:
    """The values of tokenizer.ggml.model and tokenizer.ggml.pre."""
    found = read_gguf_texts(path, ("tokenizer.ggml.model", "tokenizer.ggml.pre"))
    return found.get("tokenizer.ggml.model"), found.get("tokenizer.ggml.pre")
