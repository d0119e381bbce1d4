"""The documents behind an association in a run of the jobs: where they lie, and how often they come."""

import pyarrow.parquet as pq
import pytest

from leadterm import Run
from leadterm.storage import Location
from support.growing import config_for, documents, write_corpus
from support.jobs import run_both
from support.naive_counts import count_windows, fixed_point


@pytest.fixture(scope="module")
def run(spark, tmp_path_factory) -> Run:
    """Documents of ids in ten files, of which some are the same."""
    files = write_corpus(tmp_path_factory.mktemp("corpus"))
    return run_both(spark, config_for(*files), tmp_path_factory.mktemp("runs") / "run")


def tiled(ids, length):
    """Cut a document as the policy `tile` says."""
    return [ids[at : at + length + 1] for at in range(0, max(len(ids) - 1, 0), length)]


@pytest.mark.parametrize("kind", ["bigram", "context"])
def test_every_document_is_found_in_its_file_and_row(run, kind):
    """Each row is looked up in its file again, and its tokens are counted by the loop."""
    matrix = run.bigram_counts() if kind == "bigram" else run.context_fixed_point()[0].T.tocsr()
    coordinates, shared = matrix.tocoo(), documents(0)[6]  # Two rows of a file, and of every third file, are this one.
    frequent = coordinates.data.argsort()[::-1][:5]
    pairs = [*zip(*(part[frequent].tolist() for part in coordinates.coords), strict=True), tuple(shared[:2])]
    rows = []
    for earlier, later in pairs:
        found = run.sources(str(earlier), str(later), kind, k=None)
        assert sum(found["units"].to_pylist()) == matrix[earlier, later]
        for row in found.to_pylist():
            ids = pq.read_table(Location.of(row["path"]).path)["ids"][row["row"]].as_py()
            counts = count_windows(tiled(ids, run.context_length), fixed_point(32))
            own = counts.bigram[earlier, later] if kind == "bigram" else counts.context[later, earlier]
            assert row["units"] == own * row["copies"]
            assert {str(earlier), str(later)} <= set(row["passage"].split())
            rows.append(row)
    hashes = run.documents()["document"].to_pylist()
    assert all(row["copies"] == hashes.count(row["document"]) for row in rows)
    assert 6 in [row["copies"] for row in rows]
