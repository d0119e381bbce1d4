"""The tokenizer inside a GGUF file, and the number of its weights, without reading them."""

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from tokenizers import Tokenizer as RustTokenizer
from tokenizers import pre_tokenizers

from leadterm.errors import InputError

GGUF_MAGIC = b"GGUF"

# Value types of the GGUF format by size in bytes (ggml/docs/gguf.md, versions 2 and 3); 8 is text, 9 is an array.
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT, _ARRAY = 8, 9
_WHOLE = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 10: "Q", 11: "q"}
_LONGEST_TEXT = 2**24

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
    found = _read_texts(path, ("tokenizer.ggml.model", "tokenizer.ggml.pre"))
    return found.get("tokenizer.ggml.model"), found.get("tokenizer.ggml.pre")


def read_gguf_text(path: Path, key: str) -> str | None:
    """Read a text of the metadata of a GGUF file; None where it has none.

    Raises
    ------
    InputError
        The file is broken.
    """
    return _read_texts(path, (key,)).get(key)


def _read_texts(path: Path, keys: tuple[str, ...]) -> dict[str, str]:
    """Read those of some texts that are not empty."""
    found: dict[str, str] = {}
    with _header(path) as (file, _, entries):
        for _ in range(entries):
            key, kind = _read_key(file)
            if key in keys and kind == _TEXT:
                text = _read_text(file)
                if text:
                    found[key] = text
            else:
                _skip(file, kind)
            if len(found) == len(keys):
                break
    return found


def count_gguf_weights(path: Path) -> int:
    """Count the numbers in all tensors of a GGUF file, from its header: 0.1 s where the package gguf takes 9.

    Raises
    ------
    InputError
        The file is broken.
    """
    total = 0
    with _header(path) as (file, tensors, entries):
        for _ in range(entries):
            _skip(file, _read_key(file)[1])
        for _ in range(tensors):
            _read_text(file)  # the name; then the number of axes, their lengths, the type and the place of the data
            (axes,) = struct.unpack("<I", file.read(4))
            *shape, _, _ = struct.unpack(f"<{axes}QIQ", file.read(8 * axes + 12))
            total += math.prod(shape)
    return total


def read_gguf_numbers(path: Path) -> dict[str, int]:
    """Read the whole numbers among the metadata of a GGUF file, such as ``llama.block_count``.

    Raises
    ------
    InputError
        The file is broken.
    """
    found = {}
    with _header(path) as (file, _, entries):
        for _ in range(entries):
            key, kind = _read_key(file)
            if kind in _WHOLE:
                (found[key],) = struct.unpack(f"<{_WHOLE[kind]}", file.read(_SIZES[kind]))
            else:
                _skip(file, kind)
    return found


@contextmanager
def _header(path: Path) -> Iterator[tuple[BinaryIO, int, int]]:
    """Open a GGUF file where its metadata begins, with the numbers of its tensors and of its entries of metadata."""
    try:
        with path.open("rb") as file:
            magic, version, tensors, entries = struct.unpack("<4sIQQ", file.read(24))
            if magic != GGUF_MAGIC or version not in (2, 3):
                raise ValueError(f"it starts with {magic!r}, version {version}")
            yield file, tensors, entries
    except (struct.error, ValueError, KeyError, OverflowError) as error:
        raise InputError(
            f"{path}: expected a GGUF file of version 2 or 3; found something else or a file cut short ({error}). "
            "Download it again, or use the tokenizer.json of the same model."
        ) from error


def _read_key(file: BinaryIO) -> tuple[str, int]:
    key = _read_text(file)
    (kind,) = struct.unpack("<I", file.read(4))
    return key, kind


def _read_text(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _LONGEST_TEXT:
        raise ValueError(f"a text of {length} bytes")
    return file.read(length).decode("utf-8")


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _TEXT:
        (length,) = struct.unpack("<Q", file.read(8))
        file.seek(length, 1)
    elif kind == _ARRAY:
        item, count = struct.unpack("<IQ", file.read(12))
        if item in _SIZES:
            file.seek(_SIZES[item] * count, 1)
        else:
            for _ in range(count):
                _skip(file, item)
    else:
        file.seek(_SIZES[kind], 1)
