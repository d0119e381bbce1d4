"""Tables as a corpus: a version is read as it was, later ones are added, and rows taken back are refused."""

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from leadterm import open_run
from leadterm.errors import ConfigError, InputError
from leadterm.pipeline.add_files.job import add_files
from leadterm.pipeline.encode_corpus.inputs.open_corpus import open_documents
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.pipeline.merge_runs.job import merge_runs
from leadterm.storage import Location
from support.fake_connectors import FakeHudi, FakeIceberg
from support.jobs import data_hashes, make_config, write_files

WORDS = {"kind": "words", "vocabulary_size": 30, "unknown": "replace"}
IDS = {"kind": "ids", "vocabulary_size": 60}
MADE = ("vocabulary", "windows")


def rows(start: int, number: int, lang: str = "en") -> pa.Table:
    numbers = range(start, start + number)
    return pa.table(
        {
            "text": [f"the {lang} row {i % 9} of it" for i in numbers],
            "ids": [[i % 60, 3, i % 7] for i in numbers],
            "n": pa.array(numbers, pa.int64()),
            "lang": [lang] * number,
            "day": pa.array([date(2026, 1, 1 + i % 3) for i in numbers]),
        }
    )


@pytest.fixture
def root(tmp_path) -> Path:
    """A table in partitions of two columns, one with dates: rows appended, deleted, and appended again."""
    root = tmp_path / "lake"
    write_deltalake(root, rows(0, 30), partition_by=["lang", "day"])
    write_deltalake(root, rows(30, 20, "de"), mode="append")
    DeltaTable(root).delete("n = 7 OR n = 41")
    DeltaTable(root).create_checkpoint()
    write_deltalake(root, rows(50, 15, "a b"), mode="append")
    return root


def corpus_of(root: Path, **settings):
    return {"paths": [str(root)], "format": "delta", **settings}


def encoded(spark, place: Path, corpus: dict):
    assert encode_corpus(spark, make_config(place, WORDS, corpus=corpus), Location.of(place))
    return open_run(place)


def independent(spark, root: Path, place: Path, version: int | None = None, keeps=lambda row: True):
    """A run over the texts that delta-rs reads."""
    kept = [row["text"] for row in DeltaTable(root, version=version).to_pyarrow_table().to_pylist() if keeps(row)]
    return encoded(spark, place, {"paths": [str(write_files(place.parent / f"{place.name}-in", pa.array(kept), 2))]})


@pytest.mark.parametrize("version", [None, 0, 1, 2])
def test_a_delta_table_is_read_at_its_version(spark, root, tmp_path, version):
    run = encoded(spark, tmp_path / "run", corpus_of(root, version=version))
    expected = independent(spark, root, tmp_path / "other", version)
    assert data_hashes(run, MADE) == data_hashes(expected, MADE)
    assert run.manifest("windows").counts == expected.manifest("windows").counts
    (source,) = run.source_files.to_pylist()
    latest = DeltaTable(root, version=version)
    assert (source["path"], source["version"], source["sha256"]) == (str(root), str(latest.version()), None)
    assert source["rows"] == latest.to_pyarrow_table().num_rows


@pytest.mark.parametrize(
    ("where", "keeps"),
    [
        ("lang = 'de' AND n < 40", lambda row: row["lang"] == "de" and row["n"] < 40),
        ("lang IN ('a b', 'de')", lambda row: row["lang"] in ("a b", "de")),
        ("day > date '2026-01-01'", lambda row: row["day"] > date(2026, 1, 1)),
        ("month(day) = 1 AND day < '2026-01-03'", lambda row: row["day"] < date(2026, 1, 3)),
    ],
)
def test_a_predicate_asks_for_partition_columns_by_their_types(spark, root, tmp_path, where, keeps):
    run = encoded(spark, tmp_path / "run", corpus_of(root, where=where))
    expected = independent(spark, root, tmp_path / "other", None, keeps)
    assert data_hashes(run, MADE) == data_hashes(expected, MADE)
    counts = run.manifest("windows").counts
    assert counts["documents"] == 63
    assert counts["dropped"]["where"] == 63 - expected.manifest("windows").counts["documents"]


