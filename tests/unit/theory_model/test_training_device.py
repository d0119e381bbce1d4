"""Number types and devices: what is set inside a step, and set back after it."""

import pytest
import torch

from leadterm.errors import MachineError
from leadterm.theory_model.training_device import autocast, fitting, precision, weights_dtype
from support.predictions import settings


@pytest.fixture(autouse=True)
def as_before():
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(("dtype", "expected"), [("tf32", "high"), ("float32", "highest"), ("bfloat16", "highest")])
@pytest.mark.parametrize("before", ["high", "highest"])
def test_the_precision_of_products_is_set_for_the_block_alone(dtype, expected, before):
    torch.set_float32_matmul_precision(before)
    with pytest.raises(KeyError), precision(settings(device="cuda", dtype=dtype)):
        assert torch.get_float32_matmul_precision() == expected
        raise KeyError
    assert torch.get_float32_matmul_precision() == before


def test_a_cpu_is_left_alone():
    torch.set_float32_matmul_precision("high")
    with precision(settings(dtype="float32")):
        assert torch.get_float32_matmul_precision() == "high"


def test_autocast_is_for_bfloat16_alone():
    with autocast(settings(dtype="float32")):
        assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize(
    ("device", "dtype", "expected"),
    [("cpu", "float64", torch.float64), ("cpu", "float32", torch.float32), ("cuda", "tf32", torch.float32)],
)
def test_the_type_of_weights(device, dtype, expected):
    assert weights_dtype(settings(device=device, dtype=dtype)) == expected


def test_halving_until_it_fits():
    tried = []

    def action(size):
        tried.append(size)
        if size > 3:
            raise torch.OutOfMemoryError("out of memory")
        return "done"

    assert fitting(action, 20) == ("done", 3)
    assert tried == [20, 10, 5, 3]
    with pytest.raises(MachineError, match="no memory for a single window: out of memory"):
        fitting(lambda size: action(99), 2)


def test_other_errors_are_not_retried():
    with pytest.raises(ZeroDivisionError):
        fitting(lambda size: 1 // 0, 8)
