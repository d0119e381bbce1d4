"""Runs a small job, so that its Java can keep the classes it loaded for the next ones: a part of ``make test``."""

from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark import SparkContext

from leadterm.spark.session import spark_session
from support.bad_input import TEXTS, put, texts
from support.jobs import make_config, run_both


def main() -> None:
    """Run both jobs on a few sentences."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        put(folder / "in/texts.parquet", texts(TEXTS))
        tokenizer = {"kind": "words", "vocabulary_size": 50, "unknown": "replace"}
        with spark_session("classes", {"spark.master": "local[2]", "spark.local.dir": name}) as session:
            run_both(session, make_config(folder / "in", tokenizer), folder / "run")
    SparkContext._gateway.proc.stdin.close()  # Java ends, and writes what it keeps, which takes seconds.
    SparkContext._gateway.proc.wait()


if __name__ == "__main__":
    main()
