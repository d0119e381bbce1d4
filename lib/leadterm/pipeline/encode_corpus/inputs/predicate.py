"""The predicate ``corpus.where``: what it names, and whether it can be asked of a row alone, today and tomorrow."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from leadterm.errors import ConfigError, InputError

KEY = "corpus.where"
ZONE = "spark.sql.session.timeZone"


def names_in(session: SparkSession, where: str) -> tuple[str, ...]:
    """List the columns that a predicate names, without those inside of others.

    Raises
    ------
    ConfigError
        If it cannot be parsed, or asks more than a row can answer.
    """
    try:
        parsed = session._jsparkSession.sessionState().sqlParser().parseExpression(where)
    except (PySparkException, Py4JJavaError) as error:
        raise ConfigError(f"{KEY} is not a SQL predicate: {reason(error)}. Found: {where}") from error
    names: dict[str, None] = {}
    for node in _nodes(parsed):
        kind = node.getClass().getSimpleName()
        if kind.endswith("Subquery") or kind in ("Exists", "ListQuery"):
            raise ConfigError(
                f"{KEY} has a subquery, which cannot be evaluated for a single row. Remove it. Found: {where}"
            )
        if kind == "UnresolvedAttribute":
            names[str(node.nameParts().apply(0))] = None
        if kind in ("UnresolvedStar", "UnresolvedRegex", "Parameter", "NamedParameter", "PosParameter"):
            raise ConfigError(f"{KEY} must name columns; it contains '{node.sql()}'. Name them. Found: {where}")
    return tuple(names)


def check_predicate(where: str, empty: DataFrame, names: Sequence[str]) -> None:
    """Refuse a predicate that cannot be asked of rows with these columns, or whose answer depends on more than a row.

    Parameters
    ----------
    where
        The predicate.
    empty
        Has the columns there are, and no rows.
    names
        The columns that the predicate names; see `names_in`.

    Raises
    ------
    ConfigError
        Says why.
    """
    missing = [name for name in names if name not in empty.columns]
    if missing:
        there = ", ".join(empty.columns) or "none"
        raise ConfigError(
            f"{KEY} names the column {missing[0]}, which does not exist; there are {there}. Found: {where}"
        )
    try:
        plan = empty.where(where)._jdf.queryExecution().analyzed()
    except (PySparkException, Py4JJavaError) as error:
        raise ConfigError(f"{KEY} cannot be evaluated for a row: {reason(error)}. Found: {where}") from error
    condition = plan.condition()
    patterns = empty.sparkSession._jvm.org.apache.spark.sql.catalyst.trees.TreePattern  # type: ignore[union-attr]
    if not condition.deterministic() or condition.containsPattern(patterns.CURRENT_LIKE()):
        raise ConfigError(
            f"{KEY} depends on more than the row, such as a random number or today's date: the same corpus must "
            f"always give the same counts. Write a value instead. Found: {where}"
        )


def flag(where: str) -> Column:
    """Write the predicate as a column that is true or false: where it is null, a row is not kept."""
    return F.coalesce(F.expr(where), F.lit(False))


@contextmanager
def in_utc(session: SparkSession) -> Iterator[None]:
    """Take times without a zone for UTC, wherever the machine is, in what is described in the block."""
    before = session.conf.get(ZONE)
    session.conf.set(ZONE, "UTC")
    try:
        yield
    finally:
        session.conf.set(ZONE, str(before))


@contextmanager
def asking(where: str) -> Iterator[None]:
    """Retell what Spark raises inside the block, where the predicate is asked of rows.

    Raises
    ------
    InputError
        Says on which value it failed.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        raise InputError(
            f"{KEY} fails on a row: {reason(error)}. Correct it, for example with try_cast. Found: {where}"
        ) from error


def reason(error: Exception) -> str:
    """Give the first line of what Spark says of an expression."""
    text = str(error.java_exception.getMessage()) if isinstance(error, Py4JJavaError) else str(error)
    lines: Sequence[str] = [line for line in text.strip().splitlines() if line.strip()]
    return lines[0].partition(" SQLSTATE")[0].strip(" .;:") if lines else type(error).__name__


def _nodes(expression: Any) -> Iterator[Any]:
    """Go through a tree of Java's."""
    yield expression
    children = expression.children()
    for i in range(children.size()):
        yield from _nodes(children.apply(i))
