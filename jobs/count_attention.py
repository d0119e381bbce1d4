"""The windows and scores of a run become its query-key matrix and position bias.

spark-submit jobs/count_attention.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("count_attention"))
