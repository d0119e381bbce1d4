"""The job ``count_adam_attention``: the query-key matrix and the position bias under another optimizer."""

from pyspark.sql import SparkSession

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config
from leadterm.pipeline.compose_adam_weights.training import theory_settings
from leadterm.pipeline.count_attention.count_terms import AttentionProducts, count_terms
from leadterm.pipeline.lifecycle import Order, job
from leadterm.storage import Location
from leadterm.storage.read_products import Overwrite

PRODUCTS = AttentionProducts(Product.ADAM_COMPOSED, Product.ADAM_QUERY_KEY, Product.ADAM_POSITION)


@job(Job.COUNT_ADAM_ATTENTION)
def count_adam_attention(
    session: SparkSession, config: Config, run: Location, *, overwrite: Overwrite = False, tasks: int | None = None
) -> bool:
    """Make the products ``adam_query_key`` and ``adam_position`` of a run; see `count_attention`.

    Raises
    ------
    RunError
        If an input is missing, damaged, or made from another corpus, or the run directory holds another run.
    ConfigError
        If the config names no optimizer but gradient descent.
    """
    settings = theory_settings(config.theory)
    order = Order.of(Job.COUNT_ADAM_ATTENTION, config, run, overwrite=overwrite, settings=settings)
    return count_terms(session, config, run, order, PRODUCTS, tasks)
