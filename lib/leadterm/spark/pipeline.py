"""All jobs of a run in their order; each one that was done for the same inputs and settings is skipped."""

import logging
import time
from collections.abc import Callable

from pyspark.sql import SparkSession

from leadterm.config import Config
from leadterm.spark.count import count_cooccurrences
from leadterm.spark.encode import encode_corpus
from leadterm.store import Location

Job = Callable[..., bool]
"""Makes products of a run from ``(session, config, run, overwrite=...)``; False if there was nothing to do."""

JOBS: dict[str, Job] = {"encode_corpus": encode_corpus, "count_cooccurrences": count_cooccurrences}
"""The jobs of a pipeline, in order."""

logger = logging.getLogger("leadterm")


def run_jobs(
    session: SparkSession, config: Config, run: Location, names: list[str], *, overwrite: bool = False
) -> None:
    """Run some jobs one after the other.

    Parameters
    ----------
    session
        Spark.
    config
        Settings of all jobs.
    run
        The run directory; made if it is not there.
    names
        Of the jobs, in order.
    overwrite
        Replace products that were made from other inputs or with other settings.
    """
    for name in names:
        started = time.monotonic()
        did_work = JOBS[name](session, config, run, overwrite=overwrite)
        seconds = time.monotonic() - started
        outcome = f"done in {seconds:.1f} s" if did_work else "nothing to do: made from the same inputs already"
        logger.info("%s: %s", name, outcome)
