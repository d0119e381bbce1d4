"""Predicted weights saved: what other tools read back, against dense formulas; what is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import leadterm
from leadterm import save_weights
from leadterm.axes import Axis
from leadterm.errors import InputError, MachineError, RunError
from leadterm.operators import Operator, ProductOperator
from leadterm.theory import Adam, Attention, Gaussian, PredictedWeights, predicted_weights
from support.dense_optimizers import next_order_counts
from support.dense_theory import count, random_windows
from support.predictions import as_operator

SIZE, LENGTH, STEPS, RATE = 40, 12, 5, 0.2
NAMES = ("output", "value", "query_key", "position")
ROUNDING = 1e-13
"""Norm-wise, for sums of at most V = 40 products in float64, two of them chained: 2 * 40 * 1.1e-16, with some room."""


@pytest.fixture(scope="module")
def windows() -> list[list[int]]:
    return random_windows(20, LENGTH + 1, SIZE, seed=4)


@pytest.fixture(scope="module")
def expected(windows) -> dict[str, np.ndarray]:
    """Dense formulas: s eta B, C(s,2) eta^2 Phi' B', (3 C(s,4) + 2 C(s,3)) eta^4 Q; Q and Delta are any numbers."""
    bigram, context = count(windows, SIZE).uniform()
    random = np.random.default_rng(0)
    query_key, position = random.normal(size=(SIZE, SIZE)), random.normal(size=LENGTH)
    return {
        "output": 1.0 * bigram,
        "value": 10 * 0.04 * context.T @ bigram.T,
        "query_key": 35 * 0.0016 * query_key,
        "position": 35 * 0.0016 * position,
    }


@pytest.fixture(scope="module")
def weights(windows, expected) -> PredictedWeights:
    terms = (expected[name] / (35 * 0.0016) for name in ("query_key", "position"))
    attention = Attention(as_operator(next(terms), Axis.CURRENT, Axis.CONTEXT), torch.from_numpy(next(terms)))
    made_from = {"bigram": "0123", "query_key": "4567"}
    basis = count(windows, SIZE).basis()
    return predicted_weights(basis, STEPS, RATE, 3, LENGTH, attention, made_from=made_from)


def differs(found: torch.Tensor, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found.numpy() - expected) / np.linalg.norm(expected))


def test_every_weight_is_there_under_its_name(tmp_path, weights, expected):
    n_bytes = save_weights(weights, tmp_path / "weights.safetensors")
    found = load_file(tmp_path / "weights.safetensors")
    assert n_bytes == 8 * (3 * SIZE**2 + LENGTH)
    assert set(found) == set(NAMES)
    for name, tensor in found.items():
        assert tensor.dtype == torch.float64
        assert differs(tensor, expected[name]) <= ROUNDING, name


@pytest.mark.parametrize("rows", [(7, 19), slice(7, 19), (0, 1), (39, 40), slice(None, 3), slice(30, None), (0, SIZE)])
def test_some_rows_of_some_weights_as_float32(tmp_path, weights, expected, rows):
    save_weights(weights, str(tmp_path / "rows"), ["value", "position"], rows=rows, dtype="float32")
    found = load_file(tmp_path / "rows")
    kept = rows if isinstance(rows, slice) else slice(*rows)
    assert {name: tensor.dtype for name, tensor in found.items()} == dict.fromkeys(("value", "position"), torch.float32)
    # Each number is rounded once, to 24 bits.
    assert differs(found["value"], expected["value"][kept]) <= 2**-24
    assert differs(found["position"], expected["position"]) <= 2**-24
    with safe_open(tmp_path / "rows", "pt") as file:
        first, last, _ = kept.indices(SIZE)
        assert file.metadata()["leadterm.rows"] == f"{first}:{last}"


def test_a_matrix_is_never_held(tmp_path, weights, expected, monkeypatch):
    taken, rows = [], ProductOperator._rows
    monkeypatch.setattr(Operator, "to_dense", None)
    monkeypatch.setattr(ProductOperator, "_rows", lambda self, at: taken.append(len(at)) or rows(self, at))
    budget = 7 * weights.value._row_bytes()
    save_weights(weights, tmp_path / "file", ["value"], rows=(3, 36), memory_bytes=budget)
    assert taken == [7, 7, 7, 7, 5]
    assert differs(load_file(tmp_path / "file")["value"], expected["value"][3:36]) <= ROUNDING
    save_weights(weights, tmp_path / "file", ["value"], rows=(3, 36), memory_bytes=1)
    assert taken[5:] == [1] * 33
    with safe_open(tmp_path / "file", "pt") as file:
        assert differs(file.get_slice("value")[30:32], expected["value"][33:35]) <= ROUNDING


def test_the_header_says_what_it_is(tmp_path, weights):
    save_weights(weights, tmp_path / "file", rows=(2, 9))
    with safe_open(tmp_path / "file", "pt") as file:
        metadata = file.metadata()
    leading = {
        "output": ("CURRENT x NEXT", 5 * 0.2, 3 * 1.0),
        "value": ("CONTEXT x CURRENT", 10 * 0.04, 12 * 1.0),
        "query_key": ("CURRENT x CONTEXT", 35 * 0.0016, 13 * 12.0),
        "position": ("distance, query minus key", 35 * 0.0016, 13 * 12.0),
    }
    for name, (axes, coefficient, bound) in leading.items():
        assert metadata.pop(f"leadterm.axes.{name}") == axes
        assert float(metadata.pop(f"leadterm.coefficient.{name}")) == pytest.approx(coefficient, rel=1e-14)
        assert float(metadata.pop(f"leadterm.bound.{name}")) == pytest.approx(bound, rel=1e-14)
    assert metadata == {
        "format": "pt",
        "leadterm.version": leadterm.__version__,
        "leadterm.dtype": "float64",
        "leadterm.rows": "2:9",
        "leadterm.vocabulary_size": "40",
        "leadterm.steps": "5",
        "leadterm.learning_rate": "0.2",
        "leadterm.layers": "3",
        "leadterm.context_length": "12",
        "leadterm.initialisation": "zero",
        "leadterm.optimizer": "GradientDescent()",
        "leadterm.order": "1",
        "leadterm.within_theorem": "false",
        "leadterm.failing": "L <= sqrt(T) / 4; s <= min(5 / (8 sqrt(T)), 1 / (12 L)) / eta; T >= 60; V >= 500",
        "leadterm.probability": "0.0",
        "leadterm.made_from.bigram": "0123",
        "leadterm.made_from.query_key": "4567",
    }


def test_the_header_tells_a_drawn_start_and_where_the_theorem_holds(tmp_path, weights):
    drawn = replace(weights.descent, initialisation=Gaussian(1e-6, 0.5))
    proved = replace(weights, descent=drawn, failure=2**-10, conditions=())
    save_weights(proved, tmp_path / "file", "position")
    with safe_open(tmp_path / "file", "pt") as file:
        metadata = file.metadata()
    assert metadata["leadterm.initialisation"] == "N(0, (1e-06 / V^(1 + 0.5))^2)"
    assert (metadata["leadterm.within_theorem"], metadata["leadterm.failing"]) == ("true", "")
    assert metadata["leadterm.probability"] == "0.9990234375"


def test_equal_weights_are_equal_bytes(tmp_path, weights):
    for name in "ab":
        save_weights(weights, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_is_too_large_is_refused_with_its_size_before_it_is_computed(tmp_path, weights, monkeypatch):
    needed = 4 * (2 * 10 * SIZE + LENGTH)
    asked = {"names": ["output", "query_key", "position"], "rows": (0, 10), "dtype": "float32"}
    assert save_weights(weights, tmp_path / "file", **asked, max_bytes=needed) == needed
    monkeypatch.setattr(Operator, "row_blocks", None)
    message = (
        r"output, query_key, position \(10 rows, float32\) would take 3,248 bytes \(0\.0 GiB\) as a dense array; the "
        r"limit is 3,247\. Save some of the rows \(rows\), float32 numbers \(dtype\) or fewer weights, or raise the "
    )
    with pytest.raises(MachineError, match=message):
        save_weights(weights, tmp_path / "file", **asked, max_bytes=needed - 1)
    huge = replace(weights, output=as_huge(weights.output))
    with pytest.raises(MachineError, match=r"19,327,352,832 bytes \(18\.0 GiB\).*the limit is 2,147,483,648"):
        save_weights(huge, tmp_path / "huge", "output")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def as_huge(operator: Operator) -> Operator:
    huge = operator.named("huge")
    huge.shape = (49_152, 49_152)
    return huge


def test_a_weight_that_the_run_lacks_names_the_jobs(tmp_path, weights):
    lacking = replace(weights, query_key=None, position=None)
    message = (
        r"the run has no query_key and no position\. Run the jobs compose_weights and count_attention on it first, or "
        r"save what there is: output, value\."
    )
    with pytest.raises(RunError, match=message):
        save_weights(lacking, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
    save_weights(lacking, tmp_path / "file", ["output", "value", "output"], dtype=torch.float32)
    found = load_file(tmp_path / "file")
    assert {name: tensor.dtype for name, tensor in found.items()} == {"output": torch.float32, "value": torch.float32}


@pytest.mark.parametrize("rows", [(0, 41), (-1, 3), (5, 5), (6, 5), slice(0, 9, 2), slice(41, None), (0, 5, 2)])
def test_rows_that_are_not_there(tmp_path, weights, rows):
    message = re.escape(f"rows are {rows!r}; expected one or more consecutive rows of 40: (first, last)")
    with pytest.raises(InputError, match=message):
        save_weights(weights, tmp_path / "file", rows=rows)


def test_what_cannot_be_saved(tmp_path, weights):
    with pytest.raises(InputError, match="there is no weight 'W_O'; choose from output, value, query_key, position"):
        save_weights(weights, tmp_path / "file", ["output", "W_O"])
    with pytest.raises(InputError, match="no weight is named; choose from output"):
        save_weights(weights, tmp_path / "file", [])
    with pytest.raises(InputError, match="float64 or float32 entries, not 'float16'"):
        save_weights(weights, tmp_path / "file", dtype="float16")
    with pytest.raises(InputError, match=r" is a folder\. Name a file, such as .*/weights\.safetensors"):
        save_weights(weights, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_the_second_order_are_there_for_each_layer(tmp_path, windows):
    basis = count(windows, SIZE).basis(next_order=next_order_counts(windows, count(windows, SIZE)))
    weights = predicted_weights(basis, STEPS, RATE, 3, LENGTH, order=2)
    save_weights(weights, tmp_path / "file", ["output", "value"])
    with safe_open(tmp_path / "file", "pt") as file:
        assert sorted(file.keys()) == ["output", "value.1", "value.2", "value.3"]
        assert torch.equal(file.get_tensor("value.2"), weights.value_of(2).to_dense())
        metadata = file.metadata()
    assert (metadata["leadterm.bound.value.2"], metadata["leadterm.order"]) == ("no bound is proved", "2")


def test_weights_under_adam(tmp_path, windows):
    weights = predicted_weights(count(windows, SIZE).basis(), STEPS, 1e-3, 3, LENGTH, optimizer=Adam())
    save_weights(weights, tmp_path / "file", ["value"], rows=(3, 9))
    with safe_open(tmp_path / "file", "pt") as file:
        assert torch.equal(file.get_tensor("value"), weights.value.rows(range(3, 9)))
        assert file.metadata()["leadterm.optimizer"] == "Adam(betas=(0.9, 0.999), eps=1e-08)"
        assert file.metadata()["leadterm.within_theorem"] == "false"
