"""Counting, from windows to the bigram and context matrices: leadterm, a self-join in Spark SQL, one-hot products."""

from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench, label, ratios
from benchmarks.floors import counting_floors, reached
from benchmarks.gate import check_rows, compare_onehot, compare_sql
from benchmarks.measure import Contender, Prepared, kept_last, made_anew
from benchmarks.stages import logged_session

SAMPLES = ("sql", "words onehot", "large", "words large", "tiny", "words tiny")


def run_part(bench: Bench) -> dict[str, Any]:
    """Require the same results of all on the same small samples, then measure leadterm on large ones."""
    found = bench.measure(OURS, "sql", "words onehot")
    found |= bench.measure(SQL, "sql")
    accuracy = {SQL.name: compare_sql(bench.samples["sql"], bench.folder(SQL))}
    found |= bench.measure(ONEHOT, "words onehot", warm_up="words tiny")
    accuracy[ONEHOT.name] = compare_onehot(bench.samples["words onehot"], bench.folder(ONEHOT))
    found |= bench.measure(OURS, "large", "words large")
    accuracy["the large sample"] = check_rows(bench.samples["large"])
    twins = {SQL: ("sql", "large"), ONEHOT: ("words onehot", "words large")}
    least = bench.call(counting_floors, bench.samples["large"])
    return {
        "accuracy": accuracy,
        "measurements": {name: one.as_dict() for name, one in found.items()},
        "ratios": {peer.name: ratios(found, OURS, peer, *names) for peer, names in twins.items()},
        "floors": reached(least["floors"], found[label(OURS, "large")]),
        "kernel": least["kernel"],
        "stages_of": label(OURS, "large"),
    }


def prepare_ours(output: Path) -> Prepared:
    """Start Spark for leadterm's job."""
    from leadterm.catalog.jobs import Job  # noqa: PLC0415
    from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences  # noqa: PLC0415

    session, finish = logged_session(output.parent)
    return made_anew(Job.COUNT_COOCCURRENCES.makes, partial(count_cooccurrences, session)), finish


def prepare_sql(output: Path) -> Prepared:
    """Start Spark, with the same settings, for the SQL job."""
    from benchmarks.peer_sql import count_sql  # noqa: PLC0415

    session, finish = logged_session(output.parent)
    return lambda sample, target: partial(count_sql, session, sample, target), finish


def prepare_onehot(output: Path) -> Prepared:
    """Load torch."""
    from benchmarks.peer_onehot import count_onehot, save  # noqa: PLC0415

    return kept_last(count_onehot, save, output)


OURS = Contender("leadterm", prepare_ours)
SQL = Contender("Spark SQL", prepare_sql)
ONEHOT = Contender("one-hot products, torch", prepare_onehot)
