"""A driver in a process of its own that runs jobs as it is told, a line each, all in one Spark session.

It runs the jobs themselves, not `leadterm.pipeline.runner`, with which PyTorch is loaded: it is started often.
"""

import json
import logging
import sys

from leadterm.config import load_config
from leadterm.errors import LeadtermError
from leadterm.pipeline.add_files.job import add_files
from leadterm.pipeline.count_attention.job import count_attention
from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.spark.session import spark_session
from leadterm.storage import Location

JOBS = {one.__name__: one for one in (add_files, count_attention, count_cooccurrences, encode_corpus)}


def main() -> None:
    """Answer every line ``[config, run, job, files]`` by the kind and message of the error, or an empty list."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with spark_session("faults", json.loads(sys.argv[1])) as session:
        print("[]", flush=True)
        for line in sys.stdin:
            config, run, name, files = json.loads(line)
            answer: list[str] = []
            try:
                JOBS[name](session, load_config(config), Location.of(run), **({"files": files} if files else {}))
            except LeadtermError as error:
                answer = [type(error).__name__, str(error)]
            except Exception as error:  # whatever it is, the test looks at it
                answer = ["unknown", str(error)]
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