def test_a_run_is_current_while_the_table_is(spark, root, tmp_path):
    encoded(spark, tmp_path / "run", corpus_of(root))
    config = make_config(root, WORDS, corpus=corpus_of(root, version=3))
    assert not encode_corpus(spark, config, Location.of(tmp_path / "run"))


def grown(spark, corpus: dict, place: Path) -> bool:
    return add_files(spark, make_config(place, IDS, corpus=corpus), Location.of(place))


def test_what_later_versions_added_is_added(spark, tmp_path):
    root, corpus = tmp_path / "lake", corpus_of(tmp_path / "lake", ids_column="ids", where="n % 5 > 0")
    write_deltalake(root, rows(0, 30), partition_by=["lang"])
    assert grown(spark, corpus, tmp_path / "run")
    write_deltalake(root, rows(30, 20, "de"), mode="append")
    write_deltalake(root, rows(0, 30), mode="append")
    assert grown(spark, corpus, tmp_path / "run")
    assert not grown(spark, corpus, tmp_path / "run")
    DeltaTable(root).optimize.compact()
    assert not grown(spark, corpus, tmp_path / "run")
    write_deltalake(root, rows(60, 7, "fr"), mode="append")
    assert grown(spark, corpus, tmp_path / "run")
    assert grown(spark, corpus, tmp_path / "once")
    run, once = open_run(tmp_path / "run"), open_run(tmp_path / "once")
    assert data_hashes(run) == data_hashes(once)
    assert run.manifest("windows").counts == once.manifest("windows").counts
    assert [(row["version"], row["rows"]) for row in run.source_files.to_pylist()] == [("4", 87)]
    DeltaTable(root).delete("n = 3")
    with pytest.raises(
        InputError, match=r"version 5 \(DELETE\) removed or rewrote rows that were counted.* cannot be removed"
    ):
        grown(spark, corpus, tmp_path / "run")
    with pytest.raises(InputError, match="version 4 was counted, but 2 is earlier"):
        grown(spark, {**corpus, "version": 2}, tmp_path / "run")
    with pytest.raises(ConfigError, match=r"the corpus is a table .* name no files"):
        add_files(spark, make_config(root, IDS, corpus=corpus), Location.of(tmp_path / "run"), ["a.parquet"])


def test_one_table_is_not_counted_twice_by_a_merge(spark, tmp_path):
    root = tmp_path / "lake"
    for number, name in enumerate(("one", "two")):
        write_deltalake(root, rows(10 * number, 10), mode="append")
        assert grown(spark, corpus_of(root, ids_column="ids"), tmp_path / name)
    with pytest.raises(InputError, match=r"lake at version 1, beside 0"):
        merge_runs(
            spark, [Location.of(tmp_path / "one"), Location.of(tmp_path / "two")], Location.of(tmp_path / "both")
        )


def test_a_table_that_leadterm_cannot_read_names_the_connector(spark, tmp_path):
    write_deltalake(tmp_path / "t", rows(0, 3))
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["futureThing"], "writerFeatures": []}
    (tmp_path / "t" / "_delta_log" / f"{1:020d}.json").write_text(json.dumps({"protocol": protocol}))
    packages = r"spark.jars.packages to io.delta:delta-spark_\d+\.\d+_2.13:VERSION, with"
    told = f"requires the reader features futureThing.* {packages}"
    with pytest.raises(InputError, match=told) as caught:
        open_documents(spark, make_config(tmp_path, WORDS, corpus=corpus_of(tmp_path / "t")).corpus)
    assert "io.delta.sql.DeltaSparkSessionExtension" in str(caught.value)


def test_a_file_that_is_gone_or_has_other_rows_than_the_log_says_is_refused(spark, tmp_path):
    write_deltalake(tmp_path / "t", rows(0, 3))
    corpus = make_config(tmp_path, WORDS, corpus=corpus_of(tmp_path / "t")).corpus
    log = tmp_path / "t" / "_delta_log" / f"{0:020d}.json"
    log.write_text(log.read_text().replace('\\"numRecords\\":3', '\\"numRecords\\":4'))
    with pytest.raises(InputError, match="has 3 rows, but the table's log says 4"):
        open_documents(spark, corpus)
    next((tmp_path / "t").glob("*.parquet")).unlink()
    with pytest.raises(InputError, match="1 of 1 input files cannot be used"):
        open_documents(spark, corpus)


