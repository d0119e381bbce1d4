"""PySpark's daemon, whose workers need not import anything, for the tests' many small tasks.

PySpark's own daemon forks workers that have imported nothing. Each then imports for two seconds, and after every task
looks for garbage in all that it imported, for a tenth of a second. What it imports of PySpark lies in a zip, whose
list of files it reads again for each of PySpark's packages before its first task; here it is what is installed.
"""

import gc
import sys

sys.path[:] = [place for place in sys.path if not place.endswith(".zip")]

# ruff: noqa: E402  # imported from there
import pandas as pd
from pyspark import daemon, worker

from leadterm.pipeline.aggregation import task as merging
from leadterm.pipeline.count_attention import task as attending
from leadterm.pipeline.count_cooccurrences import task as counting
from leadterm.pipeline.encode_corpus import make_tokenizer as vocabulary
from leadterm.pipeline.encode_corpus import task as encoding

IMPORTED = (pd, worker, attending, counting, encoding, merging, vocabulary)

if __name__ == "__main__":
    gc.freeze()
    daemon.manager()
