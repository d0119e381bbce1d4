"""ORC and CSV that Spark writes are the corpus that Spark reads in them; a predicate asks for their columns."""

from pathlib import Path

import pytest

from leadterm import open_run
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus.inputs.open_corpus import open_documents
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.storage import Location
from support.jobs import data_hashes, make_config

WORDS = {"kind": "words", "vocabulary_size": 30, "unknown": "replace"}
MADE = ("vocabulary", "windows")
TEXT = "concat('the \"row\" ', id % 9, ',\n of it') AS text, id AS n, if(id % 4 = 0, null, 'en') AS lang"


def encoded(spark, folder: Path, output: Path, **corpus):
    assert encode_corpus(spark, make_config(folder, WORDS, corpus=corpus), Location.of(output))
    return open_run(output)


@pytest.fixture(params=["orc", "csv"])
def written(request, spark, tmp_path) -> tuple[str, Path]:
    """Files of Spark's, in partition folders."""
    frame = spark.range(200).selectExpr(
        *TEXT.split(", id AS")[:1], "id AS n", "id % 3 AS part", "if(id % 4 = 0, null, 'en') AS lang"
    )
    writer = frame.repartition(2).write.partitionBy("part").option("header", "true").option("escape", '"')
    writer.format(request.param).save(str(tmp_path / "in"))
    return request.param, tmp_path / "in"


@pytest.mark.parametrize(("where", "condition"), [(None, "true"), ("n >= 50 AND part = 1", "n >= 50 AND part = 1")])
def test_it_is_what_spark_reads(spark, written, tmp_path, where, condition):
    kind, folder = written
    reader = spark.read.option("header", "true").option("escape", '"').option("multiLine", "true")
    reader.format(kind).load(str(folder)).where(condition).select("text").write.parquet(str(tmp_path / "same"))
    run = encoded(spark, folder, tmp_path / "run", format=kind, where=where)
    expected = encoded(spark, tmp_path / "same", tmp_path / "other")
    assert data_hashes(run, MADE) == data_hashes(expected, MADE)
    counts = run.manifest("windows").counts
    assert counts["documents"] == 200 == sum(run.source_files["rows"].to_pylist())
    assert counts["kept"] == expected.manifest("windows").counts["kept"]
    assert None not in run.source_files["sha256"].to_pylist()


@pytest.mark.parametrize("wanted", [3, 150])
def test_the_first_documents_are_those_in_order(spark, written, wanted):
    kind, folder = written
    documents = open_documents(
        spark, make_config(folder, WORDS, corpus={"format": kind, "max_documents": wanted}).corpus
    )
    assert documents.n_records == wanted


def test_a_ragged_record_is_named_with_its_file(spark, tmp_path):
    (tmp_path / "a.csv").write_text("text,n\na,1\nb\n")
    with pytest.raises(InputError, match=r"a.csv: its record that ends on line 3 has 1 fields, but the header has 2"):
        open_documents(spark, make_config(tmp_path, WORDS, corpus={"format": "csv"}).corpus)
