"""What is compared, and in which number type."""

from types import SimpleNamespace

import pyarrow as pa
import pytest

from leadterm.alignment import EXACT_TOKENS
from leadterm.config import AlignmentSection
from leadterm.evaluation.corpora import Corpus


@pytest.mark.parametrize(
    ("asked", "n_tokens", "computed"),
    [
        ("auto", EXACT_TOKENS, "float64"),
        ("auto", EXACT_TOKENS + 1, "float32"),
        ("float32", 10, "float32"),
        ("float64", EXACT_TOKENS + 1, "float64"),
    ],
)
def test_products_of_few_tokens_are_in_float64(asked, n_tokens, computed):
    run = SimpleNamespace(vocabulary=pa.table({"count": range(EXACT_TOKENS + 1)}))
    assert Corpus(run, "", AlignmentSection(dtype=asked, tokens=n_tokens)).dtype == computed
