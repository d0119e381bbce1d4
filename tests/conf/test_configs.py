"""Every configuration that is shipped loads, and shows every key with its type."""

from pathlib import Path

import pytest
import yaml

from leadterm.config import Config, load_config

FOLDER = Path(__file__).parents[2] / "conf"
CONFIGS = sorted(path for path in FOLDER.glob("**/*.y*ml") if path.parent.name != "schedule")


def test_there_is_a_demo():
    assert FOLDER / "demo.yaml" in CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_it_loads(path):
    assert load_config(path).corpus.paths


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_key_has_a_comment(path):
    """A key that opens a section is explained by the lines in it."""
    keys = [
        line for line in path.read_text().splitlines() if line.startswith("  ") and not line.lstrip().startswith("#")
    ]
    assert keys
    assert not [line for line in keys if "#" not in line]


def test_the_demo_shows_every_section():
    assert set(yaml.safe_load((FOLDER / "demo.yaml").read_text())) == set(Config.model_fields)
