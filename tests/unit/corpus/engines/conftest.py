import pytest

from support.tokenizer_families import NAMES, made


@pytest.fixture(scope="session", params=NAMES)
def family(request) -> str:
    """The tokenizer.json of one family after the other."""
    return made(request.param)


@pytest.fixture(scope="session")
def gpt2() -> str:
    return made("gpt2")
