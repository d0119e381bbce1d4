"""One lifecycle for all jobs: require inputs, hash them, compare, stage, work, commit, log.

A job is a function with the decorator `job`, which logs it. The function calls `carry_out`, which does the work only if
products are missing or out of date. A job with special needs, such as training that keeps its own state, calls the
steps of an `Order` itself instead of copying them.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import wraps
from importlib import import_module
from inspect import signature
from typing import Any, ParamSpec

from leadterm.catalog.jobs import Job
from leadterm.config import Config, settings_of
from leadterm.errors import LeadtermError
from leadterm.pipeline.job_log import watched_job
from leadterm.storage import Location, Manifest, Stage, Staging, forget, is_current, read_manifest, staging
from leadterm.storage.read_products import Overwrite
from leadterm.storage.require_products import require_inputs

P = ParamSpec("P")
Made = dict[str, Any]


def job(name: Job) -> Callable[[Callable[P, bool]], Callable[P, bool]]:
    """Mark the function of a job: its start, and what it made or why it failed, are logged for people and machines.

    The function must have a parameter ``run``, the run directory (or ``output``, the run that is made), and return
    False if there was nothing to do.
    """

    def decorate(function: Callable[P, bool]) -> Callable[P, bool]:
        parameters = signature(function)

        @wraps(function)
        def logged(*args: P.args, **options: P.kwargs) -> bool:
            given = parameters.bind(*args, **options).arguments
            with watched_job(name, given["output" if "output" in given else "run"]) as outcome, _spark_errors(name):
                outcome.did_work = function(*args, **options)
            return outcome.did_work

        return logged

    return decorate


def _spark_errors(name: Job) -> AbstractContextManager[None]:
    """Translate what Spark raises, for a job that uses it."""
    if not name.on_executors:
        return nullcontext()
    from leadterm.spark.translate_errors import readable_errors  # noqa: PLC0415  # jobs without Spark do without it

    return readable_errors()


@dataclass(frozen=True)
class Order:
    """A job to be done: on which run, from which inputs, and with which settings.

    Attributes
    ----------
    job
        Which one.
    run
        The run directory.
    made_from
        Hashes of the inputs from which its products are made, by name.
    settings
        The settings on which its products depend.
    inputs
        The manifests of the products that it reads, by name.
    overwrite
        What happens to existing products.
    products
        The products to make; by default all of the job.
    """

    job: Job
    run: Location
    made_from: Made
    settings: Made
    inputs: dict[str, Manifest] = field(default_factory=dict)
    overwrite: Overwrite = False
    products: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "products", tuple(map(str, self.products or self.job.makes)))

    @classmethod
    def of(
        cls,
        job: Job,
        config: Config,
        run: Location,
        *,
        overwrite: Overwrite = False,
        made_from: Made | None = None,
        settings: Made | None = None,
    ) -> "Order":
        """Require a job's inputs, and take what its products depend on from the catalogue and the config.

        Parameters
        ----------
        job, config, run, overwrite
            As passed to the job.
        made_from
            Replaces the content of the products that the catalogue names.
        settings
            In addition to those that the catalogue names, or with resolved values.

        Raises
        ------
        RunError
            If an input is missing; the message names the job that makes it.
        """
        inputs = require_inputs(run, job)
        hashes = {str(name): inputs[name].content_hash for name in job.made_from}
        chosen = settings_of(config, job.keys, job.besides) | (settings or {})
        return cls(job, run, hashes if made_from is None else made_from, chosen, inputs, overwrite)

    def is_current(self) -> bool:
        """Say whether all products exist, made from the same inputs with the same settings.

        Raises
        ------
        RunError
            If one was made from other inputs or settings and ``overwrite`` does not allow replacing it.
        """
        found = [
            is_current(self.run, one, self.made_from, self.settings, overwrite=self.overwrite) for one in self.products
        ]  # Each is asked, so that one that may not go is refused whatever the others are.
        return all(found)

    def stage(self, details: Made) -> Stage:
        """Describe the work, so that it can resume after an interruption; its parts also depend on ``details``."""
        return Stage(str(self.job), self.made_from, self.settings, details)

    def manifest(self, product: str = "", /, **parts: Any) -> Manifest:
        """Make the manifest of a product, or the part that all products share."""
        return replace(Manifest(str(product), self.made_from, self.settings, {}, ()), **parts)


def carry_out(
    order: Order,
    work: Callable[[Staging], object],
    details: Callable[[], Made] = dict,
    *,
    resumes: Callable[[], bool] = lambda: True,
    also: Sequence[Order] = (),
) -> bool:
    """Do a job unless its products are up to date.

    Parameters
    ----------
    order
        What is to be done.
    work
        Makes the products in the given staging folder, and commits them.
    details
        Says what else the parts of the products depend on; called only if there is anything to do.
    resumes
        Says, also only then, whether complete parts are kept when the work is interrupted, and reused next time.
    also
        Orders for products that the same work makes from other inputs or with other settings.

    Returns
    -------
    bool
        False if there was nothing to do.
    """
    if all([each.is_current() for each in (order, *also)]):  # noqa: C419  # each may refuse
        forget(order.run, str(order.job))  # What an interruption may have left of it.
        return False
    with staging(order.run, order.stage(details()) if resumes() else None) as stage:
        work(stage)
    for each in (order, *also):
        _require_made(each)
    return True


def _require_made(order: Order) -> None:
    """Refuse a job that did not make one of its products.

    Raises
    ------
    LeadtermError
        A defect; the message names the product.
    """
    for product in order.products:
        made = read_manifest(order.run, product)
        if made is None or made.made_from != order.made_from:
            raise LeadtermError(
                f"the job {order.job} ended without making its product '{product}'. Please report this."
            )


def function_of(job: Job) -> Callable[..., bool]:
    """Load the function of a job; only some load PyTorch, which takes seconds."""
    function: Callable[..., bool] = getattr(import_module(job.module), job)
    return function


class Timer:
    """Measures the stages of a job, one after the other, in seconds."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def lap(self) -> float:
        """Return the seconds since the last call, or since the beginning."""
        now = time.monotonic()
        taken, self._started = now - self._started, now
        return taken
