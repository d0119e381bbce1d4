"""Every bad input of the table gets the message that stands there, and leaves nothing behind."""

import itertools
from pathlib import Path

import pytest

from leadterm import errors
from support.bad_cases import WITH_SPARK, WITHOUT_SPARK, Case
from support.bad_input_table import PLACE, table

CASES = list(itertools.chain.from_iterable(WITHOUT_SPARK.values()))


def unfinished(folder: Path) -> list[Path]:
    """What would be left of work that was broken off."""
    return [path for path in folder.rglob("*") if "partial" in path.name or path.name.startswith(".staging")]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_bad_input_gets_its_message(case: Case, tmp_path, monkeypatch):
    for name, value in case.limits.items():
        monkeypatch.setattr(name, value)
    with pytest.raises(errors.LeadtermError) as caught:
        case.act(tmp_path)
    assert type(caught.value).__name__ == case.error
    assert case.matches(str(caught.value), tmp_path), f"\n{caught.value}\n{case.says}"
    assert unfinished(tmp_path) == []


def test_the_table_is_up_to_date_and_long():
    every = [case for cases in (WITHOUT_SPARK | WITH_SPARK).values() for case in cases]
    assert len({case.name for case in every}) == len(every) >= 30
    assert PLACE.read_text(encoding="utf-8") == table(), "write it anew: python -m support.bad_input_table"
