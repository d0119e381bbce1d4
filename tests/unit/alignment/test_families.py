"""Scores of a real architecture's layers, for every family, against covariances laid out in float64."""

import math

import pytest

from leadterm.alignment import EVERY, Evaluator
from leadterm.checkpoints import open_checkpoint
from support.alignment_cases import small_corpus
from support.dense_alignment import checkpoint_covariances, cosine, predictor_covariance
from support.tiny_models import CONFIGS, N_HEADS, N_LAYERS, save, tiny_model


@pytest.fixture(scope="module")
def evaluator():
    return Evaluator(small_corpus().prepared(), EVERY)


@pytest.fixture(scope="module")
def predictors():
    return {name: predictor_covariance(matrix) for name, matrix in small_corpus().dense.items()}


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_score_equals_the_direct_computation(kind, evaluator, predictors, tmp_path):
    with open_checkpoint(save(tiny_model(kind), tmp_path / "model"), dtype="float64") as checkpoint:
        for layer in checkpoint.layers(range(40)):
            covariances = checkpoint_covariances(layer)
            found = evaluator.score(layer)
            # Mean and heads of qk, three streams and the one that is read; against six predictors; raw and centred.
            assert len(found) == (N_HEADS + 5) * 6 * 2
            for one in found:
                expected = cosine(covariances[one.component, one.head], predictors[one.predictor], one.metric)
                assert math.isclose(one.score, expected, abs_tol=1e-8), one
        assert layer.number == N_LAYERS - 1
