"""A standalone cluster of two workers adds files to a run as one machine does."""

import json

from leadterm.config import load_config
from leadterm.pipeline import run_jobs
from leadterm.store import Location
from support.growing import accounts, dealt, write_corpus
from support.scenes import Driver


def test_files_added_in_parts_on_a_cluster_make_the_bytes_of_one_run(spark, cluster, tmp_path):
    (tmp_path / "in").mkdir()
    corpus = write_corpus(tmp_path / "in")
    settings = {
        "corpus": {"paths": [str(tmp_path / "in")], "ids_column": "ids"},
        "tokenizer": {"kind": "ids", "vocabulary_size": 60},
        "windows": {"length": 8},
        "counting": {"rows_per_file": 12},
    }
    config = tmp_path / "a.yaml"
    config.write_text(json.dumps(settings))
    run_jobs(load_config(config), Location.of(tmp_path / "whole"), ["encode_corpus", "count_cooccurrences"])
    driver = Driver(cluster, tmp_path)
    try:
        for part in dealt(corpus, 3, 5):
            driver.begin(config, tmp_path / "run", "add_files", part)
            assert driver.answer() == []
        driver.begin(config, tmp_path / "run", "add_files", corpus[:1])
        kind, message = driver.answer()
    finally:
        driver.kill()
    assert kind == "InputError"
    assert f"{corpus[0]} is counted already" in message
    assert accounts(tmp_path / "run") == accounts(tmp_path / "whole")
