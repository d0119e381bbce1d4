"""The command line: ``leadterm run``, ``show``, ``weights``, ``verify`` … and what the jobs' scripts do."""

from leadterm.cli.add import add_main, merge_main
from leadterm.cli.main import main
from leadterm.cli.run import job_main

__all__ = ["add_main", "job_main", "main", "merge_main"]
