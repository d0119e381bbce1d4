"""A corpus on the hub, listed on the driver and read on executors, from a small hub on this machine."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants

from leadterm import open_run
from leadterm.errors import InputError
from leadterm.pipeline.add_files.job import add_files
from leadterm.pipeline.encode_corpus.inputs.open_corpus import open_documents
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.planner.sampling import draw
from leadterm.storage import Location
from support.hub_server import DataSet, Hub, running_hub
from support.jobs import data_hashes, make_config

NAME = "hf://datasets/owner/name"
WORDS = {"kind": "words", "vocabulary_size": 20, "unknown": "replace"}
IDS = {"kind": "ids", "vocabulary_size": 50}
MADE = ("vocabulary", "windows")


def parquet(**columns: list) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, row_group_size=7)
    return sink.getvalue()


def texts(start: int, number: int) -> list[str]:
    return [f"the cat {i} sat on mat {i % 5}" for i in range(start, start + number)]


FILES = {
    "README.md": b"# A data set",
    ".gitattributes": b"*.parquet filter=lfs",
    "data/lang=en/a.parquet": parquet(text=texts(0, 40), n=list(range(40))),
    "data/lang=en/b.parquet": parquet(text=texts(40, 30), n=list(range(30))),
    "data/lang=de/c.parquet": parquet(text=texts(70, 20), n=list(range(20))),
}


@pytest.fixture
def hub(spark, monkeypatch) -> Iterator[Hub]:
    """A hub that the driver and new workers ask."""
    with running_hub() as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        template = running.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setitem(spark.sparkContext.environment, "HF_ENDPOINT", running.url)
        running.datasets["owner/name"] = DataSet()
        yield running


def local(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("path", ["", "@main/data", "/**/*.parquet", "/data/lang={en,de}/[abc].parquet"])
def test_it_is_the_corpus_that_the_files_are(spark, hub, tmp_path, path):
    commit = hub.datasets["owner/name"].commit(FILES)
    assert encode_corpus(spark, make_config(f"{NAME}{path}", WORDS), Location.of(tmp_path / "run"))
    parquet_files = {name: data for name, data in FILES.items() if name.endswith(".parquet")}
    other = make_config(local(tmp_path / "files", parquet_files), WORDS)
    assert encode_corpus(spark, other, Location.of(tmp_path / "other"))
    run, expected = open_run(tmp_path / "run"), open_run(tmp_path / "other")
    assert data_hashes(run, MADE) == data_hashes(expected, MADE)
    assert run.source_files["path"].to_pylist() == [f"{NAME}@{commit}/{name}" for name in sorted(parquet_files)]
    for column in ("bytes", "sha256", "rows"):
        assert run.source_files[column].to_pylist() == expected.source_files[column].to_pylist()


def test_json_lines_and_a_predicate(spark, hub, tmp_path):
    lines = "\n".join(json.dumps({"text": text, "n": i}) for i, text in enumerate(texts(0, 50))).encode()
    hub.datasets["owner/name"].commit({"lines.jsonl": lines})
    documents = open_documents(
        spark, make_config(f"{NAME}/*.jsonl", WORDS, corpus={"format": "json", "where": "n % 2 = 0"}).corpus
    )
    assert (documents.n_records, documents.n_unselected) == (25, 25)
    hub.datasets["owner/name"].commit(FILES)
    documents = open_documents(
        spark, make_config(f"{NAME}/data", WORDS, corpus={"where": "lang = 'en' AND n < 10"}).corpus
    )
    assert (documents.n_records, documents.n_unselected) == (20, 70)


def test_a_branch_that_moves_while_it_is_read_changes_nothing(spark, hub, tmp_path):
    commit = hub.datasets["owner/name"].commit(FILES)
    config = make_config(NAME, WORDS)
    documents = open_documents(spark, config.corpus)
    hub.datasets["owner/name"].commit({"data/lang=en/a.parquet": parquet(text=["other"])})
    assert encode_corpus(spark, config, Location.of(tmp_path / "run"), documents=documents)
    assert open_run(tmp_path / "run").manifest("windows").counts["documents"] == 90
    assert all(f"@{commit}/" in path for path in open_run(tmp_path / "run").source_files["path"].to_pylist())


def test_what_a_later_commit_adds_is_added(spark, hub, tmp_path):
    def ids(start: int) -> bytes:
        return parquet(ids=[[(start + i) % 50, 3, i] for i in range(20)])

    data, corpus = hub.datasets["owner/name"], {"ids_column": "ids"}
    config = make_config(f"{NAME}/*.parquet", IDS, corpus=corpus)
    data.commit({"a.parquet": ids(0)})
    assert add_files(spark, config, Location.of(tmp_path / "run"))
    data.commit({"a.parquet": ids(0), "b.parquet": ids(7)})
    assert add_files(spark, config, Location.of(tmp_path / "run"))
    assert not add_files(spark, config, Location.of(tmp_path / "run"))
    assert open_run(tmp_path / "run").manifest("windows").counts["documents"] == 40
    data.commit({"a.parquet": ids(1), "b.parquet": ids(7)})
    with pytest.raises(InputError, match=r"a.parquet has changed since it was counted"):
        add_files(spark, config, Location.of(tmp_path / "run"))


def test_bytes_that_are_not_those_listed_are_refused(spark, hub, monkeypatch):
    hub.datasets["owner/name"].commit(FILES)
    hub.forged = True
    with pytest.raises(InputError, match=r"its bytes have the SHA-256 .* but the hub lists 0000"):
        open_documents(spark, make_config(f"{NAME}/data", WORDS).corpus)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("hf://datasets/owner/nome", "no such public dataset"),
        (f"{NAME}@v9", "no such revision"),
        (f"{NAME}/d", "no such path"),
    ],
)
def test_what_is_not_there_is_refused(spark, hub, path, problem):
    hub.datasets["owner/name"].commit(FILES)
    with pytest.raises(InputError, match=problem):
        open_documents(spark, make_config(path, WORDS).corpus)


def test_a_plan_reads_the_hub(hub):
    hub.datasets["owner/name"].commit(FILES)
    config = make_config(NAME, WORDS)
    drawn = draw(config.corpus, config.windows, 10_000, 0)
    assert (drawn.files, drawn.documents.value) == (3, 90)
