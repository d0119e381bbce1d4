"""Bad inputs, and what each one gets: the tests run them, and the table in ``tests/BAD_INPUT.md`` is made of them."""

from support.bad_cases import checkpoints, door, inputs, jobs, nights, runs, settings, tables
from support.bad_cases.case import Case

WITHOUT_SPARK: dict[str, list[Case]] = {
    "Settings": settings.CASES,
    "A corpus and its tokenizer, before the work starts": inputs.CASES,
    "What stands in a file of a corpus, before the work starts": door.CASES,
    "Tables, other formats and the hub": tables.CASES,
    "A run": runs.CASES,
    "A language model": checkpoints.CASES,
    "A run that lacks something, or cannot be reached": nights.CASES,
}
WITH_SPARK: dict[str, list[Case]] = {"A corpus, while a job reads it": jobs.CASES, "A predicate": tables.WHERE}

__all__ = ["WITHOUT_SPARK", "WITH_SPARK", "Case"]
