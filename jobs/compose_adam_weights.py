"""The counts of a run become the scores of attention under another optimizer than gradient descent.

spark-submit jobs/compose_adam_weights.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("compose_adam_weights"))
