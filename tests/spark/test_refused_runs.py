"""A run directory that holds something else, is damaged or lies on a full disk is refused; what was there stays."""

import os
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from leadterm import open_run
from leadterm.config import parse_config
from leadterm.errors import MachineError, RunError
from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences
from leadterm.storage import Location
from support.bad_input import encode, flip, put


@pytest.fixture(scope="module")
def encoded(spark, tmp_path_factory) -> Path:
    """A folder with a corpus and a run that holds its windows."""
    folder = tmp_path_factory.mktemp("encoded")
    encode(spark, folder / "run", put(folder / "a.parquet"))
    return folder


@pytest.fixture
def run(encoded, tmp_path) -> Path:
    """A copy of that run."""
    return shutil.copytree(encoded / "run", tmp_path / "run")


def count(spark, run: Path, rows_per_file: int = 8) -> bool:
    settings = {
        "corpus": {"paths": ["not needed"]},
        "tokenizer": {"kind": "words", "vocabulary_size": 50},
        "counting": {"memory_per_task": "64MiB", "rows_per_file": rows_per_file},
    }
    return count_cooccurrences(spark, parse_config(settings), Location.of(run))


def test_a_file_for_more_rows_than_there_are_holds_them_all(spark, run):
    assert count(spark, run, rows_per_file=10**15)
    assert [entry.name for entry in open_run(run).manifest("bigram").files] == ["rows-00000.parquet"]


def state(folder: Path) -> dict[str, bytes]:
    """All files of a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tokens_offset(file: Path) -> int:
    """Where the first page of token ids begins."""
    return int(pq.ParquetFile(file).metadata.row_group(0).column(2).data_page_offset)


def refusal(kind, job, run: Path) -> str:
    """Run a job that must fail and change nothing; returns the message."""
    before = state(run)
    with pytest.raises(kind) as caught:
        job()
    assert state(run) == before
    assert not list(run.glob(".staging-*"))
    return str(caught.value)


def test_an_output_with_another_run_says_what_differs(spark, encoded, run):
    message = refusal(RunError, lambda: encode(spark, run, encoded / "a.parquet", length=9), run)
    assert message.startswith(f"{run} contains another run: its 'sources' differs in windows.length: 8 there, 9 now.")
    assert message.endswith("--overwrite.")
    other = put(run.parent / "b.parquet", None, row_group_size=7)
    assert "its 'sources' differs in made from corpus: " in refusal(RunError, lambda: encode(spark, run, other), run)


def test_overwrite_replaces_the_run(spark, encoded, run):
    assert encode(spark, run, encoded / "a.parquet", length=9, overwrite=True).context_length == 9
    assert sorted(path.name for path in run.iterdir()) == ["documents", "sources", "vocabulary", "windows"]


def test_a_tokenizer_that_changed_is_another_run(spark, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    corpus, source = put(tmp_path / "a.parquet"), tmp_path / "tokenizer.json"
    settings = {"kind": "huggingface", "source": str(source)}
    for words in ({"the": 0, "?": 1}, {"?": 0, "the": 1}):
        model = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="?"))
        model.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
        model.save(str(source))
        if words["the"] == 0:
            encode(spark, tmp_path / "run", corpus, settings)
            encode(spark, tmp_path / "run", corpus, settings)
    message = refusal(RunError, lambda: encode(spark, tmp_path / "run", corpus, settings), tmp_path / "run")
    assert "its 'sources' differs in made from tokenizer: " in message


def test_an_output_with_a_folder_of_someone_else(spark, encoded, tmp_path):
    (tmp_path / "run/windows").mkdir(parents=True)
    (tmp_path / "run/windows/mine.txt").write_text("mine")
    message = refusal(RunError, lambda: encode(spark, tmp_path / "run", encoded / "a.parquet"), tmp_path / "run")
    assert (
        "exists but has no manifest, so leadterm did not make it or did not finish making it. Choose another" in message
    )


def test_counting_before_encoding(spark, tmp_path):
    message = refusal(RunError, lambda: count(spark, tmp_path / "run"), tmp_path / "run")
    assert message.endswith("has no product 'windows'; there is no such folder. Run the job encode_corpus on it first.")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("damage", ["page", "footer", "missing", "empty"])
def test_windows_damaged_between_the_jobs_are_named(spark, run, number, damage):
    file = run / f"windows/windows-{number:05d}.parquet"
    if damage == "page":
        flip(file, tokens_offset(file) + 30, 4)
    elif damage == "footer":
        file.write_bytes(file.read_bytes()[:-10])
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
    message = refusal(RunError, lambda: count(spark, run), run)
    assert message.startswith(f"{file} is damaged or missing: ")
    assert message.endswith("; encode again")


def test_a_manifest_that_is_none(spark, encoded, run):
    (run / "windows/manifest.json").write_text("{")
    message = refusal(RunError, lambda: encode(spark, run, encoded / "a.parquet"), run)
    assert f"{run}/windows/manifest.json is not a manifest of leadterm" in message


@pytest.fixture
def small_disk(tmp_path) -> Path:
    """A real file system of one MiB, so that it can be full."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_at_the_output(spark, small_disk, tmp_path):
    corpus = put(tmp_path / "a.parquet", None)
    (small_disk / "filled").write_bytes(os.urandom(2**20 - 2**14))
    output = small_disk / "run"
    with pytest.raises(MachineError, match=r"a disk is full: free space where the output or Spark's scratch folder"):
        encode(spark, output, corpus)
    assert [path.name for path in small_disk.iterdir()] == ["filled"]


def test_a_disk_that_is_full_when_the_counts_are_written(spark, encoded, small_disk):
    run = Path(shutil.copytree(encoded / "run", small_disk / "run"))
    (small_disk / "filled").write_bytes(b"")
    filler = os.open(small_disk / "filled", os.O_WRONLY)
    with pytest.raises(OSError, match="No space left"):
        while True:
            os.write(filler, bytes(2**12))
    os.close(filler)
    assert "a disk is full" in refusal(MachineError, lambda: count(spark, run), run)
    assert sorted(path.name for path in run.iterdir()) == ["documents", "sources", "vocabulary", "windows"]
