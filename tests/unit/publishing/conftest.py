"""A run with every product, and its published copies, made once."""

from pathlib import Path

import pytest

from leadterm.publishing.publish import publish_run
from leadterm.store import Location
from support.published import SECTION
from support.whole_runs import whole_run


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    whole_run(folder)
    return folder


@pytest.fixture(scope="session")
def published(run) -> Path:
    """With everything that can be said of it, and its text."""
    folder = run.parent / "published"
    publish_run(Location.of(run), Location.of(folder), SECTION, windows=True)
    return folder


@pytest.fixture(scope="session")
def plain(run) -> Path:
    """As it is published where nothing is said."""
    folder = run.parent / "plain"
    publish_run(Location.of(run), Location.of(folder))
    return folder
