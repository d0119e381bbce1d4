"""Files of a corpus that are whole and hold what is no document: lines of JSON, and columns of Parquet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from support.bad_cases.case import Case
from support.bad_cases.inputs import JSON, ONE, looked_at
from support.bad_input import put, texts
from support.odd_corpora.broken_tables import encrypted, lie
from support.odd_corpora.packing import NOT_READ, READ

JOB = "encode_corpus"
GOOD = b'{"text": "the cat sat"}\n'
LEAVE = "Correct the line, or leave the file out."
JOIN = 'To join a list of texts into one document, set the separator: corpus.join, such as join: "\\n".'
CHAT = {"text_column": "messages.content"}


def line_case(name: str, wrong: str, says: str, data: bytes, **corpus: Any) -> Case:
    """A file that begins with a good line, and goes on with something else."""
    return Case(name, wrong, JOB, f"{ONE}~/{JSON}: {says}", looked_at(written(GOOD + data), JSON, **corpus))


def file_case(name: str, wrong: str, says: str, make: Callable[[Path], object], file: str, **corpus: Any) -> Case:
    return Case(name, wrong, JOB, f"{ONE}~/{file}: {says}", looked_at(make, file, **corpus))


def written(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def put_lie(path: Path) -> None:
    path.write_bytes(lie(put(path).read_bytes(), 1))


CASES = [
    line_case(
        "two objects", "a line with two objects, as files joined without a line's end have",
        "its line 2: it is not a JSON object (its object is followed by another object; each line must hold one "
        "object): '{\"text\": "
        f"\"one\"}} {{\"text\": \"two\"}}'. {LEAVE}",
        b'{"text": "one"} {"text": "two"}\n',
    ),
    line_case(
        "garbage behind", "something behind the object of a line",
        "its line 2: it is not a JSON object (its object is followed by 'x'; each line must hold one object): "
        "'{\"text\": \"one\"} x'"
        f". {LEAVE}",
        b'{"text": "one"} x\n',
    ),
    line_case(
        "array", "a line that is an array of objects",
        "its line 2: it is JSON but not an object: '[{\"text\": \"a\"}]'. Each line must be an object with the key "
        f"'text'. {LEAVE}",
        b'[{"text": "a"}]\n',
    ),
    line_case(
        "number", "a number where the text should be",
        f"its line 2: 'text' is 5; expected a string. {LEAVE}", b'{"text": 5}\n',
    ),
    line_case(
        "NaN", "a value that JSON lacks",
        f"its line 2: it is not a JSON object (JSON has no NaN): '{{\"text\": NaN}}'. {LEAVE}",
        b'{"text": NaN}\n',
    ),
    line_case(
        "half a pair", "half of a surrogate pair",
        "its line 2: 'text' has an unpaired surrogate, \\ud83d, which is not a character. Correct the text, or read "
        f"it as U+FFFD with corpus.surrogates: replace. {LEAVE}",
        b'{"text": "a \\ud83d"}\n',
    ),
    line_case(
        "key in escapes", "a key that stands twice, once in escapes",
        "its line 2: it is not a JSON object (the key 'text' appears twice): "
        "'{\"text\": \"a\", \"te\\\\u0078t\": \"b\"}'. "
        f"{LEAVE}",
        b'{"text": "a", "te\\u0078t": "b"}\n',
    ),
    line_case(
        "Latin-1", "a line in Latin-1",
        f"its line 2: it is not UTF-8 (<…>): '{{\"text\": \"caf\ufffd\"}}'. {LEAVE}", b'{"text": "caf\xe9"}\n',
    ),
    line_case(
        "mark inside", "a byte order mark inside a file, as joined files have",
        "its line 2: it is not a JSON object (it begins with a byte order mark, which concatenated files may have): "
        f"<…>. {LEAVE}",
        b"\xef\xbb\xbf" + GOOD,
    ),
    file_case(
        "UTF-16 lines", "JSON lines in UTF-16",
        "it is UTF-16 text; JSON lines are UTF-8. Convert it, for example with iconv -f UTF-16 -t UTF-8.",
        written(GOOD.decode().encode("utf-16")), JSON,
    ),
    file_case(
        "chat lines", "chat rows, without a word on how they become a text",
        f"its line 1: 'messages.content' is a list of texts: [\"a b\"]. {JOIN} Correct the line or corpus.format, or "
        "leave the file out.",
        written(b'{"messages": [{"role": "user", "content": "a b"}]}\n'), JSON, **CHAT,
    ),
    file_case(
        "xz", "a compression that nobody here unpacks",
        "it is compressed with xz, which leadterm does not decompress. Compress it with gzip, bzip2, zstd or lz4, or "
        "leave it out.",
        written(NOT_READ["xz"](GOOD)), "a.json.xz",
    ),
    file_case(
        "zstd cut", "zstd that was cut short",
        "it cannot be read (<…>). Repair it or leave it out.",
        written(READ["zstd"](GOOD * 9)[:-5]), "a.json.zst",
    ),
    file_case(
        "lz4 and more", "lz4 with something behind its end",
        "it cannot be read (<…>). Repair it or leave it out.",
        written(READ["lz4"](GOOD) + b"garbage"), "a.json.lz4",
    ),
    file_case(
        "encrypted", "a column that is encrypted behind a plain footer",
        "its column 'text' is encrypted, and leadterm has no keys. Write it again without encryption, or leave it out.",
        lambda path: path.write_bytes(encrypted(texts(), plain=True)), "a.parquet",
    ),
    file_case(
        "column twice", "two columns of one name",
        "it has 2 columns named 'text'. Give them different names, or leave it out.",
        lambda path: put(path, pa.Table.from_arrays([pa.array(["a b"])] * 2, names=["text", "text"])), "a.parquet",
    ),
    file_case(
        "chat table", "a table of chat rows, without a word on how they become a text",
        f"its column 'messages.content' holds list<<…>: string>; expected strings. {JOIN}",
        lambda path: put(path, pa.table({"messages": [[{"role": "user", "content": "a b"}]]})), "a.parquet", **CHAT,
    ),
    file_case(
        "other rows", "a footer that tells of more rows than its row groups",
        "its footer gives 61 rows, but its row groups have 60. Repair it or leave it out.",
        put_lie, "a.parquet",
    ),
]  # fmt: skip
