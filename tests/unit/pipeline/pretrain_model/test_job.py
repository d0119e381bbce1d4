"""The product ``pretrained``: for runs of every kind of tokenizer, whole, current or refused."""

import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer

from leadterm import cli
from leadterm.checkpoints import find_revisions, open_checkpoint
from leadterm.config import parse_config
from leadterm.corpus import WordTokenizer, count_pieces, load_tokenizer, train_bpe
from leadterm.errors import ConfigError, InputError, RunError
from leadterm.pipeline.pretrain_model import job as pretrain
from leadterm.storage import Location, read_manifest
from support.dense_theory import random_windows
from support.pretraining_cases import TINY, bytes_of
from support.written_runs import write_run

LENGTH = 6
WORDS = ("in", "the", "beginning", ",", "ς", "7")
TEXT = "In THE beginning, ΑΣ 77 the ΣΣ."


def config(**changes):
    tokenizer = {"kind": "words", "vocabulary_size": 9}
    settings = {**TINY, "steps": 4, "keep": [0, 2], **changes}
    return parse_config({"corpus": {"paths": ["a"]}, "tokenizer": tokenizer, "pretraining": settings})


def written(folder: Path, kind: str, seed: int = 2) -> tuple[Location, list[int] | None]:
    """A run of a kind of tokenizer, and the ids of a text by the run's own rule."""
    options = {"kind": kind}
    if kind == "ids":
        tokens, ids = [str(index) for index in range(12)], None
    elif kind == "bpe":
        trained = train_bpe(count_pieces(["In the beginning"]), 260)
        tokens, ids, options["tokenizer"] = trained.tokens, trained.encode([TEXT]).tokens[0], trained.to_json()
    else:
        rule = WordTokenizer(WORDS, "replace")
        tokens, ids = rule.tokens, rule.encode([TEXT]).tokens[0]
    write_run(folder, random_windows(8, LENGTH + 1, len(tokens), seed=seed), tokens, LENGTH, **options)
    return Location.of(folder), None if ids is None else ids.tolist()


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Location:
    run, _ = written(tmp_path_factory.mktemp("runs") / "run", "words")
    assert pretrain.pretrain_model(config(), run)
    return run


@pytest.mark.parametrize("kind", ["words", "bpe", "ids"])
def test_revisions_know_the_tokens_of_the_run(tmp_path, kind):
    run, expected = written(tmp_path, kind)
    assert pretrain.pretrain_model(config(steps=1, keep=[0]), run)
    tokens = pq.read_table(tmp_path / "vocabulary/vocabulary.parquet")["token"].to_pylist()
    folder = tmp_path / "pretrained"
    assert [revision.name for revision in find_revisions(folder, "all")] == ["step0", "step1"]
    for revision in find_revisions(folder, "all"):
        with open_checkpoint(folder, revision.name) as opened:
            opened.check_vocabulary(tokens)
            assert opened.vocabulary_size == len(tokens)
        tokenizer = load_tokenizer(folder / revision.name)
        text = TEXT if expected else "11 0\t3"
        assert tokenizer.encode([text]).tokens[0].tolist() == (expected or [11, 0, 3])
        assert AutoTokenizer.from_pretrained(folder / revision.name)(text).input_ids == (expected or [11, 0, 3])


def test_a_vocabulary_without_an_unknown_word(tmp_path):
    write_run(tmp_path, random_windows(8, LENGTH + 1, 6, seed=2), WORDS, LENGTH)
    assert pretrain.pretrain_model(config(steps=1, keep=[0]), Location.of(tmp_path))
    assert load_tokenizer(tmp_path / "pretrained/step1").tokens == WORDS


def test_the_product_is_listed_and_whole(trained):
    manifest, place = read_manifest(trained, "pretrained"), Path(trained.path, "pretrained")
    files = set(bytes_of(place)) - {"manifest.json"}
    assert {entry.name for entry in manifest.files} == files
    names = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    assert files == {f"step{step}/{name}" for step in (0, 2, 4) for name in names} | {"losses.parquet"}
    assert all((place / entry.name).stat().st_size == entry.bytes for entry in manifest.files)
    assert manifest.made_from == {name: read_manifest(trained, name).content_hash for name in ("vocabulary", "windows")}
    assert manifest.settings["keep"] == [0, 2, 4]


def test_losses_are_kept_with_their_yardstick(trained):
    table = pq.read_table(Path(trained.path, "pretrained/losses.parquet"))
    assert table["step"].to_pylist() == [1, 2, 3, 4]
    assert table["learning_rate"].to_pylist() == pytest.approx([0.01 / 3, 0.02 / 3, 0.01, 0.01])
    # A model of weights of 0.02 knows nothing: ln 7, up to some 0.02 a logit.
    assert table["loss"][0].as_py() == pytest.approx(np.log(7), abs=0.1)
    following = [token for window in random_windows(8, LENGTH + 1, 7, seed=2) for token in window[1:]]
    shares = np.unique(following, return_counts=True)[1] / len(following)
    expected = -sum(share * np.log(share) for share in shares)
    assert float(table.schema.metadata[b"leadterm.unigram_entropy"]) == pytest.approx(expected, rel=1e-14)
    assert read_manifest(trained, "pretrained").counts["unigram_entropy"] == pytest.approx(expected, rel=1e-14)


