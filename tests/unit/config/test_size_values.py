import pytest

from leadterm.config.size_values import parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("1B", 1),
        ("2KiB", 2048),
        ("1.5 MiB", 3 * 2**19),
        ("1gib", 2**30),
        ("1TiB", 2**40),
        ("2KB", 2000),
        ("1MB", 10**6),
        ("3 GB ", 3 * 10**9),
        ("1TB", 10**12),
    ],
)
def test_sizes(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "1 M", "1G", "-1MiB", "1e3", "١MiB", "1,5MiB"])
def test_other_texts(text):
    with pytest.raises(ValueError, match=r"a number and a unit \(B, KiB, MiB, GiB, TiB, KB, MB, GB, TB\)"):
        parse_bytes(text)


def test_parts_of_a_byte():
    with pytest.raises(ValueError, match="a whole number of bytes, such as 512MiB"):
        parse_bytes("1.5")
