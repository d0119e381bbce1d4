"""The command line: ``leadterm run``, ``show``, ``weights``, ``verify`` … and what the jobs' scripts do."""

from leadterm.cli.command import main
from leadterm.cli.growing import add_main, merge_main
from leadterm.cli.jobs import job_main

__all__ = ["add_main", "job_main", "main", "merge_main"]
