"""Which jobs a config asks for."""

from typing import Any

from leadterm.catalog.jobs import Job
from leadterm.config import Config


def is_asked(config: Config, job: Job) -> bool:
    """Say whether a run of a config does a job: always, or where the config has what the catalogue names."""
    if job.when is None:
        return False
    found: Any = config
    for name in job.when.split(".") if job.when else ():
        found = getattr(found, name, None)
    return bool(found)
