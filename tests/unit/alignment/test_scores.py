"""Scores of layers against the direct computation: covariances laid out, n x n, in float64."""

import math

import numpy as np
import pytest
import torch

from leadterm.alignment import EVERY, PAPER, Evaluator, permuted, restricted
from leadterm.alignment.predictor import Predictor
from leadterm.errors import InputError
from support.alignment_cases import small_corpus
from support.dense_alignment import (
    Checkpoint,
    checkpoint_covariances,
    cosine,
    double_centred,
    predictor_covariance,
    random_layer,
    unit_rows,
)

N = 40
COMPONENTS = ("qk", "pre", "mid", "post", "read")


@pytest.fixture(scope="module")
def corpus():
    return small_corpus()


@pytest.fixture(scope="module")
def every_pair(corpus):
    """Every component against every matrix, also beyond the pairs that are offered."""
    return {component: tuple(corpus.operators) for component in COMPONENTS}


@pytest.mark.parametrize("seed", [0, 1])
def test_every_score_equals_the_direct_computation(corpus, every_pair, seed):
    layer = random_layer(seed, N)
    covariances = checkpoint_covariances(layer)
    found = Evaluator(corpus.prepared(), every_pair).score(layer)
    assert len(found) == len(covariances) * len(corpus.dense) * 2
    assert len({(one.head, one.component, one.predictor, one.metric) for one in found}) == len(found)
    for one in found:
        covariance = covariances[one.component, one.head]
        expected = cosine(covariance, predictor_covariance(corpus.dense[one.predictor]), one.metric)
        # A cosine sums n^2 products; its rounding is far below n eps = 1e-14. Centred scores here are above 1e-3.
        assert math.isclose(one.score, expected, rel_tol=1e-9, abs_tol=1e-13), one
        assert (one.layer, one.n_tokens) == (3, N)
        centred = double_centred(covariance)
        # Of numbers of about 1: sums of n^2 products.
        assert math.isclose(one.effective_rank, np.trace(centred) ** 2 / (centred**2).sum(), rel_tol=1e-9)
        assert list(one.top_tokens) == np.argsort(-np.diag(centred))[:3].tolist()


def test_the_pairs_offered_are_scored_in_the_order_of_streams(corpus):
    layer = random_layer(2, N)
    for pairs, predictors in ((PAPER, {"query_key": 5, "value": 3}), (EVERY, {"bigram.T": 9, "query_key": 5})):
        found = Evaluator(corpus.prepared(), pairs).score(layer)
        for name, number in predictors.items():
            assert sum(one.predictor == name and one.metric == "raw" for one in found) == number
        streams = ["mid" if one.component == "mid" else "post" for one in found if one.component in ("mid", "post")]
        assert streams == sorted(streams)


def test_the_null_is_that_of_permuted_checkpoints(corpus):
    pairs = {"qk": ("query_key", "bigram"), "post": ("value", "context")}
    evaluator = Evaluator(corpus.prepared(), pairs)
    layer = random_layer(4, N)
    number = 200
    drawn = np.array([[one.score for one in evaluator.score(permuted(layer, seed))] for seed in range(number)])
    for scores, one in zip(drawn.T, evaluator.score(layer), strict=True):
        # Means of 200 lie within 4.5 standard errors for all of 28 scores; deviations within 4.5 of theirs, about
        # sd / sqrt(800) times the root of half the excess kurtosis plus one, below 2 here.
        assert abs(scores.mean() - one.null_mean) < 4.5 * one.null_sd / math.sqrt(number), one
        assert abs(scores.std() / one.null_sd - 1) < 4.5 * 2 / math.sqrt(2 * number), one
        assert math.isclose(one.z, (one.score - one.null_mean) / one.null_sd, rel_tol=1e-9)


