"""Cosine, ratio of norms and relative error, by blocks of rows."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from leadterm.axes import Axis
from leadterm.errors import AxisError
from leadterm.operators import Operator
from leadterm.theory_model import Transformer, agreements
from leadterm.theory_model.weight_agreement import compare
from support.predictions import Predictor, as_operator, small_corpus

SIZE, LENGTH = 9, 6


@pytest.fixture
def model() -> Transformer:
    model = Transformer(SIZE, LENGTH, layers=2)
    model.initialise(3.0, 0.0, seed=0)
    return model


@pytest.fixture(scope="module")
def prediction():
    return Predictor([list(window) for window in small_corpus()], SIZE, LENGTH, 0.3, 2)(4)


def dense(term) -> np.ndarray:
    return term.to_dense().numpy() if isinstance(term, Operator) else term.numpy()


@pytest.mark.parametrize("memory_bytes", [0, 64 * SIZE * 4, 2**26])
def test_by_blocks_as_by_definition(model, prediction, memory_bytes):
    found = agreements(model, prediction, memory_bytes)
    named = list(model.weights())
    assert [(one.weight, one.layer) for one in found] == [(kind, layer) for kind, layer, _ in named]
    for one, (kind, _, weight) in zip(found, named, strict=True):
        w, p = weight.detach().numpy(), dense(getattr(prediction, kind))
        sizes = np.linalg.norm(w), np.linalg.norm(p)
        assert one.cosine == pytest.approx(np.sum(w * p) / (sizes[0] * sizes[1]), rel=1e-12)
        assert one.norm_ratio == pytest.approx(sizes[0] / sizes[1], rel=1e-12)
        assert one.error_norm == pytest.approx(np.linalg.norm(w - p), rel=1e-12)
        assert one.relative_error == pytest.approx(np.linalg.norm(w - p) / sizes[1], rel=1e-12)


def test_a_tiny_error_is_not_lost_to_cancellation():
    p = np.random.default_rng(0).normal(size=(SIZE, SIZE))
    w = torch.from_numpy(p.copy())
    w[3, 4] += 1e-11
    [moments] = compare([w], "output", as_operator(p, Axis.CURRENT, Axis.NEXT))
    assert math.sqrt(moments.error_square) == pytest.approx(1e-11, rel=1e-4)


def test_never_more_rows_at_once_than_memory_allows(model, prediction, monkeypatch):
    asked, plain = [], Operator.rows

    def counted(self, indices):
        asked.append(len(indices))
        return plain(self, indices)

    monkeypatch.setattr(Operator, "rows", counted)
    monkeypatch.setattr(Operator, "to_dense", None)
    agreements(model, prediction, memory_bytes=64 * SIZE * 2)
    assert asked == [2, 2, 2, 2, 1] * 3  # once for both layers


def test_a_prediction_of_zero_has_no_direction(model, prediction):
    nothing = as_operator(np.zeros((SIZE, SIZE)), Axis.CURRENT, Axis.NEXT)
    output = agreements(model, replace(prediction, output=nothing))[0]
    assert all(math.isnan(number) for number in (output.cosine, output.norm_ratio, output.relative_error))
    assert output.error_norm == pytest.approx(float(model.output.detach().norm()))


def test_weights_without_a_prediction_are_left_out(model, prediction):
    found = agreements(model, prediction.without("query_key", "position"))
    assert [one.weight for one in found] == ["output", "value", "value"]


def test_a_transposed_or_smaller_prediction_is_refused(model, prediction):
    with pytest.raises(AxisError, match=r"cannot predict query_key, which is CURRENT x CONTEXT. Give its transpose"):
        agreements(model, replace(prediction, query_key=prediction.query_key.T))
    small = as_operator(np.ones((4, 4)), Axis.CONTEXT, Axis.CURRENT)
    with pytest.raises(
        AxisError, match=r"predicted value has shape \(4, 4\), the model's weight \(9, 9\): train a model"
    ):
        agreements(model, replace(prediction, value=small))
    with pytest.raises(AxisError, match=r"predicted position has shape \(3,\), the model's weight \(6,\)"):
        agreements(model, replace(prediction, position=torch.ones(3)))
