"""All jobs of a config in order, skipping what is done.

spark-submit jobs/run_pipeline.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("run_pipeline"))
