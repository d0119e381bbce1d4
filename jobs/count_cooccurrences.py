"""The windows of a run become its bigram and context matrices and both frequency vectors.

spark-submit jobs/count_cooccurrences.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("count_cooccurrences"))
