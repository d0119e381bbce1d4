"""Options of ``leadterm align``: the same section alignment as a config gives, and its errors."""

from contextlib import nullcontext

import pytest
import yaml

from leadterm import cli
from leadterm.catalog.products import SHUFFLED_RUN
from leadterm.config import AlignmentSection, CheckpointSection, parse_section
from leadterm.errors import ConfigError
from leadterm.storage import Location, Manifest


@pytest.fixture
def scored(monkeypatch) -> list[AlignmentSection]:
    """The sections that checkpoints would be scored with."""
    found = []
    monkeypatch.setattr("leadterm.spark.session.spark_session", lambda name: nullcontext())
    monkeypatch.setattr("leadterm.pipeline.evaluate_alignment.named_revisions", lambda section: [])
    monkeypatch.setattr(
        "leadterm.pipeline.evaluate_alignment.score_revisions", lambda _, section, *__, **___: found.append(section)
    )
    monkeypatch.setattr("leadterm.run.open_run.open_run", lambda run: run)
    monkeypatch.setattr("leadterm.run.summary.agreement_table", lambda run: [])
    return found


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ("", ""),
        ("--heads all --norms auto", "{heads: all, norms: auto}"),
        ("--heads none --norms exact --shuffled", "{heads: none, norms: exact, shuffled: true}"),
        ("--heads 0 11 --norms estimated", "{heads: [0, 11], norms: estimated}"),
        ("--heads 3 --tokens 500", "{heads: [3], tokens: 500}"),
        (
            "--layers 1 2 --probe bos --predictors every --tokens occurring",
            "{layers: [1, 2], probe: bos, predictors: every, tokens: occurring}",
        ),
        (
            "--corpus mine --orientation authors --dtype float64 --device cpu --at-once 2",
            "{corpus: mine, orientation: authors, dtype: float64, device: cpu, at_once: 2}",
        ),
    ],
)
def test_options_mean_what_the_keys_of_a_config_do(scored, tmp_path, options, settings):
    assert cli.main(["align", str(tmp_path), "model", *options.split()]) == 0
    expected = {"checkpoints": [{"source": "model"}], **(yaml.safe_load(settings) or {})}
    assert scored == [AlignmentSection.model_validate(expected)]


def test_options_of_the_checkpoint_are_keys_of_its_own_section(scored, tmp_path):
    options = ["--revisions", "step1..step8", "main", "--name", "mine", "--allow-zeros"]
    assert cli.main(["align", str(tmp_path), "model", *options]) == 0
    checkpoint = {"source": "model", "revisions": ["step1..step8", "main"], "name": "mine", "allow_zeros": True}
    assert scored == [AlignmentSection.model_validate({"checkpoints": [checkpoint]})]


def test_help_says_of_each_key_what_the_section_does(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["align", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for section, left_out in ((CheckpointSection, set()), (AlignmentSection, {"checkpoints", "shuffled_seed"})):
        for key, field in section.model_fields.items():
            assert (field.description.partition("; null")[0] in shown) == (key not in left_out)


def test_the_seed_is_that_of_the_shuffled_corpus_that_is_there(scored, tmp_path):
    windows = Manifest("windows", {}, {"shuffled": {"seed": 7}}, {}, ())
    (Location.of(tmp_path) / SHUFFLED_RUN / "windows/manifest.json").write_bytes(windows.to_json())
    for option in ("--shuffled", "--heads=all"):
        assert cli.main(["align", str(tmp_path), "model", option]) == 0
    assert [(section.shuffled, section.shuffled_seed) for section in scored] == [(True, 7), (False, 0)]


@pytest.mark.parametrize(
    ("options", "settings", "fragment"),
    [
        (
            "--heads nome",
            "{heads: nome}",
            "heads: found 'nome' (text); expected one of all, none or a list of integers",
        ),
        (
            "--heads 0 none",
            "{heads: [0, none]}",
            "heads: found [0, 'none'] (a list); expected one of all, none or a li",
        ),
        ("--heads -1", "{heads: [-1]}", "heads[0]: found -1 (an integer); expected one of all, none or a list of int"),
        (
            "--at-once 0",
            "{at_once: 0}",
            "at_once: found 0 (an integer); expected an integer of at least 1 or null (rev",
        ),
        ("--tokens 3", "{tokens: 3}", "tokens: found 3 (an integer); expected one of all, occurring or an integer of"),
    ],
)
def test_what_is_wrong_is_told_in_the_words_of_the_config(scored, tmp_path, capsys, options, settings, fragment):
    assert cli.main(["align", str(tmp_path), "model", *options.split()]) == 1
    message = capsys.readouterr().err
    with pytest.raises(ConfigError) as raised:
        parse_section(AlignmentSection, yaml.safe_load(settings))
    assert message == f"leadterm: {raised.value}\n"
    assert fragment in message
    assert scored == []
