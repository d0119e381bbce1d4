"""A run with every product, and its published copies, made once."""

from pathlib import Path

import pytest

from leadterm.publish.publish_run import publish_run
from leadterm.storage import Location


@pytest.fixture(scope="session")
def run(whole_folder) -> Path:
    return whole_folder


@pytest.fixture(scope="session")
def published(published_folder) -> Path:
    """With everything that can be said of it, and its text."""
    return published_folder


@pytest.fixture(scope="session")
def plain(run) -> Path:
    """As it is published where nothing is said."""
    folder = run.parent / "plain"
    publish_run(Location.of(run), Location.of(folder))
    return folder
