"""The reference reader, which leadterm's own is compared with, against what was written down by hand or meant."""

import bz2
import gzip
import json
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.odd_corpora import SETTINGS, odd_files
from support.odd_corpora.broken_tables import not_utf8
from support.odd_corpora.packing import NOT_READ, READ
from support.reference_reader import (
    Asked,
    Limits,
    Refused,
    account,
    list_folder,
    read_file,
    refuse_twins,
    windows,
)
from support.reference_reader.lines import read_lines
from support.thrift import decode, encode, footer_of

LINES = Asked("json")
CHATS = Asked("json", "messages.content", join="\n")
IDS = Asked("json", "ids", is_ids=True)
NESTED = Asked("json", "content.text")
ONE = b'{"text":"a b"}'


def read(data, asked=LINES):
    return read_lines(data if isinstance(data, bytes) else data.encode(), asked).documents


@pytest.mark.parametrize(
    ("data", "documents"),
    [
        (b"", []),
        (b"\xef\xbb\xbf", []),
        (b"\n \t\r\n\r", []),
        (ONE, ["a b"]),
        (b"\xef\xbb\xbf" + ONE, ["a b"]),
        (ONE + b"\r" + ONE + b"\r\n\n" + ONE + b" \n", ["a b"] * 3),
        ('{"text":"a\u2028b\x85c\x7f"}', ["a\u2028b\x85c\x7f"]),
        (r'{"\u0074ext":"\u0061\ud83D\uDE00\/\n\u0000"}', ["a😀/\n\0"]),
        ('{"text":null}\n{"n":1}', [None, None]),
        ('{"n":' + "9" * 9999 + ',"text":"a","m":-0.0E+999,"n":2}', ["a"]),
        ('{"n":' + "[" * 999 + "]" * 999 + ',"text":"a"}', ["a"]),
        ('{"n":{"m":1,"m":"b","text":5},"Text":5,"text":"a"}', ["a"]),
        ('{"lone":"\\ud83d","text":"a"}', ["a"]),
    ],
)
def test_lines_that_are_read(data, documents):
    assert read(data) == documents


@pytest.mark.parametrize(
    "data",
    [
        ONE + ONE, ONE + b" " + ONE, ONE + b"x", b"x" + ONE, b"[" + ONE + b"]", b"[]", b"1", b"null", b'"text"',
        ONE[:-1], b"\xc2\xa0", b"\x0c", b"\0", ONE + b"\n\xef\xbb\xbf" + ONE, b"\xef\xbb\xbf" * 2 + ONE,
        b"{'text':'a'}", b'{"text":"a",}', b'{"text":"a\tb"}', b'{"text":"a","n":NaN}',
        b'{"text":"a","n":-Infinity}', b'{"text":"a","n":01}', b'{"text":"\\x41"}', b'{"text":1}', b'{"text":true}',
        b'{"text":{}}', b'{"text":["a"]}', b'{"text":[]}', b'{"text":"a","\\u0074ext":"a"}',
        b'{"text":"a","n":[{"text":1,"text":2}]}', b'{"text":"\\ud83d"}',
        b'{"text":"\\ude00\\ud83d"}', b'{"text":"\xe4"}', b'{"text":"\xed\xa0\xbd\xed\xb8\x80"}',
        b'{"text":"\xc0\x80"}', b'{"text":"a","n":' + b"[" * 1000 + b"]" * 1000 + b"}", b'{"n":1}',
        b'{"n":1}\n' * 100 + ONE, ONE.decode().encode("utf-16"), ONE.decode().encode("utf-16-le"),
        ONE.decode().encode("utf-32"), b'{"text":\n"a"}',
    ],
)  # fmt: skip
def test_lines_that_are_refused(data):
    with pytest.raises(Refused):
        read(data)


def test_the_line_is_named():
    for bad in (b'{"text":1}', b"x", b'{"text":"\xe4"}'):
        with pytest.raises(Refused, match=r"^line 4: "):
            read(ONE + b"\r\n\r" + ONE + b"\n" + bad)


