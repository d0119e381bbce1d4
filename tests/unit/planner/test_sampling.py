"""Samples of corpora, and how large the corpora are said to be."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from leadterm.config import parse_config
from leadterm.errors import InputError
from leadterm.planner import sample_parquet as parquet_clusters
from leadterm.planner.sampling import draw
from support.jobs import write_files

N = 3000


def texts(random: np.random.Generator) -> list[str | None]:
    """Documents whose lengths differ by a factor of 50, null now and then."""
    lengths = random.integers(5, 250, N)
    return [None if i % 97 == 0 else f"word{i} " * int(length) for i, length in enumerate(lengths)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder, documents = tmp_path_factory.mktemp("corpus"), texts(np.random.default_rng(3))
    write_files(folder / "parquet", pa.array(documents), 4, row_group=100)
    lines = [json.dumps({"meta": {"text": text}}) for text in documents]
    for name, write in (("json", open), ("json.gz", gzip.open)):
        (folder / name).mkdir()
        for part in range(3):
            with write(folder / name / f"part-{part}.{name}", "wb") as file:
                file.write("\n".join([*lines[part::3], ""]).encode())
    return folder, documents


def sections(path, **corpus):
    settings = {"corpus": {"paths": [str(path)], **corpus}, "tokenizer": {"kind": "words", "vocabulary_size": 9}}
    config = parse_config(settings)
    return config.corpus, config.windows


JSON = {"format": "json", "text_column": "meta.text"}


@pytest.mark.parametrize(("kind", "options"), [("parquet", {}), ("json", JSON), ("json.gz", JSON)])
def test_a_small_corpus_is_drawn_whole(corpus, kind, options):
    folder, documents = corpus
    found = draw(*sections(folder / kind, **options), 10**9, seed=0)
    drawn = [text for batch in found.batches for text in batch.column(0).to_pylist()]
    assert sorted(drawn, key=str) == sorted(documents, key=str)
    assert drawn != documents, "they come in random order"
    n_bytes = sum(len(text) for text in documents if text)
    assert (found.documents.value, found.text_bytes.value, found.sample_bytes) == (N, n_bytes, n_bytes)
    assert found.share == 1
    assert found.documents.is_exact


@pytest.mark.parametrize(("kind", "options"), [("parquet", {}), ("json", JSON)])
def test_a_part_says_how_large_the_whole_is(corpus, kind, options, monkeypatch):
    folder, documents = corpus
    n_bytes = sum(len(text) for text in documents if text)
    for module in ("sampling", "sample_json"):
        monkeypatch.setattr(f"leadterm.planner.{module}.{'READ_BYTES' if module == 'sampling' else 'PIECE'}", 10**5)
    monkeypatch.setattr(parquet_clusters, "LEAST_ROWS", 50)
    found = draw(*sections(folder / kind, **options), 20_000, seed=0)
    assert 20_000 <= found.sample_bytes < 20_000 + 250 * len("word3000 ")
    assert found.text_bytes.low <= n_bytes <= found.text_bytes.high
    assert found.documents.low <= N <= found.documents.high
    assert found.text_bytes.high < 1.2 * n_bytes, "16 clusters of documents that are alike"


def test_a_limit_cuts_the_corpus_to_its_first_documents(corpus):
    folder, documents = corpus
    found = draw(*sections(folder / "parquet", max_documents=150), 10**9, seed=0)
    assert found.documents.value == 150
    drawn = {text for batch in found.batches for text in batch.column(0).to_pylist()}
    assert drawn == set(documents[:200]), "two row groups hold them"


def test_nested_columns_and_lists_of_ids(tmp_path):
    rows = [{"deep": {"ids": [1, 2, 3]}}, {"deep": {"ids": None}}, {"deep": None}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "ids.parquet")
    settings = {
        "corpus": {"paths": [str(tmp_path)], "ids_column": "deep.ids"},
        "tokenizer": {"kind": "ids", "vocabulary_size": 4},
    }
    config = parse_config(settings)
    found = draw(config.corpus, config.windows, 10**6, seed=0)
    drawn = [ids for batch in found.batches for ids in batch.column(0).to_pylist()]
    assert sorted(drawn, key=str) == [None, None, [1, 2, 3]]
    assert found.text_bytes.value == 24


def test_a_column_that_is_missing_is_named_before_anything_is_read(corpus):
    folder, _ = corpus
    with pytest.raises(InputError, match=r"part-000.parquet: it has no column 'content', only text \(string\)"):
        draw(*sections(folder / "parquet", text_column="content"), 1000, seed=0)


@pytest.mark.parametrize(
    "source", [{"paths": ["lake"], "format": "hudi"}, {"table": "a.b"}, {"paths": ["a"], "format": "csv"}]
)
def test_what_no_sample_is_drawn_from_is_told(source):
    settings = {"corpus": source, "tokenizer": {"kind": "words", "vocabulary_size": 5}}
    with pytest.raises(InputError, match=r"a plan samples only parquet, json, delta. Write some of the rows"):
        config = parse_config(settings)
        draw(config.corpus, config.windows, 1000, 0)


@pytest.mark.parametrize("version", [None, 0])
def test_a_delta_table_is_as_large_as_its_version(tmp_path, version):
    for number in range(3):
        write_deltalake(tmp_path, pa.table({"text": [f"word {i}" for i in range(10 * number, 40)]}), mode="append")
    DeltaTable(tmp_path).delete("text = 'word 39'")
    source = {"paths": [str(tmp_path)], "format": "delta", "version": version}
    settings = {"corpus": source, "tokenizer": {"kind": "words", "vocabulary_size": 5}}
    config = parse_config(settings)
    drawn = draw(config.corpus, config.windows, 10_000, 0)
    assert drawn.documents.value == len(DeltaTable(tmp_path, version=version).to_pyarrow_table())
