"""The text that is counted: docstrings of the pinned packages, and the King James Bible.

Real technical English that is on every machine where the environment was installed, without a download. It depends on
the versions in conf/constraints.txt; the cached file is named after them.
"""

import ast
import hashlib
import os
import re
import warnings
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from leadterm.corpus import read_sample

CONSTRAINTS = Path(__file__).parents[2] / "conf" / "constraints.txt"
SHORTEST = 200
"""Characters: shorter docstrings are mostly one line, "Return the name."."""
CHARACTERS_PER_TOKEN = 3.5
"""Of this text with SmolLM2's tokenizer, rounded; only sizes a sample, whose real number of tokens is then counted."""
ROW_GROUP = 2_000
"""Texts: small enough for all cores to share the encoding."""
FORMAT = 1
"""Raised when the extraction changes, so that an older cached file is not taken."""


def pinned_packages() -> list[str]:
    """Name the packages that conf/constraints.txt pins."""
    return re.findall(r"^([\w.-]+)==", CONSTRAINTS.read_text(), re.MULTILINE)


def build_texts(folder: Path, packages: Sequence[str]) -> Path:
    """Extract all texts into a Parquet file, column ``text``, unless it is there.

    They are sorted by a hash of their content, so that any first part of the file is a fair sample of the whole.
    """
    installed = [found for name in sorted(packages) if (found := _installed(name))]
    label = repr((FORMAT, SHORTEST, [(found.name, found.version) for found in installed]))
    target = folder / f"texts-{hashlib.sha256(label.encode()).hexdigest()[:12]}.parquet"
    if target.exists():
        return target
    files = sorted({str(found.locate_file(f)) for found in installed for f in found.files or () if f.suffix == ".py"})
    texts = set(read_sample()["text"].to_pylist())
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        found = pool.imap_unordered(docstrings, files, chunksize=32)
        for some in tqdm(found, "extract docstrings", total=len(files), unit=" files", dynamic_ncols=True):
            texts.update(some)
    write_texts(pa.Table.from_pylist(by_content([{"text": text} for text in texts])), target)
    return target


def by_content(documents: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Sort documents by a hash of their text."""
    return sorted(documents, key=lambda document: hashlib.sha256(document["text"].encode()).digest())


def docstrings(path: str) -> list[str]:
    """Read the long docstrings of a module, its classes and functions; none where it cannot be parsed."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in other people's code
            tree = ast.parse(Path(path).read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError):
        return []
    found = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds))
    # A lone surrogate, written as an escape in a test's source, has no UTF-8.
    return [text.encode(errors="replace").decode() for text in found if text and len(text) > SHORTEST]


def first_texts(texts: Path, n_tokens: int | None) -> Path:
    """Write the first texts, of about so many tokens, to a file of their own; None: all."""
    if n_tokens is None:
        return texts
    target = texts.with_name(f"{texts.stem}-{n_tokens}.parquet")
    if not target.exists():
        table = pq.read_table(texts)
        ends = np.cumsum(pa.compute.utf8_length(table["text"]).to_numpy())
        count = 1 + int(np.searchsorted(ends, n_tokens * CHARACTERS_PER_TOKEN))
        write_texts(table[:count], target)
    return target


def write_texts(documents: pa.Table, target: Path) -> None:
    """Write documents to a file that is whole or absent."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    pq.write_table(documents, partial, row_group_size=ROW_GROUP, compression="zstd")
    partial.rename(target)


def _installed(name: str) -> Distribution | None:
    """Find an installed package; None if it is not there."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
