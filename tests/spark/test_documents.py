"""Every document that gave a window leads back to its text: to the file and the row or line where it lies."""

import gzip
import hashlib
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm import Run, open_run
from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences
from leadterm.pipeline.encode_corpus import job as encode_job
from leadterm.pipeline.merge_runs.job import merge_runs
from leadterm.storage import Location
from support.bad_input import IDS, encode, put, put_lines
from support.jobs import make_config
from support.naive_corpus import naive_windows, naive_words

LENGTH = 4


def text_at(path: Path, row: int) -> str:
    """Look a text up by hand, without leadterm's reader."""
    if path.suffix == ".parquet":
        return pq.read_table(path)["text"][row].as_py()
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return json.loads(data.decode().splitlines()[row - 1])["text"]


def hash_of(ids: list[int]) -> int:
    digest = hashlib.blake2b(np.array(ids, dtype="<i4").tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def require_origins(run: Run, n_kept: int) -> None:
    """Follow each document to its text, and compare its hash, its tokens and its windows with that text's own."""
    ids = {token: number for number, token in enumerate(run.vocabulary["token"].to_pylist())}
    paths = [Location.of(path).path for path in run.source_files["path"].to_pylist()]
    documents = run.documents().to_pylist()
    seen = set()
    for one in documents:
        seen.add((one["source"], one["row"]))
        words = naive_words(text_at(Path(paths[one["source"]]), one["row"]))
        found = [ids.get(word, ids["<unk>"]) for word in words]
        assert one["document"] == hash_of(found)
        assert (one["tokens"], one["windows"]) == (len(found), len(naive_windows([found], LENGTH, "tile")))
    assert len(seen) == len(documents) == n_kept == run.manifest("documents").counts["documents"]
    assert run.manifest("documents").counts["windows"] == sum(one["windows"] for one in documents)


TEXTS = [None if n % 7 == 3 else " ".join(f"w{chr(97 + i)}" for i in range(n % 9)) for n in range(60)]
KEPT = sum(1 for text in TEXTS if text and len(naive_words(text)) > 1)


@pytest.mark.parametrize("chunks", [False, True])
def test_parquet_by_its_rows(spark, tmp_path, monkeypatch, chunks):
    if chunks:
        monkeypatch.setattr(encode_job, "CHUNK_BYTES", 1)
    for number in range(3):
        table = pa.table({"text": pa.array(TEXTS[20 * number : 20 * number + 20], pa.string())})
        put(tmp_path / f"in/{number}.parquet", table, row_group_size=7)
    require_origins(encode(spark, tmp_path / "run", tmp_path / "in", length=LENGTH), KEPT)


@pytest.mark.parametrize("compressed", [False, True])
def test_lines_by_their_numbers_blank_ones_counted(spark, tmp_path, monkeypatch, compressed):
    monkeypatch.setattr("leadterm.reading.line_blocks.BLOCK", 200)  # On the driver; executors take what it found.
    lines = [line for text in TEXTS for line in (json.dumps({"text": text}), *[" "] * (len(text or "") % 2))]
    path = put_lines(tmp_path / "a.jsonl", lines)
    if compressed:
        path = path.rename(tmp_path / "a.jsonl.gz")
        path.write_bytes(gzip.compress(path.read_bytes()))
    require_origins(encode(spark, tmp_path / "run", path, format="json", length=LENGTH), KEPT)


@pytest.fixture
def divided(spark):
    """Say into parts of how many bytes Spark divides files, until the test is over."""
    names = [f"spark.sql.files.{name}" for name in ("maxPartitionBytes", "openCostInBytes")]
    before = {name: spark.conf.get(name) for name in names}

    def divide(most: int) -> None:
        spark.conf.set(names[0], most)
        spark.conf.set(names[1], 1)

    yield divide
    for name, value in before.items():
        spark.conf.set(name, value)


def test_equal_documents_are_each_there_and_files_do_not_depend_on_the_division(spark, divided, tmp_path):
    path = put(tmp_path / "a.parquet", pa.table({"text": ["a b c", "d e", "a b c"] * 40}), row_group_size=3)
    runs = []
    for name, most in (("one", 2**30), ("many", 16)):
        divided(most)
        runs.append(encode(spark, tmp_path / name, path, length=LENGTH))
    first, second = ([entry.sha256 for entry in run.manifest("documents").files] for run in runs)
    assert first == second
    require_origins(runs[0], 120)
    rows = runs[0].documents().to_pylist()
    assert all((a["document"], a["row"]) < (b["document"], b["row"]) for a, b in pairwise(rows[:80]))


def test_merged_runs_keep_their_origins(spark, tmp_path):
    """Numbers of files change where runs are joined; the bytes are those of one run over all."""
    names = {"one": ["b", "d"], "other": ["a", "c", "e"]}
    for run, files in names.items():
        for number, name in enumerate(files):
            ids = [[1, 2, number, 4], [3, len(run)], None, [], [7]]
            put(tmp_path / f"{run}/{name}.parquet", pa.table({"ids": pa.array(ids, pa.list_(pa.int32()))}))
        encode(spark, tmp_path / f"run-{run}", tmp_path / run, IDS, ids_column="ids", length=LENGTH)
    whole = encode(spark, tmp_path / "whole", [tmp_path / run for run in names], IDS, ids_column="ids", length=LENGTH)
    places = [Location.of(tmp_path / f"run-{run}") for run in names]
    for place in places:
        count_cooccurrences(spark, make_config(tmp_path, IDS, corpus={"ids_column": "ids"}), place)
    assert merge_runs(spark, places, Location.of(tmp_path / "merged"))
    merged = open_run(tmp_path / "merged")
    assert merged.documents().equals(whole.documents())
    assert merged.manifest("documents").content_hash == whole.manifest("documents").content_hash
    assert len(merged.documents()) == 10
