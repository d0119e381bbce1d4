"""Text files in the encodings that editors write."""

import pytest

from leadterm.utf8 import decode_utf8

TEXTS = ['{"a": "é"}', "key: [1]\n", "{}", "漢字 are not ASCII"]


@pytest.mark.parametrize("text", [*TEXTS, "", "\x00", "a"])
def test_utf8_with_and_without_a_mark(text):
    assert decode_utf8(text.encode()) == decode_utf8(text.encode("utf-8-sig")) == text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", TEXTS[:3])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_others_are_named(encoding, text, mark):
    with pytest.raises(
        ValueError, match=rf"^it is {encoding[:6].upper()}(LE|BE)?; save it as UTF-8, .* iconv -f UTF"
    ) as caught:
        decode_utf8((mark + text).encode(encoding))
    named = str(caught.value).split()[2].rstrip(";")
    assert (mark + text).encode(encoding).decode(named).lstrip("\ufeff") == text, "what the remedy makes"


@pytest.mark.parametrize("data", [b"\xe9\xe8", b"\xff\xfe\x00", b"\xff\xfe\x00\xd8", b"\x00\xd8\x00", b"\xff"])
def test_bytes_that_are_no_text(data):
    with pytest.raises(UnicodeDecodeError):
        decode_utf8(data)
