"""A run without some documents has the bytes of a run that never had them; with them again, those of the whole."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm import Run, open_run
from leadterm.cli.main import main
from leadterm.errors import InputError, RunError
from leadterm.pipeline.count_distances.job import count_distances
from leadterm.pipeline.merge_runs.job import merge_runs
from leadterm.pipeline.subtract_documents.documents_file import read_hashes
from leadterm.pipeline.subtract_documents.job import subtract_documents
from leadterm.storage import Location
from leadterm.storage.integrity.check_run import check_run
from support.growing import add, config_for, put_ids, write_corpus
from support.jobs import data_hashes, run_both

SECTIONS = {"counting": {"distances": [1, 3], "rows_per_file": 12}}
MATRICES = ("vocabulary", "windows", "bigram", "context", "frequencies", "distances")


def counted(spark, folder: Path, *files: Path) -> Run:
    """Make a run with pairs at two distances."""
    config = config_for(*files, **SECTIONS)
    run = run_both(spark, config, folder)
    count_distances(spark, config, run.location)
    return run


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> list[Path]:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def whole(spark, corpus, tmp_path_factory) -> Run:
    return counted(spark, tmp_path_factory.mktemp("runs") / "whole", *corpus)


def rows_of(run: Run, hashes) -> set[tuple[str, int]]:
    """Where some documents lie: file and row."""
    table = run.documents().to_pylist()
    paths = run.source_files["path"].to_pylist()
    return {(Location.of(paths[row["source"]]).path, row["row"]) for row in table if row["document"] in set(hashes)}


def without(corpus: list[Path], rows: set[tuple[str, int]], folder: Path) -> tuple[list[Path], Path]:
    """Write the files with null in place of some documents, and a file of these alone."""
    others, alone = [], []
    for path in corpus:
        ids = pq.read_table(path)["ids"].to_pylist()
        chosen = {row for file, row in rows if file == str(path)}
        others.append(put_ids(folder / "others" / path.name, [None if i in chosen else x for i, x in enumerate(ids)]))
        alone += [ids[i] for i in sorted(chosen)]
    return others, put_ids(folder / "alone.parquet", alone)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.97])
def test_the_bytes_of_a_run_that_never_had_them_and_of_the_whole_once_they_are_added(
    spark, corpus, whole, tmp_path, share
):
    every = np.unique(whole.documents()["document"].to_numpy())
    hashes = np.random.default_rng(0).permutation(every)[: max(1, int(share * len(every)))]
    others, alone = without(corpus, rows_of(whole, hashes.tolist()), tmp_path)
    expected = counted(spark, tmp_path / "expected", *others)

    output = Location.of(tmp_path / "less")
    assert subtract_documents(spark, whole.location, hashes, output, tasks=2)
    less = open_run(output.uri)
    assert data_hashes(less, MATRICES) == data_hashes(expected, MATRICES)
    assert less.documents().equals(expected.documents())
    for key in ("windows", "positions", "kept", "tokens"):
        assert less.manifest("windows").counts[key] == expected.manifest("windows").counts[key]
    assert check_run(output).problems == ()
    assert not subtract_documents(spark, whole.location, hashes, output)

    merged = Location.of(tmp_path / "merged")
    part = counted(spark, tmp_path / "part", alone)
    assert merge_runs(spark, [output, part.location], merged)
    assert data_hashes(open_run(merged.uri), MATRICES) == data_hashes(whole, MATRICES)
    assert open_run(merged.uri).manifest("sources").counts["without"] == less.manifest("sources").counts["without"]
    config = config_for(*corpus, alone, **SECTIONS)
    assert add(spark, tmp_path / "less", config, alone)
    assert data_hashes(open_run(output.uri), MATRICES) == data_hashes(whole, MATRICES)


def test_it_is_another_corpus_though_its_files_are_the_same(spark, whole, tmp_path):
    """And what is subtracted in two steps, in either order, is what is subtracted at once."""
    first, second = np.unique(whole.documents()["document"].to_numpy())[:2]
    places = {name: Location.of(tmp_path / name) for name in ("a", "b", "ab", "ba", "both")}
    for name, base, hashes in (
        ("a", whole.location, [first]), ("b", whole.location, [second]), ("ab", places["a"], [second]),
        ("ba", places["b"], [first]), ("both", whole.location, [first, second]),
    ):  # fmt: skip
        assert subtract_documents(spark, base, np.array(hashes), places[name])
    made = {name: open_run(place.uri).manifest("windows") for name, place in places.items()}
    assert made["ab"].content_hash == made["ba"].content_hash == made["both"].content_hash
    assert made["ab"].made_from == made["ba"].made_from
    assert (
        len(
            {made[name].made_from["corpus"] for name in ("a", "b", "ab")}
            | {whole.manifest("windows").made_from["corpus"]}
        )
        == 4
    )
    with pytest.raises(RunError, match="contains another run: its 'sources' differs in made from corpus"):
        subtract_documents(spark, whole.location, np.array([first]), places["b"])
    assert subtract_documents(spark, whole.location, np.array([first]), places["b"], overwrite=True)
    assert open_run(places["b"].uri).manifest("windows").content_hash == made["a"].content_hash


def test_documents_that_are_not_there_and_all_of_them_are_refused(spark, whole, tmp_path):
    every, output = whole.documents()["document"].to_numpy(), Location.of(tmp_path / "less")
    with pytest.raises(InputError, match=r"has no window of 1 of the 2 documents: 12345\. Take hashes from"):
        subtract_documents(spark, whole.location, np.array([every[0], 12345]), output)
    with pytest.raises(InputError, match=r"these are all documents of .* List fewer"):
        subtract_documents(spark, whole.location, every, output)
    with pytest.raises(RunError, match="is the run that documents are subtracted from"):
        subtract_documents(spark, whole.location, every[:1], whole.location)
    assert not Path(output.path).exists()


def test_files_of_documents(whole, tmp_path):
    every = whole.documents()
    pq.write_table(every, tmp_path / "all.parquet")
    assert read_hashes(Location.of(tmp_path / "all.parquet")).tolist() == sorted(set(every["document"].to_pylist()))
    (tmp_path / "some.txt").write_text("7\n\n-3\n7\n")
    assert read_hashes(Location.of(tmp_path / "some.txt")).tolist() == [-3, 7]
    pq.write_table(pa.table({"document": ["a"]}), tmp_path / "text.parquet")
    pq.write_table(pa.table({"other": [1]}), tmp_path / "other.parquet")
    (tmp_path / "bad.txt").write_text("7\nbread\n")
    (tmp_path / "large.txt").write_text(f"{2**63}\n")
    (tmp_path / "empty.txt").write_text("\n")
    for name, message in (
        ("text.parquet", "its column is string"), ("other.parquet", "lists no documents"),
        ("bad.txt", "line 2: expected the hash of a document"), ("large.txt", "line 1: expected the hash"),
        ("empty.txt", "lists no document"), ("none.txt", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            read_hashes(Location.of(tmp_path / name))


def test_the_command(spark, whole, tmp_path):
    """What `sources` finds is what `subtract` takes: without these documents the pair is gone."""
    entry = whole.bigram_counts().tocoo()
    at = int(np.argmin(entry.data))
    pair = [str(int(part[at])) for part in entry.coords]
    pq.write_table(whole.sources(*pair, k=None), tmp_path / "behind.parquet")
    command = ["subtract", str(whole.location.path), "--documents", str(tmp_path / "behind.parquet")]
    assert main([*command, "--output", str(tmp_path / "less")]) == 0
    with pytest.raises(InputError, match="never follows"):
        open_run(tmp_path / "less").sources(*pair)
    shutil.rmtree(tmp_path / "less")
