"""PySpark's daemon, whose workers need not import anything, for the tests' many small tasks.

PySpark's own daemon forks workers that have imported nothing. Each then imports for two seconds, and after every task
looks for garbage in all that it imported, for a tenth of a second.
"""

import gc

from pyspark import daemon, worker

from leadterm.pipeline.aggregation import task as merging
from leadterm.pipeline.count_attention import task as attending
from leadterm.pipeline.count_cooccurrences import task as counting
from leadterm.pipeline.encode_corpus import make_tokenizer as vocabulary
from leadterm.pipeline.encode_corpus import task as encoding

IMPORTED = (worker, attending, counting, encoding, merging, vocabulary)

if __name__ == "__main__":
    gc.freeze()
    daemon.manager()
