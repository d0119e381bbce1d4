"""Packages that load what they offer when it is asked for."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

from support.lone_python import run_alone

PACKAGES = [
    "leadterm",
    "leadterm.config",
    "leadterm.corpus",
    "leadterm.counting",
    "leadterm.pipeline.evaluate_alignment",
]


@pytest.mark.parametrize("name", PACKAGES)
def test_everything_that_is_offered_is_there(name):
    assert run_alone(f"from {name} import *").status == 0


@pytest.mark.parametrize("name", PACKAGES)
def test_no_name_is_that_of_a_module(name):
    """Importing the module would put it in the name's place."""
    package = import_module(name)
    assert not {module.name for module in iter_modules(package.__path__)} & set(package.__all__)


def test_importing_a_package_loads_nothing_else():
    ended = run_alone(f"import {', '.join(PACKAGES)}")
    assert not ended.imported & {"numpy", "pyarrow", "pydantic", "tokenizers", "torch", "pyspark"}


def test_what_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'leadterm\.corpus' has no attribute 'anything'"):
        import_module("leadterm.corpus").anything  # noqa: B018
