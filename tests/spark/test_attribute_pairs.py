"""Documents behind many pairs at once: what one pair at a time gives, the same bytes however it is divided."""

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm import Run, open_run
from leadterm.cli.main import main
from leadterm.counting.pair_units import PairMap
from leadterm.errors import InputError, RunError
from leadterm.pipeline.attribute_pairs import shares_writer, task
from leadterm.pipeline.attribute_pairs.job import attribute_pairs
from leadterm.pipeline.attribute_pairs.pairs_file import ListedPairs, read_pairs
from leadterm.storage import Location
from support.growing import SIZE, config_for, write_corpus
from support.jobs import run_both

COLUMNS = ["document", "path", "row", "units", "share", "copies"]


@pytest.fixture(scope="module")
def run(spark, tmp_path_factory) -> Run:
    files = write_corpus(tmp_path_factory.mktemp("corpus"))
    return run_both(spark, config_for(*files), tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def pairs() -> ListedPairs:
    """Half of all pairs, in any order; many never occur."""
    every = np.stack(np.divmod(np.arange(SIZE * SIZE), SIZE), axis=1)
    return ListedPairs(np.random.default_rng(0).permutation(every)[: SIZE * SIZE // 2])


@pytest.mark.parametrize(("kind", "k"), [(PairMap.BIGRAM, 2), (PairMap.CONTEXT, 3), (PairMap.CONTEXT, None)])
def test_equal_to_one_pair_at_a_time(spark, run, pairs, kind, k):
    assert attribute_pairs(spark, run.location, pairs, kind, k, overwrite=True)
    found, at = run.pair_sources(), 0
    matrix = run.bigram_counts() if kind is PairMap.BIGRAM else run.context_fixed_point()[0].T.tocsr()
    occurring = [(a, b) for a, b in pairs.ids.tolist() if matrix[a, b]]
    for earlier, later in occurring[::40] if k else occurring[::200]:
        names = [run.vocabulary["token"][one].as_py() for one in (earlier, later)]
        expected = run.sources(*names, kind.name.lower(), k=k).select(COLUMNS)
        mine = found.filter((pa.compute.field("token") == names[0]) & (pa.compute.field("other") == names[1]))
        assert mine.select(COLUMNS).to_pylist() == expected.to_pylist()
    order = {tuple(pair): at for at, pair in enumerate(pairs.ids.tolist())}
    ids = [(run.token_id(a), run.token_id(b)) for a, b in zip(*found.select(["token", "other"]), strict=True)
           for a, b in [(a.as_py(), b.as_py())]]  # fmt: skip
    at = [order[one] for one in ids]
    assert at == sorted(at)
    assert len(set(at)) == len(occurring) == run.manifest("pair_sources").counts["occurring"]
    if k is None:
        sums = np.zeros(len(pairs.ids), dtype=np.int64)
        np.add.at(sums, at, found["units"].to_numpy())
        assert sums.tolist() == [int(matrix[a, b]) for a, b in pairs.ids.tolist()]


def test_the_same_bytes_for_any_number_of_tasks_and_any_memory(spark, run, pairs, monkeypatch):
    """Tasks read how much they may hold, and how many pairs a file has, from modules that travel as they are."""
    hashes = []
    for tasks in (1, 3):
        assert attribute_pairs(spark, run.location, pairs, PairMap.CONTEXT, 2, overwrite=True, tasks=tasks)
        hashes.append(run.manifest("pair_sources").content_hash)
    assert hashes[0] == hashes[1]
    assert not attribute_pairs(spark, run.location, pairs, PairMap.CONTEXT, 2)
    with pytest.raises(RunError, match="'pair_sources' differs in k: 2 there, 3 now"):
        attribute_pairs(spark, run.location, pairs, PairMap.CONTEXT, 3)


def test_sources_of_another_corpus_are_refused(spark, run, pairs, tmp_path):
    attribute_pairs(spark, run.location, pairs, overwrite=True)
    shutil.copytree(run.location.path, tmp_path / "run")
    other = run_both(spark, config_for(*write_corpus(tmp_path / "in")[:3]), tmp_path / "other")
    for product in ("sources", "documents", "vocabulary", "windows", "bigram", "context", "frequencies"):
        shutil.rmtree(tmp_path / "run" / product)
        shutil.move(Location.of(other.location.uri + f"/{product}").path, tmp_path / "run" / product)
    with pytest.raises(
        RunError, match=r"its 'pair_sources' was made from a different .* Run leadterm sources --pairs again"
    ):
        open_run(tmp_path / "run").pair_sources()


def test_little_memory_gives_the_same_rows(run, pairs, monkeypatch):
    """The task itself, holding few shares at a time, and the writer, given a few rows at a time."""
    windows, occurrences = run.manifest("windows"), run.vocabulary["count"].to_numpy()
    finder = task.ShareFinder(
        run.location.uri, task.WindowsFiles.of(run.location, windows), run.manifest("documents"), pairs.ids,
        PairMap.CONTEXT, 2, occurrences, np.array([2**32 // t for t in range(1, 9)]),
    )  # fmt: skip
    names = pa.RecordBatch.from_pydict({"place": [entry.name for entry in windows.files]})
    tables = []
    for most in (2**22, 5):
        monkeypatch.setattr(task, "MOST_HELD", most)
        rows = pa.Table.from_batches(finder(iter([names])))
        rows = rows.sort_by([(name, "ascending") for name in ("pair", "rank", "document")])
        folder = run.location / f"scratch-{most}"
        folder.filesystem.create_dir((folder / "parts").path, recursive=True)
        writer = shares_writer.SharesWriter(run.location.uri, folder.uri, pairs.ids, 2)
        (report,) = writer(iter(rows.to_batches(max_chunksize=7 if most == 5 else None)))
        tables.append((len(rows), pq.read_table(Location.of(report["place"][0].as_py()).path)))
        shutil.rmtree(folder.path)
    assert tables[0][0] < tables[1][0], "more rows travel where less is held"
    assert tables[0][1].equals(tables[1][1])


def test_files_of_pairs(run, tmp_path, capsys, spark):
    names, text, table = run.names, tmp_path / "pairs.tsv", tmp_path / "pairs.parquet"
    text.write_text("1\t2\r\n\n2\t1\n1\t2\n")
    pq.write_table(pa.table({"other": ["2", "1"], "token": ["1", "2"]}), table)
    assert read_pairs(Location.of(text), names).ids.tolist() == [[1, 2], [2, 1]]
    assert read_pairs(Location.of(table), names).ids.tolist() == [[1, 2], [2, 1]]
    assert main(["sources", str(run.location.path), "--pairs", str(text), "--overwrite", "--all"]) == 0
    assert "read them with run.pair_sources()" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1 2\n", "line 1: expected two tokens with a tab between them, found '1 2'"),
        ("1\t2\n1\tking\n", "line 2: 'king' is not in the vocabulary of 60 tokens"),
        ("\n", "lists no pair. Give a Parquet file"),
        (b"\xff", "is no UTF-8 text"),
        (None, "cannot be read .* Give a Parquet file"),
    ],
)
def test_files_that_list_no_pairs_are_refused(run, tmp_path, content, message):
    if content is not None:
        (tmp_path / "pairs").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        read_pairs(Location.of(tmp_path / "pairs"), run.names)


def test_tables_without_the_columns_are_refused(run, tmp_path):
    pq.write_table(pa.table({"a": ["1"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"token": ["1"], "other": pa.array([None], pa.string())}), tmp_path / "b.parquet")
    for name, message in (("a", "lists no pairs"), ("b", "has a row without a token")):
        with pytest.raises(InputError, match=message):
            read_pairs(Location.of(tmp_path / f"{name}.parquet"), run.names)


def test_pairs_of_which_none_occurs_and_calls_without_tokens_are_refused(spark, run, capsys):
    matrix = run.bigram_counts()
    never = next([0, token] for token in range(SIZE) if not matrix[0, token])
    with pytest.raises(InputError, match="none of the 1 pairs occurs"):
        attribute_pairs(spark, run.location, ListedPairs(np.array([never])), overwrite=True)
    with pytest.raises(InputError, match="at least 1"):
        attribute_pairs(spark, run.location, ListedPairs(np.array([never])), k=0)
    assert main(["sources", str(run.location.path), "1"]) == 1
    assert "name two tokens, or a file of pairs with --pairs FILE" in capsys.readouterr().err
