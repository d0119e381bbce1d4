"""Every bad input of the table that only a job can see gets its message, and leaves nothing behind."""

import itertools

import pytest

from leadterm import errors
from support.bad_cases import WITH_SPARK, Case

CASES = list(itertools.chain.from_iterable(WITH_SPARK.values()))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_bad_input_gets_its_message(spark, case: Case, tmp_path):
    with pytest.raises(errors.LeadtermError) as caught:
        case.act(spark, tmp_path)
    assert type(caught.value).__name__ == case.error
    assert case.matches(str(caught.value), tmp_path), f"\n{caught.value}\n{case.says}"
    assert not (tmp_path / "run").exists()
