"""``leadterm plan`` refuses what the jobs would refuse after hours, without Spark."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from leadterm import cli
from support.jobs import write_files

TEXTS = ["one two three four five six"] * 40


@pytest.fixture
def config(tmp_path) -> Path:
    write_files(tmp_path / "in", pa.array(TEXTS), 2)
    return tmp_path / "config.yaml"


def write(config: Path, **sections) -> list[str]:
    settings = {
        "corpus": {"paths": [str(config.parent / "in")]},
        "tokenizer": {"kind": "words", "vocabulary_size": 4, "unknown": "replace"},
        "windows": {"length": 4},
        "attention": {"device": "cpu"},
    }
    config.write_text(json.dumps(settings | sections))
    return ["plan", "--config", str(config), "--json"]


def test_an_output_that_cannot_be_mapped_is_refused(config, capsys):
    mapped = {"device": "cpu", "distribution": "filesystem"}
    command = [*write(config, attention=mapped), "--output", "memory://run"]
    assert cli.main(command) == 1
    shown, said = capsys.readouterr()
    [problem] = json.loads(shown)["problems"]
    assert (problem["stage"], problem["certain"]) == ("attention: count", True)
    assert "Set attention.distribution to spark" in problem["message"]
    assert said.startswith("leadterm: this run would be refused: attention: count")
    for distribution in ("spark", "auto"):
        handed_out = {"device": "cpu", "distribution": distribution}
        assert cli.main([*write(config, attention=handed_out), *command[-2:]]) == 0


def test_documents_that_give_no_window_are_a_warning(config, capsys):
    write_files(config.parent / "in", pa.array([*TEXTS, *["one"] * 60]), 2)
    assert cli.main(write(config)) == 0
    [problem] = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["stage"], problem["certain"]) == ("encode", False)
    assert problem["message"].startswith("only 40% of the documents give a window")


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"corpus": {"paths": ["/nowhere"]}}, "there is no file at /nowhere. Check corpus.paths"),
        ({"windows": {"length": 9, "policy": "first"}}, "none of 40 documents that were drawn gave a window"),
    ],
)
def test_a_corpus_that_gives_nothing(config, capsys, sections, message):
    assert cli.main(write(config, **sections)) == 1
    assert capsys.readouterr().err.startswith(f"leadterm: {message}")
