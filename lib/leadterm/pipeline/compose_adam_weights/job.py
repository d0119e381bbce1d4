"""The job ``compose_adam_weights``: scores of attention under another optimizer, at the pairs that occur."""

import time
from math import isnan
from typing import Any

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config
from leadterm.operators import resolve_device
from leadterm.pipeline.compose_adam_weights.entrywise_scores import compose_entrywise
from leadterm.pipeline.compose_adam_weights.next_order_scores import compose_next_order
from leadterm.pipeline.compose_adam_weights.training import theory_settings
from leadterm.pipeline.compose_weights.job import chosen_device, commit_scores, read_statistics, scratch_of
from leadterm.pipeline.lifecycle import Order, carry_out, job
from leadterm.storage import Location, Staging
from leadterm.storage.read_products import Overwrite
from leadterm.telemetry.progress import progress
from leadterm.theory import Share, counted_descent, score_functions


@job(Job.COMPOSE_ADAM_WEIGHTS)
def compose_adam_weights(config: Config, run: Location, *, overwrite: Overwrite = False) -> bool:
    """Make the product ``adam_composed`` of a run.

    Parameters
    ----------
    config
        Its sections ``theory``, which names the optimizer, and ``attention``.
    run
        The run directory; it holds ``vocabulary``, ``bigram`` and ``context``.
    overwrite
        Make the product anew; ``differing``: only if it was made from other counts or with other settings.

    Returns
    -------
    bool
        False if it was there already, made from the same counts with the same settings.

    Raises
    ------
    RunError
        If the counts are missing or damaged, or the run directory holds another run.
    ConfigError
        If the config names no optimizer but gradient descent, or ``attention.memory`` does not suffice.
    MachineError
        If there is no such device.
    """
    device, theory = chosen_device(config.attention), theory_settings(config.theory)
    settings = {"device": device, **theory}
    order = Order.of(Job.COMPOSE_ADAM_WEIGHTS, config, run, overwrite=overwrite, settings=settings)
    started = time.monotonic()

    def compose(stage: Staging) -> None:
        statistics, descent = read_statistics(run, order.inputs, config.attention), counted_descent(theory)
        with scratch_of(stage) as scratch, progress("compose scores", statistics.n_kept, "tokens") as report:
            scores, done = scratch.open(statistics.context.nnz)
            where: Any = {"memory_bytes": config.attention.memory, "device": resolve_device(device)}
            shares: list[Share] = []
            if descent.order == 1:
                go_on: Any = {"done": done, "on_block": scratch.save, "on_progress": report}
                composed = compose_entrywise(statistics, score_functions(descent), scores, **where, **go_on)
            else:
                composed, shares = compose_next_order(statistics, descent, scores, **where)
            counts = {**order.inputs[Product.BIGRAM].window_counts, "kept": statistics.n_kept, "nonzeros": len(scores)}
            counts |= {"shares": [[one.multiple, None if isnan(one.cosine) else one.cosine] for one in shares]}
            seconds = {"compose": time.monotonic() - started}
            commit_scores(stage, composed, order.manifest(Product.ADAM_COMPOSED, counts=counts, seconds=seconds))

    return carry_out(order, compose)
