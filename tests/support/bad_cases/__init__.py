"""Bad inputs, and what each one gets: the tests run them, and the table in ``tests/BAD_INPUT.md`` is made of them."""

from support.bad_cases import inputs, jobs, nights, runs, settings
from support.bad_cases.case import Case

WITHOUT_SPARK: dict[str, list[Case]] = {
    "Settings": settings.CASES,
    "A corpus and its tokenizer, before the work starts": inputs.CASES,
    "A run": runs.CASES,
    "A run that lacks something, or cannot be reached": nights.CASES,
}
WITH_SPARK: dict[str, list[Case]] = {"A corpus, while a job reads it": jobs.CASES}

__all__ = ["WITHOUT_SPARK", "WITH_SPARK", "Case"]
