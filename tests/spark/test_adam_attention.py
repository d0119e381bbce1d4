"""The jobs that compose and count attention under another optimizer: as the definition, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from leadterm import Run, open_run
from leadterm.errors import ConfigError, RunError
from leadterm.pipeline.compose_adam_weights.job import compose_adam_weights
from leadterm.pipeline.compose_weights.job import compose_weights
from leadterm.pipeline.count_adam_attention.job import count_adam_attention
from leadterm.pipeline.count_attention.job import count_attention
from leadterm.pipeline.runner import jobs_of
from leadterm.storage import Location
from leadterm.theory import Adam, AdamW, SignDescent, counted_descent, next_order_scores, score_functions
from support.dense_attention import dense_attention
from support.dense_theory import count
from support.growing import SIZE, config_for, write_corpus
from support.jobs import data_hashes, run_both

PRODUCTS = ["adam_composed", "adam_query_key", "adam_position"]
THEORY = {"optimizer": "adam", "eps": 1e-6, "learning_rate": 1e-3, "steps": 5}
LENGTH = 8


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> list[Path]:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def config_of(*paths: Path, theory=None, **sections):
    return config_for(*paths, theory=THEORY | (theory or {}), **sections)


@pytest.fixture(scope="module")
def counted(spark, corpus, tmp_path_factory) -> Run:
    """A run with the paper's attention terms, which stay as they are."""
    config, folder = config_of(*corpus), tmp_path_factory.mktemp("counted") / "run"
    run = run_both(spark, config, folder)
    compose_weights(config, run.location)
    count_attention(spark, config, run.location)
    return open_run(run.location.uri)


def make(spark, config, counted, folder) -> Run:
    run = Location.of(shutil.copytree(counted.location.path, folder))
    assert compose_adam_weights(config, run)
    assert count_adam_attention(spark, config, run)
    return open_run(run.uri)


@pytest.fixture(scope="module")
def made(spark, corpus, counted, tmp_path_factory) -> Run:
    return make(spark, config_of(*corpus), counted, tmp_path_factory.mktemp("made") / "run")


def expected_terms(run: Run, kept=None) -> tuple[np.ndarray, np.ndarray]:
    """Compose densely with functions of each entry, and attend by one-hot products."""
    windows = [window.tolist() for window in run.windows()]
    functions = score_functions(counted_descent(run.manifest("adam_query_key").settings))
    bigram, context = count(windows, SIZE).uniform()
    tokens = np.arange(SIZE) if kept is None else kept
    bigram, context = bigram[np.ix_(tokens, tokens)], context[np.ix_(tokens, tokens)]
    phi = functions.phi(torch.from_numpy(bigram)).numpy()
    scores = phi.T @ functions.shape(torch.from_numpy(phi @ context)).numpy()
    whole = np.zeros((SIZE, SIZE))
    whole[np.ix_(tokens, tokens)] = scores
    whole[:, tokens] -= scores.sum(axis=0) / SIZE
    return dense_attention(windows, whole, LENGTH, kept)


