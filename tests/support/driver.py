"""A driver in a process of its own that runs jobs as it is told, a line each, all in one Spark session."""

import json
import logging
import sys

from leadterm.config import load_config
from leadterm.errors import LeadtermError
from leadterm.pipeline import add_to_run, run_jobs
from leadterm.spark.session import spark_session
from leadterm.store import Location


def main() -> None:
    """Answer every line ``[config, run, jobs, files]`` by the kind and message of the error, or an empty list.

    Where there are files, they are added to the run instead.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with spark_session("faults", json.loads(sys.argv[1])):
        print("[]", flush=True)
        for line in sys.stdin:
            config, run, names, files = json.loads(line)
            answer: list[str] = []
            try:
                if files:
                    add_to_run(load_config(config), Location.of(run), files, only_counts=True)
                else:
                    run_jobs(load_config(config), Location.of(run), names)
            except LeadtermError as error:
                answer = [type(error).__name__, str(error)]
            except Exception as error:  # whatever it is, the test looks at it
                answer = ["unknown", str(error)]
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
