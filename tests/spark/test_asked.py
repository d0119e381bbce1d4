"""What a config asks of the vocabulary, in whole runs: as people type it; and refused before the work, not after."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from leadterm import cli, open_run
from leadterm.catalog.jobs import COUNTING
from leadterm.config import AlignmentSection, Config, parse_section
from leadterm.errors import ConfigError, InputError
from leadterm.pipeline.encode_corpus import job as encode
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.pipeline.runner import add_to_run, run_jobs
from leadterm.storage import Location
from support.jobs import make_config, write_files
from support.tiny_models import save, tiny_model

TEXTS = [
    "give us this day our daily bread\n",
    "le café du roi, le café",
    "bread and water",
    "the king ate bread",
] * 12 + ["bread"]
TYPED = [" bread", "␣bread", "Ġbread", "▁bread", " café", "⏎", "\\n", "king"]
BPE = {"kind": "bpe", "vocabulary_size": 320}


@pytest.fixture
def corpus(tmp_path) -> Path:
    return write_files(tmp_path / "in", pa.array(TEXTS), 2)


def config_of(corpus: Path, *tokens: str, top: int | None = None, tokenizer: dict[str, Any] = BPE) -> Config:
    attention = {"device": "cpu", "top_tokens": top}
    associations = {"tokens": list(tokens), "k": 3}
    return make_config(corpus, tokenizer, windows={"length": 6}, attention=attention, associations=associations)


def test_a_run_takes_tokens_as_they_are_typed(spark, corpus, tmp_path, capsys, caplog):
    assert spark.version, "the jobs join the session that runs"
    place = Location.of(tmp_path / "run")
    with caplog.at_level("WARNING", logger="leadterm"):
        run_jobs(config_of(corpus, *TYPED, top=5000), place, [*COUNTING, "build_report"])
    run = open_run(tmp_path / "run")
    tokens = run.vocabulary["token"].to_pylist()
    says = (
        f"attention.top_tokens asks for the 5,000 most frequent tokens, and the vocabulary has {len(tokens)}: all are"
    )
    assert sum(message.startswith(says) for message in caplog.messages) == 1
    expected = ["Ġbread"] * 4 + ["ĠcafÃ©", "Ċ", "Ċ", "Ġking"]
    assert [tokens[run.token_id(typed)] for typed in TYPED] == expected
    for typed, token in zip(TYPED, expected, strict=True):
        assert run.associations(typed, "context", k=4) == run.associations(token, "context", k=4)
    page = (tmp_path / "run" / "report" / "index.html").read_text(encoding="utf-8")
    [examples] = re.findall(r'"examples": ?(\[.*?\])', page)
    assert json.loads(examples) == expected, "in the page, as the vocabulary spells them"
    assert cli.main(["show", str(tmp_path / "run"), " bread", "▁café", "\\n"]) == 0
    shown = capsys.readouterr().out
    assert [f"{token!r}, as the theory defines them" in shown for token in ("␣bread", "␣café", "⏎")] == [True] * 3
    assert "Ġ" not in shown


def test_a_vocabulary_of_the_corpus_is_asked_before_windows_are_written(spark, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "_write_windows", lambda *_: pytest.fail("windows were written"))
    says = r"^associations.tokens: ' braed' is not in the vocabulary of .* tokens; did you mean '␣bread'"
    for tokenizer in (BPE, {"kind": "words", "vocabulary_size": 9, "unknown": "replace"}):
        token, says = (" braed", says) if tokenizer is BPE else ("braed", says.replace("' b", "'b").replace("␣", ""))
        with pytest.raises(ConfigError, match=says):
            encode_corpus(spark, config_of(corpus, token, tokenizer=tokenizer), Location.of(tmp_path / "run"))


def test_a_given_tokenizer_is_asked_before_the_corpus_is_looked_for(tmp_path, tiny_file):
    config = config_of(tmp_path / "nowhere", "brad", tokenizer={"kind": "huggingface", "source": str(tiny_file)})
    for act in (run_jobs, add_to_run):
        with pytest.raises(ConfigError, match=r"associations.tokens: 'brad' is not .* did you mean 'bread'"):
            act(config, Location.of(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_with_another_tokenizer_is_refused_before_the_corpus_is_looked_for(tmp_path, tiny_file):
    save(tiny_model("llama", 1), tmp_path / "model")
    (tmp_path / "model/tokenizer.json").write_text(tiny_file.read_text().replace("king", "queen"))
    config = config_of(tmp_path / "nowhere", tokenizer={"kind": "huggingface", "source": str(tiny_file)})
    section = parse_section(AlignmentSection, {"checkpoints": [{"source": str(tmp_path / "model")}]})
    with pytest.raises(InputError, match=r"^alignment.checkpoints: .*: token 10 is 'queen' there, 'king' in the run"):
        run_jobs(config.model_copy(update={"alignment": section}), Location.of(tmp_path / "run"))


def test_other_wishes_of_a_run_that_is_there(spark, corpus, tmp_path):
    place = Location.of(tmp_path / "run")
    run_jobs(config_of(corpus, " bread"), place, COUNTING[:1])
    with pytest.raises(ConfigError, match=r"associations.tokens: ' braed' is not in the vocabulary"):
        run_jobs(config_of(corpus, " braed"), place, COUNTING[:2])
    assert not (tmp_path / "run" / "bigram").exists()
    run_jobs(config_of(corpus, " bread"), place, COUNTING[:2])
    with pytest.raises(ConfigError, match=r"associations.tokens: ' braed' is not in the vocabulary"):
        run_jobs(config_of(corpus, " braed"), place, ["build_report"])


@pytest.fixture
def tiny_file(tmp_path) -> Path:
    """A tokenizer in which two words have one id, and which splits texts at spaces."""
    names = ["give", "us", "this", "day", "our", "daily", "bread", "loaf", "and", "water", "the", "king", "ate"]
    ids = {name: number - (number > 6) for number, name in enumerate(names)}
    model = {"type": "WordLevel", "unk_token": "<unk>", "vocab": ids | {"<unk>": 12}}
    fields = {"version": "1.0", "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": model}
    (tmp_path / "tokenizer.json").write_text(json.dumps(fields))
    return tmp_path / "tokenizer.json"


def test_two_tokens_of_one_id_are_counted_together_and_the_first_names_it(spark, tmp_path, tiny_file, caplog):
    texts = ["the king ate bread", "the king ate loaf and bread", "give us this loaf"] * 5
    texts = sorted(texts)  # So that no two files hold the same.
    write_files(tmp_path / "in", pa.array(texts), 3)
    config = config_of(tmp_path / "in", "bread", tokenizer={"kind": "huggingface", "source": str(tiny_file)})
    found = []
    for name in ("one", "other"):
        with caplog.at_level("WARNING", logger="leadterm"):
            run_jobs(config, Location.of(tmp_path / name), COUNTING[:2])
        run = open_run(tmp_path / name)
        found.append([run.manifest(product).content_hash for product in ("vocabulary", "windows", "bigram")])
        by_name = {row["token"]: row["count"] for row in run.vocabulary.to_pylist()}
        assert (by_name["bread"], by_name["king"], by_name["<unk>"], "loaf" in by_name) == (20, 10, 0, False)
    assert found[0] == found[1]
    told = "tokens that share an id, which is named after the first: 'bread' and 'loaf' have 6"
    assert sum(message.endswith(told) for message in caplog.messages) == 2
