"""CSV is read as RFC 4180 has it, and refused where readers differ."""

import csv
import gzip
import io
import random
from pathlib import Path

import pytest

from leadterm.config import parse_config
from leadterm.errors import InputError
from leadterm.reading import Split, read_documents, rule_of
from leadterm.reading.format_checks import Rule
from leadterm.reading.read_documents import with_path
from leadterm.storage.location import Location


def rule(column: str = "text") -> Rule:
    corpus = {"paths": ["a"], "format": "csv", "text_column": column}
    return rule_of(parse_config({"corpus": corpus, "tokenizer": {"kind": "words", "vocabulary_size": 5}}).corpus)


def read(path: Path, column: str = "text") -> tuple[int, list[tuple[int, str]]]:
    """The rows that a look counts, and the documents with their numbers that reading gives."""
    found = rule(column).inspect(Location.of(path), lambda _: None)
    splits = [Split(0, path.as_uri(), **part, most=part["records"]) for part in found.parts]
    batches = list(read_documents(splits, with_path(rule(column), found.column or ("text",))))
    rows = [pair for one in batches for pair in zip(one["row"].to_pylist(), one["document"].to_pylist(), strict=True)]
    return found.rows, rows


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text,n\na b,1\nc,2\n", ["a b", "c"]),
        ("text,n\r\na b,1\r\nc,2", ["a b", "c"]),
        ('n,text\n1,"a, b"\n2,"c ""d"" e"\n', ["a, b", 'c "d" e']),
        ('n,text\n1,"two\nlines"\n2,"and\r\n\r\nthree"\n', ["two\nlines", "and\r\n\r\nthree"]),
        ("\ufefftext,n\na,1\n", ["a"]),
        ("text,n\n\na,1\n\n\nb,2\n\n", ["a", "b"]),
        ('text,n\n,1\n"",2\n 007 ,3\n', ["", "", " 007 "]),
        ("text\nNULL\ntrue\n1e5\n\\N\n", ["NULL", "true", "1e5", "\\N"]),
        ("text,n\n", []),
        ("text,n\na\\,b\n", ["a\\"]),
        ("text,n\nÄ €😀,1\n", ["Ä €😀"]),
    ],
)
def test_fields_are_text_as_it_lies(tmp_path, text, expected):
    rows, found = read(write(tmp_path / "a.csv", text))
    assert [document for _, document in found] == expected
    assert [number for number, _ in found] == list(range(1, len(expected) + 1))
    assert rows == len(expected)


def test_what_python_writes_is_read_again(tmp_path):
    """Random fields of quotes, commas, line ends and letters, in files of several shapes."""
    rng = random.Random(5)
    for number in range(150):
        quoting, end = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), rng.choice(["\n", "\r\n"])
        letters = 'a",\n é' + "\r" * (quoting == csv.QUOTE_ALL)  # Which Python else leaves without quotes.
        fields = [["".join(rng.choices(letters, k=rng.randrange(12))) for _ in "xyz"] for _ in range(rng.randrange(20))]
        sink = io.StringIO()
        writer = csv.writer(sink, lineterminator=end, quoting=quoting)
        writer.writerows([["x", "text", "y"], *fields])
        path = write(tmp_path / f"{number}.csv", sink.getvalue())
        rows, found = read(path)
        assert (rows, [document for _, document in found]) == (len(fields), [field[1] for field in fields])


def test_a_compressed_file_and_several_batches(tmp_path):
    lines = [f"text {i} {'x' * 3000}" for i in range(4000)]
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(("text\n" + "\n".join(lines)).encode()))
    rows, found = read(path)
    assert (rows, [document for _, document in found]) == (4000, lines)
    assert [number for number, _ in found] == list(range(1, 4001))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("text,n\na,1\nb\n", "its record that ends on line 3 has 1 fields, but the header has 2"),
        ("text,n\na,1,2\n", "its record that ends on line 2 has 3 fields, but the header has 2"),
        ('text,n\n"a\nb\n",1,\n', "its record that ends on line 4 has 3 fields"),
        ('text,n\n"a,1\nb,2\n', "it is not valid CSV at line 3 (unexpected end of data)"),
        ('text,n\n"a"b,1\n', "it is not valid CSV at line 2"),
        ('text,n\n5" nails,1\nb,2\n', "there is a quote within a field that is not quoted"),
        ("text,n\na\rb,1\n", "it is not valid CSV at line 2"),
        ("text,text\na,1\n", "its header has the column 'text' 2 times"),
        ("text;n\na;1\n", "its header has no column 'text', only text;n."),
        ("a,1\nb,2\n", "its header has no column 'text', only a, 1. Correct corpus.text_column"),
    ],
)
def test_what_readers_take_differently_is_refused(tmp_path, text, problem):
    with pytest.raises(InputError) as caught:
        read(write(tmp_path / "a.csv", text))
    assert problem in str(caught.value)


def test_other_encodings_and_broken_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"is not UTF-8 .* iconv"):
        read(write(tmp_path / "a.csv", "text\ncafé au lait\n", "latin-1"))
    broken = tmp_path / "b.csv.gz"
    broken.write_bytes(gzip.compress(b"text\n" + b"a b c\n" * 5000)[:-20])
    with pytest.raises(InputError, match="cannot be read"):
        read(broken)
