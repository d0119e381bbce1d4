"""Names that a package offers and loads when they are asked for, so that importing it costs nothing by itself."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package.

    No name may be that of a module of the package: importing the module would put it in the name's place.

    Parameters
    ----------
    package
        Its ``__name__``.
    modules
        For each module, as it is called within the package, the names that it defines, with spaces between them.

    Examples
    --------
    >>> get = lazy_names("leadterm.corpus", {"word_rule": "count_words split_words"})
    >>> get("split_words")("In the beginning")
    ['in', 'the', 'beginning']
    >>> get("join_words")
    Traceback (most recent call last):
    AttributeError: module 'leadterm.corpus' has no attribute 'join_words'
    """
    places = {name: module for module, names in modules.items() for name in names.split()}

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{places[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return get
