"""Tables that Spark's connectors read; sources that answer as they do stand in for those that cannot be had here."""

import json
from pathlib import Path

import pytest

from leadterm.config import parse_config
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus.inputs.spark_tables import added_between, open_table, quoted
from support.fake_connectors import FakeHudi, FakeIceberg

SNAPSHOTS = [
    {"id": 11, "parent": None, "operation": "append", "texts": ["a", "b"], "added": ["a", "b"]},
    {"id": 7, "parent": 11, "operation": "append", "texts": ["a", "b", "c"], "added": ["c"]},
    {"id": 9, "parent": 7, "operation": "replace", "texts": ["a", "b", "c"], "added": []},
    {"id": 5, "parent": 9, "operation": "overwrite", "texts": ["d"], "added": []},
    {"id": 6, "parent": 5, "operation": "append", "texts": ["d", "e"], "added": ["e"]},
]


def corpus_of(**corpus):
    return parse_config({"corpus": corpus, "tokenizer": {"kind": "words", "vocabulary_size": 5}}).corpus


@pytest.fixture
def session(spark):
    session = spark.newSession()
    session.dataSource.register(FakeIceberg)
    session.dataSource.register(FakeHudi)
    return session


@pytest.fixture
def iceberg(tmp_path) -> Path:
    (tmp_path / "snapshots.json").write_text(json.dumps(SNAPSHOTS))
    return tmp_path


def texts(found) -> list[str]:
    return sorted(row["text"] for row in found.frame.select("text").collect())


@pytest.mark.parametrize(("version", "expected"), [(None, ["d", "e"]), (11, ["a", "b"]), ("7", ["a", "b", "c"])])
def test_iceberg_is_read_at_a_snapshot(session, iceberg, version, expected):
    found = open_table(session, corpus_of(paths=[str(iceberg)], format="iceberg", version=version))
    assert texts(found) == expected
    described = {"path": str(iceberg), "version": str(version or 6), "rows": len(expected)}
    assert found.source == {"bytes": None, "sha256": None, "modified": None, **described}


@pytest.mark.parametrize(
    ("old", "new", "expected"), [("11", 7, ["c"]), ("11", 9, ["c"]), ("7", 9, []), ("5", None, ["e"])]
)
def test_only_what_a_later_snapshot_added_is_read(session, iceberg, old, new, expected):
    found = added_between(session, corpus_of(paths=[str(iceberg)], format="iceberg", version=new), old)
    assert texts(found) == expected
    assert found.source["version"] == str(new or 6)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("7", 5, r"snapshot 5 \(overwrite\) removed or rewrote rows that were counted"),
        ("11", 6, r"snapshot 5 \(overwrite\) removed or rewrote rows"),
        ("9", 7, "snapshot 9 was counted, but 7 does not descend from it"),
        ("3", 7, "snapshot 3 was counted, but 7 does not descend from it, or the snapshots between have expired"),
    ],
)
def test_snapshots_that_took_rows_back_are_refused(session, iceberg, old, new, problem):
    with pytest.raises(InputError, match=problem) as caught:
        added_between(session, corpus_of(paths=[str(iceberg)], format="iceberg", version=new), old)
    assert "What was counted cannot be removed" in str(caught.value)


def test_hudi_is_read_at_the_last_finished_instant(session, tmp_path):
    timeline = tmp_path / ".hoodie" / "timeline"
    timeline.mkdir(parents=True)
    for name in (
        "20260101000000000.commit",
        "20260103000000000.inflight",
        "20260102000000000_20260102000001000.deltacommit",
    ):
        (timeline / name).touch()
    found = open_table(session, corpus_of(paths=[str(tmp_path)], format="hudi"))
    assert texts(found) == ["as of 20260102000000000"]
    assert found.source["version"] == "20260102000000000"
    with pytest.raises(InputError, match="cannot be distinguished from what was changed in a table of format hudi"):
        added_between(session, corpus_of(paths=[str(tmp_path)], format="hudi"), "20260101000000000")


def test_hudi_without_a_commit_is_refused(session, tmp_path):
    with pytest.raises(InputError, match="is not a Hudi table with a completed commit"):
        open_table(session, corpus_of(paths=[str(tmp_path)], format="hudi"))


@pytest.mark.parametrize(
    ("kind", "package"),
    [
        ("iceberg", r"org.apache.iceberg:iceberg-spark-runtime-\d+\.\d+_2\.13:VERSION, with the VERSION of it"),
        ("hudi", r"org.apache.hudi:hudi-spark\d+\.\d+-bundle_2\.13:VERSION, with the VERSION of it"),
    ],
)
def test_a_connector_that_is_not_there_is_named_with_its_settings(spark, tmp_path, kind, package):
    (tmp_path / ".hoodie").mkdir()
    (tmp_path / ".hoodie" / "20260101000000000.commit").touch()
    with pytest.raises(InputError, match=package) as caught:
        open_table(spark, corpus_of(paths=[str(tmp_path)], format=kind))
    assert "Set spark.jars.packages to" in str(caught.value)
    assert "Its settings: spark.sql.extensions: " in str(caught.value)


def test_a_table_of_a_catalog_without_versions_is_known_by_its_files(spark):
    spark.sql("CREATE TABLE plain USING parquet AS SELECT 'a b' AS text, 1 AS n UNION ALL SELECT 'c', 2")
    try:
        found = open_table(spark, corpus_of(table="spark_catalog.default.plain"))
        assert texts(found) == ["a b", "c"]
        assert (found.source["path"], found.source["rows"]) == ("spark_catalog.default.plain", 2)
        version = found.source["version"]
        assert open_table(spark, corpus_of(table="default.plain", version=version)).source["version"] == version
        spark.sql("INSERT INTO plain VALUES ('d', 3)")
        assert open_table(spark, corpus_of(table="plain")).source["version"] != version
        with pytest.raises(InputError, match="has no versions, and its files are now files-"):
            open_table(spark, corpus_of(table="plain", version=version))
        with pytest.raises(
            InputError, match="cannot be distinguished from what was changed in a table of format parquet"
        ):
            added_between(spark, corpus_of(table="plain"), version)
    finally:
        spark.sql("DROP TABLE plain")


@pytest.mark.parametrize("name", ["nowhere", "no_catalog.db.t", "default.`odd name`"])
def test_a_table_that_is_not_there_is_refused(spark, name):
    told = r"Spark cannot read .*(TABLE_OR_VIEW_NOT_FOUND|SINGLE_PART).* Check corpus.table.* spark.sql.catalog.NAME"
    with pytest.raises(InputError, match=told):
        open_table(spark, corpus_of(table=name))


def test_what_is_neither_files_nor_versioned_is_refused(spark):
    spark.sql("CREATE VIEW counted AS SELECT 'x' AS text")
    try:
        with pytest.raises(InputError, match="has neither versions nor files, so nothing would record"):
            open_table(spark, corpus_of(table="counted"))
    finally:
        spark.sql("DROP VIEW counted")


def test_names_are_quoted():
    assert quoted("a.b-c.`d.e f`") == "`a`.`b-c`.`d.e f`"
