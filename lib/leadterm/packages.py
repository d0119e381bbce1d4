"""The packages that only some uses of leadterm take, and a word in time where they are not installed.

``pip install leadterm`` is enough to read a run. What counts, composes or draws asks here first, so that nobody waits
for hours, or gets an ImportError, to learn what to install.
"""

from importlib.util import find_spec

from leadterm.errors import MachineError

EXTRAS = {
    "hub": {"huggingface_hub": "huggingface_hub"},
    "spark": {
        "huggingface_hub": "huggingface_hub",
        "numba": "numba",
        "orjson": "orjson",
        "packaging": "packaging",
        "pandas": "pandas",
        "pydantic": "pydantic",
        "pyspark": "pyspark",
        "regex": "regex",
        "tokenizers": "tokenizers",
        "yaml": "pyyaml",
    },
    "torch": {"numba": "numba", "safetensors": "safetensors", "torch": "torch"},
    "checkpoints": {"transformers": "transformers"},
    "report": {"matplotlib": "matplotlib"},
}
"""Of each extra the modules without which its part of leadterm does not run, and the packages that hold them.

``setup.py`` says in which versions, and brings fastokens with ``spark``, which can be done without: then the
tokenizers library encodes, to the same ids. Readers of GGUF files look for what they take themselves.
"""
FOR_SPARK_ALONE = frozenset(("pandas", "pyspark"))
"""Modules of the extra ``spark`` without which a corpus can be read, encoded and planned."""


def is_installed(module: str) -> bool:
    """Say whether a module could be imported, without doing so."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # Something keeps it from being imported.
        return False


def require_packages(what: str, *extras: str, without: frozenset[str] = frozenset()) -> None:
    """Refuse what cannot run because packages are not installed.

    Parameters
    ----------
    what
        That needs them, for the message: ``"leadterm run"``.
    extras
        Of leadterm, as in ``pip install 'leadterm[spark,torch]'``.
    without
        Modules of these that it can do without.

    Raises
    ------
    MachineError
        Names the packages, and how to install them.

    Examples
    --------
    >>> require_packages("this example", "spark", without=FOR_SPARK_ALONE)
    """
    missing = {
        extra: [name for module, name in EXTRAS[extra].items() if module not in without and not is_installed(module)]
        for extra in extras
    }
    names = list(dict.fromkeys(name for packages in missing.values() for name in packages))
    if names:
        are, them = ("is", "it") if len(names) == 1 else ("are", "them")
        wanted = ",".join(extra for extra, packages in missing.items() if packages)
        raise MachineError(
            f"{what} needs {_listed(names)}, which {are} not installed. "
            f"Install {them} with: pip install 'leadterm[{wanted}]'"
        )


def _listed(names: list[str]) -> str:
    """Write names as a list in a sentence."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
