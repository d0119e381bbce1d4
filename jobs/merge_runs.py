"""Runs over different files, counted apart, become the run over all of them.

spark-submit jobs/merge_runs.py --output runs/all runs/one runs/other
"""

import sys

from leadterm.cli import merge_main

if __name__ == "__main__":
    sys.exit(merge_main())
