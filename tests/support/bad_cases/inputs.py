"""Files of a corpus, and tokenizers, that are broken or hostile."""

from __future__ import annotations

import gzip
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from leadterm.config import parse_config
from leadterm.corpus import load_tokenizer
from support.bad_cases.case import Case
from support.bad_input import TEXTS, WORDS, json_lines, put, put_lines

JOB = "encode_corpus"
ONE = "1 of 1 input files cannot be used: "
PARQUET, JSON = "a.parquet", "a.jsonl"


def looked_at(make: Callable[[Path], object], file: str = PARQUET, **corpus: Any) -> Callable[[Path], Any]:
    """Make a file, and look at it as an executor does before the work starts."""

    def act(folder: Path) -> Any:
        from leadterm.pipeline.encode_corpus.inputs.inspect_inputs import INSPECTION, inspect_file, refuse_broken  # noqa: PLC0415  # imports PySpark
        from leadterm.reading.format_checks import rule_of  # noqa: PLC0415

        make(folder / file)
        kind = {} if file.endswith(".parquet") else {"format": "json"}
        section = parse_config({"corpus": {"paths": [file], **kind, **corpus}, "tokenizer": WORDS}).corpus
        found = inspect_file(str(folder / file), rule_of(section))
        return refuse_broken(pa.Table.from_pylist([found], INSPECTION))

    return act


def lie_about_a_page(path: Path) -> None:
    """Let the header of the only page say that it has 2,000,000,000 bytes."""
    put(path, pa.table({"text": TEXTS}), use_dictionary=False, compression="none", write_statistics=False)
    data = path.read_bytes()
    at = pq.ParquetFile(path).metadata.row_group(0).column(0).data_page_offset + 3
    assert data[at - 3 : at] == b"\x15\x00\x15", "field 1, a data page; field 2, how long it is"
    end = next(i for i in range(at, at + 9) if data[i] < 128) + 1
    number, digits = 2 * 2_000_000_000, []
    while number:
        digits.append(number & 127 | (128 if number > 127 else 0))
        number >>= 7
    path.write_bytes(data[:at] + bytes(digits) + data[end:])


def repeat_a_value(path: Path) -> None:
    """Write one text of 100,000 characters 200,000 times, as dictionaries allow: 20 GB in some kilobytes."""
    column = pa.DictionaryArray.from_arrays(np.zeros(200_000, dtype=np.int32), pa.array(["word " * 20_000]))
    put(path, pa.table({"text": column}))


def pack_much(path: Path) -> None:
    """Write JSON lines that gzip makes a thousand times smaller."""
    path.write_bytes(gzip.compress(b'{"text": "a b c"}\n' * 400_000))


def put_long_line(path: Path) -> None:
    """Write a line of 136 MB after good ones."""
    put_lines(path, json_lines())
    with path.open("ab") as file:
        file.write(b'{"text": "' + b"a " * 68_000_000 + b'"}\n')


