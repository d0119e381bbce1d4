"""The job ``ablate_weights``: the leading terms are taken out of trained weights, and the loss is measured."""

from leadterm.catalog.jobs import Job
from leadterm.config import Config
from leadterm.pipeline.lifecycle import job
from leadterm.pipeline.verify_weights.job import Check
from leadterm.run.open_run import open_run
from leadterm.storage import Location


@job(Job.ABLATE_WEIGHTS)
def ablate_weights(config: Config, run: Location) -> bool:
    """Take the leading terms out of the trained weights: ``ablation.md`` in the product ``verification``."""
    Check.of(open_run(run.uri), config).ablate()
    return True
