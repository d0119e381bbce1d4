"""What the section dataset takes, and what it says of the rest."""

import pytest
import yaml

from leadterm.config import canonical, load_config, parse_config
from leadterm.errors import ConfigError

BASE = {"corpus": {"paths": ["a"]}, "tokenizer": {"kind": "words", "vocabulary_size": 5}}


def parse(text: str):
    return parse_config({**BASE, "dataset": yaml.safe_load(text)}, "a.yaml")


def test_nothing_is_said_by_default():
    assert parse_config(BASE).dataset is None
    section = parse("{}").dataset
    assert (section.title, section.license, section.date, section.version) == (None, None, None, "1.0.0")
    assert (section.creators, section.sources, section.list_files) == ((), (), True)


def test_licences_are_written_as_spdx_does_and_dates_as_text():
    config = parse("{license: mit or cc-by-4.0, date: 2026-01-31, sources: [{name: a, license: odc-by-1.0}]}")
    section = config.dataset
    assert (section.license, section.date, section.sources[0].license) == (
        "MIT OR CC-BY-4.0",
        "2026-01-31",
        "ODC-By-1.0",
    )
    assert parse_config(canonical(config)) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "license: CC-BY",
            "dataset.license: found 'CC-BY' (text); expected text or null (licence of the published tables:",
        ),
        (
            "license: GPL",
            "an SPDX expression, such as CC-BY-4.0 or ODC-By-1.0; spdx.org/licenses lists them; null: not",
        ),
        (
            "url: ftp://a",
            "dataset.url: found 'ftp://a' (text); expected text or null (where it is published: an address",
        ),
        ("url: 'https://a/<b>'", "dataset.url: found 'https://a/<b>' (text)"),
        (
            "date: '2026-02-30'",
            "dataset.date: found '2026-02-30' (text); expected text or null (date of publication, such",
        ),
        ("date: today", "dataset.date: found 'today' (text)"),
        ("version: 1.0", "dataset.version: found 1.0 (a number); expected text (three numbers, such as 1.0.0; default"),
        (
            "languages: [English]",
            "dataset.languages[0]: found 'English' (text); expected a list of texts (languages of the text,",
        ),
        (
            "creators: [Ada]",
            "dataset.creators[0]: found 'Ada' (text); expected a mapping with the keys name, kind, url",
        ),
        (
            "creators: [{name: A, kind: firm}]",
            "dataset.creators[0].kind: found 'firm' (text); expected one of person, org",
        ),
        ("sources: [{name: a, licence: MIT}]", "Did you mean 'dataset.sources[0].license'?"),
        (
            "sources: [{name: a, license: x}]",
            "dataset.sources[0].license: found 'x' (text); expected text or null (an SPD",
        ),
        ("licence: MIT", "dataset.licence: unknown key; expected one of title, description, license"),
    ],
)
def test_problems_are_named(text, message):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("a.yaml: dataset.")


def test_a_day_that_the_calendar_lacks(tmp_path):
    (tmp_path / "a.yaml").write_text("dataset:\n  date: 2026-02-30\n")
    with pytest.raises(
        ConfigError, match=r"a.yaml: this is not YAML: day (is out of range|\d+ must be in range).*Correct"
    ):
        load_config(tmp_path / "a.yaml")
