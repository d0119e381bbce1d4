"""Scores that are refused, or not shown: of other settings, other weights, another corpus or tokenizer."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from leadterm import open_run
from leadterm.errors import ConfigError, InputError, RunError
from leadterm.pipeline.evaluate_alignment import evaluate_alignment
from leadterm.storage import Location
from support.tiny_models import TOKENS, save_tokenizer


def test_other_settings_are_refused_unless_they_shall_replace(case, models):
    one = {"source": str(models), "revisions": ["step1"]}
    case.score(one)
    with pytest.raises(RunError, match="tokens: all there, occurring now"):
        case.score(one, tokens="occurring")
    assert case.score(one, tokens="occurring", overwrite=True)
    assert {row["n_tokens"] for row in case.rows()} == {
        int(np.count_nonzero(open_run(case.place).vocabulary["count"].to_numpy()))
    }


def test_other_weights_under_the_same_name_are_refused_unless_they_shall_replace(case, models):
    one = {"source": str(models), "revisions": ["step1"], "name": "tiny"}
    case.score(one)
    before = case.rows()
    shutil.copy(models / "step2" / "model.safetensors", models / "step1" / "model.safetensors")
    with pytest.raises(RunError, match="differs in made from files"):
        case.score(one)
    assert case.score(one, overwrite=True)
    assert case.rows() != before


def test_scores_of_an_older_corpus_are_not_shown(case, models):
    case.score({"source": str(models), "revisions": ["step1"]})
    manifest = open_run(case.place).manifest("bigram")
    other = replace(manifest, files=(replace(manifest.files[0], sha256="0" * 64), *manifest.files[1:]))
    (case.place / "bigram" / "manifest.json").write_bytes(other.to_json())
    with pytest.raises(RunError, match="has no scores of checkpoints"):
        open_run(case.place).alignment()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": (0, 5)}, "alignment.heads names layer 5"),
        ({"layers": (2,)}, "alignment.layers names layer 2, and .* has 2, numbered from 0. Choose from 0 to 1"),
        ({"tokens": 10}, "attention.top_tokens: null, and alignment.tokens is 10.*top_tokens: 10, or"),
    ],
)
def test_settings_that_do_not_fit_are_refused(case, models, options, message):
    with pytest.raises(InputError, match=message):
        case.score({"source": str(models), "revisions": ["step1"]}, **options)
    assert not (case.place / "alignment").exists()


def test_another_tokenizer_is_refused(case, models):
    save_tokenizer(models / "step1", (*TOKENS[:7], "seven", *TOKENS[8:]))
    with pytest.raises(
        InputError, match=r"step1.*its tokenizer differs from the run's: token 7 is 'seven' there, 't7' in the run"
    ):
        case.score({"source": str(models), "revisions": ["step1"]})


def test_no_checkpoint(case):
    with pytest.raises(InputError, match=r"Name some in alignment.checkpoints, or train one"):
        case.score()
    with pytest.raises(ConfigError, match="no section alignment"):
        evaluate_alignment(case.session, case.config, Location.of(case.place))
    with pytest.raises(RunError, match="has no scores of checkpoints"):
        open_run(case.place).alignment()
