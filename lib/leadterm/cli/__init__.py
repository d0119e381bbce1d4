"""The command line: ``leadterm run``, ``show``, ``weights``, ``verify`` … and what the jobs' scripts do."""

from leadterm.cli.command import main
from leadterm.cli.jobs import job_main

__all__ = ["job_main", "main"]
