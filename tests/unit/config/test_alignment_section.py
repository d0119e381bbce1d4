"""What the section alignment takes, and what it says of the rest."""

import re

import pytest

from leadterm.config import AlignmentSection, parse_config, parse_section
from leadterm.errors import ConfigError


def test_defaults_are_the_papers():
    section = parse_section(AlignmentSection, {"checkpoints": [{"source": "a/model"}]})
    assert (section.predictors, section.tokens, section.probe, section.orientation) == (
        "paper",
        "all",
        "alone",
        "paper",
    )
    assert section.checkpoints[0].label == "a/model"
    assert AlignmentSection.model_validate(section.model_dump()) == section


@pytest.mark.parametrize(("given", "read"), [("all", ("all",)), (["step1", "step2..step8"], ("step1", "step2..step8"))])
def test_revisions_are_one_or_more(given, read):
    assert (
        parse_section(AlignmentSection, {"checkpoints": [{"source": "m", "revisions": given}]}).checkpoints[0].revisions
        == read
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tokens": 3}, "tokens: found 3 (an integer); expected one of all, occurring or an integer of at least 4"),
        ({"corpus": "text, shuffled"}, "corpus ends in ', shuffled', which marks the second null in the table."),
        ({"layers": []}, "layers: found [] (a list); expected a list of integers or null"),
        ({"heads": "some"}, "heads: found 'some' (text); expected one of all, none or a list of integers"),
        (
            {"checkpoints": ["m"]},
            "checkpoints[0]: found 'm' (text); expected a mapping with the keys source, revisions",
        ),
        ({"checkpoints": [{"source": "m", "revision": "x"}]}, "Did you mean 'checkpoints[0].revisions'?"),
        ({"checkpoints": [{"source": 3}]}, "checkpoints[0].source: found 3 (an integer); expected text"),
        (
            {"checkpoints": [{"source": "a"}, {"source": "b", "name": "a"}]},
            "'a' is listed twice in checkpoints. Remove one, or give them different names.",
        ),
    ],
)
def test_problems_are_named(settings, message):
    with pytest.raises(ConfigError, match=f"^the options: .*{re.escape(message)}"):
        parse_section(AlignmentSection, settings)


@pytest.mark.parametrize(("top", "tokens"), [(None, 10), (10, "all"), (10, 12)])
def test_attention_must_be_counted_for_the_same_tokens(top, tokens):
    words = {"kind": "words", "vocabulary_size": 50}
    settings = {"attention": {"top_tokens": top}, "alignment": {"tokens": tokens}}
    with pytest.raises(ConfigError, match=f"alignment.tokens is {tokens}. Scores of tokens that are left out"):
        parse_config({"corpus": {"paths": ["a"]}, "tokenizer": words, **settings})