def put_fields(**fields: Any) -> Callable[[Path], Any]:
    """Write a small tokenizer.json with other fields, and load it."""

    def act(folder: Path) -> Any:
        model = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}
        (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": model} | fields))
        return load_tokenizer(folder / "tokenizer.json")

    return act


def loaded(name: str, data: bytes, size: int = 0) -> Callable[[Path], Any]:
    """Write a file, which may be far longer than what is in it, and load a tokenizer from it."""

    def act(folder: Path) -> Any:
        (folder / name).write_bytes(data)
        if size:
            os.truncate(folder / name, size)
        return load_tokenizer(folder / name)

    return act


class _Anything:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this must never run",)


def file_case(name: str, wrong: str, says: str, act: Callable[[Path], Any], file: str = PARQUET, **more: Any) -> Case:
    return Case(name, wrong, JOB, f"{ONE}~/{file}: {says}", act, **more)


CASES = [
    file_case(
        "no Parquet", "text that is called Parquet",
        "it cannot be read as Parquet (Parquet magic bytes not found in footer. <…>). Repair it or leave it out.",
        looked_at(lambda path: path.write_bytes(b"hello\n" * 9)),
    ),
    file_case(
        "no bytes", "a file of 0 bytes",
        "it cannot be read as Parquet (Parquet file size is 0 bytes). Repair it or leave it out.",
        looked_at(lambda path: path.write_bytes(b"")),
    ),
    file_case(
        "no column", "a column that is not there",
        "it has no column 'txet', only text (string), n (int64). Correct corpus.text_column, or leave the file out.",
        looked_at(put, text_column="txet"),
    ),
    file_case(
        "numbers", "numbers where text should be",
        "its column 'n' holds int64; expected strings. Correct corpus.text_column, or leave the file out.",
        looked_at(put, text_column="n"),
    ),
    file_case(
        "a page's lie", "the header of a page says that it is to be unpacked to 2 GB",
        "one of its pages would decompress to 2,000,000,000 bytes, more than 536,870,912. Write it again "
        "with smaller pages (the writer's row group or page size), or leave it out.",
        looked_at(lie_about_a_page),
    ),
    file_case(
        "one value", "a dictionary of one text, repeated to 20 GB in 3 kB",
        "it would decompress from <…> to at least 20,0<…> bytes, a ratio that no text reaches. Leave it "
        "out; if you trust it, write it again, uncompressed.",
        looked_at(repeat_a_value),
    ),
    file_case(
        "no page", "a footer that points to where there is no page",
        "it has no page at byte 4, where its footer places one. Repair it or leave it out.",
        looked_at(lambda path: path.write_bytes(b"PAR1" + b"\xff" * 40 + put(path).read_bytes()[44:])),
    ),
    file_case(
        "pipe", "a pipe, which nobody writes to",
        "it cannot be read as Parquet (~/a.parquet is not a regular file but a pipe, a socket or a device). Repair it "
        "or leave it out.",
        looked_at(os.mkfifo),
    ),
    file_case(
        "packed much", "gzip that unpacks to a thousand times its size",
        "it would decompress from <…> to at least <…> bytes, a ratio that no text reaches. "
        "Leave it out; if you trust it, write it again, uncompressed.",
        looked_at(pack_much, "a.json.gz"), "a.json.gz", limits={"leadterm.reading.decompression_limits.MOST_INFLATED": 2**20},  # noqa: E501
    ),
    file_case(
        "gzip cut", "gzip that was cut short",
        "it cannot be read (<…>). Repair it or leave it out.",
        looked_at(lambda path: path.write_bytes(gzip.compress(os.urandom(10_000))[:-100]), "a.json.gz"), "a.json.gz",
    ),
    file_case(
        "long line", "JSON lines with one of 136 MB",
        "its line starting at byte <…> has more than 134,217,728 bytes. Write one document per line, "
        "or leave it out.",
        looked_at(put_long_line, JSON, max_characters=1000), JSON,
    ),
    file_case(
        "nested line", "a line of JSON with lists in each other, 100,000 deep",
        "its line 1: lists and objects are nested too deeply: '<…>'. Correct the line or corpus.format, or leave "
        "the file out.",
        looked_at(lambda path: put_lines(path, ['{"text": ' + "[" * 100_000]), JSON), JSON,
    ),
    file_case(
        "no object", "a line of JSON that is no object",
        "its line 1: it is JSON but not an object: '[1, 2]'. Each line must be an object with the key 'text'. Correct "
        "the line or corpus.format, or leave the file out.",
        looked_at(lambda path: put_lines(path, ["[1, 2]"]), JSON), JSON,
    ),
    file_case(
        "no key", "lines without the key",
        "none of its first 1 lines has the key 'text'; their keys: body. Correct corpus.text_column, or leave the file "
        "out.",
        looked_at(lambda path: put_lines(path, ['{"body": "a"}']), JSON), JSON,
    ),
    Case(
        "far id", "a tokenizer with a token whose id is two billion", JOB,
        "~/tokenizer.json: A tokenizer must have about as many ids as tokens; found 2 tokens and the id "
        "2,000,000,000. Number its tokens from 0.",
        put_fields(model={"type": "WordLevel", "vocab": {"a": 0, "b": 2_000_000_000}, "unk_token": "a"}),
    ),
    Case(
        "large tokenizer", "a tokenizer.json of a terabyte", JOB,
        "~/tokenizer.json: expected a tokenizer.json of at most 536,870,912 bytes; found 1,099,511,627,776. Name a "
        "tokenizer.json, a model folder or a GGUF file.",
        loaded("tokenizer.json", b"{", 2**40),
    ),
    Case(
        "nested tokenizer", "a tokenizer.json with lists in each other, 100,000 deep", JOB,
        "~/tokenizer.json: A tokenizer must be the text of a tokenizer.json; found text of 100000 characters that the "
        "tokenizers library cannot read (<…>). Save it with tokenizer.save_pretrained or tokenizer.save.",
        loaded("tokenizer.json", b"[" * 100_000),
    ),
    Case(
        "UTF-16 tokenizer", "a tokenizer.json in UTF-16", JOB,
        "~/tokenizer.json: expected a tokenizer.json, which is UTF-8 text; found other bytes (it is UTF-16; save it as "
        "UTF-8, for example with: iconv -f UTF-16 -t UTF-8 FILE). Name a tokenizer.json, a model folder or a GGUF "
        "file.",
        loaded("tokenizer.json", '{"version": "1.0"}'.encode("utf-16")),
    ),
    Case(
        "pickle", "a tokenizer that is a pickle", JOB,
        "~/tokenizer.pkl: expected a tokenizer.json; found a pickle, or an archive that may hold one. Loading a pickle "
        "runs the code inside it, so leadterm never does it. Save the tokenizer with tokenizer.save_pretrained.",
        loaded("tokenizer.pkl", pickle.dumps(_Anything())),
    ),
]  # fmt: skip
