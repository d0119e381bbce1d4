"""The job ``count_attention``: windows and composed scores become the query-key matrix and the position bias."""

from pyspark.sql import SparkSession

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config
from leadterm.pipeline.count_attention.count_terms import AttentionProducts, count_terms
from leadterm.pipeline.lifecycle import Order, job
from leadterm.storage import Location
from leadterm.storage.read_products import Overwrite

PRODUCTS = AttentionProducts(Product.COMPOSED, Product.QUERY_KEY, Product.POSITION)


@job(Job.COUNT_ATTENTION)
def count_attention(
    session: SparkSession, config: Config, run: Location, *, overwrite: Overwrite = False, tasks: int | None = None
) -> bool:
    """Make the products ``query_key`` and ``position`` of a run.

    Parameters
    ----------
    session
        Spark.
    config
        Its sections ``counting`` and ``attention``.
    run
        The run directory; it holds ``windows``, ``bigram`` and ``composed``.
    overwrite
        Make the products anew; ``differing``: only where they were made from other windows or with other settings.
    tasks
        How many tasks count, and how many merge; the products do not depend on it.

    Returns
    -------
    bool
        False if both were there already, made from the same inputs with the same settings.

    Raises
    ------
    RunError
        If an input is missing, damaged, or made from another corpus, or the run directory holds another run.
    """
    order = Order.of(Job.COUNT_ATTENTION, config, run, overwrite=overwrite)
    return count_terms(session, config, run, order, PRODUCTS, tasks)
