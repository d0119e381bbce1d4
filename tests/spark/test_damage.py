"""One wrong byte in what a job reads of a run: the job names the file, changes nothing, and leaves nothing behind."""

import random
from pathlib import Path

import pytest

from leadterm.catalog.jobs import COUNTING
from leadterm.config import Config, parse_config
from leadterm.errors import RunError
from leadterm.pipeline.compose_weights.job import compose_weights
from leadterm.pipeline.count_attention.job import count_attention
from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences
from leadterm.pipeline.runner import run_jobs
from leadterm.pipeline.shuffle_corpus.job import shuffle_corpus
from leadterm.storage import Location
from support.bad_input import WORDS, put
from support.whole_runs import files_of

JOBS = {
    "count": (count_cooccurrences, ("windows", "vocabulary")),
    "attention": (count_attention, ("windows", "bigram", "composed")),
    "shuffle": (shuffle_corpus, ("windows", "vocabulary")),
    "compose": (lambda _, *args, **more: compose_weights(*args, **more), ("vocabulary", "bigram", "context")),
}
"""What makes products anew, and of which it makes them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("damaged")


def config_of(folder: Path, rows_per_file: int, top_tokens: int) -> Config:
    settings = {
        "corpus": {"paths": [str(folder / "a.parquet")]},
        "tokenizer": WORDS,
        "windows": {"length": 8, "files": 2},
        "counting": {"rows_per_file": rows_per_file},
        "attention": {"top_tokens": top_tokens},
    }
    return parse_config(settings)


@pytest.fixture(scope="module")
def run(spark, folder) -> Path:
    put(folder / "a.parquet")
    run_jobs(config_of(folder, 32, 40), Location.of(folder / "run"), COUNTING)
    return folder / "run"


@pytest.mark.parametrize("name", JOBS)
def test_a_job_finds_a_flipped_byte_of_what_it_reads(spark, run, folder, name):
    (job, products), other = JOBS[name], config_of(folder, 16, 30)  # With the same, there would be nothing to do.
    before, draw, missed = files_of(run), random.Random(name), []
    for path in (run / file for file in before if file.partition("/")[0] in products):
        data = bytearray(path.read_bytes())
        at = draw.choice((0, len(data) - 1, draw.randrange(len(data)), draw.randrange(len(data))))
        data[at] ^= (flip := draw.randrange(1, 256))
        path.write_bytes(data)
        try:
            job(spark, other, Location.of(run), overwrite=True)
            missed.append((path.name, at, "was not seen"))
        except RunError as error:
            if not str(error).startswith(str(path)):
                missed.append((path.name, at, str(error)))
        data[at] ^= flip
        path.write_bytes(data)
    assert missed == []
    assert files_of(run) == before
