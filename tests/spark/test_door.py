"""Files at the door: those that are read are those that were listed, each once, and whatever is left out is said."""

import gzip
import os
import shutil

import pyarrow as pa
import pytest

from leadterm.pipeline.encode_corpus.inputs import open_corpus as documents_module
from support.bad_input import TEXTS, account, encode, json_lines, put, put_lines, refusal, texts
from support.odd_corpora.packing import READ

FORMATS = ("json", "parquet")


def put_texts(path, values, format="json"):
    return put_lines(path, json_lines(values)) if format == "json" else put(path, texts(values))


@pytest.fixture
def read(spark, tmp_path):
    return lambda *args, **corpus: account(encode(spark, tmp_path / "run", *args, **corpus))


@pytest.fixture
def refuse(spark, tmp_path):
    return lambda *args, **corpus: refusal(spark, tmp_path, *args, **corpus)


def kept(number):
    return {"documents": number, "kept": number}


# Globs


@pytest.fixture
def tree(tmp_path):
    """Thirty documents on three levels, ten to a file."""
    for number, folder in enumerate(("", "one", "one/two")):
        put_texts(tmp_path / "in" / folder / f"{number}.jsonl", TEXTS[10 * number : 10 * number + 10])
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("pattern", "documents"),
    [
        ("**/*.jsonl", 30), ("**", 30), ("*", 30), ("", 30), ("**/two/*.jsonl", 10), ("one/**/*.jsonl", 20),
        ("*.jsonl", 10), ("*/*.jsonl", 10), ("*/*/*.jsonl", 10), ("**/[01].jsonl", 20), ("**/{0,2}.jsonl", 20),
        ("one/?.jsonl", 10), ("{one,three}/**/*.jsonl", 20), ("o*", 20), ("one/**", 20), ("**/t[uvw]o/*", 10),
    ],
)  # fmt: skip
def test_globs(read, tree, pattern, documents):
    assert read(tree / pattern, format="json") == kept(documents)


def test_a_glob_that_matches_nothing_is_named(refuse, tree):
    assert str(tree / "**/*.pq") in refuse(tree / "**/*.pq", format="json")


# Twins


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("how", [shutil.copy, os.link, os.symlink], ids=["copy", "hard link", "symlink"])
def test_the_same_bytes_twice(spark, tmp_path, refuse, format, how):
    first = put_texts(tmp_path / "in/a", TEXTS[:20], format)
    put_texts(tmp_path / "in/b", TEXTS[20:40], format)
    (tmp_path / "in/c").mkdir()
    how(first, tmp_path / "in/c/d")
    message = refuse(tmp_path / "in", format=format)
    assert str(first) in message
    assert str(tmp_path / "in/c/d") in message
    assert "copies" in message
    run = encode(spark, tmp_path / "counted", tmp_path / "in", format=format, copies="count")
    assert account(run) == kept(60)
    assert sorted(run.source_files["rows"].to_pylist()) == [20, 20, 20]


@pytest.mark.parametrize("data", [b"", b"\n \n", gzip.compress(b"", mtime=0)], ids=["no bytes", "blank", "gzip"])
def test_files_without_a_record_may_be_alike(read, tmp_path, data):
    put_texts(tmp_path / "in/a", TEXTS)
    for name in "bcd":
        (tmp_path / "in" / name).write_bytes(data)
    assert read(tmp_path / "in", format="json") == kept(60)


def test_tables_without_a_row_may_be_alike(read, tmp_path):
    put(tmp_path / "in/a", texts(TEXTS))
    for name in "bcd":
        put(tmp_path / "in" / name, texts([]))
    assert read(tmp_path / "in") == kept(60)


def test_the_same_path_twice_is_one_file(read, tmp_path):
    path = put_texts(tmp_path / "in/a.jsonl", TEXTS)
    assert read([path, path, tmp_path / "in", tmp_path / "in/*.jsonl"], format="json") == kept(60)


# What a folder holds beside its text


@pytest.mark.parametrize("format", FORMATS)
def test_hidden_files_and_companions_are_left_out(read, tmp_path, format):
    put_texts(tmp_path / "in/a", TEXTS, format)
    put_texts(tmp_path / "in/_b", TEXTS[:5], format)
    put_texts(tmp_path / "in/.c", TEXTS[:6], format)
    put_texts(tmp_path / "in/_temporary/d", TEXTS[:7], format)
    for name in ("README.md", "README", "LICENSE", "notes.md", "dataset_infos.json", "a.crc"):
        (tmp_path / "in" / name).write_text("About these files.\n")
    assert read(tmp_path / "in", format=format) == kept(60)


