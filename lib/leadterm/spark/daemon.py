"""PySpark's daemon on one machine, without the tracebacks of workers whose Java has gone.

Where a job failed or was cancelled, Java ends; a worker that is just being forked then writes to nobody, and PySpark's
own daemon shows its traceback on the terminal, below the message of the job.
"""

import sys
import traceback
from types import SimpleNamespace

from pyspark import daemon

GONE = (BrokenPipeError, ConnectionResetError)


def print_exc() -> None:
    """Show the traceback of an error, unless it says that Java has gone."""
    if not isinstance(sys.exception(), GONE):
        traceback.print_exc()


if __name__ == "__main__":
    vars(daemon)["traceback"] = SimpleNamespace(print_exc=print_exc, format_exc=traceback.format_exc)
    daemon.manager()
