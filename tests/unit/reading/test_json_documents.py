"""Lines of JSON to documents; what orjson, Python and a person make of them must be one thing."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.errors import InputError
from leadterm.reading.document_column import ColumnRule
from leadterm.reading.json_documents import JsonReader


def document(line: bytes | str, column: str = "text", *, is_ids: bool = False, join: str | None = None, **options):
    """Read one line."""
    rule = ColumnRule(column, is_ids, join)
    line = line.encode() if isinstance(line, str) else line
    reader = JsonReader(rule, **options)
    return reader.document(line, rule.path_in(list(reader.parse(line))))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"text": "a"}', "a"),
        (' \t{"text": "a"} \r', "a"),
        ('{"text": null}', None),
        ("{}", None),
        ('{"text": ""}', ""),
        ('{"te\\u0078t": "a"}', "a"),
        ('{"text": "\\ud83d\\ude00"}', "😀"),
        ('{"text": "a", "n": 123456789012345678901234567890, "x": 1e999, "y": -0.0}', "a"),
        ('{"text": "a", "other": "\\ud83d"}', "a"),
        ('{"text": "say \\"text\\": twice"}', 'say "text": twice'),
        ('{"text": "a", "deep": {"text": "b"}}', "a"),
        ('{"text": "a", "n": ' + "9" * 10_000 + "}", "a"),
        ('{"text": "a\\u0000b"}', "a\0b"),
    ],
)
def test_what_is_a_document(line, expected):
    assert document(line) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "a"}{"text": "b"}', "its object is followed by another object; each line must hold one object"),
        ('{"text": "a"} \t{"text": "b"}', "its object is followed by another object"),
        ('{"text": "a"} oops', "its object is followed by 'oops'"),
        ('[{"text": "a"}, {"text": "b"}]', "it is JSON but not an object"),
        ("[]", "it is JSON but not an object"),
        ('"text"', "it is JSON but not an object"),
        ("null", "it is JSON but not an object"),
        ('{"text": 5}', "'text' is 5; expected a string"),
        ('{"text": true}', "'text' is true; expected a string"),
        ('{"text": {"a": 1}}', "'text' is {\"a\": 1}; expected a string"),
        ('{"text": [1]}', r"'text' is \[1\]; expected a string"),
        ('{"text": ["a"]}', "is a list of texts: .* corpus.join"),
        ('{"text": NaN}', "JSON has no NaN"),
        ('{"text": "a", "n": -Infinity}', "JSON has no -Infinity"),
        ('{"text": "a", "text": "b"}', "the key 'text' appears twice"),
        ('{"te\\u0078t": "a", "text": "b"}', "the key 'text' appears twice"),
        ('{"te\\u0078T": "a", "t\\u0065xt": "b", "t\\u0065x\\u0074": "c"}', "the key 'text' appears twice"),
        ("{'text': 'a'}", "it is not a JSON object"),
        ('{"text": "a",}', "it is not a JSON object"),
        ('{"text": "a\tb"}', "it is not a JSON object"),
        ('{"text": "a', "it is not a JSON object"),
        (b'{"text": "\xe4"}', "it is not UTF-8"),
        (b'\xef\xbb\xbf{"text": "a"}', "it begins with a byte order mark, which concatenated files may have"),
        ('{"text": "\\ud83d"}', r"an unpaired surrogate, \\ud83d, .* corpus.surrogates: replace"),
        ('{"text": "\\ude00\\ud83d"}', r"an unpaired surrogate, \\ude00"),
        ('{"text": ' + "[" * 100_000, "lists and objects are nested too deeply"),
        ('{"text": ' + "[" * 2_000 + "]" * 2_000 + "}", "lists and objects are nested too deeply"),
    ],
)
def test_what_is_none(line, reason):
    with pytest.raises(InputError, match=reason):
        document(line)


def test_surrogates_are_replaced_and_counted_where_that_is_wanted():
    reader = JsonReader(ColumnRule("text", False), replaces=True)
    assert reader.document(b'{"text": "a\\ud83d b\\ude00\\ud83d"}', ("text",)) == "a\ufffd b\ufffd\ufffd"
    assert reader.document(b'{"text": "\\ud83d\\ude00"}', ("text",)) == "😀"
    assert reader.replaced == 1


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ('{"a": {"b": "x"}}', "a.b", "x"),
        ('{"a": null}', "a.b", None),
        ('{"a": {}}', "a.b", None),
        ('{"a.b": "x"}', "a.b", "x"),
        ('{"m": [{"c": "x", "r": "u"}, {"c": "y"}]}', "m.c", "x|y"),
        ('{"m": []}', "m.c", ""),
        ('{"m": null}', "m.c", None),
        ('{"m": ["x", "y"]}', "m", "x|y"),
        ('{"m": {"n": ["x"]}}', "m.n", "x"),
    ],
)
def test_nested_keys_and_lists_that_are_joined(line, column, expected):
    assert document(line, column, join="|") == expected


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ('{"a": 5}', "a.b"),
        ('{"a": "x"}', "a.b"),
        ('{"a": {"b": "x"}, "a": {}}', "a.b"),
        ('{"a": {"b": "x"}, "a.b": "y", "a.b": "z"}', "a.b"),
        ('{"m": [{"c": "x"}, {"c": null}]}', "m.c"),
        ('{"m": [{"c": "x"}, {}]}', "m.c"),
        ('{"m": [{"c": "x"}, {"c": 1}]}', "m.c"),
        ('{"m": [{"c": "x"}, null]}', "m.c"),
        ('{"m": [["x"]]}', "m"),
    ],
)
def test_nested_values_that_are_no_documents(line, column):
    with pytest.raises(InputError):
        document(line, column, join="|")


def test_a_line_of_another_layout_is_no_null():
    reader = JsonReader(ColumnRule("a.b", False))
    assert reader.document(b'{"a": {"b": "x"}}', ("a", "b")) == "x"
    with pytest.raises(InputError, match=r"it has the key 'a.b' itself, other lines have a nested key"):
        reader.document(b'{"a.b": "x"}', ("a", "b"))


@pytest.mark.parametrize("ids", ["[]", "[1, 2]", "[-1]", "[9223372036854775807]", "null"])
def test_lists_of_ids(ids):
    assert document(f'{{"ids": {ids}}}', "ids", is_ids=True) == json.loads(ids)


@pytest.mark.parametrize("ids", ["[1.0]", "[true]", "[null]", '["1"]', "1", "[9223372036854775808]", "[[1]]", "{}"])
def test_what_is_no_list_of_ids(ids):
    with pytest.raises(InputError, match="expected a list of integers"):
        document(f'{{"ids": {ids}}}', "ids", is_ids=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["text", "n", "tëxt", "te"]), JSON, max_size=4), st.booleans())
@settings(deadline=None)
def test_any_object_gives_what_python_reads(value, ascii_only):
    line = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    text = json.loads(line).get("text")
    if text is None or isinstance(text, str):
        assert document(line) == text
    else:
        with pytest.raises(InputError):
            document(line)
