"""The job count_two_hops: as the definition, the same bytes however it is divided, added up, published, read."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from leadterm import Run, open_run
from leadterm.errors import CountOverflowError, InputError, RunError
from leadterm.pipeline.count_two_hops.job import count_two_hops
from leadterm.pipeline.merge_runs.job import merge_runs
from leadterm.pipeline.runner import jobs_of
from leadterm.publish.publish_run import publish_run
from leadterm.storage import Location
from leadterm.storage.integrity.check_run import check_run
from support.dense_optimizers import own_contexts, two_hops
from support.growing import SIZE, add, config_for, dealt, write_corpus
from support.jobs import data_hashes, run_both

PRODUCTS = ["two_hop", "current_context"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> list[Path]:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def config_of(*paths: Path, **sections):
    return config_for(*paths, theory={"order": 2}, **sections)


@pytest.fixture(scope="module")
def reference(spark, corpus, tmp_path_factory) -> Run:
    run = run_both(spark, config_of(*corpus), tmp_path_factory.mktemp("reference") / "run")
    assert count_two_hops(spark, config_of(*corpus), run.location)
    return open_run(run.location.uri)


def test_matrices_are_those_of_the_definition(reference):
    windows = [window.tolist() for window in reference.windows()]
    for found, expected in (
        (reference.two_hop_weights(), two_hops(windows, SIZE)),
        (reference.current_context_weights(), own_contexts(windows, SIZE)),
    ):
        assert np.array_equal(found.toarray() > 0, expected > 0)
        assert np.allclose(found.toarray(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("tasks", [1, 5])
def test_any_number_of_tasks_gives_the_same_bytes_and_up_to_date_counts_are_skipped(
    spark, corpus, reference, tmp_path, tasks
):
    run = Location.of(shutil.copytree(reference.location.path, tmp_path / "run"))
    config = config_of(*corpus)
    assert not count_two_hops(spark, config, run)
    assert count_two_hops(spark, config, run, overwrite=True, tasks=tasks)
    assert data_hashes(open_run(run.uri), PRODUCTS) == data_hashes(reference, PRODUCTS)
    other = config_of(*corpus, counting={"scale_bits": 30, "rows_per_file": 12})
    with pytest.raises(RunError, match=r"its 'two_hop' differs in .*scale_bits"):
        count_two_hops(spark, other, run)


def test_added_and_merged_runs_have_the_bytes_of_one(spark, corpus, reference, tmp_path):
    config = config_of(*corpus)
    parts = dealt(corpus, 3, 1)
    for part in parts:
        assert add(spark, tmp_path / "grown", config, *part)
    assert data_hashes(open_run(tmp_path / "grown"), PRODUCTS) == data_hashes(reference, PRODUCTS)
    places = [Location.of(tmp_path / str(number)) for number in range(len(parts))]
    for part, place in zip(parts, places, strict=True):
        assert add(spark, Path(place.path), config, *part)
    merged = Location.of(tmp_path / "merged")
    assert merge_runs(spark, places, merged)
    assert data_hashes(open_run(merged.uri), PRODUCTS) == data_hashes(reference, PRODUCTS)
    assert check_run(merged).problems == ()


def test_they_are_published(reference, tmp_path):
    publish_run(reference.location, Location.of(tmp_path / "published"))
    published = open_run(tmp_path / "published")
    assert (published.two_hop_weights() != reference.two_hop_weights()).nnz == 0
    assert check_run(published.location).problems == ()


def test_the_second_order_of_a_run(reference):
    weights = reference.predicted_weights(6, 0.1, 3, order=2)
    assert len(weights.value) == 3
    first, last = (weights.value_of(layer).to_dense() for layer in (1, 3))
    assert 0 < (first - last).norm() < 0.1 * first.norm()
    leading = reference.predicted_weights(6, 0.1, 3)
    assert 0 < (weights.output - leading.output).frobenius_norm() < 0.1 * leading.output.frobenius_norm()
    kept = np.array([0, 3, 5])
    assert np.allclose(
        reference.basis(tokens=kept, order=2).next_order.two_hop.to_dense(),
        reference.basis(order=2).next_order.two_hop.to_dense()[np.ix_(kept, kept)],
    )


def test_a_run_without_the_counts_says_how_to_make_them(spark, corpus, tmp_path):
    run = run_both(spark, config_for(*corpus), tmp_path / "run")
    assert "count_two_hops" not in jobs_of(config_for(*corpus))
    assert "count_two_hops" in jobs_of(config_of(*corpus))
    with pytest.raises(InputError, match=r"needs the products two_hop and current_context.*theory\.order to 2"):
        run.predicted_weights(6, 0.1, 3, order=2)
    config = config_of(*corpus, counting={"scale_bits": 40, "rows_per_file": 12})
    config = config.model_copy(update={"windows": config.windows.model_copy(update={"length": 8})})
    object.__setattr__(config.counting, "scale_bits", 62)
    with pytest.raises(CountOverflowError, match=r"or theory\.order to 1"):
        count_two_hops(spark, config, run.location)
