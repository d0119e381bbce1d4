"""The windows of a run become the two matrices of the predicted weights' next order.

spark-submit jobs/count_two_hops.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("count_two_hops"))