@pytest.mark.parametrize(
    ("asked", "line", "document"),
    [
        (NESTED, '{"content":{"text":"a"}}', "a"),
        (NESTED, '{"content":{"text":"a"},"content.text":"b"}', "b"),
        (NESTED, '{"content":{"text":null}}', None),
        (CHATS, '{"messages":[],"messages.content":[]}', ""),
        (CHATS, '{"messages":[{"role":"user","content":"a"},{"content":"b"}]}', "a\nb"),
        (CHATS, '{"messages":{"content":["a","b"]}}', "a\nb"),
        (CHATS, '{"messages.content":"a"}', "a"),
        (Asked("json", "text", join=""), '{"text":["a","b"]}', "ab"),
        (IDS, '{"ids":[1,-0,3]}', [1, 0, 3]),
        (IDS, '{"ids":[]}', []),
        (Asked("json", replaces_surrogates=True), '{"text":"\\ud83dx\\ud83d\\ude00"}', "\ufffdx😀"),
    ],
)
def test_values(asked, line, document):
    assert read(line, asked) == [document]


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (NESTED, '{"content":{"text":"a","text":"b"}}'),
        (NESTED, '{"content":"a"}'),
        (NESTED, '{"content.text":"a"}\n{"content":{"text":"a"}}'),
        (NESTED, '{"content":{"text":"a"}}\n{"content":{"text":"a"},"content.text":"b"}'),
        (CHATS, '{"messages":[]}'),
        (NESTED, '{"content":[{"text":"a"}]}'),
        (CHATS, '{"messages":[{"content":1}]}'),
        (CHATS, '{"messages":[{"content":null}]}'),
        (CHATS, '{"messages":[{"role":"user"}]}'),
        (CHATS, '{"messages":[null]}'),
        (CHATS, '{"messages":[{"content":["a"]}]}'),
        *[(IDS, f'{{"ids":{value}}}') for value in ("[1.0]", "[true]", "[null]", '["1"]', "1", "[[1]]", "[1e0]", "{}")],
    ],
)
def test_values_that_are_refused(asked, line):
    with pytest.raises(Refused):
        read(line, asked)


def test_replaced_halves_are_counted_by_text():
    data = b'{"text":"\\ud83d \\ud83d"}\n{"text":"a"}\n{"text":"\\udc00"}'
    assert read_lines(data, Asked("json", replaces_surrogates=True)).replaced == 2


@pytest.mark.parametrize("how", READ)
def test_compressed_lines(how):
    """Whole, in pieces, with nothing in it, cut at every byte, and with something after it."""
    packed = READ[how](ONE + b"\n")
    assert read(packed) == ["a b"]
    assert read(packed + READ[how](b"") + packed) == ["a b"] * 2
    assert read(READ[how](b"")) == []
    for end in range(4, len(packed)):
        with pytest.raises(Refused):
            read(packed[:end])
    for garbage in (b"garbage", b"\0", ONE, packed[:-2]):
        with pytest.raises(Refused):
            read(packed + garbage)


@pytest.mark.parametrize("how", NOT_READ)
def test_other_compressions(how):
    with pytest.raises(Refused):
        read(NOT_READ[how](ONE))


def test_what_compresses_is_what_others_unpack():
    assert gzip.decompress(READ["gzip with a long header"](ONE)) == ONE
    assert bz2.decompress(READ["bzip2"](ONE)) == ONE


def table_file(tmp_path, table, **options):
    pq.write_table(table, tmp_path / "a.parquet", **options)
    return tmp_path / "a.parquet"


@pytest.mark.parametrize(
    ("table", "column", "documents"),
    [
        (pa.table({"text": ["a", None, ""]}), "text", ["a", None, ""]),
        (pa.table({"Text": [1], "text": ["a"]}), "text", ["a"]),
        (pa.table({"a.b": ["a"], "a": [{"b": 1}]}), "a.b", ["a"]),
        (pa.table({"a": [{"b": "a", "c": 1}, None, {"b": None, "c": 2}]}), "a.b", ["a", None, None]),
        (pa.table({"text": pa.array(["a", None], pa.json_())}), "text", ["a", None]),
        (pa.table({"text": pa.array([None], pa.string())}), "text", [None]),
    ],
)
def test_tables_that_are_read(tmp_path, table, column, documents):
    assert read_file(table_file(tmp_path, table), Asked("parquet", column)).documents == documents


