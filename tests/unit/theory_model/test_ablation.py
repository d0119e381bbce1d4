"""Removing leading terms: exactly the projection, and the weights come back."""

import pytest
import torch

from leadterm.theory_model import Transformer, ablate, mean_loss
from leadterm.theory_model.ablation import removables, without
from leadterm.theory_model.batches import PackedWindows
from leadterm.theory_model.weight_agreement import agreements
from support.predictions import Predictor, settings, small_corpus

SIZE, LENGTH, LAYERS = 9, 6, 2
SETTINGS = settings()


@pytest.fixture(scope="module")
def prediction():
    return Predictor([list(window) for window in small_corpus()], SIZE, LENGTH, 0.3, LAYERS)(4)


@pytest.fixture
def model(prediction) -> Transformer:
    """Random weights plus some of their leading terms, so that both parts count."""
    model = Transformer(SIZE, LENGTH, LAYERS)
    model.initialise(3.0, 0.0, seed=0)
    with torch.no_grad():
        for kind, _, weight in model.weights():
            term = getattr(prediction, kind)
            term = term if isinstance(term, torch.Tensor) else term.to_dense()
            weight.add_(2 * term / term.norm())
    return model


def test_after_removal_the_cosine_is_zero_and_the_rest_is_untouched(model, prediction):
    before = {(kind, layer): weight.detach().clone() for kind, layer, weight in model.weights()}
    assert all(one.cosine > 0.1 for one in agreements(model, prediction))
    targets = removables(model, prediction)
    with without(targets):
        assert all(abs(one.cosine) < 1e-14 for one in agreements(model, prediction))
        for target in targets:
            gone = before[target.kind, target.layer] - target.weight
            term = target.term if isinstance(target.term, torch.Tensor) else target.term.to_dense()
            assert torch.allclose(gone, target.coefficient * term, rtol=0, atol=1e-14)
    for kind, layer, weight in model.weights():
        assert torch.equal(weight, before[kind, layer])


def test_one_at_a_time_a_kind_at_a_time_and_all(model, prediction):
    rows = ablate(model, small_corpus(), prediction, SETTINGS)
    kinds = ("value", "query_key", "position")
    assert [(row.removed, row.layer) for row in rows] == [
        ("nothing", None),
        ("output", None),
        *((kind, layer) for kind in kinds for layer in (1, 2)),
        *((kind, None) for kind in kinds),
        ("all", None),
    ]
    packed = PackedWindows(small_corpus(), SIZE, LENGTH)
    assert rows[0].loss == mean_loss(model, packed, SETTINGS)[0]
    chosen = [target for target in removables(model, prediction) if (target.kind, target.layer) == ("value", 2)]
    with without(chosen):
        assert rows[3].loss == mean_loss(model, packed, SETTINGS)[0]
    for row in rows:
        assert row.increase == row.loss - rows[0].loss
    assert len({row.loss for row in rows}) == len(rows)


def test_a_trained_model_needs_its_leading_terms(prediction):
    """Weights that are their prediction: without it the output is zero, and the loss that of knowing nothing."""
    model = Transformer(SIZE, LENGTH, LAYERS)
    with torch.no_grad():
        model.output.copy_(prediction.output.to_dense())
    rows = ablate(model, small_corpus(), prediction, SETTINGS)
    knows_nothing = float(torch.log(torch.tensor(SIZE, dtype=torch.float64)))
    assert rows[0].loss < knows_nothing - 1e-2
    assert rows[1].loss == pytest.approx(knows_nothing, rel=1e-13)
    assert rows[-1].loss == pytest.approx(knows_nothing, rel=1e-13)
    assert rows[2].increase == 0


def test_an_error_inside_leaves_the_weights_as_they_were(model, prediction):
    before = model.output.detach().clone()
    with pytest.raises(KeyError), without(removables(model, prediction)):
        raise KeyError
    assert torch.equal(model.output, before)


def test_a_prediction_of_zero_removes_nothing(model, prediction):
    nothing = Predictor([list(window) for window in small_corpus()], SIZE, LENGTH, 0.3, LAYERS)(1)
    rows = {(row.removed, row.layer): row for row in ablate(model, small_corpus(), nothing, SETTINGS)}
    assert rows["value", 1].increase == rows["query_key", None].increase == 0
    assert rows["output", None].increase != 0