@pytest.mark.parametrize("names", [["_b.parquet"], [".c.parquet", "x/_d.parquet", "README.md"], ["_e/f.parquet"]])
def test_what_is_left_out_is_said(spark, tmp_path, caplog, names):
    put(tmp_path / "in/a.parquet")
    for name in names:
        put(tmp_path / "in" / name, texts(TEXTS[:5]))
    with caplog.at_level("INFO", logger="leadterm"):
        run = encode(spark, tmp_path / "run", tmp_path / "in")
    assert account(run) == kept(60)
    assert run.manifest("sources").counts["left_out"] == len(names)
    said = [record.getMessage() for record in caplog.records if "files are skipped" in record.getMessage()]
    assert len(said) == 1
    assert all(name.rpartition("/")[2] in said[0] for name in names)


def test_companions_that_are_named_are_read(refuse, tmp_path):
    put_texts(tmp_path / "in/a", TEXTS)
    (tmp_path / "in/README.md").write_text("About these files.\n")
    assert "README.md" in refuse([tmp_path / "in", tmp_path / "in/README.md"], format="json")


# Files that come and go


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("path", ["in", "in/*", "in/**"])
def test_a_file_that_lands_after_the_listing_is_not_counted(read, tmp_path, monkeypatch, format, path):
    put_texts(tmp_path / "in/a", TEXTS[:30], format)
    listing = documents_module.list_files

    def list_and_land(*args, **kwargs):
        found = listing(*args, **kwargs)
        put_texts(tmp_path / "in/b", TEXTS[30:], format)
        return found

    monkeypatch.setattr(documents_module, "list_files", list_and_land)
    assert read(tmp_path / path, format=format) == kept(30)


# Records are accounted for


@pytest.mark.parametrize("ending", [".gz", ".lz4", ".gzip", ""])
def test_compressed_files_beside_plain_ones(spark, tmp_path, ending):
    """Each compression, whatever the name says; the account has the records of all, and so have the sources."""
    put_texts(tmp_path / "in/plain.jsonl", TEXTS[:10])
    for number, pack in enumerate(READ.values(), start=1):
        lines = "\n".join(json_lines(TEXTS[10 * number : 10 * number + 10]))
        (tmp_path / f"in/{number}.jsonl{ending}").write_bytes(pack(lines.encode()))
    run = encode(spark, tmp_path / "run", tmp_path / "in", format="json")
    assert account(run) == kept(60)
    assert run.source_files["rows"].to_pylist() == [10] * 6


@pytest.mark.parametrize("name", ["12:30.jsonl", "a:b:c", "%3A", "x=1:2.parquet"])
@pytest.mark.parametrize("format", FORMATS)
def test_colons_in_names(spark, tmp_path, name, format):
    path = put_texts(tmp_path / "in:1" / name, TEXTS, format)
    for number, paths in enumerate((path, path.parent, [path.parent])):
        run = encode(spark, tmp_path / f"run {number}", paths, format=format)
        assert account(run) == kept(60)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spark.sql.execution.arrow.useLargeVarTypes", "true"),
        ("spark.sql.caseSensitive", "false"),
        ("spark.sql.caseSensitive", "true"),
        ("spark.sql.files.maxPartitionBytes", "100"),
        ("spark.sql.files.ignoreCorruptFiles", "true"),
        ("spark.sql.execution.arrow.maxRecordsPerBatch", "7"),
    ],
)
def test_settings_of_spark_change_nothing(spark, read, tmp_path, key, value):
    put(tmp_path / "in/a.parquet", pa.table({"Text": range(60), "text": TEXTS}))
    before = spark.conf.get(key)
    spark.conf.set(key, value)
    try:
        assert read(tmp_path / "in") == kept(60)
    finally:
        spark.conf.set(key, before)


def test_replaced_halves_are_counted(spark, tmp_path):
    path = put_lines(tmp_path / "a.jsonl", [*json_lines(), *[f'{{"text": "the \\ud83d cat {n}"}}' for n in range(3)]])
    run = encode(spark, tmp_path / "run", path, format="json", surrogates="replace")
    assert account(run) == kept(63)
    assert run.manifest("windows").counts["replaced_surrogates"] == 3
