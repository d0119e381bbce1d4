"""Compressed JSON lines at the door: told by their first bytes, and read whole or refused."""

import pytest

from support.door import documents_in, problem_of
from support.odd_corpora.packing import NOT_READ, READ

GOOD = b'{"text": "the cat 1 sat"}\n'


@pytest.fixture
def put(tmp_path):
    def write(data: bytes, name: str = "a.jsonl"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def read(path):
    return documents_in(path, format="json")


ENDINGS = (".gz", ".gzip", ".GZ", ".bz2", ".zst", ".zstd", ".lz4", "")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("how", READ)
def test_compression_is_told_by_the_first_bytes(put, how, ending):
    data = READ[how](GOOD * 3)
    assert read(put(data, f"a.jsonl{ending}")) == ["the cat 1 sat"] * 3
    assert read(put(data + READ[how](b"") + data, f"b.jsonl{ending}")) == ["the cat 1 sat"] * 6


@pytest.mark.parametrize("ending", ENDINGS)
def test_plain_lines_with_the_name_of_a_compression(put, ending):
    assert read(put(GOOD, f"a.jsonl{ending}")) == ["the cat 1 sat"]


@pytest.mark.parametrize("how", NOT_READ)
def test_other_compressions(put, how):
    ending = {"brotli": ".br"}.get(how, "")
    problem = problem_of(put(NOT_READ[how](GOOD * 9), f"a.jsonl{ending}"), format="json")
    assert problem is not None
    if how in ("xz", "zip", "snappy", "brotli"):
        assert how in problem.lower()


@pytest.mark.parametrize("how", READ)
def test_compressed_lines_that_are_cut_or_followed_by_garbage(put, how):
    packed = READ[how](GOOD * 50)
    bad = [packed[:end] for end in (5, len(packed) // 2, len(packed) - 9, len(packed) - 1)]
    bad += [packed + garbage for garbage in (b"garbage", GOOD, packed[:-1], packed[:5])]
    for data in bad:
        assert problem_of(put(data), format="json") is not None, data[-20:]


@pytest.mark.parametrize("first", [0x50, 0x5A, 0x5F])
def test_a_frame_to_be_skipped_is_told(tmp_path, first):
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(bytes([first]) + b"\x2a\x4d\x18\x04\x00\x00\x00abcd" + b"\x28\xb5\x2f\xfd")
    problem = problem_of(path, format="json")
    assert problem.startswith(f"{path}: it begins with a skippable frame, as pzstd writes")


def test_an_encrypted_footer_is_told(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PARE" + bytes(200) + b"PARE")
    problem = problem_of(path)
    assert problem.startswith(f"{path}: its footer is encrypted, and leadterm has no keys. Write it again")