def test_tables_of_chats(tmp_path):
    rows = [[{"role": "u", "content": "a"}, {"role": "v", "content": "b"}], None, []]
    path = table_file(tmp_path, pa.table({"messages": rows}))
    assert read_file(path, Asked("parquet", "messages.content", join="|")).documents == ["a|b", None, ""]
    with pytest.raises(Refused):
        read_file(path, Asked("parquet", "messages.content"))


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"text": [1]}),
        pa.table({"text": [b"a"]}),
        pa.table({"text": pa.nulls(1)}),
        pa.table({"text": [["a"]]}),
        pa.table({"body": ["a"]}),
        pa.Table.from_arrays([pa.array(["a"])] * 2, names=["text", "text"]),
        pa.table({"text": not_utf8(3, b"\xe4")}),
    ],
    ids=["numbers", "bytes", "null", "lists", "missing", "twice", "not UTF-8"],
)
def test_tables_that_are_refused(tmp_path, table):
    with pytest.raises(Refused):
        read_file(table_file(tmp_path, table), Asked("parquet"))


def test_folders_leave_out_hidden_files_and_companions(tmp_path):
    for name in (
        "a.jsonl",
        "b/c.jsonl",
        "_d.jsonl",
        ".e.jsonl",
        "b/_f/g.jsonl",
        "README.md",
        "b/LICENSE",
        "a.jsonl.crc",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found, left_out = list_folder(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a.jsonl", "b/c.jsonl"]
    assert len(left_out) == 6


def test_twins(tmp_path):
    (tmp_path / "a").write_bytes(b"\n")
    (tmp_path / "b").write_bytes(b"\n")
    (tmp_path / "c").write_bytes(ONE)
    refuse_twins(sorted(tmp_path.iterdir()), LINES)
    (tmp_path / "d").symlink_to(tmp_path / "c")
    with pytest.raises(Refused, match=r"d holds the same as .*c"):
        refuse_twins(sorted(tmp_path.iterdir()), LINES)


def test_documents_are_accounted_for():
    documents = [None, "", "a", "a b c", "a" * 9, "abc"]
    assert account(documents, Limits(min_characters=2, max_characters=8)) == {
        "documents": 6, "kept": 1, "null": 1, "empty": 1,
        "too_few_characters": 1, "too_many_characters": 1, "too_few_tokens": 1,
    }  # fmt: skip
    assert windows(["a b c d", None, "b"], Limits(length=2)) == {("a", "b", "c"): 1, ("c", "d"): 1}
    assert windows([[1, 2, 3], [1]], Limits(length=1, policy="first")) == {(1, 2): 1}


def test_footers_are_written_as_they_were_read():
    sink = BytesIO()
    pq.write_table(
        pa.table({"a": [1.5, None], "b": [{"c": ["x"]}] * 2, "d": [True, False]}), sink, write_page_index=True
    )
    footer = footer_of(sink.getvalue())
    assert footer[3] == 2
    assert decode(encode(footer)) == footer
    assert encode(decode(encode(footer))) == encode(footer) == sink.getvalue()[-8 - len(encode(footer)) : -8]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_odd_files_hold_what_was_meant(setting, tmp_path):
    """Whoever makes them up knows the documents; the reader finds the same, or refuses what was broken."""
    n_good = 0
    for odd in odd_files(20, setting, 100):
        (tmp_path / odd.name).write_bytes(odd.data)
        try:
            found = read_file(tmp_path / odd.name, setting.asked, setting.limits).documents
        except Refused:
            found = None
        assert odd.meant is ... or found == odd.meant, json.dumps(odd.oddities)
        n_good += found is not None
    assert 30 < n_good < 80