# Sums are rounded once to integers of 2^-40 and less of the largest; entries of one row are of one size here.
def assert_near(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.linalg.norm(found - expected) <= 1e-6 * np.linalg.norm(expected)


def test_the_terms_are_those_of_the_definition(made):
    query_key, position = expected_terms(made)
    assert_near(made.adam_query_key().toarray(), query_key)
    assert_near(made.adam_position(), position)


@pytest.mark.parametrize("theory", [{"optimizer": "sign"}, {"eps": 0.0}, {"optimizer": "adamw", "eps": 1e-4}])
def test_other_optimizers(spark, corpus, counted, tmp_path, theory):
    run = make(spark, config_of(*corpus, theory=theory), counted, tmp_path / "run")
    query_key, position = expected_terms(run)
    assert_near(run.adam_query_key().toarray(), query_key)
    assert_near(run.adam_position(), position)


def test_only_the_most_frequent_tokens(spark, corpus, counted, tmp_path):
    config = config_of(*corpus, attention={"top_tokens": 12})
    run = make(spark, config, counted, tmp_path / "run")
    kept = np.sort(np.argsort(-run.vocabulary["count"].to_numpy(), kind="stable")[:12])
    query_key, position = expected_terms(run, kept)
    assert_near(run.adam_query_key().toarray()[np.ix_(kept, kept)], query_key)
    assert_near(run.adam_position(), position)


def test_the_papers_terms_are_left_alone_and_up_to_date_terms_are_skipped(spark, corpus, counted, made, tmp_path):
    both = ["composed", "query_key", "position"]
    assert data_hashes(made, both) == data_hashes(counted, both)
    run = Location.of(shutil.copytree(made.location.path, tmp_path / "run"))
    assert not compose_adam_weights(config_of(*corpus), run)
    assert not count_adam_attention(spark, config_of(*corpus), run)
    assert count_adam_attention(spark, config_of(*corpus), run, overwrite=True, tasks=3)
    assert data_hashes(open_run(run.uri), PRODUCTS) == data_hashes(made, PRODUCTS)
    with pytest.raises(RunError, match=r"its 'adam_composed' differs in .*eps"):
        compose_adam_weights(config_of(*corpus, theory={"eps": 1e-8}), run)


def test_signs_depend_on_no_learning_rate(spark, corpus, counted, tmp_path):
    run = make(spark, config_of(*corpus, theory={"eps": 0.0}), counted, tmp_path / "run")
    other = config_of(*corpus, theory={"eps": 0.0, "learning_rate": 0.5, "steps": 9, "betas": [0.5, 0.5]})
    assert not compose_adam_weights(other, run.location)
    assert not count_adam_attention(spark, other, run.location)


@pytest.mark.parametrize("kept", [None, 12])
def test_the_next_order(spark, corpus, counted, tmp_path, kept):
    """By a dense recursion over the whole vocabulary, and over some tokens."""
    theory = {"order": 2, "layers": 3, "eps": 1e-5}
    config = config_of(*corpus, theory=theory, attention={"top_tokens": kept})
    run = make(spark, config, counted, tmp_path / "run")
    tokens = None if kept is None else np.sort(np.argsort(-run.vocabulary["count"].to_numpy(), kind="stable")[:kept])
    chosen = np.arange(SIZE) if tokens is None else tokens
    descent = counted_descent(run.manifest("adam_query_key").settings)
    scores, mean, shares = next_order_scores(run.basis(tokens=tokens), descent)
    whole = np.zeros((SIZE, SIZE))
    whole[:, chosen] = -mean.numpy()
    whole[np.ix_(chosen, chosen)] = scores.numpy()
    query_key, position = dense_attention([w.tolist() for w in run.windows()], whole, LENGTH, tokens)
    assert_near(run.adam_query_key().toarray()[np.ix_(chosen, chosen)], query_key)
    assert_near(run.adam_position(), position)
    weights = run.predicted_weights(5, 1e-3, 3, optimizer=Adam(eps=1e-5), order=2)
    assert [round(one.multiple, 9) for one in weights.shares] == [round(one.multiple, 9) for one in shares]
    assert weights.query_key.frobenius_norm() > 0
    assert run.predicted_weights(6, 1e-3, 3, optimizer=Adam(eps=1e-5), order=2).query_key is None
    assert run.predicted_weights(5, 1e-3, 3, optimizer=Adam(eps=1e-5)).query_key is None


def test_a_runs_weights_under_adam(made):
    optimizer = Adam(eps=1e-6)
    weights = made.predicted_weights(5, 1e-3, 2, optimizer=optimizer)
    assert weights.query_key.axes == made.predicted_weights(5, 1e-3, 2).query_key.axes
    assert weights.query_key.frobenius_norm() > 0
    assert len(weights.position) == LENGTH
    assert all(share.cosine > 0.99 for share in weights.shares[2:])
    for other in (Adam(eps=1e-8), SignDescent()):
        assert made.predicted_weights(5, 1e-3, 2, optimizer=other).query_key is None
    assert made.predicted_weights(5, 1e-3, 2, optimizer=AdamW(eps=1e-6)).query_key is not None


def test_what_is_refused(spark, corpus, counted, tmp_path):
    run = Location.of(shutil.copytree(counted.location.path, tmp_path / "run"))
    with pytest.raises(ConfigError, match=r"theory\.optimizer is 'sgd'.*Set it to adam, adamw or sign"):
        compose_adam_weights(config_for(*corpus), run)
    with pytest.raises(RunError, match="compose_adam_weights"):
        count_adam_attention(spark, config_of(*corpus), run)
    for order in (1, 2):
        config = config_of(*corpus, theory={"order": order})
        little = config.model_copy(update={"attention": config.attention.model_copy(update={"memory": 1000})})
        with pytest.raises(ConfigError, match=r"attention\.memory is 1,000 bytes.*Raise attention\.memory, or lower"):
            compose_adam_weights(little, run)
    jobs = jobs_of(config_of(*corpus))
    assert [name for name in jobs if "adam" in name] == ["compose_adam_weights", "count_adam_attention"]
    assert not [name for name in jobs_of(config_for(*corpus)) if "adam" in name]
    for key, value, message in (
        ("eps", -1.0, "greater than or equal to 0|at least 0"),
        ("betas", [0.9, 1.0], "found 1.0"),
        ("optimizer", "adagrad", "'sgd', 'adam', 'adamw' or 'sign'|adam"),
        ("steps", 2, "3"),
        ("order", 3, "one of 1, 2"),
    ):
        with pytest.raises(ConfigError, match=rf"theory\.{key}.*({message})"):
            config_of(*corpus, theory={key: value})
