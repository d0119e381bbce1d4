"""Documents in Parquet or JSON lines become windows of token ids and a vocabulary.

spark-submit jobs/encode_corpus.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("encode_corpus"))
