"""Checkpoints of language models are compared with the statistics of a run.

spark-submit jobs/evaluate_alignment.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("evaluate_alignment"))
