"""Windows and the scores of another optimizer become its attention terms.

spark-submit jobs/count_adam_attention.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("count_adam_attention"))
