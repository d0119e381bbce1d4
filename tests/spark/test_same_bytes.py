"""The bytes of all products are the same however the work and the input are divided."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from leadterm import Run, open_run
from leadterm.config import Config
from leadterm.corpus import read_sample
from leadterm.counting import plan_memory
from leadterm.errors import ConfigError, RunError
from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.storage import Location
from support.jobs import PRODUCTS, data_hashes, make_config, manifests, run_both, write_files

COUNTED = ("bigram", "context", "frequencies")
LENGTH, FILES = 32, 16


@pytest.fixture(scope="module")
def texts() -> pa.Array:
    """Every twentieth chapter of the sample, an empty and a missing document, and one chapter twice."""
    chapters = read_sample()["text"].to_pylist()[::20]
    return pa.array([*chapters, "", None, chapters[0]])


def config_for(path: Path) -> Config:
    return make_config(
        path,
        {"kind": "words", "vocabulary_size": 250, "unknown": "replace"},
        corpus={"copies": "count"},  # Of many small files some hold the same.
        windows={"length": LENGTH, "files": FILES},
        counting={"rows_per_file": 12},
    )


@pytest.fixture(scope="module")
def reference(spark, texts, tmp_path_factory) -> Run:
    """The run on the corpus in one file, counted by two tasks."""
    folder = tmp_path_factory.mktemp("reference")
    config = config_for(write_files(folder / "in", texts, 1))
    return run_both(spark, config, folder / "run", tasks=2)


def copy_of_windows(reference: Run, folder: Path) -> Location:
    """Copy what the counting job reads into a folder of its own."""
    for product in ("windows", "vocabulary"):
        shutil.copytree(Path(reference.location.path) / product, folder / product)
    return Location.of(folder)


def same_but_for_time(found: Run, expected: Run, products: tuple[str, ...]) -> bool:
    """Compare whole manifests, which hold the hashes of all files."""
    timeless = [
        {
            name: replace(manifest, seconds={}, passing_bytes={}, work={})
            for name, manifest in manifests(run, products).items()
        }
        for run in (found, expected)
    ]
    return timeless[0] == timeless[1]


def test_the_reference_has_something_to_divide(reference):
    groups = [entry.details.get("row_group_tokens", []) for entry in reference.manifest("windows").files]
    assert sum(map(len, groups)) == FILES
    assert len(reference.manifest("bigram").files) == len(reference.manifest("context").files) == 21
    assert len(data_hashes(reference)) == FILES + 1 + 2 * 21 + 1


@pytest.mark.parametrize("tasks", [1, 7, 64, None])
def test_any_number_of_tasks(spark, reference, tmp_path, tasks):
    run = copy_of_windows(reference, tmp_path / "run")
    assert count_cooccurrences(spark, config_for(tmp_path), run, tasks=tasks)
    assert same_but_for_time(open_run(tmp_path / "run"), reference, COUNTED)


def test_more_files_of_partial_sums_than_a_task_opens(spark, reference, tmp_path, monkeypatch):
    monkeypatch.setattr("leadterm.pipeline.aggregation.driver.MOST_FILES", 2)  # of 7 become 4, of 4 become 2
    run = copy_of_windows(reference, tmp_path / "run")
    assert count_cooccurrences(spark, config_for(tmp_path), run, tasks=7)
    assert same_but_for_time(open_run(tmp_path / "run"), reference, COUNTED)


def least_memory(vocabulary_size: int) -> int:
    """Find about the least memory that a counting task can work with; below what a config may ask for."""
    memory = 1024
    while True:
        try:
            plan_memory(memory, vocabulary_size, LENGTH)
            return memory
        except ConfigError:
            memory = memory * 5 // 4


def test_any_memory(spark, reference, tmp_path):
    run, config = copy_of_windows(reference, tmp_path / "run"), config_for(tmp_path)
    memory = least_memory(reference.vocabulary_size)
    plan = plan_memory(memory, reference.vocabulary_size, LENGTH)
    assert 5 * plan.unit_tokens < reference.n_positions  # several units a task, or this tests nothing
    assert plan.batch_entries < 5 * reference.vocabulary_size
    small = config.counting.model_copy(update={"memory_per_task": memory})
    config = config.model_copy(update={"counting": small})
    assert count_cooccurrences(spark, config, run, tasks=2)
    assert same_but_for_time(open_run(tmp_path / "run"), reference, COUNTED)


@pytest.mark.parametrize("n_files", [7, 64])
def test_any_number_of_input_files(spark, texts, reference, tmp_path, n_files):
    config = config_for(write_files(tmp_path / "in", texts, n_files))
    assert data_hashes(run_both(spark, config, tmp_path / "run")) == data_hashes(reference)


def test_any_order_of_rows_and_any_names_of_files(spark, texts, reference, tmp_path):
    shuffled = texts.take(pa.array(np.random.default_rng(1).permutation(len(texts))))
    write_files(tmp_path / "in", shuffled, 5)
    for number, name in enumerate(["z", "b c", "ä", "a/m=1/x", "0%20"]):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / f"part-{number:03d}.parquet").rename(tmp_path / "in" / f"{name}.parquet")
    paths = (str(tmp_path / "in" / "*.parquet"), str(tmp_path / "in" / "a" / "*" / "*.parquet"))
    config = config_for(tmp_path / "in")
    config = config.model_copy(update={"corpus": config.corpus.model_copy(update={"paths": paths})})
    assert data_hashes(run_both(spark, config, tmp_path / "run")) == data_hashes(reference)


def test_any_splits_of_a_file(spark, texts, reference, tmp_path):
    config = config_for(write_files(tmp_path / "in", texts, 1, row_group=3))
    before = spark.conf.get("spark.sql.files.maxPartitionBytes")
    spark.conf.set("spark.sql.files.maxPartitionBytes", "20000")
    try:
        assert spark.read.parquet(str(tmp_path / "in")).rdd.getNumPartitions() > 5
        run = run_both(spark, config, tmp_path / "run")
    finally:
        spark.conf.set("spark.sql.files.maxPartitionBytes", before)
    assert data_hashes(run) == data_hashes(reference)


def test_a_trained_tokenizer_in_any_division(spark, texts, tmp_path, monkeypatch):
    """Whatever the tasks and files: the same tokenizer.json and windows. What is there is not made again."""
    tokenizer = {"kind": "bpe", "vocabulary_size": 400, "training_documents": 40}
    hashes = []
    before = spark.conf.get("spark.sql.files.maxPartitionBytes")
    for name, n_files, split in (("one", 1, before), ("split", 1, "20000"), ("many", 9, before)):
        config = make_config(write_files(tmp_path / name, texts, n_files, row_group=3), tokenizer)
        run = Location.of(tmp_path / f"run-{name}")
        spark.conf.set("spark.sql.files.maxPartitionBytes", split)
        try:
            assert encode_corpus(spark, config, run)
        finally:
            spark.conf.set("spark.sql.files.maxPartitionBytes", before)
        hashes.append(data_hashes(open_run(run.path), ("vocabulary", "windows")))
    assert "vocabulary/tokenizer.json" in hashes[0]
    assert hashes[1:] == hashes[:1] * 2

    monkeypatch.setattr("leadterm.pipeline.encode_corpus.job.made_tokenizer", None)  # Nothing is trained now.
    assert not encode_corpus(spark, config, run)
    fewer = make_config(tmp_path / "many", {**tokenizer, "training_documents": 39})
    with pytest.raises(RunError, match=r"differs in tokenizer.training_documents: 40 there, 39 now"):
        encode_corpus(spark, fewer, run)
    (tmp_path / "many/part-008.parquet").rename(tmp_path / "many/a.parquet")  # Other documents come first.
    with pytest.raises(RunError, match=r"differs in made from corpus"):
        encode_corpus(spark, config, run)


def test_run_twice_and_run_again(spark, texts, reference, tmp_path):
    folder = Path(reference.location.path)
    again = run_both(spark, config_for(folder.parent / "in"), tmp_path / "run")
    assert same_but_for_time(again, reference, PRODUCTS)

    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    renamed = config_for(write_files(tmp_path / "elsewhere", texts, 1))
    assert not encode_corpus(spark, renamed, reference.location)
    assert not count_cooccurrences(spark, renamed, reference.location)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
