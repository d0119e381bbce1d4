"""What a shuffling task writes: the same bytes whichever files it was assigned, and as often as it tries."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm.corpus import Ragged, Windows, cut_windows
from leadterm.errors import RunError
from leadterm.pipeline.shuffle_corpus.shuffled_corpus import ShuffledCorpus
from leadterm.pipeline.shuffle_corpus.task import SharedCounter, WindowsShuffler
from leadterm.storage import Location
from leadterm.storage.formats import windows_files as store
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.integrity.verified_reader import Written
from leadterm.storage.read_products import PARTS
from support.written_runs import write_windows_file

SIZE, LENGTH = 20, 6
NAMES = ["windows-00000.parquet", "windows-00001.parquet"]


@pytest.fixture(scope="module")
def parts() -> list[Windows]:
    """The windows of each file, of some documents whose tokens do not stand by chance; two of them are alike."""
    random = np.random.default_rng(5)
    documents = [np.sort(random.integers(SIZE, size=size)) for size in random.integers(2, 40, size=30)]
    documents[4] = documents[3]
    return [cut_windows(Ragged.from_lists(some), LENGTH) for some in (documents[:17], documents[17:])]


@pytest.fixture
def folder(parts, tmp_path, monkeypatch) -> Path:
    """Their files, in row groups of some 40 tokens; whoever shuffles them cuts at as many."""
    monkeypatch.setattr(store, "ROW_GROUP_TOKENS", 40)
    (tmp_path / "stage" / PARTS).mkdir(parents=True)
    for name, windows in zip(NAMES, parts, strict=True):
        columns = [windows.document, windows.window, windows.tokens.to_arrow()]
        write_windows_file(Location.of(tmp_path / name), pa.table(columns, schema=store.SCHEMA))
    return tmp_path


@pytest.fixture(scope="module")
def corpus(parts) -> ShuffledCorpus:
    """What the files hold, shuffled."""
    own = [row[int(window > 0) :] for part in parts for row, window in zip(part.tokens, part.window, strict=True)]
    return ShuffledCorpus(np.bincount(np.concatenate(own), minlength=SIZE), seed=11)


def dealt(*names: str):
    return iter([pa.RecordBatch.from_pydict({"place": [name]}) for name in names])


def files_of(folder: Path) -> WindowsFiles:
    """Say of the files what a manifest would; as an earlier version would have said it."""
    data = {name: (folder / name).read_bytes() for name in NAMES}
    files = {name: Written(len(one), hashlib.sha256(one).hexdigest(), 0, "") for name, one in data.items()}
    return WindowsFiles(str(folder), SIZE, LENGTH, files)


def shuffler(folder: Path, corpus: ShuffledCorpus) -> WindowsShuffler:
    [first, second] = [row for batch in SharedCounter(files_of(folder))(dealt(*NAMES)) for row in batch.to_pylist()]
    assert [first["name"], second["name"]] == NAMES
    tokens = sum(
        table.num_rows and len(table["tokens"].combine_chunks().flatten()) for table in read(folder, NAMES[:1])
    )
    return WindowsShuffler(
        files_of(folder), str(folder / "stage"), corpus, {NAMES[0]: 0, NAMES[1]: tokens - first["shared"]}
    )


def read(folder: Path, names: list[str]) -> list[pa.Table]:
    return [pq.read_table(folder / name) for name in names]


def test_windows_keep_their_documents_and_lengths_and_row_groups(parts, folder, corpus):
    reports = [row for batch in shuffler(folder, corpus)(dealt(*NAMES)) for row in batch.to_pylist()]
    groups = [pq.ParquetFile(folder / name).num_row_groups for name in NAMES]
    assert min(groups) > 3, "else this tests nothing"
    assert [len(report["groups"]) for report in reports] == groups
    assert (
        sum(np.frombuffer(report["counts"], dtype=np.int64) for report in reports).tolist()
        == np.bincount(corpus.tokens(0, corpus.permutation.n), minlength=SIZE).tolist()
    )

    found, before = pa.concat_tables(pq.read_table(report["place"]) for report in reports), read(folder, NAMES)
    before = pa.concat_tables(before)
    assert found.schema == before.schema
    assert found.drop_columns("tokens") == before.drop_columns("tokens")
    lengths = np.concatenate([part.tokens.lengths for part in parts])
    shared = np.concatenate([part.window for part in parts]) > 0
    expected = Ragged(corpus.windows(lengths, shared, 0), np.concatenate([[0], np.cumsum(lengths)]))
    assert found["tokens"].to_pylist() == [row.tolist() for row in expected]
    assert found["tokens"].to_pylist() != before["tokens"].to_pylist()


def test_a_task_that_tries_again_and_one_that_has_a_single_file_write_the_same_bytes(folder, corpus):
    work = shuffler(folder, corpus)
    once, again = ([row for batch in work(dealt(*NAMES)) for row in batch.to_pylist()] for _ in range(2))
    alone = [row for batch in work(dealt(NAMES[1])) for row in batch.to_pylist()]
    assert [row["sha256"] for row in once] == [row["sha256"] for row in again]
    assert alone[0]["sha256"] == once[1]["sha256"]
    assert {row["place"] for row in [*once, *again, *alone]} == {str(folder / "stage" / PARTS / name) for name in NAMES}
    assert [hashlib.sha256(Path(row["place"]).read_bytes()).hexdigest() for row in once] == [
        row["sha256"] for row in once
    ]


@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_a_damaged_file_is_named_and_nothing_is_left(folder, corpus, damage):
    work, place = shuffler(folder, corpus), folder / NAMES[1]
    data = bytearray(place.read_bytes())
    data[len(data) // 8] ^= 255
    place.write_bytes(data if damage == "changed" else data[:-20])
    if damage == "missing":
        place.unlink()
    with pytest.raises(RunError, match=rf"{NAMES[1]} is damaged or missing: .*; encode again"):
        list(work(dealt(NAMES[1])))
    assert not list((folder / "stage" / PARTS).iterdir())
