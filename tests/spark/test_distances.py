"""The job count_distances: exact, the same bytes however it is divided, added up, published, and refused by name."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from leadterm import Run, open_run
from leadterm.errors import ConfigError, InputError, RunError
from leadterm.pipeline.count_distances.job import count_distances
from leadterm.pipeline.merge_runs.job import merge_runs
from leadterm.pipeline.runner import jobs_of
from leadterm.publish.publish_run import publish_run
from leadterm.report.run_facts import accounts
from leadterm.storage import Location
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.integrity.provenance import remove_stale
from support.growing import add, config_for, dealt, write_corpus
from support.jobs import data_hashes, make_config, run_both

DISTANCES = {"counting": {"distances": [1, 2, 7], "rows_per_file": 40}}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> list[Path]:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def config_of(*paths: Path, **counting):
    return config_for(*paths).model_copy(
        update={"counting": config_for(*paths).counting.model_copy(update=DISTANCES["counting"] | counting)}
    )


@pytest.fixture(scope="module")
def reference(spark, corpus, tmp_path_factory) -> Run:
    """A run over all files, with pairs at some distances."""
    config = config_of(*corpus, distances=(1, 2, 7))
    run = run_both(spark, config, tmp_path_factory.mktemp("reference") / "run")
    assert count_distances(spark, config, run.location)
    return open_run(run.location.uri)


def test_every_pair_is_counted(reference):
    for distance in (1, 2, 7):
        expected: Counter = Counter()
        for window in reference.windows():
            ids = window.tolist()
            expected.update(zip(ids[:-distance], ids[distance:], strict=True))
        found = reference.distance_counts(distance).tocoo()
        assert dict(zip(zip(*map(list, found.coords), strict=True), found.data, strict=True)) == expected
    assert (reference.distance_counts(1) != reference.bigram_counts()).nnz == 0
    counts = reference.manifest("distances").counts
    assert counts["distances"]["1"]["total"] == str(reference.n_positions)
    assert counts["nonzeros"] == sum(one["nonzeros"] for one in counts["distances"].values())


@pytest.mark.parametrize("tasks", [1, 5])
def test_any_number_of_tasks_gives_the_same_bytes_and_up_to_date_pairs_are_skipped(
    spark, corpus, reference, tmp_path, tasks
):
    run = Location.of(shutil.copytree(reference.location.path, tmp_path / "run"))
    config = config_of(*corpus, distances=(1, 2, 7))
    assert not count_distances(spark, config, run)
    assert count_distances(spark, config, run, overwrite=True, tasks=tasks)
    assert data_hashes(open_run(run.uri), ["distances"]) == data_hashes(reference, ["distances"])
    with pytest.raises(RunError, match=r"its 'distances' differs in .*distances"):
        count_distances(spark, config_of(*corpus, distances=(1, 3)), run)


def test_added_and_merged_runs_have_the_bytes_of_one(spark, corpus, reference, tmp_path):
    config = config_of(*corpus, distances=(1, 2, 7))
    parts = dealt(corpus, 3, 1)
    for part in parts:
        assert add(spark, tmp_path / "grown", config, *part)
    assert data_hashes(open_run(tmp_path / "grown"), ["distances"]) == data_hashes(reference, ["distances"])
    places = [Location.of(tmp_path / str(number)) for number in range(len(parts))]
    for part, place in zip(parts, places, strict=True):
        assert add(spark, Path(place.path), config, *part)
    merged = Location.of(tmp_path / "merged")
    assert merge_runs(spark, places, merged)
    assert data_hashes(open_run(merged.uri), ["distances"]) == data_hashes(reference, ["distances"])
    assert check_run(merged).problems == ()


def test_a_sum_with_a_run_that_has_none_has_none_and_stale_pairs_go(spark, corpus, reference, tmp_path, caplog):
    first, second = dealt(corpus, 2, 5)
    assert add(spark, tmp_path / "run", config_of(*corpus, distances=(2,)), *first)
    assert add(spark, tmp_path / "other", config_of(*corpus, distances=()), *second)
    merged = Location.of(tmp_path / "merged")
    assert merge_runs(spark, [Location.of(tmp_path / name) for name in ("run", "other")], merged)
    assert "distances" not in open_run(merged.uri).products
    assert "'distances' is not merged" in caplog.text
    assert add(spark, tmp_path / "run", config_of(*corpus, distances=()), *second)
    assert remove_stale(Location.of(tmp_path / "run")) == ["distances"]


def test_it_is_published_shown_and_checked(reference, tmp_path):
    publish_run(reference.location, Location.of(tmp_path / "published"))
    published = open_run(tmp_path / "published")
    assert (published.distance_counts(7) != reference.distance_counts(7)).nnz == 0
    assert check_run(published.location).problems == ()
    assert "distance=*/rows-*.parquet" in (tmp_path / "published/README.md").read_text()
    facts = {name: number for name, number, _ in accounts(reference, [])["facts"]}
    assert facts["distances"] == reference.manifest("distances").counts["nonzeros"]


def test_what_was_not_counted_is_refused_by_name(reference, corpus, tmp_path):
    with pytest.raises(
        InputError, match=r"has counted pairs at the distances 1, 2, 7, not 3\. Add it to counting\.distances"
    ):
        reference.distance_counts(3)
    with pytest.raises(ConfigError, match=r"counting\.distances names 9, .* windows\.length \(8\) apart"):
        make_config(
            corpus[0], {"kind": "words", "vocabulary_size": 9}, windows={"length": 8}, counting={"distances": [9]}
        )
    with pytest.raises(ConfigError, match=r"counting\.distances.*greater than or equal to 1|counting\.distances"):
        make_config(corpus[0], {"kind": "words", "vocabulary_size": 9}, counting={"distances": [0]})
    assert "count_distances" not in jobs_of(config_for(*corpus))
    assert jobs_of(config_of(*corpus, distances=(4,))).index("count_distances") == 2