def test_a_second_time_there_is_nothing_to_do(trained, monkeypatch):
    monkeypatch.setattr(pretrain, "Pretrainer", None)
    assert not pretrain.pretrain_model(config(), trained)
    assert not pretrain.pretrain_model(config(keep=[2, 0, 4]), trained), "the same revisions, said otherwise"


def test_other_settings_are_refused(trained):
    before = bytes_of(Path(trained.path, "pretrained"))
    with pytest.raises(
        RunError, match=r"its 'pretrained' differs in learning_rate: 0.01 there, 0.02 now; width: 16 th"
    ):
        pretrain.pretrain_model(config(width=32, learning_rate=0.02), trained)
    assert bytes_of(Path(trained.path, "pretrained")) == before


class Stopped(Exception):
    pass


def test_a_stopped_training_goes_on_or_is_refused_or_replaced(tmp_path, monkeypatch, caplog):
    run, _ = written(tmp_path / "run", "ids")
    keep = pretrain.Pretrainer._keep

    def stops(trainer):
        keep(trainer)
        if trainer.step == 3:
            raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr(pretrain.Pretrainer, "_keep", stops)
        with pytest.raises(Stopped):
            pretrain.pretrain_model(config(), run)
    names = {path.name for path in (tmp_path / "run/pretrained").iterdir()}
    assert names == {"step0", "step2", "unfinished"}
    with pytest.raises(
        RunError, match=r"pretrained contains another run: its 'unfinished' differs in seed: 4 there, 5 now"
    ):
        pretrain.pretrain_model(config(seed=5), run)
    caplog.set_level("INFO", "leadterm")
    assert pretrain.pretrain_model(config(), run)
    assert "pretrain: resuming after step 2" in caplog.text
    straight, _ = written(tmp_path / "straight", "ids")
    assert pretrain.pretrain_model(config(), straight)
    ours, theirs = (bytes_of(tmp_path / name / "pretrained") for name in ("run", "straight"))
    assert {name for name in ours if ours[name] != theirs[name]} == {"manifest.json"}, "which has the seconds"
    assert pretrain.pretrain_model(config(seed=5, keep=[0]), run, overwrite=True)
    assert {path.parent.name for path in (tmp_path / "run/pretrained").glob("*/*")} == {"step0", "step4"}
    assert bytes_of(tmp_path / "run/pretrained")["step0/model.safetensors"] != ours["step0/model.safetensors"]


def test_other_windows_are_refused(tmp_path, trained):
    run, _ = written(tmp_path, "words", seed=3)
    shutil.copytree(Path(trained.path, "pretrained"), tmp_path / "pretrained")
    with pytest.raises(RunError, match=r"its 'pretrained' differs in made from vocabulary: .*; made from windows: "):
        pretrain.pretrain_model(config(), run)


def test_a_folder_that_leadterm_did_not_make(tmp_path):
    run, _ = written(tmp_path, "ids")
    (tmp_path / "pretrained").mkdir()
    with pytest.raises(RunError, match="pretrained exists but has no manifest, so leadterm did not make it"):
        pretrain.pretrain_model(config(), run)


def test_what_is_missing_is_told_before_the_jobs_run(tmp_path, monkeypatch, capsys):
    place = Location.of(tmp_path / "run")
    with pytest.raises(ConfigError, match="the config has no section 'pretraining'"):
        pretrain.require_pretraining(config().model_copy(update={"pretraining": None}), place)
    with pytest.raises(RunError, match=r"memory://run is not a local folder. Copy the run to a local disk"):
        pretrain.require_pretraining(config(), Location.of("memory://run"))
    with pytest.raises(RunError, match=re.escape(f"{place} has no product 'pretrained'. Run leadterm pretrain")):
        pretrain.summarise_pretraining(place)
    monkeypatch.setattr("leadterm.language_model.gpt_neox.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'leadterm\[checkpoints\]'"):
        pretrain.require_pretraining(config(), place)
    assert cli.main(["pretrain", "--config", str(tmp_path / "no.yaml"), "--output", str(tmp_path / "run")]) == 1
    assert "there is no such configuration file" in capsys.readouterr().err


def test_the_summary_says_what_was_trained_and_where_it_lies(trained):
    text = pretrain.summarise_pretraining(trained)
    assert "4 steps of 3 windows" in text
    assert "revisions step0, step2, step4\n" in text
    assert text.endswith(f"  {trained}/pretrained")
