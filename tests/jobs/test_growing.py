"""``leadterm add`` and ``leadterm merge``: a night's job, and the scripts that do the same under spark-submit."""

import logging
from pathlib import Path

import pytest
import yaml

from leadterm import cli
from leadterm.config import canonical
from support.bad_input import put, texts
from support.commands import content_hashes, submit, write_config
from support.growing import accounts, add, config_for, documents, put_ids
from support.jobs import names_in

SENTENCES = [f"the cat {n} sat on the mat, and {n * n} dogs did not" for n in range(60)]
TOKENIZER = {"kind": "bpe", "vocabulary_size": 280}


@pytest.fixture
def leadterm(spark, capsys, caplog, monkeypatch):
    """Run a command in this process, which joins its session; returns the exit status and what it wrote and logged."""
    monkeypatch.setattr("leadterm.cli.saying.signal.signal", lambda *_: None)
    caplog.set_level(logging.INFO, "leadterm")

    def run(*arguments: str | Path) -> tuple[int, str]:
        caplog.clear()
        status = cli.main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return status, "\n".join([written.out, *caplog.messages, written.err])

    return run


def test_a_run_grows_night_by_night_and_is_merged(leadterm, tmp_path):
    write_config(tmp_path / "sample.yaml", str(put(tmp_path / "s.parquet", texts(SENTENCES))), tokenizer=TOKENIZER)
    assert leadterm("run", "--config", tmp_path / "sample.yaml", "--output", tmp_path / "sample")[0] == 0
    given = {"kind": "huggingface", "source": str(tmp_path / "sample/vocabulary/tokenizer.json")}
    changes = {"tokenizer": given, "associations": {"tokens": ["cat"], "k": 2}}
    config = write_config(tmp_path / "a.yaml", str(tmp_path / "in"), **changes)
    night = ("add", "--config", config, "--output", tmp_path / "run")

    put(tmp_path / "in/1.parquet", texts(SENTENCES[:20]))
    status, said = leadterm(*night)
    assert (status, "new files: 1; counted already: 0" in said) == (0, True), said
    put(tmp_path / "in/2.parquet", texts(SENTENCES[20:40]))
    status, said = leadterm(*night)
    assert (status, "new files: 1; counted already: 1" in said) == (0, True), said
    assert "documents  40 read, 40 kept" in said
    status, said = leadterm(*night)
    assert (status, "nothing to add: all 2 files are counted already" in said) == (0, True), said
    assert "done in" not in said

    status, said = leadterm(*night, tmp_path / "in/1.parquet")
    assert status == 1
    assert "leadterm: 1 file cannot be added. What was counted cannot be taken back: leave these" in said
    assert f"  {tmp_path}/in/1.parquet is counted already" in said

    other, both = tmp_path / "other", tmp_path / "both"
    third = put(tmp_path / "in/3.parquet", texts(SENTENCES[40:]))
    assert leadterm("add", "--only-counts", "--config", config, "--output", other, third)[0] == 0
    assert names_in(other) == ["bigram", "context", "frequencies", "sources", "vocabulary", "windows"]
    assert leadterm("merge", "--config", config, "--output", both, tmp_path / "run", other)[0] == 0
    assert leadterm(*night)[0] == 0
    assert leadterm("add", "--config", config, "--output", both)[0] == 0  # Nothing to add; the other jobs follow.
    grown, merged = content_hashes(tmp_path / "run"), content_hashes(both)
    assert grown.pop("report") != merged.pop("report")  # It tells the run's name.
    assert grown == merged
    status, said = leadterm("merge", "--output", both, tmp_path / "run", other)
    assert (status, "would be counted twice" in said) == (1, True), said


def test_the_scripts_do_the_same(spark, tmp_path):
    files = [put_ids(tmp_path / f"in/{number}.parquet", documents(number)) for number in range(3)]
    for number in range(2):
        add(spark, tmp_path / f"run-{number}", config_for(files[number]))
    add(spark, tmp_path / "expected", config_for(*files))
    done = submit("merge_runs", ["--output", "both", "run-0", "run-1"], tmp_path, "local[1]")
    assert done.returncode == 0, done.stdout + done.stderr
    settings = canonical(config_for(tmp_path / "in"))
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(settings))
    done = submit("add_files", ["--only-counts", "--config", "a.yaml", "--output", "both"], tmp_path, "local[1]")
    assert done.returncode == 0, done.stdout + done.stderr
    assert accounts(tmp_path / "both") == accounts(tmp_path / "expected")
