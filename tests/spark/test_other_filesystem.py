"""Corpora on a filesystem that Spark opens and pyarrow does not: Hadoop's viewfs, mounted on a local folder."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from leadterm.config import Config, parse_config
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.storage import Location
from support.jobs import run_both

MOUNT = "fs.viewfs.mounttable.corpora.link./data"


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path) -> Iterator[Path]:
    """A folder that viewfs://corpora/data leads to."""
    place = tmp_path / "mounted"
    (place / "my dir").mkdir(parents=True)
    spark.conf.set("fs.viewfs.impl.disable.cache", "true")  # Each test mounts a folder of its own.
    spark.conf.set(MOUNT, place.as_uri())
    yield place / "my dir"
    spark.conf.unset(MOUNT)


def config(kind: str = "parquet", column: str = "text") -> Config:
    corpus = {"paths": ["viewfs://corpora/data/my dir"], "format": kind, "text_column": column}
    return parse_config({"corpus": corpus, "tokenizer": {"kind": "words", "vocabulary_size": 9}})


def test_parquet_is_read_and_stands_by_its_length_and_time(spark: SparkSession, folder: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one two one"]}), folder / "a.parquet")
    run = run_both(spark, config(), tmp_path / "run")
    assert [window.tolist() for window in run.windows()] == [[0, 1, 0]]
    (source,) = run.source_files.to_pylist()
    assert source["sha256"] is None
    assert source["bytes"] == (folder / "a.parquet").stat().st_size
    assert source["modified"] == int((folder / "a.parquet").stat().st_mtime * 1000)
    assert not encode_corpus(spark, config(), Location.of(tmp_path / "run"))


def test_json_lines_are_read(spark: SparkSession, folder: Path, tmp_path: Path) -> None:
    (folder / "a.json").write_text(json.dumps({"text": "one two one"}))
    run = run_both(spark, config("json"), tmp_path / "run")
    assert [window.tolist() for window in run.windows()] == [[0, 1, 0]]


def test_a_missing_column_is_named(spark: SparkSession, folder: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one two one"]}), folder / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: it has no column 'body', only text \(string\)"):
        encode_corpus(spark, config(column="body"), Location.of(tmp_path / "run"))
