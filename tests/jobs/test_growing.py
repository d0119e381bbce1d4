"""``leadterm add`` and ``leadterm merge``: a night's job, and the scripts that do the same under spark-submit."""

import logging
from pathlib import Path

import pytest
import yaml

from leadterm import cli
from leadterm.config import canonical
from support.commands import submit
from support.growing import accounts, add, config_for, documents, put_ids
from support.jobs import names_in


@pytest.fixture
def config(tmp_path) -> Path:
    """A configuration for the files in a folder, of which there is one."""
    put_ids(tmp_path / "in/0.parquet", documents(0))
    sections = {"attention": {"device": "cpu"}, "report": {"figures": "never"}}
    settings = canonical(config_for(tmp_path / "in", **sections))
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path / "a.yaml"


@pytest.fixture
def leadterm(spark, capsys, caplog):
    """Run a command in this process, which joins its session; returns the exit status and what it wrote and logged."""
    caplog.set_level(logging.INFO, "leadterm")

    def run(*arguments: str | Path) -> tuple[int, str]:
        caplog.clear()
        status = cli.main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return status, "\n".join([written.out, *caplog.messages, written.err])

    return run


def test_a_run_grows_night_by_night_and_is_merged(leadterm, config, tmp_path):
    night = ("add", "--config", config, "--output", tmp_path / "run")
    status, said = leadterm(*night)
    assert (status, "new files: 1; already counted: 0" in said) == (0, True), said
    put_ids(tmp_path / "in/1.parquet", documents(1))
    status, said = leadterm(*night)
    assert (status, "new files: 1; already counted: 1" in said) == (0, True), said
    assert "documents  22 read" in said
    assert f"look at it in a browser:  file://{tmp_path}/run/report/index.html" in said
    status, said = leadterm(*night)
    assert (status, "nothing to add: all 2 files have already been counted" in said) == (0, True), said
    assert "done in" not in said

    status, said = leadterm(*night, tmp_path / "in/1.parquet")
    assert status == 1
    assert "leadterm: 1 file cannot be added. What was counted cannot be removed: leave these" in said
    assert f"  {tmp_path}/in/1.parquet is already counted" in said

    other, both = tmp_path / "other", tmp_path / "both"
    third = put_ids(tmp_path / "in/2.parquet", documents(2))
    assert leadterm("add", "--only-counts", "--config", config, "--output", other, third)[0] == 0
    assert names_in(other) == ["bigram", "context", "documents", "frequencies", "sources", "vocabulary", "windows"]
    assert leadterm("merge", "--config", config, "--output", both, tmp_path / "run", other)[0] == 0
    assert leadterm(*night, "--only-counts")[0] == 0
    assert accounts(tmp_path / "run") == accounts(both)
    status, said = leadterm("merge", "--output", both, tmp_path / "run", other)
    assert (status, "would be counted twice" in said) == (1, True), said


def test_the_scripts_do_the_same(spark, config, tmp_path):
    second = put_ids(tmp_path / "1.parquet", documents(1))
    add(spark, tmp_path / "other", config_for(second))
    done = submit("add_files", ["--only-counts", "--config", config, "--output", "run"], tmp_path, "local[1]")
    assert done.returncode == 0, done.stdout + done.stderr
    runs = [str(tmp_path / name) for name in ("run", "other")]
    assert cli.merge_main(["--output", str(tmp_path / "both"), *runs]) == 0
    add(spark, tmp_path / "expected", config_for(tmp_path / "in/0.parquet", second))
    assert accounts(tmp_path / "both") == accounts(tmp_path / "expected")
