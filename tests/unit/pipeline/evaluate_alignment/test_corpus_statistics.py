"""What is compared, and in which number type."""

from types import SimpleNamespace

import pyarrow as pa
import pytest

from leadterm.config import AlignmentSection
from leadterm.pipeline.evaluate_alignment.corpus_statistics import Corpus


@pytest.mark.parametrize(("asked", "computed"), [("auto", "float64"), ("float32", "float32"), ("float64", "float64")])
def test_products_are_in_float64_unless_float32_is_asked_for(asked, computed):
    run = SimpleNamespace(vocabulary=pa.table({"count": range(5000)}))
    assert Corpus(run, "", AlignmentSection(dtype=asked, tokens=5000)).dtype == computed
