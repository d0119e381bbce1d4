"""``leadterm plan`` refuses what the jobs would refuse after hours, without Spark."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from leadterm import cli
from leadterm.corpus import ids_file
from support.jobs import write_files
from support.lone_python import run_alone
from support.tiny_models import save, tiny_model

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
        ({"corpus": {"paths": ["/nowhere"]}}, "there is no such path: /nowhere. Check corpus.paths"),
        ({"windows": {"length": 9, "policy": "first"}}, "none of the 40 sampled documents gave a window"),
    ],
)
def test_a_corpus_that_gives_nothing(config, capsys, sections, message):
    assert cli.main(write(config, **sections)) == 1
    assert capsys.readouterr().err.startswith(f"leadterm: {message}")


@pytest.mark.parametrize(
    ("sections", "certain", "says"),
    [
        ({"associations": {"tokens": ["Six"]}}, True, "associations.tokens: 'Six' cannot be a token .* mean 'six'"),
        ({"associations": {"tokens": ["sixx"]}}, False, "'sixx' is not in the vocabulary of 5 tokens.*may have it"),
        ({"attention": {"device": "cpu", "top_tokens": 6}}, False, "top_tokens asks for the 6 .* has 5: all are taken"),
        (
            {"tokenizer": {"kind": "bpe", "vocabulary_size": 270}, "associations": {"tokens": [" sixx"]}},
            False,
            "' sixx' is not in the vocabulary of .* did you mean '␣six'.*may have it",
        ),
    ],
)
def test_what_is_asked_of_the_vocabulary(config, capsys, sections, certain, says):
    assert cli.main(write(config, **sections)) == certain
    problems = json.loads(capsys.readouterr().out)["problems"]
    [problem] = [one for one in problems if "sampled text gives only" not in one["message"]]
    assert (problem["stage"], problem["certain"]) == ("encode" if "associations" in sections else "compose", certain)
    assert re.search(says, problem["message"])


def test_what_is_asked_of_a_given_vocabulary_is_certain(config, capsys):
    (config.parent / "tokenizer.json").write_text(ids_file(30).replace('"7"', '"six"'))
    given = {"kind": "huggingface", "source": str(config.parent / "tokenizer.json")}
    texts = ["1 2 3", "4 5 six"] * 20
    write_files(config.parent / "in", pa.array(texts), 2)
    assert cli.main(write(config, tokenizer=given, associations={"tokens": ["six", "30"]})) == 1
    [problem] = json.loads(capsys.readouterr().out)["problems"]
    assert problem["certain"]
    assert problem["message"].startswith(
        "associations.tokens: '30' is not in the vocabulary of 30 tokens; did you mean"
    )


def plan_of(capsys, command) -> dict:
    assert cli.main(command) == 0
    return json.loads(capsys.readouterr().out)


def test_alignment_is_foretold_for_the_models_that_are_here(config, capsys):
    save(tiny_model("llama"), config.parent / "model")
    here = {"source": str(config.parent / "model")}
    alignment = {"checkpoints": [here, {"source": "owner/elsewhere"}], "device": "cpu"}
    found = plan_of(capsys, write(config, alignment=alignment))
    stage = found["stages"]["alignment"]
    assert {name: stage[name]["expected"] for name in ("revisions", "layers", "tokens")} == {
        "revisions": 1, "layers": 2, "tokens": 5,
    }  # fmt: skip
    assert 0 < stage["seconds"]["low"] < stage["seconds"]["expected"] < stage["seconds"]["high"]
    assert stage["scoring memory"]["expected"] > 2**29
    [note] = [note for note in found["notes"] if "alignment" in note]
    assert note.startswith("alignment is not predicted for owner/elsewhere: owner/elsewhere at revision 'main' is not")


def test_a_shuffled_run_is_foretold_too(config, capsys):
    found = plan_of(capsys, write(config, alignment={"shuffled": True, "device": "cpu"}))
    stages = found["stages"]
    shuffled = [name for name in stages if name.startswith("shuffled: ")]
    assert shuffled == [f"shuffled: {name}" for name in ("windows", *list(stages)[1:6])]
    pairs = [stages[name]["bigram nonzeros"]["expected"] for name in ("merge", "shuffled: merge")]
    assert pairs[0] < pairs[1] <= 25, "all texts are alike, until they are shuffled"
    assert "alignment is not predicted: the config names no checkpoint" in found["notes"]


def test_what_a_run_takes_on_its_disk_at_most(config, capsys):
    stages = plan_of(capsys, write(config))["stages"]
    sizes = {name: one["expected"] for stage in stages.values() for name, one in stage.items() if name != "disk bytes"}
    kept = sum(size for name, size in sizes.items() if name.endswith("bytes") and not name.startswith(("part", "shuf")))
    at_most = stages["whole run"]["disk bytes"]["expected"]
    passing = max(one["partial bytes"]["expected"] for one in stages.values() if "partial bytes" in one)
    assert kept <= at_most <= kept + passing


PLAN = "import sys; from leadterm import cli; sys.exit(cli.main(sys.argv[1:]))"


def test_a_plan_never_loads_spark(config, tmp_path):
    """It stands on its own: a plan of all that a config can ask for, to its end."""
    save(tiny_model("gpt_neox"), tmp_path / "model")
    alignment = {"shuffled": True, "checkpoints": [{"source": str(tmp_path / "model")}]}
    ended = run_alone(PLAN, *write(config, alignment=alignment))
    assert ended.status == 0, ended.errors
    names = set(json.loads(ended.output)["stages"])
    assert {"encode", "count", "attention: merge", "shuffled: count", "alignment"} <= names
    assert not ended.imported & {"pyspark", "py4j"}


def test_a_plan_is_made_where_neither_spark_nor_torch_is_installed(config):
    command = write(config, alignment={"checkpoints": [{"source": "/nowhere"}]})
    ended = run_alone(PLAN, *command, refused=["pyspark", "py4j", "torch"])
    assert ended.status == 1
    plan = json.loads(ended.output)
    assert {"encode", "count", "compose", "attention: merge"} <= set(plan["stages"])
    assert [
        (problem["stage"], problem["message"].partition("Install it with: ")[2]) for problem in plan["problems"]
    ] == [
        ("encode", "pip install 'leadterm[spark]'"),
        ("compose", "pip install 'leadterm[torch]'"),
        ("alignment", "pip install 'leadterm[torch]'"),
    ]
    assert "alignment is not predicted: PyTorch is not installed" in plan["notes"]
    assert "this run would be refused: encode, compose, alignment" in ended.errors


def test_what_is_not_predicted_is_named(config, capsys):
    assert not [note for note in plan_of(capsys, write(config))["notes"] if "count_distances" in note]
    found = plan_of(capsys, write(config, counting={"distances": [1, 2]}))
    assert "without count_distances, whose cost is not predicted" in found["notes"]
