"""The windows of a run become those of its shuffled run, <run>/shuffled, for the other jobs to count.

spark-submit jobs/shuffle_corpus.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("shuffle_corpus"))