@pytest.mark.parametrize(
    ("corpus", "problem"),
    [
        ({"text_column": "words"}, "it has no column 'words'"),
        ({"text_column": "lang"}, "it has no column 'lang'"),
        ({"version": 9}, "has no version 9; its latest is 3"),
        ({"where": "langue = 'x'"}, "names the column langue, which does not exist"),
    ],
)
def test_what_the_table_lacks_is_told(spark, root, corpus, problem):
    with pytest.raises((InputError, ConfigError), match=problem):
        open_documents(spark, make_config(root, WORDS, corpus=corpus_of(root, **corpus)).corpus)


@pytest.fixture
def session(spark):
    session = spark.newSession()
    session.dataSource.register(FakeIceberg)
    session.dataSource.register(FakeHudi)
    return session


def texts(number: int) -> list[str]:
    return [f"the row {i} of it" for i in range(number)]


def test_a_table_that_a_connector_reads(session, tmp_path):
    snapshots = [{"id": 3, "parent": None, "operation": "append", "texts": texts(20), "added": texts(20)}]
    (tmp_path / "snapshots.json").write_text(json.dumps(snapshots))
    corpus = {"paths": [str(tmp_path)], "format": "iceberg"}
    run = encoded(session, tmp_path / "run", corpus)
    files = {"paths": [str(write_files(tmp_path / "in", pa.array(texts(20)), 2))]}
    expected = encoded(session, tmp_path / "other", files)
    assert data_hashes(run, MADE) == data_hashes(expected, MADE)
    (source,) = run.source_files.to_pylist()
    assert (source["path"], source["version"], source["rows"], source["bytes"]) == (str(tmp_path), "3", 20, None)
    some = encoded(session, tmp_path / "some", {**corpus, "where": "text LIKE '%1%' AND lang = 'en'"})
    kept = sum("1" in text for text in texts(20))
    assert some.manifest("windows").counts["dropped"]["where"] == 20 - kept
    assert some.manifest("windows").counts["kept"] == kept
    with pytest.raises(ConfigError, match="names the column langue, which does not exist; there are text, lang"):
        open_documents(session, make_config(tmp_path, WORDS, corpus={**corpus, "where": "langue = 'x'"}).corpus)
    with pytest.raises(InputError, match="it has no column 'words', only text"):
        open_documents(session, make_config(tmp_path, WORDS, corpus={**corpus, "text_column": "words"}).corpus)


def test_a_table_of_a_catalog_is_a_corpus(spark, tmp_path):
    spark.sql("CREATE TABLE plain USING parquet AS SELECT concat('the row ', id, ' of it') AS text, id FROM range(20)")
    try:
        run = encoded(spark, tmp_path / "run", {"paths": [], "table": "default.plain", "where": "id < 15"})
        assert run.manifest("windows").counts["kept"] == 15
        assert run.source_files["path"].to_pylist() == ["default.plain"]
    finally:
        spark.sql("DROP TABLE plain")


def test_avro_names_its_package(spark, tmp_path):
    (tmp_path / "a.avro").write_bytes(b"Obj\x01")
    with pytest.raises(
        InputError, match=r"spark.jars.packages to org.apache.spark:spark-avro_2.13:\d+\.\d+\.\d+, in the"
    ):
        open_documents(spark, make_config(tmp_path, WORDS, corpus={"format": "avro"}).corpus)


def test_a_folder_of_a_table_read_as_files_is_refused(spark, root):
    for path in (root, root / "lang=en", root / "lang=*" / "**" / "*.parquet"):
        with pytest.raises(InputError, match=r"the root of a Delta table .* Set corpus.format to delta"):
            open_documents(spark, make_config(path, WORDS).corpus)


def test_documents_lead_to_the_table_and_to_no_row(spark, tmp_path):
    write_deltalake(tmp_path / "lake", rows(0, 30), partition_by=["lang"])
    corpus = corpus_of(tmp_path / "lake", ids_column="ids")
    assert grown(spark, corpus, tmp_path / "run")
    write_deltalake(tmp_path / "lake", rows(30, 20, "de"), mode="append")
    assert grown(spark, corpus, tmp_path / "run")
    found = open_run(tmp_path / "run").documents()
    assert len(found) == 50
    assert set(found["source"].to_pylist()) == {0}
    assert found["row"].null_count == 50