@pytest.mark.parametrize("metric", ["raw", "centred"])
@pytest.mark.parametrize("kind", ["random", "permuted"])
def test_what_does_not_know_the_corpus_is_within_three_deviations(corpus, kind, metric):
    """Random checkpoints, and one made from the corpus whose tokens have changed places."""
    evaluator = Evaluator(corpus.prepared(), PAPER)
    streams = [torch.from_numpy(unit_rows(corpus.dense[name])) for name in ("query_key", "value", "bigram")]
    heads = torch.randn(2, 4, N, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    known = Checkpoint(*streams, *heads)
    layers = (random_layer(seed, N) if kind == "random" else permuted(known, seed) for seed in range(25))
    scores = [one for layer in layers for one in evaluator.score(layer) if one.metric == metric]
    assert len(scores) == 200
    assert sum(abs(one.z) < 3 for one in scores) >= 190


@pytest.mark.parametrize("kind", ["value", "bigram.T", "interchange"])
def test_a_checkpoint_made_of_the_prediction_scores_one(corpus, kind):
    """Streams that are the predictor's rows, and heads with E = 1, W_Q = the rows of Q and W_K = 1."""
    rows, identity = torch.from_numpy(unit_rows(corpus.dense[kind])), torch.eye(N, dtype=torch.float64)
    attention = torch.from_numpy(unit_rows(corpus.dense["query_key"]))
    layer = Checkpoint(identity, rows, rows, attention[None], identity[None])
    pairs = {"qk": ("query_key",), "mid": (kind,), "post": (kind,)}
    for one in Evaluator(corpus.prepared(), pairs).score(layer):
        assert abs(one.score - 1) < 1e-12, one
        assert one.z > 3


def test_an_input_that_is_the_last_output_is_not_multiplied_again(corpus, monkeypatch):
    first, second = random_layer(5, N), random_layer(6, N)
    second = Checkpoint(first.post.clone(), second.mid, second.post, second.query, second.key)
    evaluator, products = Evaluator(corpus.prepared(), PAPER), []
    fresh = Evaluator(corpus.prepared(), PAPER).score(second)
    weighted = Predictor.weighted
    monkeypatch.setattr(Predictor, "weighted", lambda self, X: products.append(self.name) or weighted(self, X))
    evaluator.score(first)
    assert products == ["query_key", "value", "value", "value"]
    products.clear()
    assert evaluator.score(second) == fresh
    assert products == ["query_key", "value", "value"]
    products.clear()
    assert evaluator.score(first) == Evaluator(corpus.prepared(), PAPER).score(first)
    assert products[:4] == ["query_key", "value", "value", "value"], "an input of its own"


def test_float32_is_near(corpus):
    exact = Evaluator(corpus.prepared(), EVERY).score(random_layer(7, N))
    rounded = Evaluator(small_corpus(dtype="float32").prepared(), EVERY).score(random_layer(7, N))
    for one, other in zip(exact, rounded, strict=True):
        # Entries of 2^-24, in sums over 40 tokens and 7 columns, against norms: 1e-5 is fifty of them.
        assert abs(one.score - other.score) < 1e-5, one


@pytest.mark.parametrize("n", [4, 5])
def test_few_tokens(n):
    corpus = small_corpus(used=n, size=n)
    layer = random_layer(8, n)
    covariances = checkpoint_covariances(layer)
    for one in Evaluator(corpus.prepared(), EVERY).score(layer):
        expected = cosine(
            covariances[one.component, one.head], predictor_covariance(corpus.dense[one.predictor]), one.metric
        )
        assert math.isclose(one.score, expected, rel_tol=1e-8), one
        assert math.isfinite(one.z)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_does_not_vary_is_not_scored(dtype):
    """Tokens all alike, rows that are constants, a head without weights: nan, and nothing else is touched."""
    layer = random_layer(9, N)
    alike = (torch.randn(7, generator=torch.Generator().manual_seed(0)) / 3).expand(N, 7)
    constant = torch.randn(N, 1, dtype=torch.float64) / 3 * torch.ones(7)
    query = layer.query.clone()
    query[1] = 0
    layer = Checkpoint(layer.pre, alike, constant, query, layer.key)
    for one in Evaluator(small_corpus(dtype=dtype).prepared(), PAPER).score(layer):
        dead = one.component == "post" or one.head == 1 or (one.component, one.metric) == ("mid", "centred")
        numbers = (one.score, one.null_mean, one.null_sd, one.z)
        if dead:
            assert all(map(math.isnan, numbers)), one
        elif one.component == "mid":
            assert math.isfinite(one.score)
            assert math.isnan(one.z), "no permutation changes the covariance of tokens that are alike"
        else:
            assert all(map(math.isfinite, numbers)), one


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mid": torch.zeros(39, 7)}, r"layer 3: mid has shape \(39, 7\), expected \(40, 7\). Rows are"),
        ({"key": torch.zeros(2, 7, 3)}, r"key has shape \(2, 7, 3\), expected \(4, 7, 3\).*one matrix for each query"),
        ({"post": torch.full((40, 7), math.inf)}, "layer 3: post contains an infinity .* run it in float32"),
        ({"query": torch.full((4, 7, 3), math.nan)}, "layer 3: query contains an infinity or NaN"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused(corpus, change, message):
    layer = random_layer(1, N)
    parts = {name: getattr(layer, name) for name in ("pre", "mid", "post", "query", "key")}
    with pytest.raises(InputError, match=message):
        Evaluator(corpus.prepared("query_key", "value")).score(Checkpoint(**parts | change))


def test_pairs_that_cannot_be_scored_are_refused(corpus):
    prepared = corpus.prepared("value")
    with pytest.raises(InputError, match="no predictor query_key was prepared; the prepared ones are value"):
        Evaluator(prepared)
    with pytest.raises(InputError, match="there is no component mlp; choose from qk, pre, mid, post, read"):
        Evaluator(prepared, {"mlp": ("value",)})  # type: ignore[dict-item]
    others = small_corpus(used=5, size=5).prepared("query_key")
    with pytest.raises(InputError, match="differ in number of tokens, number type or device: value"):
        Evaluator(prepared + others, PAPER)
    with pytest.raises(InputError, match="there is nothing to score: give predictors"):
        Evaluator([], {})


def test_some_tokens_in_some_order():
    layer = restricted(random_layer(1, N), torch.tensor([3, 1]))
    assert torch.equal(layer.post, random_layer(1, N).post[[3, 1]])
    assert layer.query.shape == (4, 7, 3)
