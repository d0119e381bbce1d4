"""The windows of a run become counts of pairs of tokens at exact distances.

spark-submit jobs/count_distances.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("count_distances"))
